/* JSON as ECMAScript reads and writes it.
 *
 * Published backends verify signatures over JSON.stringify(JSON.parse(body)), so what we send has
 * to survive that round trip byte for byte, and what users hand in has to come back as JSON.parse
 * would give it: numbers are doubles printed shortest, overflow becomes null, -0 becomes 0,
 * duplicate keys keep the first place and the last value, keys that look like array indices come
 * first in numeric order, lone surrogates stay (as \udxxx), NUL is allowed (ECMA-262, 25.5).
 *
 * Strings are held as WTF-8: UTF-8, with a lone surrogate as its three-byte generalised form. Trees
 * live in an arena; nodes are immutable and may share subtrees. */
#ifndef RP_CODEC_JSON_H
#define RP_CODEC_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum rp_json_type {
    RP_JSON_NULL,
    RP_JSON_BOOL,
    RP_JSON_NUMBER,
    RP_JSON_STRING,
    RP_JSON_ARRAY,
    RP_JSON_OBJECT
};

struct rp_json {
    enum rp_json_type type;
    bool boolean;
    double number;
    struct rp_str string;
    struct rp_json *first; /* of an array or object: the members, in the order of their output */
    size_t count;
    struct rp_str key; /* as a member of an object */
    struct rp_json *next;
};

#define RP_JSON_DEPTH 64 /* deepest nesting accepted */

struct rp_json_error {
    size_t at;        /* byte offset of what is wrong */
    const char *text; /* static, e.g. "a comma or } is missing" */
};

/* Parses all of `text` (surrounding white space allowed). The tree borrows nothing from `text`.
 * RP_EPROTO: not JSON, with *error filled (may be NULL); RP_ELIMIT: too deep or the arena's cap;
 * RP_ENOMEM. Invalid UTF-8 in the input becomes U+FFFD, as a decoder before JSON.parse would do. */
int rp_json_parse(struct rp_json **out, struct rp_arena *a, struct rp_str text,
                  struct rp_json_error *error);

/* All of these take NULL nodes and wrong types and answer with "absent".
 *
 * Member of an object, or NULL. */
const struct rp_json *rp_json_get(const struct rp_json *obj, const char *key);
/* The same along a path "a.b.c". */
const struct rp_json *rp_json_path(const struct rp_json *obj, const char *path);
/* Of a string node; p == NULL if it is none. */
struct rp_str rp_json_str(const struct rp_json *node);
/* Convenience: the string member `key`; p == NULL if absent or no string. */
struct rp_str rp_json_get_str(const struct rp_json *obj, const char *key);
bool rp_json_get_bool(const struct rp_json *obj, const char *key, bool fallback);
double rp_json_get_num(const struct rp_json *obj, const char *key, double fallback);
bool rp_json_is(const struct rp_json *node, enum rp_json_type type);
/* "a string", "an object", …, for messages. */
const char *rp_json_type_name(const struct rp_json *node);

/* The first member of an array or object; NULL for anything else. */
const struct rp_json *rp_json_first(const struct rp_json *node);

#define RP_JSON_EACH(node, var)                                                                    \
    for (const struct rp_json *var = rp_json_first(node); var; var = var->next)

/* Prints exactly as JSON.stringify(value) does. Errors stay in the buffer (rp_buf_err). */
void rp_json_write(struct rp_buf *b, const struct rp_json *node);
/* A string with quotes and escapes; `s` is UTF-8 or WTF-8 (invalid bytes become U+FFFD). */
void rp_json_write_str(struct rp_buf *b, struct rp_str s);
/* A number as ECMAScript prints it; NaN and infinities as null. */
void rp_json_write_num(struct rp_buf *b, double value);

/* Writer for output that we compose ourselves: puts commas and colons, never spaces.
 *
 *     struct rp_jw w = {.b = &buf};
 *     rp_jw_obj(&w);
 *     rp_jw_key_str(&w, "type", RP_STR("turn.start"));
 *     rp_jw_end(&w);
 *
 * Keys are literals in an order of our choosing, none like an array index and none twice: that is
 * what makes the output survive the round trip. */
struct rp_jw {
    struct rp_buf *b;
    unsigned depth;
    uint64_t is_array; /* bit per level */
    bool need_comma;
};

void rp_jw_obj(struct rp_jw *w);
void rp_jw_arr(struct rp_jw *w);
void rp_jw_end(struct rp_jw *w);
void rp_jw_key(struct rp_jw *w, const char *key);
void rp_jw_str(struct rp_jw *w, struct rp_str s);
void rp_jw_num(struct rp_jw *w, double v);
void rp_jw_int(struct rp_jw *w, int64_t v); /* |v| < 2^53 */
void rp_jw_bool(struct rp_jw *w, bool v);
void rp_jw_null(struct rp_jw *w);
void rp_jw_value(struct rp_jw *w, const struct rp_json *node); /* NULL prints null */
/* Bytes that are JSON already, as rp_json_write printed them. */
void rp_jw_raw(struct rp_jw *w, struct rp_str json);

void rp_jw_key_str(struct rp_jw *w, const char *key, struct rp_str s);
void rp_jw_key_z(struct rp_jw *w, const char *key, const char *z); /* NULL prints null */
void rp_jw_key_num(struct rp_jw *w, const char *key, double v);
void rp_jw_key_int(struct rp_jw *w, const char *key, int64_t v);
void rp_jw_key_bool(struct rp_jw *w, const char *key, bool v);
void rp_jw_key_value(struct rp_jw *w, const char *key, const struct rp_json *node);

#endif
