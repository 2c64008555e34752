/* The recognisers that this server has, found by the name of a plugin.
 *
 * A new engine is one file, and one line in the table of registry.c. */
#ifndef RP_STT_REGISTRY_H
#define RP_STT_REGISTRY_H

#include "audio/vad.h"
#include "stt/stt.h"

/* What an engine may need to start; outlives it. */
struct rp_stt_env {
    struct rp_workers *workers;
    const char *speech_dir;         /* the speech pack */
    const struct rp_vad_model *vad; /* the voice detector; NULL: noise may be taken for words */
};

struct rp_stt_registry;

/* Starts every engine. One that cannot start is logged and left out, but for `local`, whose error
 * is returned: it stands in for all others. */
int rp_stt_registry_start(struct rp_stt_registry **out, const struct rp_stt_env *env);
/* No session may be open. NULL is harmless. */
void rp_stt_registry_stop(struct rp_stt_registry *r);

/* The engine for a plugin such as "stt.deepgram"; NULL: there is no plugin of that name. Where the
 * server has no engine for a known provider, the local one stands in and *stand_in is true. */
const struct rp_stt_engine *rp_stt_engine(const struct rp_stt_registry *r, struct rp_str plugin,
                                          bool *stand_in);

#endif
