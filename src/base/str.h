/* String views: a pointer and a length that never own.
 *
 * A view borrows from whatever it was made of and dies with it; headers say what that is. The bytes
 * need not end in NUL and may contain NUL. */
#ifndef RP_BASE_STR_H
#define RP_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct rp_str {
    const char *p;
    size_t len;
};

#define RP_STR(literal) ((struct rp_str){"" literal, sizeof(literal) - 1})
/* For printf: "%.*s". */
#define RP_STR_ARG(s) (int)(s).len, (s).p

static inline struct rp_str rp_str_n(const char *p, size_t len)
{
    return (struct rp_str){p, len};
}

/* Of a C string; NULL gives the empty view. */
static inline struct rp_str rp_str_z(const char *z)
{
    return (struct rp_str){z ? z : "", z ? strlen(z) : 0};
}

static inline bool rp_str_eq(struct rp_str a, struct rp_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

static inline bool rp_str_eq_z(struct rp_str a, const char *z)
{
    return rp_str_eq(a, rp_str_z(z));
}

/* ASCII case is ignored. */
bool rp_str_eq_nocase(struct rp_str a, struct rp_str b);
bool rp_str_starts(struct rp_str s, struct rp_str prefix);
bool rp_str_ends(struct rp_str s, struct rp_str suffix);
/* Without ASCII white space at both ends. */
struct rp_str rp_str_trim(struct rp_str s);
/* From `from` to the end, and the first `len` bytes; both clamp. */
struct rp_str rp_str_from(struct rp_str s, size_t from);
struct rp_str rp_str_first(struct rp_str s, size_t len);
/* Offset of the first `c`, or -1. */
ptrdiff_t rp_str_find(struct rp_str s, char c);
/* Offset of the first `needle`, or -1. */
ptrdiff_t rp_str_find_str(struct rp_str s, struct rp_str needle);
/* Cuts *rest at the first `sep`: what is before it comes back, *rest becomes what is behind it.
 * Without a `sep` everything comes back and *rest is empty with p == NULL. */
struct rp_str rp_str_split(struct rp_str *rest, char sep);
/* Decimal, whole view, optional leading '-'. RP_EINVAL for anything else or on overflow. */
int rp_str_to_i64(struct rp_str s, int64_t *out);
/* Compares in a time that depends on the lengths only. */
bool rp_str_eq_secret(struct rp_str a, struct rp_str b);

#endif
