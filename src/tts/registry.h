/* The synthesisers that this server has, found by the name of a plugin.
 *
 * A new engine is one file, and one line in the table of registry.c. */
#ifndef RP_TTS_REGISTRY_H
#define RP_TTS_REGISTRY_H

#include "tts/tts.h"

/* What an engine may need to start; outlives it. */
struct rp_tts_env {
    struct rp_workers *workers;
    const char *speech_dir; /* the speech pack */
};

struct rp_tts_registry;

/* Starts every engine. One that cannot start is logged and left out, but for `local`, whose error
 * is returned: it stands in for all others. */
int rp_tts_registry_start(struct rp_tts_registry **out, const struct rp_tts_env *env);
/* No session may be open. NULL is harmless. */
void rp_tts_registry_stop(struct rp_tts_registry *r);

/* The engine for a plugin such as "tts.rime"; NULL: there is no plugin of that name. Where the
 * server has no engine for a known provider, the local one stands in and *stand_in is true. */
const struct rp_tts_engine *rp_tts_engine(const struct rp_tts_registry *r, struct rp_str plugin,
                                          bool *stand_in);

#endif
