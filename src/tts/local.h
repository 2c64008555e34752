/* The synthesiser that needs no network: flite on the speech workers; see local.c. */
#ifndef RP_TTS_LOCAL_H
#define RP_TTS_LOCAL_H

#include "tts/registry.h"

/* Makes one voice for each worker. */
int rp_tts_local_start(struct rp_tts_engine **out, const struct rp_tts_env *env);
/* No session of it may be open. */
void rp_tts_local_stop(struct rp_tts_engine *e);

#endif
