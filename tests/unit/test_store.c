/* Tests of store/ on real SQLite files in a temporary folder. */
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/loop.h"
#include "store/db.h"
#include "store/migrate.h"
#include "store/store.h"
#include "store/vault.h"
#include "tests.h"

#define HOUR_MS 3600000

/* ---- a store in its own folder ---- */

struct fixture {
    char dir[64];
    struct rp_store *store;
};

static int open_store(struct fixture *f, char **why)
{
    const struct rp_store_params p = {.data_dir = f->dir, .busy_ms = 50, .batch_us = 200};

    return rp_store_open(&f->store, &p, why);
}

static int set_up(void **state)
{
    struct fixture *f = rp_zalloc(sizeof(*f));

    assert_non_null(f);
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/riposte-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(open_store(f, NULL), 0);
    *state = f;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    rp_store_close(f->store);
    (void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    rp_free(f);
    return 0;
}

static char *path_of(struct fixture *f, const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    return path;
}

#define NEW(name) RP_STORE_NEW(name, NULL, NULL, NULL)
/* Runs the request and frees it; the result code. */
static int wait_free(struct fixture *f, struct rp_store_req *req)
{
    int err = rp_store_wait(f->store, req);

    rp_store_req_free(req);
    return err;
}

static int make_agent(struct fixture *f, const char *id, const char *config)
{
    struct rp_store_agent_create *q = NEW(agent_create);

    q->agent.id = rp_store_z(&q->req, id);
    q->agent.name = "An agent";
    q->agent.type = "voice";
    q->agent.config = rp_str_z(config);
    q->agent.secret = "whsec_clear";
    q->agent.created_ms = 1000;
    return wait_free(f, &q->req);
}

/* Authorizes session `id` with key `id` + "-key" in conversation `conv`. */
static struct rp_store_session_authorize *authorize(struct fixture *f, const char *id,
                                                    const char *conv, bool new_conversation,
                                                    int64_t now_ms)
{
    struct rp_store_session_authorize *q = NEW(session_authorize);
    char key[64];

    (void)snprintf(key, sizeof(key), "%s-key", id);
    q->session.id = rp_store_z(&q->req, id);
    q->session.conversation_id = rp_store_z(&q->req, conv);
    q->session.agent_id = "ag-1";
    q->session.channel = "browser";
    q->session.authorized_ms = now_ms;
    q->session.key_expires_ms = now_ms + HOUR_MS;
    q->session.metadata = RP_STR("{\"a\":1}");
    q->key = rp_store_hash(rp_str_z(key));
    q->new_conversation = new_conversation;
    (void)rp_store_wait(f->store, &q->req);
    return q;
}

static void authorize_ok(struct fixture *f, const char *id, const char *conv, bool is_new,
                         int64_t now_ms)
{
    struct rp_store_session_authorize *q = authorize(f, id, conv, is_new, now_ms);

    assert_int_equal(q->req.err, 0);
    rp_store_req_free(&q->req);
}

static struct rp_store_session_claim *claim(struct fixture *f, const char *key, int64_t now_ms)
{
    struct rp_store_session_claim *q = NEW(session_claim);

    q->key = rp_store_hash(rp_str_z(key));
    q->now_ms = now_ms;
    q->node_id = "node-1";
    q->ip_address = "127.0.0.1";
    (void)rp_store_wait(f->store, &q->req);
    return q;
}

static void assert_claim(struct fixture *f, const char *key, int64_t now_ms, int err,
                         const char *why)
{
    struct rp_store_session_claim *q = claim(f, key, now_ms);

    assert_int_equal(q->req.err, err);
    if (why)
        assert_string_equal(q->req.why, why);
    rp_store_req_free(&q->req);
}

/* ---- opening ---- */

static void files_are_private(void **state)
{
    static const char *const names[] = {"riposte.db", "riposte.db-wal", "secret.key"};
    struct fixture *f = *state;
    struct stat st;

    for (size_t i = 0; i < RP_COUNT(names); i++) {
        assert_int_equal(stat(path_of(f, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
}

static void what_was_stored_is_there_after_reopening(void **state)
{
    struct fixture *f = *state;
    struct rp_store_agent_get *q;

    assert_int_equal(make_agent(f, "ag-1", "{\"clients\":{}}"), 0);
    rp_store_close(f->store);
    assert_int_equal(open_store(f, NULL), 0);
    q = NEW(agent_get);
    q->id = "ag-1";
    assert_int_equal(rp_store_wait(f->store, &q->req), 0);
    assert_string_equal(q->agent.secret, "whsec_clear");
    assert_true(rp_str_eq_z(q->agent.config, "{\"clients\":{}}"));
    rp_store_req_free(&q->req);
}

/* Closes, runs SQL on the file, and expects the next start to fail so. */
static void assert_refused(struct fixture *f, const char *sql, int err, const char *words)
{
    sqlite3 *h;
    char *why = NULL;

    rp_store_close(f->store);
    f->store = NULL;
    if (sql) {
        assert_int_equal(sqlite3_open(path_of(f, "riposte.db"), &h), SQLITE_OK);
        assert_int_equal(sqlite3_exec(h, sql, NULL, NULL, NULL), SQLITE_OK);
        (void)sqlite3_close(h);
    }
    assert_int_equal(open_store(f, &why), err);
    assert_non_null(why);
    if (!strstr(why, words))
        fail_msg("'%s' does not say '%s'", why, words);
    rp_free(why);
}

static void newer_schema_is_refused(void **state)
{
    assert_refused(*state, "INSERT INTO schema_migrations VALUES (999, 'future', 'x', 0)",
                   RP_EPROTO, "made by a newer Riposte (schema 999");
}

static void foreign_migration_is_refused(void **state)
{
    assert_refused(*state, "UPDATE schema_migrations SET checksum = 'other' WHERE number = 1",
                   RP_EPROTO, "migration 0001");
}

static void wrong_key_file_is_refused(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(unlink(path_of(f, "secret.key")), 0); /* the start makes another */
    assert_refused(f, NULL, RP_EDENIED, "the key file does not fit the database");
}

static void overwrite(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void broken_key_file_is_refused(void **state)
{
    struct fixture *f = *state;

    overwrite(path_of(f, "secret.key"), "not a key\n");
    assert_refused(f, NULL, RP_EPROTO, "does not hold a key");
}

static void damaged_file_is_refused(void **state)
{
    struct fixture *f = *state;

    rp_store_close(f->store);
    f->store = NULL;
    overwrite(path_of(f, "riposte.db"), "this is no database, however long it may be");
    assert_refused(f, NULL, RP_EIO, "damaged");
}

static void folder_that_is_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    char *why = NULL;
    struct rp_store *store = NULL;
    const struct rp_store_params p = {.data_dir = path_of(f, "riposte.db")};

    assert_int_equal(rp_store_open(&store, &p, &why), RP_EIO);
    assert_non_null(strstr(why, "the data folder"));
    assert_null(store);
    rp_free(why);
}

static void failing_migration_leaves_nothing(void **state)
{
    static const struct rp_migration bad[] = {
        {1, "one", "CREATE TABLE one (x INTEGER) STRICT;"},
        {2, "two", "CREATE TABLE two (x INTEGER) STRICT; INSERT INTO nowhere VALUES (1);"},
    };
    static const struct rp_migration good[] = {
        {1, "one", "CREATE TABLE one (x INTEGER) STRICT;"},
        {2, "two", "CREATE TABLE two (x INTEGER) STRICT;"},
    };
    struct fixture *f = *state;
    struct rp_db db;
    struct rp_buf why;
    const char *text;

    rp_buf_init(&why, 1000);
    assert_int_equal(rp_db_open(&db, path_of(f, "other.db"), false, 50, NULL, &text), 0);
    assert_int_equal(rp_migrate(&db, bad, 2, 0, &why), RP_EIO);
    assert_non_null(strstr(why.p, "migration 0002 two failed"));
    rp_buf_clear(&why);
    assert_int_equal(rp_migrate(&db, good, 2, 0, &why), 0); /* "two" was not half made */
    assert_int_equal(rp_migrate(&db, good, 2, 0, &why), 0);
    assert_int_equal(why.len, 0);
    rp_db_close(&db);
    rp_buf_fini(&why);
}

/* ---- agents ---- */

static void agents_live(void **state)
{
    struct fixture *f = *state;
    struct rp_store_agent_create *only;
    struct rp_store_agent_update *u;
    struct rp_store_agent_list *l;
    struct rp_store_agent_delete *d;

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    assert_int_equal(make_agent(f, "ag-1", "{}"), RP_EEXIST);
    assert_int_equal(make_agent(f, "ag-2", "{}"), 0);
    only = NEW(agent_create);
    only->agent = (struct rp_store_agent){.id = "ag-3", .name = "", .type = "", .secret = ""};
    only->agent.config = RP_STR("{}");
    only->only_first = true;
    assert_int_equal(wait_free(f, &only->req), RP_EEXIST);

    u = NEW(agent_update);
    u->id = "ag-1";
    u->name = "Renamed";
    u->now_ms = 2000;
    assert_int_equal(rp_store_wait(f->store, &u->req), 0);
    assert_string_equal(u->agent.name, "Renamed");
    assert_true(rp_str_eq_z(u->agent.config, "{}"));
    assert_int_equal(u->agent.revision, 2);
    assert_int_equal(u->agent.created_ms, 1000);
    assert_int_equal(u->agent.updated_ms, 2000);
    rp_store_req_free(&u->req);

    u = NEW(agent_update);
    u->id = "ag-1";
    u->config = RP_STR("{\"x\":1}");
    u->if_revision = 1;
    assert_int_equal(wait_free(f, &u->req), RP_EEXIST);

    d = NEW(agent_delete);
    d->id = "ag-1";
    assert_int_equal(wait_free(f, &d->req), 0);
    d = NEW(agent_delete);
    d->id = "ag-1";
    assert_int_equal(wait_free(f, &d->req), RP_ENOTFOUND);
    u = NEW(agent_update);
    u->id = "ag-1";
    assert_int_equal(wait_free(f, &u->req), RP_ENOTFOUND);

    l = NEW(agent_list);
    assert_int_equal(rp_store_wait(f->store, &l->req), 0);
    assert_int_equal(l->n, 1);
    assert_string_equal(l->agents[0].id, "ag-2");
    assert_null(l->agents[0].secret);
    rp_store_req_free(&l->req);
}

static int change_secret(struct fixture *f, enum rp_store_secret_change change, const char *secret,
                         int64_t now_ms, char *now, size_t size)
{
    struct rp_store_agent_secret *q = NEW(agent_secret);
    int err;

    q->id = "ag-1";
    q->change = change;
    q->secret = secret;
    q->now_ms = now_ms;
    q->keep_ms = 1000;
    err = rp_store_wait(f->store, &q->req);
    if (!err)
        (void)snprintf(now, size, "%s|%s|%s", q->agent.secret,
                       q->agent.secret_pending ? q->agent.secret_pending : "-",
                       q->agent.secret_previous ? q->agent.secret_previous : "-");
    rp_store_req_free(&q->req);
    return err;
}

static void webhook_secrets_rotate(void **state)
{
    struct fixture *f = *state;
    char now[128];

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    assert_int_equal(change_secret(f, RP_STORE_SECRET_ACTIVATE, NULL, 0, now, sizeof(now)),
                     RP_EDENIED);
    assert_int_equal(change_secret(f, RP_STORE_SECRET_ROTATE, "new", 0, now, sizeof(now)), 0);
    assert_string_equal(now, "whsec_clear|new|-");
    assert_int_equal(change_secret(f, RP_STORE_SECRET_ACTIVATE, NULL, 5000, now, sizeof(now)), 0);
    assert_string_equal(now, "new|-|whsec_clear");
    assert_int_equal(change_secret(f, RP_STORE_SECRET_RESTORE, NULL, 6000, now, sizeof(now)),
                     RP_EDENIED); /* kept until 5999 */
    assert_int_equal(change_secret(f, RP_STORE_SECRET_RESTORE, NULL, 5999, now, sizeof(now)), 0);
    assert_string_equal(now, "whsec_clear|new|-");
    assert_int_equal(change_secret(f, RP_STORE_SECRET_DROP, NULL, 6000, now, sizeof(now)), 0);
    assert_string_equal(now, "whsec_clear|-|-");
}

static void assert_not_in_file(const char *path, const char *needle)
{
    size_t len;
    char *bytes = test_read_file(path, &len);

    if (memmem(bytes, len, needle, strlen(needle)))
        fail_msg("'%s' is readable in %s", needle, path);
    rp_free(bytes);
}

static void secrets_are_not_readable(void **state)
{
    static const char *const secrets[] = {"whsec_clear", "sk-provider", "Bearer backend",
                                          "lc_conn_1-key", "rp_live_key"};
    struct fixture *f = *state;
    struct rp_store_conversation_update *u = NEW(conversation_update);
    struct rp_store_key_create *k = NEW(key_create);

    assert_int_equal(make_agent(f, "ag-1", "{\"api_key\":\"sk-provider\"}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 1000);
    u->id = "lc_conv_1";
    u->custom_headers = RP_STR("{\"authorization\":\"Bearer backend\"}");
    assert_int_equal(wait_free(f, &u->req), 0);
    k->key = (struct rp_store_key){.id = "key_1", .name = "n", .hint = "rp_l"};
    k->hash = rp_store_hash(RP_STR("rp_live_key"));
    assert_int_equal(wait_free(f, &k->req), 0);
    for (size_t i = 0; i < RP_COUNT(secrets); i++)
        assert_not_in_file(path_of(f, "riposte.db-wal"), secrets[i]);
    rp_store_close(f->store);
    f->store = NULL;
    for (size_t i = 0; i < RP_COUNT(secrets); i++)
        assert_not_in_file(path_of(f, "riposte.db"), secrets[i]);
}

static void sealed_values_cannot_be_moved(void **state)
{
    struct fixture *f = *state;
    struct rp_vault *v;
    struct rp_arena a;
    struct rp_str sealed, clear;

    rp_arena_init(&a, 4096);
    assert_int_equal(rp_vault_open(&v, path_of(f, "secret.key"), NULL), 0);
    assert_int_equal(rp_vault_seal(v, &a, RP_STR("row:1"), RP_STR("secret"), &sealed), 0);
    assert_int_equal(rp_vault_unseal(v, &a, RP_STR("row:1"), sealed, &clear), 0);
    assert_true(rp_str_eq_z(clear, "secret"));
    assert_int_equal(rp_vault_unseal(v, &a, RP_STR("row:2"), sealed, &clear), RP_EDENIED);
    ((char *)sealed.p)[sealed.len - 1] ^= 1;
    assert_int_equal(rp_vault_unseal(v, &a, RP_STR("row:1"), sealed, &clear), RP_EDENIED);
    assert_int_equal(rp_vault_unseal(v, &a, RP_STR("row:1"), RP_STR("\001short"), &clear),
                     RP_EDENIED);
    rp_vault_free(v);
    rp_arena_fini(&a);
}

/* ---- sessions ---- */

static void key_opens_one_session(void **state)
{
    struct fixture *f = *state;
    struct rp_store_session_claim *q;

    assert_int_equal(make_agent(f, "ag-1", "{\"agent\":true}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 1000);
    q = claim(f, "lc_conn_1-key", 2000);
    assert_int_equal(q->req.err, 0);
    assert_string_equal(q->session.id, "lc_conn_1");
    assert_string_equal(q->session.conversation_id, "lc_conv_1");
    assert_int_equal(q->session.status, RP_STORE_LIVE);
    assert_int_equal(q->session.started_ms, 2000);
    assert_true(rp_str_eq_z(q->session.metadata, "{\"a\":1}"));
    assert_null(q->session.config.p);
    assert_true(rp_str_eq_z(q->agent.config, "{\"agent\":true}"));
    assert_string_equal(q->agent.secret, "whsec_clear");
    assert_null(q->conversation.custom_headers.p);
    rp_store_req_free(&q->req);

    assert_claim(f, "lc_conn_1-key", 2000, RP_EDENIED, "the key has been used");
    assert_claim(f, "nobody's key", 2000, RP_ENOTFOUND, "there is no such key");
}

static void authorizing_again_rotates_the_key(void **state)
{
    struct fixture *f = *state;
    struct rp_store_session_authorize *q;

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 1000);
    q = authorize(f, "lc_conn_2", "lc_conv_1", false, 2000);
    assert_int_equal(q->req.err, 0);
    assert_int_equal(q->nended, 1);
    assert_string_equal(q->ended[0].id, "lc_conn_1");
    assert_string_equal(q->ended[0].end_reason, RP_STORE_END_ROTATED);
    assert_int_equal(q->ended[0].duration_ms, 0);
    rp_store_req_free(&q->req);
    assert_claim(f, "lc_conn_1-key", 2500, RP_EDENIED, "the key has been replaced by a newer one");
    assert_claim(f, "lc_conn_2-key", 2500, 0, NULL);

    /* A live session is not touched by the next key. */
    q = authorize(f, "lc_conn_3", "lc_conv_1", false, 3000);
    assert_int_equal(q->nended, 0);
    rp_store_req_free(&q->req);
}

static void authorize_checks_whose_conversation_it_is(void **state)
{
    struct fixture *f = *state;
    struct rp_store_session_authorize *q;

    q = authorize(f, "lc_conn_1", "lc_conv_1", true, 1000);
    assert_int_equal(q->req.err, RP_ENOTFOUND); /* no agent */
    rp_store_req_free(&q->req);
    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    q = authorize(f, "lc_conn_1", "lc_conv_1", false, 1000);
    assert_int_equal(q->req.err, RP_EDENIED); /* no conversation */
    rp_store_req_free(&q->req);
}

static void keys_expire(void **state)
{
    struct fixture *f = *state;
    struct rp_store_session_sweep *s;

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 0);
    authorize_ok(f, "lc_conn_2", "lc_conv_2", true, 1);
    assert_claim(f, "lc_conn_1-key", HOUR_MS, RP_EDENIED, "the key has expired");
    s = NEW(session_sweep);
    s->now_ms = HOUR_MS;
    assert_int_equal(rp_store_wait(f->store, &s->req), 0);
    assert_int_equal(s->n, 1);
    assert_string_equal(s->sessions[0].id, "lc_conn_1");
    assert_string_equal(s->sessions[0].end_reason, RP_STORE_END_EXPIRED);
    rp_store_req_free(&s->req);
    assert_claim(f, "lc_conn_1-key", HOUR_MS, RP_EDENIED, "the key has expired");
    assert_claim(f, "lc_conn_2-key", HOUR_MS, 0, NULL);
}

static void deleting_an_agent_ends_its_keys(void **state)
{
    struct fixture *f = *state;
    struct rp_store_agent_delete *d = NEW(agent_delete);

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 0);
    d->id = "ag-1";
    assert_int_equal(rp_store_wait(f->store, &d->req), 0);
    assert_int_equal(d->nended, 1);
    rp_store_req_free(&d->req);
    assert_claim(f, "lc_conn_1-key", 1, RP_EDENIED, "the agent has been deleted");
}

struct racer {
    struct fixture *f;
    pthread_t thread;
    int err;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct rp_store_session_claim *q = claim(r->f, "lc_conn_1-key", 5);

    r->err = q->req.err;
    rp_store_req_free(&q->req);
    return NULL;
}

static void one_of_many_claims_wins(void **state)
{
    struct fixture *f = *state;
    struct racer racers[16];
    int won = 0;

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 0);
    for (size_t i = 0; i < RP_COUNT(racers); i++) {
        racers[i].f = f;
        assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < RP_COUNT(racers); i++) {
        (void)pthread_join(racers[i].thread, NULL);
        assert_true(racers[i].err == 0 || racers[i].err == RP_EDENIED);
        won += racers[i].err == 0;
    }
    assert_int_equal(won, 1);
}

static int append_turn(struct fixture *f, const char *session, int64_t seq, struct rp_str text)
{
    struct rp_store_turn_append *q = NEW(turn_append);

    q->session_id = session;
    q->turn = (struct rp_store_turn){.seq = seq,
                                     .assistant = seq % 2 == 1,
                                     .flags = RP_STORE_TURN_INTERRUPTED,
                                     .turn_id = "user-1",
                                     .text = text,
                                     .begin_ms = seq * 1000,
                                     .end_ms = seq * 1000 + 500,
                                     .wall_ms = 7000,
                                     .latency_ms = -1};
    return wait_free(f, &q->req);
}

static void turns_and_figures_come_back(void **state)
{
    struct fixture *f = *state;
    struct rp_store_session_finish *fin = NEW(session_finish);
    struct rp_store_session_get *g = NEW(session_get);
    struct rp_store_turn_list *t = NEW(turn_list);

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 0);
    assert_claim(f, "lc_conn_1-key", 5000, 0, NULL);
    assert_int_equal(append_turn(f, "lc_conn_1", 0, RP_STR("first")), 0);
    assert_int_equal(append_turn(f, "lc_conn_1", 0, RP_STR("a\0b")), 0); /* replaces */
    assert_int_equal(append_turn(f, "lc_conn_1", 1, RP_STR("")), 0);
    assert_int_equal(append_turn(f, "lc_conn_9", 0, RP_STR("x")), RP_ENOTFOUND);

    fin->id = "lc_conn_1";
    fin->end_reason = "client_closed";
    fin->ended_ms = 9000;
    fin->duration_ms = 4000;
    fin->transcription_s = 1.5;
    fin->tts_s = -1;
    fin->latency_ms = 345;
    assert_int_equal(rp_store_wait(f->store, &fin->req), 0);
    assert_false(fin->was_ended);
    fin->end_reason = "again";
    assert_int_equal(rp_store_wait(f->store, &fin->req), 0);
    assert_true(fin->was_ended);
    fin->id = "lc_conn_9";
    assert_int_equal(rp_store_wait(f->store, &fin->req), RP_ENOTFOUND);
    rp_store_req_free(&fin->req);

    g->id = "lc_conn_1";
    g->agent_id = "ag-1";
    assert_int_equal(rp_store_wait(f->store, &g->req), 0);
    assert_int_equal(g->session.status, RP_STORE_ENDED);
    assert_string_equal(g->session.end_reason, "client_closed");
    assert_int_equal(g->session.duration_ms, 4000);
    assert_true(g->session.transcription_s == 1.5);
    assert_true(g->session.tts_s == -1);
    assert_int_equal(g->session.latency_ms, 345);
    assert_int_equal(g->session.nturns, 2);
    g->agent_id = "ag-2";
    assert_int_equal(rp_store_wait(f->store, &g->req), RP_ENOTFOUND);
    rp_store_req_free(&g->req);

    t->session_id = "lc_conn_1";
    assert_int_equal(rp_store_wait(f->store, &t->req), 0);
    assert_int_equal(t->n, 2);
    assert_true(rp_str_eq(t->turns[0].text, RP_STR("a\0b")));
    assert_null(t->turns[0].heard.p);
    assert_false(t->turns[0].assistant);
    assert_true(t->turns[1].assistant);
    assert_non_null(t->turns[1].text.p);
    assert_int_equal(t->turns[1].end_ms, 1500);
    assert_int_equal(t->turns[1].latency_ms, -1);
    rp_store_req_free(&t->req);
}

static void sessions_of_a_dead_server_end_at_their_last_turn(void **state)
{
    struct fixture *f = *state;
    struct rp_store_session_sweep *s = NEW(session_sweep);

    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 0);
    assert_claim(f, "lc_conn_1-key", 5000, 0, NULL);
    assert_int_equal(append_turn(f, "lc_conn_1", 3, RP_STR("x")), 0);
    s->now_ms = 100000;
    s->lost_node = "node-1";
    assert_int_equal(rp_store_wait(f->store, &s->req), 0);
    assert_int_equal(s->n, 1);
    assert_string_equal(s->sessions[0].end_reason, RP_STORE_END_LOST);
    assert_int_equal(s->sessions[0].ended_ms, 5000 + 3500);
    assert_int_equal(s->sessions[0].duration_ms, 3500);
    rp_store_req_free(&s->req);
}

/* Pages of `limit` over the sessions of ag-1, as ids joined by blanks. */
static void list_all(struct fixture *f, size_t limit, struct rp_buf *out, int *npages)
{
    char after[RP_ID_MAX] = "";
    bool more = true;

    rp_buf_clear(out);
    for (*npages = 0; more; (*npages)++) {
        struct rp_store_session_list *q = NEW(session_list);

        q->agent_id = "ag-1";
        q->status = -1;
        q->page.limit = limit;
        q->page.after = after[0] ? after : NULL;
        assert_int_equal(rp_store_wait(f->store, &q->req), 0);
        for (size_t i = 0; i < q->n; i++)
            assert_int_equal(rp_buf_printf(out, "%s ", q->sessions[i].id), 0);
        more = q->page.more;
        if (q->n)
            (void)snprintf(after, sizeof(after), "%s", q->sessions[q->n - 1].id);
        rp_store_req_free(&q->req);
        if (*npages == 0 && limit == 2) /* newer rows do not shift the pages that follow */
            authorize_ok(f, "lc_conn_9", "lc_conv_9", true, 0);
    }
}

static void pages_are_stable(void **state)
{
    struct fixture *f = *state;
    struct rp_buf ids;
    int npages;

    rp_buf_init(&ids, 1000);
    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    list_all(f, 3, &ids, &npages);
    assert_int_equal(npages, 1);
    for (int i = 1; i <= 5; i++) {
        char id[32], conv[32];

        (void)snprintf(id, sizeof(id), "lc_conn_%d", i);
        (void)snprintf(conv, sizeof(conv), "lc_conv_%d", i);
        authorize_ok(f, id, conv, true, i);
    }
    list_all(f, 2, &ids, &npages);
    assert_string_equal(ids.p, "lc_conn_5 lc_conn_4 lc_conn_3 lc_conn_2 lc_conn_1 ");
    assert_int_equal(npages, 3);
    list_all(f, 6, &ids, &npages);
    assert_int_equal(npages, 1);
    rp_buf_fini(&ids);
}

/* ---- keys, logs, logins ---- */

static int check_key(struct fixture *f, const char *key, int64_t *last_used)
{
    struct rp_store_key_check *q = NEW(key_check);
    int err;

    q->hash = rp_store_hash(rp_str_z(key));
    err = rp_store_wait(f->store, &q->req);
    *last_used = q->key.last_used_ms;
    rp_store_req_free(&q->req);
    return err;
}

static void api_keys_work_until_revoked(void **state)
{
    struct fixture *f = *state;
    struct rp_store_key_create *c = NEW(key_create);
    struct rp_store_key_used *u = NEW(key_used);
    struct rp_store_key_revoke *r = NEW(key_revoke);
    struct rp_store_key_list *l = NEW(key_list);
    int64_t used;

    c->key = (struct rp_store_key){.id = "key_1", .name = "CI", .hint = "rp_abc", .created_ms = 10};
    c->hash = rp_store_hash(RP_STR("rp_secret"));
    assert_int_equal(wait_free(f, &c->req), 0);
    assert_int_equal(check_key(f, "rp_secret", &used), 0);
    assert_int_equal(used, -1);
    assert_int_equal(check_key(f, "rp_other", &used), RP_ENOTFOUND);
    u->id = "key_1";
    u->now_ms = 77;
    assert_int_equal(wait_free(f, &u->req), 0);
    assert_int_equal(check_key(f, "rp_secret", &used), 0);
    assert_int_equal(used, 77);
    r->id = "key_1";
    r->now_ms = 99;
    assert_int_equal(rp_store_wait(f->store, &r->req), 0);
    assert_int_equal(wait_free(f, &r->req), RP_ENOTFOUND);
    assert_int_equal(check_key(f, "rp_secret", &used), RP_ENOTFOUND);
    assert_int_equal(rp_store_wait(f->store, &l->req), 0);
    assert_int_equal(l->n, 1);
    assert_int_equal(l->keys[0].revoked_ms, 99);
    assert_string_equal(l->keys[0].hint, "rp_abc");
    rp_store_req_free(&l->req);
}

static int claim_link(struct fixture *f, const char *token, const char *cookie, int64_t now_ms)
{
    struct rp_store_login_link_claim *q = NEW(login_link_claim);

    q->token = rp_store_hash(rp_str_z(token));
    q->cookie = rp_store_hash(rp_str_z(cookie));
    q->now_ms = now_ms;
    q->expires_ms = 10000;
    return wait_free(f, &q->req);
}

static int check_cookie(struct fixture *f, const char *cookie, int64_t now_ms)
{
    struct rp_store_web_session_check *q = NEW(web_session_check);

    q->cookie = rp_store_hash(rp_str_z(cookie));
    q->now_ms = now_ms;
    return wait_free(f, &q->req);
}

static void make_link(struct fixture *f, const char *token, int64_t now_ms)
{
    struct rp_store_login_link_create *q = NEW(login_link_create);

    q->token = rp_store_hash(rp_str_z(token));
    q->created_ms = now_ms;
    q->expires_ms = now_ms + 900;
    assert_int_equal(wait_free(f, &q->req), 0);
}

static void login_link_works_once(void **state)
{
    struct fixture *f = *state;
    struct rp_store_web_session_delete *d = NEW(web_session_delete);

    make_link(f, "one", 0);
    make_link(f, "two", 100);
    assert_int_equal(claim_link(f, "none", "c", 10), RP_ENOTFOUND);
    assert_int_equal(claim_link(f, "one", "c1", 899), 0);
    assert_int_equal(claim_link(f, "one", "c2", 899), RP_EDENIED);
    assert_int_equal(claim_link(f, "two", "c3", 1000), RP_EDENIED); /* expired */
    assert_int_equal(check_cookie(f, "c1", 9999), 0);
    assert_int_equal(check_cookie(f, "c1", 10000), RP_ENOTFOUND);
    assert_int_equal(check_cookie(f, "c2", 900), RP_ENOTFOUND);
    d->cookie = rp_store_hash(RP_STR("c1"));
    assert_int_equal(wait_free(f, &d->req), 0);
    assert_int_equal(check_cookie(f, "c1", 900), RP_ENOTFOUND);
}

static void webhook_log_keeps_an_excerpt(void **state)
{
    struct fixture *f = *state;
    struct rp_store_hook_log_append *a = NEW(hook_log_append);
    struct rp_store_hook_log_list *l = NEW(hook_log_list);
    char *body = rp_alloc(RP_STORE_EXCERPT_MAX + 1);

    memset(body, 'x', RP_STORE_EXCERPT_MAX + 1);
    memcpy(body + RP_STORE_EXCERPT_MAX - 1, "\xc3\xa4", 2); /* ä over the edge is left out whole */
    a->entry = (struct rp_store_hook_log){.id = "req_1",
                                          .agent_id = "ag-1",
                                          .session_id = "lc_conn_1",
                                          .type = "message",
                                          .url = "http://127.0.0.1/",
                                          .status = 500,
                                          .code = "bad_status",
                                          .first_byte_us = 12,
                                          .done_us = -1,
                                          .request = RP_STR("{}"),
                                          .response = rp_str_n(body, RP_STORE_EXCERPT_MAX + 1)};
    assert_int_equal(rp_store_wait(f->store, &a->req), 0);
    a->entry.id = "req_2";
    a->entry.code = NULL;
    assert_int_equal(wait_free(f, &a->req), 0);
    rp_free(body);
    l->session_id = "lc_conn_1";
    l->failed_only = true;
    assert_int_equal(rp_store_wait(f->store, &l->req), 0);
    assert_int_equal(l->n, 1);
    assert_string_equal(l->entries[0].code, "bad_status");
    assert_int_equal(l->entries[0].response.len, RP_STORE_EXCERPT_MAX - 1);
    assert_int_equal(l->entries[0].first_byte_us, 12);
    assert_int_equal(l->entries[0].done_us, -1);
    rp_store_req_free(&l->req);
}

/* ---- what goes wrong under way ---- */

static void full_disk_is_told_and_survived(void **state)
{
    struct fixture *f = *state;
    struct rlimit old, tight;
    struct stat st;
    char *big = rp_zalloc((1u << 20) + 1);
    const char *why = NULL;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    int err = 0;

    memset(big, 'x', 1u << 20);
    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    authorize_ok(f, "lc_conn_1", "lc_conv_1", true, 0);
    assert_int_equal(stat(path_of(f, "riposte.db-wal"), &st), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = (rlim_t)st.st_size + 65536;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    err = append_turn(f, "lc_conn_1", 1, rp_str_n(big, 1u << 20));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(err, RP_EIO);
    assert_false(rp_store_healthy(f->store, &why));
    assert_non_null(why);
    assert_int_equal(append_turn(f, "lc_conn_1", 1, RP_STR("small")), 0);
    assert_true(rp_store_healthy(f->store, &why));
    (void)signal(SIGXFSZ, handler);
    rp_free(big);
}

static void locked_database_is_told(void **state)
{
    struct fixture *f = *state;
    sqlite3 *h;

    assert_int_equal(sqlite3_open(path_of(f, "riposte.db"), &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(make_agent(f, "ag-1", "{}"), RP_EAGAIN);
    assert_int_equal(sqlite3_exec(h, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(make_agent(f, "ag-1", "{}"), 0);
    (void)sqlite3_close(h);
}

static void failed_copy_arrives_as_result(void **state)
{
    struct fixture *f = *state;
    struct rp_store_agent_get *q = NEW(agent_get);

    rp_mem_fail_after(1);
    q->id = rp_store_z(&q->req, "ag-1");
    rp_mem_fail_after(0);
    assert_int_equal(wait_free(f, &q->req), RP_ENOMEM);
}

/* ---- on a loop ---- */

struct tally {
    struct fixture *f;
    struct rp_loop *loop;
    struct rp_msg start;
    int expected, ok, exists, limit;
    bool forgotten_called;
    struct rp_store_req *forgotten;
};

static void counted(struct rp_store_req *req, void *arg)
{
    struct tally *t = arg;

    RP_ON_LOOP(t->loop);
    t->ok += req->err == 0;
    t->exists += req->err == RP_EEXIST;
    t->limit += req->err == RP_ELIMIT;
    if (--t->expected == 0)
        rp_loop_stop(t->loop);
}

static void must_not_come(struct rp_store_req *req, void *arg)
{
    (void)req;
    ((struct tally *)arg)->forgotten_called = true;
}

static void submit_key(struct tally *t, int n, rp_store_done_fn *done)
{
    struct rp_store_key_create *q = RP_STORE_NEW(key_create, t->loop, done, t);
    char id[32];

    (void)snprintf(id, sizeof(id), "key_%d", n);
    q->key.id = rp_store_z(&q->req, id);
    q->key.name = q->key.hint = q->key.id;
    q->hash = rp_store_hash(rp_str_z(id));
    if (done == must_not_come)
        t->forgotten = &q->req;
    rp_store_submit(t->f->store, &q->req);
}

static void submit_many(struct rp_msg *msg)
{
    struct tally *t = RP_CONTAINER_OF(msg, struct tally, start);

    submit_key(t, 1000, must_not_come);
    rp_store_forget(t->forgotten);
    for (int i = 0; i < t->expected; i++)
        submit_key(t, i == 50 ? 49 : i, counted); /* one is refused, in the middle of a batch */
}

static void run_tally(struct tally *t, int n)
{
    t->expected = n;
    t->start.fn = submit_many;
    assert_int_equal(rp_loop_new(&t->loop, "test"), 0);
    rp_loop_post(t->loop, &t->start);
    rp_loop_run(t->loop);
    /* The forgotten one may still be under way; the store answers all before it is closed. */
    rp_store_close(t->f->store);
    t->f->store = NULL;
    rp_loop_stop(t->loop);
    rp_loop_run(t->loop);
    rp_loop_free(t->loop);
    assert_false(t->forgotten_called);
}

static void refused_write_takes_no_other_with_it(void **state)
{
    struct tally t = {.f = *state};
    struct rp_store_key_list *l = NEW(key_list);

    run_tally(&t, 100);
    assert_int_equal(t.ok, 99);
    assert_int_equal(t.exists, 1);
    assert_int_equal(open_store(t.f, NULL), 0);
    l->page.limit = 200;
    assert_int_equal(rp_store_wait(t.f->store, &l->req), 0);
    assert_int_equal(l->n, 100); /* 99 and the forgotten one */
    rp_store_req_free(&l->req);
}

static void full_queue_refuses(void **state)
{
    struct tally t = {.f = *state};
    const struct rp_store_params p = {.data_dir = t.f->dir, .max_queued = 10, .busy_ms = 5000};
    sqlite3 *h;

    rp_store_close(t.f->store);
    assert_int_equal(rp_store_open(&t.f->store, &p, NULL), 0);
    assert_int_equal(sqlite3_open(path_of(t.f, "riposte.db"), &h), SQLITE_OK);
    assert_int_equal(sqlite3_exec(h, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    t.expected = 100;
    assert_int_equal(rp_loop_new(&t.loop, "test"), 0);
    submit_many(&t.start);
    assert_int_equal(sqlite3_exec(h, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(h);
    rp_loop_run(t.loop);
    rp_loop_free(t.loop);
    assert_true(t.limit >= 100 - 2 * 10); /* ten wait, ten at most were taken by the writer */
    assert_int_equal(t.ok + t.limit + t.exists, 100);
}

int test_store(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(files_are_private),
        TEST(what_was_stored_is_there_after_reopening),
        TEST(newer_schema_is_refused),
        TEST(foreign_migration_is_refused),
        TEST(wrong_key_file_is_refused),
        TEST(broken_key_file_is_refused),
        TEST(damaged_file_is_refused),
        TEST(folder_that_is_a_file_is_refused),
        TEST(failing_migration_leaves_nothing),
        TEST(agents_live),
        TEST(webhook_secrets_rotate),
        TEST(secrets_are_not_readable),
        TEST(sealed_values_cannot_be_moved),
        TEST(key_opens_one_session),
        TEST(authorizing_again_rotates_the_key),
        TEST(authorize_checks_whose_conversation_it_is),
        TEST(keys_expire),
        TEST(deleting_an_agent_ends_its_keys),
        TEST(one_of_many_claims_wins),
        TEST(turns_and_figures_come_back),
        TEST(sessions_of_a_dead_server_end_at_their_last_turn),
        TEST(pages_are_stable),
        TEST(api_keys_work_until_revoked),
        TEST(login_link_works_once),
        TEST(webhook_log_keeps_an_excerpt),
        TEST(full_disk_is_told_and_survived),
        TEST(locked_database_is_told),
        TEST(failed_copy_arrives_as_result),
        TEST(refused_write_takes_no_other_with_it),
        TEST(full_queue_refuses),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
