/* A recogniser that hears nothing: every utterance is the word "something". For measuring what a
 * server costs without recognition (`--speech=off`). */
#ifndef RP_STT_NONE_H
#define RP_STT_NONE_H

#include "stt/stt.h"

extern const struct rp_stt_engine rp_stt_none;

#endif
