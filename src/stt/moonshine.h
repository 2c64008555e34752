/* Moonshine tiny (English) through sherpa-onnx: a piece of speech in, its words out.
 *
 * One recogniser serves all threads: its network is only read, and what a call needs it makes for
 * itself. Four threads with a recogniser each are no faster, and take 60 MB more for each.
 *
 * The network was made for speech and hears words in anything: in noise "You", in a hum "Thank you
 * for watching." Therefore the voice detector listens first. */
#ifndef RP_STT_MOONSHINE_H
#define RP_STT_MOONSHINE_H

#include "audio/vad.h"
#include "base/str.h"

#define RP_MOONSHINE_HZ 16000

struct rp_moonshine;

/* Loads the network from `dir`, the speech pack; takes a second or two. `vad` is borrowed; NULL: it
 * believes everything. RP_EIO: a file is missing, the log says which. RP_ENOMEM. */
int rp_moonshine_new(struct rp_moonshine **out, const char *dir, const struct rp_vad_model *vad);
void rp_moonshine_free(struct rp_moonshine *m);
/* The words in `pcm`, "" if nobody speaks there; NULL if it failed. Release with rp_free. Any
 * number of threads at once. */
char *rp_moonshine_hear(const struct rp_moonshine *m, const int16_t *pcm, size_t n);

#endif
