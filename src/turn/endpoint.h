/* How long silence must last for these words.
 *
 * The silence after which a turn of the caller is over depends on how finished the words sound:
 * little after "what time is it", much after "I would like to". */
#ifndef RP_TURN_ENDPOINT_H
#define RP_TURN_ENDPOINT_H

#include <stdint.h>

#include "base/str.h"

/* Milliseconds in [min_ms, max_ms]. */
int32_t rp_endpoint_silence_ms(struct rp_str words, int32_t min_ms, int32_t max_ms);

#endif
