/* A synthesiser that says nothing: silence as long as speech would be. For measuring what a server
 * costs without synthesis (`--speech=off`). */
#ifndef RP_TTS_NONE_H
#define RP_TTS_NONE_H

#include "tts/tts.h"

extern const struct rp_tts_engine rp_tts_none;

#endif
