/* Everything of the speech pack, opened once: the voice detector's weights, the workers, the
 * engines for recognition and synthesis. */
#ifndef RP_APP_SPEECH_H
#define RP_APP_SPEECH_H

#include "audio/vad.h"
#include "stt/stt.h"
#include "tts/tts.h"

struct rp_speech_engines;

/* `dir` NULL: the folder is looked for beside the program. On failure *why is a sentence that names
 * the folder (release with rp_free). */
int rp_speech_open(struct rp_speech_engines **out, const char *dir, unsigned nworkers,
                   size_t max_queued, char **why);
const struct rp_vad_model *rp_speech_vad(const struct rp_speech_engines *s);
const struct rp_stt_engine *rp_speech_stt(const struct rp_speech_engines *s);
const struct rp_tts_engine *rp_speech_tts(const struct rp_speech_engines *s);
/* Ends the workers; what they still had to say is posted to the loops. No session may be open. */
void rp_speech_stop(struct rp_speech_engines *s);
/* After rp_speech_stop and after the loops have run out. NULL is harmless. */
void rp_speech_free(struct rp_speech_engines *s);

#endif
