/* riposte keys: API keys, straight in the store, since the first one cannot come over an API that
 * wants one. May run beside the server. */
#include <stdio.h>
#include <string.h>

#include "app/store_verb.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/ids.h"

#define HINT_LEN 12 /* of a key, to be recognised by */

static int usage(FILE *to, int status)
{
    (void)fputs("usage: riposte keys create [--name NAME] [server options]\n"
                "       riposte keys list\n"
                "       riposte keys revoke ID\n\n"
                "create prints a new API key; it is stored hashed and cannot be shown again.\n"
                "The server options that matter are --data and --config (see riposte serve).\n",
                to);
    return status;
}

static int failed(struct rp_store_req *req, const char *what)
{
    (void)fprintf(stderr, "riposte: %s: %s\n", what, req->why ? req->why : rp_err_text(req->err));
    rp_store_req_free(req);
    return 1;
}

static int create(struct rp_store *store, const char *name)
{
    struct rp_store_key_create *q = RP_STORE_NEW(key_create, NULL, NULL, NULL);
    char id[RP_ID_MAX], secret[RP_SECRET_MAX];

    if (!q)
        return 1;
    rp_secret_new(secret, "rp_key_");
    q->hash = rp_store_hash(rp_str_z(secret));
    q->key = (struct rp_store_key){
        .id = rp_store_z(&q->req, rp_id_new(id, RP_ID_KEY)),
        .name = rp_store_z(&q->req, name),
        .hint = rp_store_z_of(&q->req, rp_str_n(secret, HINT_LEN)),
        .created_ms = rp_wall_ms(),
    };
    if (rp_store_wait(store, &q->req) != 0)
        return failed(&q->req, "the key was not created");
    rp_store_req_free(&q->req);
    (void)puts(secret);
    (void)fprintf(stderr, "Key \"%s\" (%s). Keep it: it is not shown again.\n", name, id);
    return 0;
}

static const char *when(char out[static RP_ISO_TIME_LEN], int64_t ms)
{
    return ms < 0 ? "never" : rp_iso_time(out, ms);
}

static int list(struct rp_store *store)
{
    char after[RP_ID_MAX] = "", created[RP_ISO_TIME_LEN], used[RP_ISO_TIME_LEN];
    bool more = true;

    while (more) {
        struct rp_store_key_list *q = RP_STORE_NEW(key_list, NULL, NULL, NULL);
        if (!q)
            return 1;
        q->page.limit = RP_STORE_PAGE_MAX;
        q->page.after = *after ? rp_store_z(&q->req, after) : NULL;
        if (rp_store_wait(store, &q->req) != 0)
            return failed(&q->req, "the keys could not be listed");
        for (size_t i = 0; i < q->n; i++) {
            const struct rp_store_key *k = &q->keys[i];
            (void)printf("%s  %s…  created %s  used %s  %s%s\n", k->id, k->hint,
                         when(created, k->created_ms), when(used, k->last_used_ms), k->name,
                         k->revoked_ms < 0 ? "" : "  (revoked)");
            (void)snprintf(after, sizeof(after), "%s", k->id);
        }
        more = q->page.more;
        rp_store_req_free(&q->req);
    }
    return 0;
}

static int revoke(struct rp_store *store, const char *id)
{
    struct rp_store_key_revoke *q = RP_STORE_NEW(key_revoke, NULL, NULL, NULL);

    if (!q)
        return 1;
    q->id = rp_store_z(&q->req, id);
    q->now_ms = rp_wall_ms();
    if (rp_store_wait(store, &q->req) != 0)
        return failed(&q->req, q->req.err == RP_ENOTFOUND ? id : "the key was not revoked");
    rp_store_req_free(&q->req);
    (void)printf("%s is revoked\n", id);
    return 0;
}

int rp_verb_keys(int argc, char **argv)
{
    const char *what = argc > 0 ? argv[0] : "", *name, *id = NULL;
    struct rp_store_verb v;
    int status;

    if (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0)
        return usage(stdout, 0);
    if (strcmp(what, "create") != 0 && strcmp(what, "list") != 0 && strcmp(what, "revoke") != 0)
        return usage(stderr, 2);
    argc--;
    argv++;
    name = rp_take_flag(&argc, argv, "--name");
    if (strcmp(what, "revoke") == 0) {
        if (argc < 1)
            return usage(stderr, 2);
        id = argv[0];
        argc--;
        argv++;
    }
    status = rp_store_verb_open(&v, argc, argv);
    if (status == 0)
        status = *what == 'c'   ? create(v.store, name ? name : "unnamed")
                 : *what == 'l' ? list(v.store)
                                : revoke(v.store, id);
    rp_store_verb_close(&v);
    return status;
}
