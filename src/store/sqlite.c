/* The SQLite backend: one writer, some readers.
 *
 *     submit ──► writes ──► writer thread ──► BEGIN; savepoint each; COMMIT ──► answers
 *            └─► reads  ──► reader threads (read-only connections) ──────────► answers
 *
 * A commit costs one or two fsyncs (synchronous=FULL, WAL), so writes that arrive within a few ms
 * share one; nobody is answered before it is durable. Each write is a savepoint of its own: one
 * that is refused takes nothing down with it. If the disk fails under the transaction, all of them
 * fail.
 *
 * Locks: `lock` guards the queues and the figures; it is never held while SQLite works. */
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/migrate.h"
#include "store/store_int.h"

#define READERS_DEFAULT    2
#define READERS_MAX        16
#define MAX_QUEUED_DEFAULT 16384
#define BATCH_US_DEFAULT   2000
#define BUSY_MS_DEFAULT    5000
#define BATCH_MAX          256

struct reader {
    struct rp_sqlite *owner;
    struct rp_db db;
    pthread_t thread;
    bool running;
};

struct rp_sqlite {
    struct rp_store store;
    struct rp_vault *vault;
    struct rp_db writer_db;
    pthread_t writer;
    bool writer_running;
    struct reader readers[READERS_MAX];
    unsigned nreaders;
    size_t max_queued;
    int64_t batch_us;
    pthread_mutex_t lock;
    pthread_cond_t have_writes, have_reads;
    /* Guarded by lock: */
    struct rp_list writes, reads;
    struct rp_store_stats stats;
    bool closing;
    /* Static sentence about the last transaction; NULL: it went through. */
    _Atomic(const char *) sick;
};

static struct rp_sqlite *of(struct rp_store *s)
{
    return RP_CONTAINER_OF(s, struct rp_sqlite, store);
}

/* ---- operations ---- */

#define X(name, writes)                                                                            \
    static int run_##name(struct rp_db *db, struct rp_store_req *req)                              \
    {                                                                                              \
        return rp_sqlite_##name(db, RP_STORE_OF(name, req));                                       \
    }
RP_STORE_OPS(X)
#undef X

static const struct {
    int (*run)(struct rp_db *db, struct rp_store_req *req);
    bool writes;
} ops[] = {
#define X(name, writes) [RP_STORE_OP_##name] = {run_##name, writes},
    RP_STORE_OPS(X)
#undef X
};

static void run(struct rp_db *db, struct rp_store_req *req)
{
    db->why = NULL;
    req->err = ops[req->op].run(db, req);
    req->why = db->why;
}

/* ---- writer ---- */

static void fail_all(struct rp_store_req **batch, size_t n, int err, const char *why)
{
    for (size_t i = 0; i < n; i++) {
        batch[i]->err = err;
        batch[i]->why = why;
    }
}

/* Runs one write as a savepoint. Returns an error only if the whole transaction is lost. */
static int run_write(struct rp_db *db, struct rp_store_req *req)
{
    int err = rp_db_run(db, NULL, "SAVEPOINT one", NULL, 0);

    if (err < 0)
        return err;
    run(db, req);
    /* A full disk and its like make SQLite roll everything back on its own. */
    if (sqlite3_get_autocommit(db->h))
        return req->err ? req->err : RP_EIO;
    if (req->err) {
        err = rp_db_run(db, NULL, "ROLLBACK TO one", NULL, 0);
        if (err < 0)
            return err;
    }
    err = rp_db_run(db, NULL, "RELEASE one", NULL, 0);
    return err < 0 ? err : 0;
}

