/* Cleans what a recogniser wrote. Pure; any thread. */
#ifndef RP_STT_WORDS_H
#define RP_STT_WORDS_H

#include "base/str.h"

/* A copy without surrounding or doubled space, and without what small networks make up: a phrase
 * over and over, sounds in brackets, more words than fit into `seconds`. May be empty. NULL out of
 * memory; release with rp_free. */
char *rp_stt_clean(struct rp_str text, double seconds);

#endif
