/* Requests, and the choice of the backend; see store.h. */
#include "store/store.h"

#include <pthread.h>
#include <sodium.h>

#include "base/err.h"
#include "base/mem.h"
#include "store/sqlite.h"
#include "store/store_int.h"

#define REQ_MEM_MAX (32u << 20)

/* The thread in rp_store_wait. */
struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done; /* guarded by lock */
};

void *rp_store_req_new(enum rp_store_op op, size_t size, struct rp_loop *loop,
                       rp_store_done_fn *done, void *arg)
{
    struct rp_store_req *req = rp_zalloc(size);

    if (!req)
        return NULL;
    rp_arena_init(&req->mem, REQ_MEM_MAX);
    req->op = op;
    req->loop = loop;
    req->done = done;
    req->arg = arg;
    return req;
}

struct rp_str rp_store_str(struct rp_store_req *req, struct rp_str s)
{
    if (!s.p)
        return s;
    s = rp_arena_str(&req->mem, s);
    if (!s.p)
        req->err = RP_ENOMEM;
    return s;
}

const char *rp_store_z_of(struct rp_store_req *req, struct rp_str s)
{
    return rp_store_str(req, s).p;
}

const char *rp_store_z(struct rp_store_req *req, const char *z)
{
    return z ? rp_store_z_of(req, rp_str_z(z)) : NULL;
}

void rp_store_req_free(struct rp_store_req *req)
{
    if (!req)
        return;
    rp_arena_fini(&req->mem);
    rp_free(req);
}

static const char *const answer_names[] = {
#define X(name, writes) "the store's answer to " #name,
    RP_STORE_OPS(X)
#undef X
};

static void answer(struct rp_msg *msg)
{
    struct rp_store_req *req = RP_CONTAINER_OF(msg, struct rp_store_req, msg);

    if (req->done)
        req->done(req, req->arg);
    rp_store_req_free(req);
}

void rp_store_req_done(struct rp_store_req *req)
{
    struct waiter *w = req->waiter;

    if (!req->err)
        req->why = NULL;
    else if (!req->why)
        req->why = rp_err_text(req->err);
    if (!w) {
        req->msg.fn = answer;
        req->msg.name = answer_names[req->op];
        rp_loop_post(req->loop, &req->msg);
        return;
    }
    (void)pthread_mutex_lock(&w->lock);
    w->is_done = true;
    (void)pthread_cond_signal(&w->done); /* under the lock: the waiter's stack is gone behind it */
    (void)pthread_mutex_unlock(&w->lock);
}

void rp_store_submit(struct rp_store *s, struct rp_store_req *req)
{
    RP_ASSERT(req->loop);
    if (req->err)
        rp_store_req_done(req);
    else
        s->ops->submit(s, req);
}

void rp_store_forget(struct rp_store_req *req)
{
    RP_ON_LOOP(req->loop);
    req->done = NULL;
}

int rp_store_wait(struct rp_store *s, struct rp_store_req *req)
{
    struct waiter w = {.is_done = false};

    RP_ASSERT(!req->loop);
    if (req->err)
        return req->err;
    (void)pthread_mutex_init(&w.lock, NULL);
    (void)pthread_cond_init(&w.done, NULL);
    req->waiter = &w;
    s->ops->submit(s, req);
    (void)pthread_mutex_lock(&w.lock);
    while (!w.is_done)
        (void)pthread_cond_wait(&w.done, &w.lock);
    (void)pthread_mutex_unlock(&w.lock);
    (void)pthread_cond_destroy(&w.done);
    (void)pthread_mutex_destroy(&w.lock);
    req->waiter = NULL;
    return req->err;
}

int rp_store_open(struct rp_store **out, const struct rp_store_params *p, char **why)
{
    if (p->database_url) {
        if (why)
            *why = rp_strdup("this build has no database but SQLite: leave RIPOSTE_DATABASE_URL "
                             "empty and set RIPOSTE_DATA to a folder");
        return RP_EINVAL;
    }
    return rp_sqlite_open(out, p, why);
}

void rp_store_close(struct rp_store *s)
{
    if (s)
        s->ops->close(s);
}

void rp_store_stats(struct rp_store *s, struct rp_store_stats *out)
{
    s->ops->stats(s, out);
}

bool rp_store_healthy(struct rp_store *s, const char **why)
{
    return s->ops->healthy(s, why);
}

struct rp_store_hash rp_store_hash(struct rp_str secret)
{
    struct rp_store_hash h;

    (void)crypto_hash_sha256(h.b, (const uint8_t *)secret.p, secret.len);
    return h;
}
