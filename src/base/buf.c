/* A growing byte buffer with a cap; see buf.h. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"

#define FIRST_SIZE 64

void rp_buf_init(struct rp_buf *b, size_t cap)
{
    *b = (struct rp_buf){.cap = cap < SIZE_MAX / 4 ? cap : SIZE_MAX / 4};
}

void rp_buf_fini(struct rp_buf *b)
{
    rp_free(b->p);
    rp_buf_init(b, b->cap);
}

void rp_buf_clear(struct rp_buf *b)
{
    b->len = 0;
    b->err = 0;
    if (b->p)
        b->p[0] = '\0';
}

static int fail(struct rp_buf *b, int err)
{
    if (!b->err)
        b->err = err;
    return err;
}

int rp_buf_reserve(struct rp_buf *b, size_t len, char **at)
{
    size_t size = b->size ? b->size : FIRST_SIZE;
    char *p;

    if (b->err)
        return b->err;
    if (len > b->cap || b->len > b->cap - len)
        return fail(b, RP_ELIMIT);
    if (!b->p || b->len + len + 1 > b->size) {
        while (size < b->len + len + 1)
            size *= 2;
        p = rp_realloc(b->p, size);
        if (!p)
            return fail(b, RP_ENOMEM);
        b->p = p;
        b->size = size;
    }
    b->p[b->len] = '\0';
    *at = b->p + b->len;
    return 0;
}

void rp_buf_grew(struct rp_buf *b, size_t len)
{
    RP_ASSERT(b->len + len < b->size);
    b->len += len;
    b->p[b->len] = '\0';
}

int rp_buf_add(struct rp_buf *b, const void *data, size_t len)
{
    char *at;
    int err = rp_buf_reserve(b, len, &at);

    if (err)
        return err;
    if (len)
        memcpy(at, data, len);
    rp_buf_grew(b, len);
    return 0;
}

int rp_buf_str(struct rp_buf *b, struct rp_str s)
{
    return rp_buf_add(b, s.p, s.len);
}

int rp_buf_z(struct rp_buf *b, const char *z)
{
    return rp_buf_add(b, z, strlen(z));
}

int rp_buf_char(struct rp_buf *b, char c)
{
    return rp_buf_add(b, &c, 1);
}

int rp_buf_printf(struct rp_buf *b, const char *fmt, ...)
{
    va_list args;
    char *at;
    int len, err;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        return fail(b, RP_EINVAL);
    err = rp_buf_reserve(b, (size_t)len, &at);
    if (err)
        return err;
    va_start(args, fmt);
    (void)vsnprintf(at, (size_t)len + 1, fmt, args);
    va_end(args);
    rp_buf_grew(b, (size_t)len);
    return 0;
}

void rp_buf_consume(struct rp_buf *b, size_t len)
{
    RP_ASSERT(len <= b->len);
    if (len == 0)
        return;
    memmove(b->p, b->p + len, b->len - len + 1);
    b->len -= len;
}

struct rp_str rp_buf_view(const struct rp_buf *b)
{
    return rp_str_n(b->p ? b->p : "", b->len);
}

char *rp_buf_take(struct rp_buf *b)
{
    char *at, *p = NULL;

    if (!b->err && rp_buf_reserve(b, 0, &at) == 0) {
        p = b->p;
        b->p = NULL;
    }
    rp_buf_fini(b);
    return p;
}
