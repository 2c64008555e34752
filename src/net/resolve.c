/* Names to addresses; see resolve.h.
 *
 *     rp_lookup ─┐                               one for each caller, on its loop
 *     rp_lookup ─┼─► rp_query ─► thread          one for each name under way
 *     rp_lookup ─┘       └─► waiting             … when there are enough threads
 *
 * All of it is under one lock, which is held for moments only. */
#include "net/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#define MAX_THREADS 32
#define MAX_WAITING 1024 /* names */
#define CACHE_SIZE  256
#define CACHE_US    30000000
#define MAX_NAME    256

#define DENIED "the host has a link-local address, where requests are not sent"

struct query {
    struct rp_node node; /* in `running` or `waiting` */
    struct rp_list lookups;
    char name[MAX_NAME];
};

struct rp_lookup {
    struct rp_node node; /* in its query's list; in none once `result` is on its way */
    struct rp_loop *loop;
    struct rp_msg msg;
    rp_resolved_fn *fn; /* NULL: cancelled; on the loop only */
    void *arg;
    struct rp_resolved result;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the rest */
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;   /* nthreads has become 0 */
static struct rp_list running, waiting;                  /* of queries; set up by the first call */
static size_t nwaiting;
static unsigned nthreads;
static struct {
    char name[MAX_NAME];
    int64_t until_us;
    struct rp_resolved result;
} cache[CACHE_SIZE]; /* a slot for each value of a hash: newer names replace older ones */

static bool is_denied_v4(const unsigned char ip[4])
{
    return ip[0] == 169 && ip[1] == 254;
}

bool rp_addr_denied(const struct sockaddr *addr)
{
    static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff}, compatible[12] = {0};
    /* Not link-local, but the same service of one cloud under IPv6. */
    static const unsigned char metadata[16] = {0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54};
    union rp_sockaddr a = {0};
    const unsigned char *ip;

    if (addr->sa_family == AF_INET) {
        memcpy(&a.v4, addr, sizeof(a.v4));
        return is_denied_v4((const unsigned char *)&a.v4.sin_addr);
    }
    if (addr->sa_family != AF_INET6)
        return true;
    memcpy(&a.v6, addr, sizeof(a.v6));
    ip = a.v6.sin6_addr.s6_addr;
    if (memcmp(ip, mapped, 12) == 0 || memcmp(ip, compatible, 12) == 0 ||
        memcmp(ip, nat64, 12) == 0)
        return is_denied_v4(ip + 12);
    if (ip[0] == 0x20 && ip[1] == 0x02) /* 6to4 */
        return is_denied_v4(ip + 2);
    return (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) || memcmp(ip, metadata, 16) == 0;
}

static void ask(const char *name, struct rp_resolved *out)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int failed = getaddrinfo(name, NULL, &hints, &list);

    *out = (struct rp_resolved){0};
    if (failed) {
        bool unknown = failed == EAI_NONAME || failed == EAI_NODATA || failed == EAI_FAMILY ||
                       failed == EAI_ADDRFAMILY;
        out->err = unknown ? RP_ENOTFOUND : RP_EUPSTREAM;
        out->why = unknown ? "the host name is not known" : "the host name cannot be looked up now";
        return;
    }
    for (struct addrinfo *ai = list; ai && out->naddrs < RP_MAX_ADDRS; ai = ai->ai_next) {
        if (ai->ai_addrlen > sizeof(out->addrs[0]))
            continue;
        if (rp_addr_denied(ai->ai_addr)) {
            out->err = RP_EDENIED;
            out->why = DENIED;
        }
        memcpy(&out->addrs[out->naddrs++], ai->ai_addr, ai->ai_addrlen);
    }
    freeaddrinfo(list);
    if (out->naddrs == 0 && !out->err) {
        out->err = RP_ENOTFOUND;
        out->why = "the host name has no address";
    }
}

static size_t cache_slot(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a; a collision costs a look-up */

    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash % CACHE_SIZE;
}

static void on_result(struct rp_msg *msg)
{
    struct rp_lookup *lookup = RP_CONTAINER_OF(msg, struct rp_lookup, msg);

    if (lookup->fn)
        lookup->fn(&lookup->result, lookup->arg);
    rp_free(lookup);
}

/* Gives the result to all who wait for it. Locked. */
static void answer(struct query *q, const struct rp_resolved *result)
{
    size_t slot = cache_slot(q->name);

    if (result->err == 0) {
        (void)snprintf(cache[slot].name, MAX_NAME, "%s", q->name);
        cache[slot].until_us = rp_now_us() + CACHE_US;
        cache[slot].result = *result;
    }
    RP_LIST_EACH(&q->lookups, struct rp_lookup, lookup, node) {
        rp_list_remove(&lookup->node);
        lookup->result = *result;
        rp_loop_post(lookup->loop, &lookup->msg);
    }
    rp_list_remove(&q->node);
    rp_free(q);
}

