/* A growing byte buffer with a cap.
 *
 * The cap is given at init, since whatever the network sizes needs a bound. A failed append leaves
 * the buffer as it was and is remembered: a chain of appends may be checked once, by rp_buf_err.
 * The bytes are always followed by a NUL that does not count. Not thread-safe. */
#ifndef RP_BASE_BUF_H
#define RP_BASE_BUF_H

#include "base/check.h"
#include "base/str.h"

struct rp_buf {
    char *p; /* NULL while empty and never grown */
    size_t len;
    size_t size;
    size_t cap;
    int err; /* first failure, or 0 */
};

/* No allocation. `cap` is the greatest length. */
void rp_buf_init(struct rp_buf *b, size_t cap);
/* Frees the memory; the buffer is then as after init. */
void rp_buf_fini(struct rp_buf *b);
/* Length 0 and no error; memory is kept. */
void rp_buf_clear(struct rp_buf *b);
/* RP_ELIMIT beyond the cap, RP_ENOMEM, or 0. */
int rp_buf_add(struct rp_buf *b, const void *data, size_t len);
int rp_buf_str(struct rp_buf *b, struct rp_str s);
int rp_buf_z(struct rp_buf *b, const char *z);
int rp_buf_char(struct rp_buf *b, char c);
int rp_buf_printf(struct rp_buf *b, const char *fmt, ...) RP_PRINTF(2, 3);
/* Room for `len` more bytes; *at is where they go, to be counted by rp_buf_grew. */
int rp_buf_reserve(struct rp_buf *b, size_t len, char **at);
void rp_buf_grew(struct rp_buf *b, size_t len);
/* Drops `len` bytes at the front (moves the rest). */
void rp_buf_consume(struct rp_buf *b, size_t len);
/* Borrows from the buffer until it is changed. */
struct rp_str rp_buf_view(const struct rp_buf *b);
/* Gives the bytes away, NUL-terminated; the buffer is empty afterwards. NULL if an append failed
 * or there is no memory; then the buffer is emptied as well. Release with rp_free. */
char *rp_buf_take(struct rp_buf *b);

static inline int rp_buf_err(const struct rp_buf *b)
{
    return b->err;
}

#endif