static void run_batch(struct rp_sqlite *s, struct rp_store_req **batch, size_t n)
{
    struct rp_db *db = &s->writer_db;
    int err;

    db->why = NULL;
    err = rp_db_run(db, NULL, "BEGIN IMMEDIATE", NULL, 0);
    for (size_t i = 0; i < n && err >= 0; i++)
        err = run_write(db, batch[i]);
    if (err >= 0)
        err = rp_db_run(db, NULL, "COMMIT", NULL, 0);
    if (err < 0) {
        const char *why = db->why ? db->why : rp_err_text(err);

        fail_all(batch, n, err, why);
        atomic_store(&s->sick, why);
        if (!sqlite3_get_autocommit(db->h))
            (void)rp_db_run(db, NULL, "ROLLBACK", NULL, 0);
        rp_log("store", RP_LOG_ERROR, NULL, "a transaction of %zu writes failed: %s", n, why);
    } else {
        atomic_store(&s->sick, NULL);
    }
}

static void wait_until_us(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t due_us)
{
    struct timespec at = {.tv_sec = due_us / 1000000, .tv_nsec = (due_us % 1000000) * 1000};

    (void)pthread_cond_timedwait(cond, lock, &at);
}

/* Takes up to BATCH_MAX writes, waiting a moment for company; 0 at the end. Holds the lock. */
static size_t take_batch(struct rp_sqlite *s, struct rp_store_req **batch)
{
    size_t n = 0;
    int64_t due;

    while (rp_list_empty(&s->writes) && !s->closing)
        (void)pthread_cond_wait(&s->have_writes, &s->lock);
    due = rp_now_us() + s->batch_us;
    while (s->stats.queued_writes < BATCH_MAX && !s->closing && rp_now_us() < due)
        wait_until_us(&s->have_writes, &s->lock, due);
    while (n < BATCH_MAX && !rp_list_empty(&s->writes)) {
        batch[n] = RP_LIST_FIRST(&s->writes, struct rp_store_req, node);
        rp_list_remove(&batch[n++]->node);
    }
    s->stats.queued_writes -= n;
    return n;
}

