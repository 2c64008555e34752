/* What verbs that open the store themselves have in common. */
#ifndef RP_APP_STORE_VERB_H
#define RP_APP_STORE_VERB_H

#include "app/options.h"
#include "store/store.h"

struct rp_store_verb {
    struct rp_options options;
    struct rp_store *store;
};

/* Takes "--name VALUE" (or "--name=VALUE") out of argv; NULL if it is not there. */
const char *rp_take_flag(int *argc, char **argv, const char *flag);

/* Reads the server's options and opens its store. On failure says why on standard error and gives
 * the exit status; rp_store_verb_close in any case. */
int rp_store_verb_open(struct rp_store_verb *v, int argc, char **argv);
void rp_store_verb_close(struct rp_store_verb *v);

#endif
