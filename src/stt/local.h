/* The recogniser that needs no network: Moonshine on the speech workers; see local.c. */
#ifndef RP_STT_LOCAL_H
#define RP_STT_LOCAL_H

#include "stt/registry.h"

/* Loads the recogniser, which all workers share. RP_EIO: files of the speech pack are missing. */
int rp_stt_local_start(struct rp_stt_engine **out, const struct rp_stt_env *env);
/* No session of it may be open, no job under way. */
void rp_stt_local_stop(struct rp_stt_engine *e);

#endif
