/* Structured logs; see log.h.
 *
 * Lines wait in a ring of bytes: a 4-byte length, then the text. The lock is held for a memcpy
 * only. The writer takes all that is there in one go. */
#include "base/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define RING_SIZE      (1u << 20)
#define LINE_MAX_LEN   4096
#define COMPONENTS_MAX 16

struct component {
    char name[16];
    enum rp_log_level level;
};

static struct {
    pthread_mutex_t lock; /* guards everything below */
    pthread_cond_t more;
    pthread_t thread;
    bool running, stopping, json;
    size_t len; /* bytes waiting in ring */
    struct component components[COMPONENTS_MAX];
    size_t ncomponents;
    char ring[RING_SIZE];
    char out[RING_SIZE]; /* the writer's */
} g = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static atomic_int base_level = RP_LOG_WARN;
static atomic_int lowest_level = RP_LOG_WARN; /* of base and components: the quick no */
static atomic_uint_fast64_t lost;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

int rp_log_level_parse(enum rp_log_level *out, const char *name)
{
    for (size_t i = 0; i < RP_COUNT(level_names); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum rp_log_level)i;
            return 0;
        }
    }
    return RP_EINVAL;
}

static void write_all(const char *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, p, len);
        if (n <= 0)
            return; /* nobody listens; there is nobody left to tell */
        p += n;
        len -= (size_t)n;
    }
}

static void *writer(void *arg)
{
    (void)arg;
    pthread_mutex_lock(&g.lock);
    for (;;) {
        size_t len;
        while (g.len == 0 && !g.stopping)
            pthread_cond_wait(&g.more, &g.lock);
        if (g.len == 0)
            break;
        len = g.len;
        memcpy(g.out, g.ring, len);
        g.len = 0;
        pthread_mutex_unlock(&g.lock);
        write_all(g.out, len);
        pthread_mutex_lock(&g.lock);
    }
    pthread_mutex_unlock(&g.lock);
    return NULL;
}

/* Parses "a=debug,b=warn" into `list`. */
static int parse_components(const char *text, struct component *list, size_t *count)
{
    struct rp_str rest = rp_str_z(text);

    *count = 0;
    while (rest.len) {
        struct rp_str level = rp_str_split(&rest, ',');
        struct rp_str name = rp_str_split(&level, '=');
        struct component *c = &list[*count];
        char z[8];
        if (*count == COMPONENTS_MAX || name.len == 0 || name.len >= sizeof(c->name) ||
            level.len >= sizeof(z))
            return RP_EINVAL;
        memcpy(z, level.len ? level.p : "", level.len);
        z[level.len] = '\0';
        memcpy(c->name, name.p, name.len);
        c->name[name.len] = '\0';
        if (rp_log_level_parse(&c->level, z) != 0)
            return RP_EINVAL;
        (*count)++;
    }
    return 0;
}

int rp_log_set(enum rp_log_level level, const char *components)
{
    struct component list[COMPONENTS_MAX];
    size_t count;
    int lowest = (int)level;

    if (parse_components(components, list, &count) != 0)
        return RP_EINVAL;
    pthread_mutex_lock(&g.lock);
    memcpy(g.components, list, sizeof(list[0]) * count);
    g.ncomponents = count;
    for (size_t i = 0; i < count; i++)
        if ((int)list[i].level < lowest)
            lowest = (int)list[i].level;
    pthread_mutex_unlock(&g.lock);
    atomic_store(&base_level, (int)level);
    atomic_store(&lowest_level, lowest);
    return 0;
}

int rp_log_start(enum rp_log_level level, bool json, const char *components)
{
    sigset_t all, old;
    int err = rp_log_set(level, components);

    if (err)
        return err;
    g.json = json;
    g.stopping = false;
    (void)sigfillset(&all); /* signals are the main thread's business */
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&g.thread, NULL, writer, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err)
        return RP_ENOMEM;
    pthread_mutex_lock(&g.lock);
    g.running = true;
    pthread_mutex_unlock(&g.lock);
    return 0;
}

