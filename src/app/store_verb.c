/* What verbs that open the store themselves have in common; see store_verb.h. */
#include "app/store_verb.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"

const char *rp_take_flag(int *argc, char **argv, const char *flag)
{
    size_t len = strlen(flag);

    for (int i = 0; i < *argc; i++) {
        const char *value = NULL;
        int taken = 0;
        if (strcmp(argv[i], flag) == 0 && i + 1 < *argc) {
            value = argv[i + 1];
            taken = 2;
        } else if (strncmp(argv[i], flag, len) == 0 && argv[i][len] == '=') {
            value = argv[i] + len + 1;
            taken = 1;
        }
        if (taken) {
            memmove(argv + i, argv + i + taken, (size_t)(*argc - i - taken) * sizeof(*argv));
            *argc -= taken;
            return value;
        }
    }
    return NULL;
}

int rp_store_verb_open(struct rp_store_verb *v, int argc, char **argv)
{
    struct rp_buf problems;
    char *why = NULL;
    int err;

    v->store = NULL;
    rp_buf_init(&problems, 65536);
    err = rp_options_parse(&v->options, argc, argv, &problems);
    if (err)
        (void)fprintf(stderr, "riposte: these options are not right:\n%s", problems.p);
    rp_buf_fini(&problems);
    if (err)
        return 2;
    err = rp_store_open(&v->store,
                        &(struct rp_store_params){.data_dir = v->options.data,
                                                  .database_url = v->options.database_url},
                        &why);
    if (err)
        (void)fprintf(stderr, "riposte: the store cannot be opened: %s\n",
                      why ? why : rp_err_text(err));
    rp_free(why);
    return err ? 1 : 0;
}

void rp_store_verb_close(struct rp_store_verb *v)
{
    rp_store_close(v->store);
    rp_options_fini(&v->options);
}