/* A thread: asks for its name, then for those that wait. */
static void *thread_main(void *arg)
{
    struct query *q = arg;
    struct rp_resolved result;

    (void)pthread_setname_np(pthread_self(), "resolve");
    while (q) {
        ask(q->name, &result);
        (void)pthread_mutex_lock(&lock);
        answer(q, &result);
        q = RP_LIST_FIRST(&waiting, struct query, node);
        if (q) {
            rp_list_remove(&q->node);
            rp_list_append(&running, &q->node);
            nwaiting--;
        } else if (--nthreads == 0) {
            (void)pthread_cond_broadcast(&idle);
        }
        (void)pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static int start_thread(struct query *q)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, before;
    int failed;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(&thread, &attr, thread_main, q);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return failed ? RP_ENOMEM : 0;
}

static struct query *find_query(const struct rp_list *list, const char *name)
{
    RP_LIST_EACH(list, struct query, q, node)
        if (strcmp(q->name, name) == 0)
            return q;
    return NULL;
}

/* A new query, under way or waiting. Locked. */
static int new_query(struct query **out, const char *name)
{
    struct query *q = rp_zalloc(sizeof(*q));
    int err = 0;

    if (!q)
        return RP_ENOMEM;
    rp_list_init(&q->lookups);
    (void)snprintf(q->name, sizeof(q->name), "%s", name);
    if (nthreads < MAX_THREADS) {
        err = start_thread(q);
        if (!err) {
            nthreads++;
            rp_list_append(&running, &q->node);
        }
    } else if (nwaiting < MAX_WAITING) {
        nwaiting++;
        rp_list_append(&waiting, &q->node);
    } else {
        err = RP_ELIMIT;
    }
    if (err)
        rp_free(q);
    else
        *out = q;
    return err;
}

/* Whether it is an address already; then that is the result. */
static bool parse_literal(const char *name, struct rp_resolved *out)
{
    union rp_sockaddr *a = &out->addrs[0];

    if (inet_pton(AF_INET, name, &a->v4.sin_addr) == 1)
        a->v4.sin_family = AF_INET;
    else if (inet_pton(AF_INET6, name, &a->v6.sin6_addr) == 1)
        a->v6.sin6_family = AF_INET6;
    else
        return false;
    out->naddrs = 1;
    if (rp_addr_denied(&a->any)) {
        out->err = RP_EDENIED;
        out->why = DENIED;
    }
    return true;
}

/* Joins the look-up to a query, or answers it from memory. Locked. */
static int enlist(struct rp_lookup *lookup, const char *name)
{
    size_t slot = cache_slot(name);
    struct query *q = NULL;
    int err = 0;

    if (!running.head.next) {
        rp_list_init(&running);
        rp_list_init(&waiting);
    }
    if (parse_literal(name, &lookup->result)) {
        rp_loop_post(lookup->loop, &lookup->msg);
        return 0;
    }
    if (strcmp(cache[slot].name, name) == 0 && rp_now_us() < cache[slot].until_us) {
        lookup->result = cache[slot].result;
        rp_loop_post(lookup->loop, &lookup->msg);
        return 0;
    }
    q = find_query(&running, name);
    if (!q)
        q = find_query(&waiting, name);
    if (!q)
        err = new_query(&q, name);
    if (!err)
        rp_list_append(&q->lookups, &lookup->node);
    return err;
}

int rp_resolve(struct rp_lookup **out, struct rp_loop *l, struct rp_str host, rp_resolved_fn *fn,
               void *arg)
{
    struct rp_lookup *lookup = rp_zalloc(sizeof(*lookup));
    char name[MAX_NAME];
    int err = 0;

    RP_ON_LOOP(l);
    if (!lookup)
        return RP_ENOMEM;
    lookup->loop = l;
    lookup->fn = fn;
    lookup->arg = arg;
    rp_msg_init(&lookup->msg, on_result);
    if (host.len == 0 || host.len >= sizeof(name) || memchr(host.p, '\0', host.len)) {
        lookup->result.err = RP_ENOTFOUND;
        lookup->result.why = "the host name is not valid";
        rp_loop_post(l, &lookup->msg);
        *out = lookup;
        return 0;
    }
    for (size_t i = 0; i <= host.len; i++) /* names are the same in any case */
        name[i] = (char)(i == host.len                          ? '\0'
                         : host.p[i] >= 'A' && host.p[i] <= 'Z' ? host.p[i] + 32
                                                                : host.p[i]);
    (void)pthread_mutex_lock(&lock);
    err = enlist(lookup, name);
    if (err == RP_ELIMIT) {
        lookup->result.err = RP_ELIMIT;
        lookup->result.why = "too many host names are being looked up";
        rp_loop_post(l, &lookup->msg);
        err = 0;
    }
    (void)pthread_mutex_unlock(&lock);
    if (err)
        rp_free(lookup);
    else
        *out = lookup;
    return err;
}

void rp_resolve_cancel(struct rp_lookup *lookup)
{
    bool waits;

    if (!lookup)
        return;
    RP_ON_LOOP(lookup->loop);
    (void)pthread_mutex_lock(&lock);
    waits = rp_list_linked(&lookup->node);
    rp_list_remove(&lookup->node);
    (void)pthread_mutex_unlock(&lock);
    /* Else its message is on the way, and frees it. */
    lookup->fn = NULL;
    if (waits)
        rp_free(lookup);
}

void rp_resolve_reset(void)
{
    (void)pthread_mutex_lock(&lock);
    while (nthreads > 0)
        (void)pthread_cond_wait(&idle, &lock);
    memset(cache, 0, sizeof(cache));
    (void)pthread_mutex_unlock(&lock);
}