void rp_log_stop(void)
{
    bool was_running;

    pthread_mutex_lock(&g.lock);
    was_running = g.running;
    g.stopping = true;
    g.running = false;
    pthread_cond_signal(&g.more);
    pthread_mutex_unlock(&g.lock);
    if (was_running)
        pthread_join(g.thread, NULL);
}

bool rp_log_on(const char *component, enum rp_log_level level)
{
    int least = atomic_load_explicit(&base_level, memory_order_relaxed);

    if ((int)level < atomic_load_explicit(&lowest_level, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&g.lock);
    for (size_t i = 0; i < g.ncomponents; i++)
        if (strcmp(g.components[i].name, component) == 0)
            least = (int)g.components[i].level;
    pthread_mutex_unlock(&g.lock);
    return (int)level >= least;
}

/* Appends to a line of LINE_MAX_LEN bytes; what does not fit is cut. */
struct line {
    char text[LINE_MAX_LEN];
    size_t len;
};

static void add(struct line *l, const char *z)
{
    size_t n = strlen(z), room = sizeof(l->text) - 2 - l->len;

    n = n < room ? n : room;
    memcpy(l->text + l->len, z, n);
    l->len += n;
}

/* Escaped the JSON way, which serves the text format as well: no line of a peer can forge one. */
static void add_escaped(struct line *l, const char *z)
{
    for (; *z && l->len < sizeof(l->text) - 16; z++) {
        unsigned char c = (unsigned char)*z;
        char esc[8] = {(char)c, '\0'};
        if (c == '"' || c == '\\')
            (void)snprintf(esc, sizeof(esc), "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            (void)snprintf(esc, sizeof(esc), "\\u%04x", c);
        add(l, esc);
    }
}

static void add_field(struct line *l, bool json, const char *name, const char *value)
{
    if (!value)
        return;
    add(l, json ? ",\"" : " ");
    add(l, name);
    add(l, json ? "\":\"" : "=");
    add_escaped(l, value);
    if (json)
        add(l, "\"");
}

static void enqueue(const struct line *l)
{
    pthread_mutex_lock(&g.lock);
    if (!g.running) {
        pthread_mutex_unlock(&g.lock);
        write_all(l->text, l->len);
        return;
    }
    if (g.len + l->len > RING_SIZE) {
        atomic_fetch_add(&lost, 1);
    } else {
        memcpy(g.ring + g.len, l->text, l->len);
        g.len += l->len;
        pthread_cond_signal(&g.more);
    }
    pthread_mutex_unlock(&g.lock);
}

void rp_log(const char *component, enum rp_log_level level, const struct rp_log_ctx *ctx,
            const char *fmt, ...)
{
    static const struct rp_log_ctx none;
    char message[LINE_MAX_LEN / 2], stamp[RP_ISO_TIME_LEN];
    struct line l = {.len = 0};
    bool json = g.json;
    va_list args;

    if (!rp_log_on(component, level))
        return;
    if (!ctx)
        ctx = &none;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);

    add(&l, json ? "{\"time\":\"" : "");
    add(&l, rp_iso_time(stamp, rp_wall_ms()));
    if (json) {
        add(&l, "\"");
        add_field(&l, json, "level", level_names[level]);
        add_field(&l, json, "component", component);
        add_field(&l, json, "message", message);
    } else {
        char head[64];
        (void)snprintf(head, sizeof(head), " %-5s %-9s ", level_names[level], component);
        add(&l, head);
        add_escaped(&l, message);
    }
    add_field(&l, json, "session", ctx->session);
    add_field(&l, json, "turn", ctx->turn);
    add_field(&l, json, "agent", ctx->agent);
    add_field(&l, json, "while", ctx->doing);
    if (json)
        add(&l, "}");
    l.text[l.len++] = '\n';
    enqueue(&l);
}

uint64_t rp_log_lost(void)
{
    return atomic_load(&lost);
}