static void *writer_main(void *arg)
{
    struct rp_sqlite *s = arg;
    struct rp_store_req *batch[BATCH_MAX];
    size_t n;

    (void)pthread_setname_np(pthread_self(), "store-writer");
    (void)pthread_mutex_lock(&s->lock);
    while ((n = take_batch(s, batch)) > 0) {
        int64_t began = rp_now_us(), took;

        (void)pthread_mutex_unlock(&s->lock);
        run_batch(s, batch, n);
        took = rp_now_us() - began;
        (void)pthread_mutex_lock(&s->lock);
        s->stats.writes += n;
        s->stats.transactions++;
        s->stats.worst_write_us = RP_MAX(s->stats.worst_write_us, took);
        for (size_t i = 0; i < n; i++)
            s->stats.failures += batch[i]->err == RP_EIO || batch[i]->err == RP_EAGAIN;
        (void)pthread_mutex_unlock(&s->lock);
        for (size_t i = 0; i < n; i++)
            rp_store_req_done(batch[i]);
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- readers ---- */

static void *reader_main(void *arg)
{
    struct reader *r = arg;
    struct rp_sqlite *s = r->owner;

    (void)pthread_setname_np(pthread_self(), "store-reader");
    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        struct rp_store_req *req;

        while (rp_list_empty(&s->reads) && !s->closing)
            (void)pthread_cond_wait(&s->have_reads, &s->lock);
        if (rp_list_empty(&s->reads))
            break;
        req = RP_LIST_FIRST(&s->reads, struct rp_store_req, node);
        rp_list_remove(&req->node);
        s->stats.queued_reads--;
        s->stats.reads++;
        (void)pthread_mutex_unlock(&s->lock);
        run(&r->db, req);
        rp_store_req_done(req);
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- the store's functions ---- */

static void sqlite_submit(struct rp_store *store, struct rp_store_req *req)
{
    struct rp_sqlite *s = of(store);
    bool writes = ops[req->op].writes;
    size_t *queued = writes ? &s->stats.queued_writes : &s->stats.queued_reads;
    bool taken = false;

    (void)pthread_mutex_lock(&s->lock);
    if (s->closing) {
        req->err = RP_ECANCELED;
    } else if (*queued >= s->max_queued) {
        req->err = RP_ELIMIT;
        req->why = "the database cannot keep up: too many requests are waiting for it";
    } else {
        taken = true; /* from the unlock on the request is the other thread's */
        (*queued)++;
        rp_list_append(writes ? &s->writes : &s->reads, &req->node);
        (void)pthread_cond_signal(writes ? &s->have_writes : &s->have_reads);
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (!taken)
        rp_store_req_done(req);
}

static void sqlite_stats(struct rp_store *store, struct rp_store_stats *out)
{
    struct rp_sqlite *s = of(store);

    (void)pthread_mutex_lock(&s->lock);
    *out = s->stats;
    (void)pthread_mutex_unlock(&s->lock);
}

static bool sqlite_healthy(struct rp_store *store, const char **why)
{
    *why = atomic_load(&of(store)->sick);
    return *why == NULL;
}

/* Also for one that was opened in part. */
static void sqlite_close(struct rp_store *store)
{
    struct rp_sqlite *s = of(store);

    (void)pthread_mutex_lock(&s->lock);
    s->closing = true;
    (void)pthread_cond_broadcast(&s->have_writes);
    (void)pthread_cond_broadcast(&s->have_reads);
    (void)pthread_mutex_unlock(&s->lock);
    if (s->writer_running)
        (void)pthread_join(s->writer, NULL);
    for (unsigned i = 0; i < s->nreaders; i++) {
        if (s->readers[i].running)
            (void)pthread_join(s->readers[i].thread, NULL);
        rp_db_close(&s->readers[i].db);
    }
    rp_db_close(&s->writer_db); /* last: it folds the log into the file */
    rp_vault_free(s->vault);
    (void)pthread_cond_destroy(&s->have_writes);
    (void)pthread_cond_destroy(&s->have_reads);
    (void)pthread_mutex_destroy(&s->lock);
    rp_free(s);
}

static const struct rp_store_ops sqlite_ops = {
    .submit = sqlite_submit,
    .stats = sqlite_stats,
    .healthy = sqlite_healthy,
    .close = sqlite_close,
};

/* ---- opening ---- */

static int make_dir(const char *dir, struct rp_buf *why)
{
    if (mkdir(dir, 0700) == 0 || errno == EEXIST) {
        if (access(dir, W_OK | X_OK) == 0)
            return 0;
    }
    (void)rp_buf_printf(why, "the data folder %s cannot be used: %s", dir, strerror(errno));
    return RP_EIO;
}

/* A known value sealed with the key: tells at once when key file and database do not belong
 * together, instead of later at some agent's secret. */
static int check_key(struct rp_db *db, struct rp_buf *why)
{
    static const struct rp_str known = {"riposte", 7};
    struct rp_arena mem;
    struct rp_rows r;
    struct rp_str got = {NULL, 0};
    int err;

    rp_arena_init(&mem, 4096);
    err = rp_db_run(
        db, &mem, "INSERT INTO meta (name, value) VALUES ('key_check', ?1) ON CONFLICT DO NOTHING",
        RP_DB_ARGS(rp_arg_sealed(known, "meta.value", "key_check")));
    if (err >= 0)
        err = rp_db_query(&r, db, &mem, "SELECT value FROM meta WHERE name = 'key_check'", NULL, 0);
    if (err == 0) {
        if (rp_rows_next(&r))
            got = rp_rows_sealed(&r, "meta.value", "key_check");
        err = rp_rows_end(&r);
    }
    if (err == RP_EDENIED || (err == 0 && !rp_str_eq(got, known))) {
        (void)rp_buf_z(why, "the key file does not fit the database: put the secret.key that was "
                            "made with it into the data folder (or name it with "
                            "RIPOSTE_SECRET_KEY_FILE)");
        err = RP_EDENIED;
    } else if (err < 0) {
        (void)rp_buf_z(why, db->why ? db->why : rp_err_text(err));
    }
    rp_arena_fini(&mem);
    return err < 0 ? err : 0;
}

static int open_vault(struct rp_sqlite *s, const struct rp_store_params *p, struct rp_buf *why)
{
    char path[4096], *text = NULL;
    int err;

    (void)snprintf(path, sizeof(path), "%s/secret.key", p->data_dir);
    err = rp_vault_open(&s->vault, p->key_file ? p->key_file : path, &text);
    if (err)
        (void)rp_buf_z(why, text ? text : rp_err_text(err));
    rp_free(text);
    return err;
}

static int open_files(struct rp_sqlite *s, const struct rp_store_params *p, struct rp_buf *why)
{
    char path[4096];
    const char *text = NULL;
    int busy_ms = p->busy_ms ? p->busy_ms : BUSY_MS_DEFAULT;
    int err;

    if ((size_t)snprintf(path, sizeof(path), "%s/riposte.db", p->data_dir) >= sizeof(path) - 16) {
        (void)rp_buf_z(why, "the path of the data folder is too long");
        return RP_EINVAL;
    }
    err = make_dir(p->data_dir, why);
    if (!err)
        err = open_vault(s, p, why);
    if (err)
        return err;
    err = rp_db_open(&s->writer_db, path, false, busy_ms, s->vault, &text);
    if (err) {
        (void)rp_buf_printf(why, "%s: %s", path, text);
        return err;
    }
    err = rp_migrate(&s->writer_db, rp_migrations, rp_migration_count, rp_wall_ms(), why);
    if (!err)
        err = check_key(&s->writer_db, why);
    if (err)
        return err;
    s->nreaders = p->readers ? RP_MIN(p->readers, READERS_MAX) : READERS_DEFAULT;
    for (unsigned i = 0; i < s->nreaders && !err; i++) {
        s->readers[i].owner = s;
        err = rp_db_open(&s->readers[i].db, path, true, busy_ms, s->vault, &text);
        if (err)
            (void)rp_buf_printf(why, "%s: %s", path, text);
    }
    return err;
}

static int start_threads(struct rp_sqlite *s, struct rp_buf *why)
{
    bool ok = pthread_create(&s->writer, NULL, writer_main, s) == 0;

    s->writer_running = ok;
    for (unsigned i = 0; i < s->nreaders && ok; i++) {
        ok = pthread_create(&s->readers[i].thread, NULL, reader_main, &s->readers[i]) == 0;
        s->readers[i].running = ok;
    }
    if (ok)
        return 0;
    (void)rp_buf_z(why, "no thread for the database could be started");
    return RP_ENOMEM;
}

int rp_sqlite_open(struct rp_store **out, const struct rp_store_params *p, char **why)
{
    struct rp_sqlite *s = rp_zalloc(sizeof(*s));
    pthread_condattr_t attr;
    struct rp_buf text;
    int err;

    if (!s)
        return RP_ENOMEM;
    s->store.ops = &sqlite_ops;
    s->max_queued = p->max_queued ? p->max_queued : MAX_QUEUED_DEFAULT;
    s->batch_us = p->batch_us ? p->batch_us : BATCH_US_DEFAULT;
    rp_list_init(&s->writes);
    rp_list_init(&s->reads);
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC); /* rp_now_us()'s clock */
    (void)pthread_cond_init(&s->have_writes, &attr);
    (void)pthread_cond_init(&s->have_reads, NULL);
    (void)pthread_condattr_destroy(&attr);

    rp_buf_init(&text, 8192);
    err = open_files(s, p, &text);
    if (!err)
        err = start_threads(s, &text);
    if (!err) {
        *out = &s->store;
    } else {
        sqlite_close(&s->store);
        if (why)
            *why = rp_buf_take(&text);
    }
    rp_buf_fini(&text);
    return err;
}
