/* JSON.stringify, and the writer for output of our own; the contract stands in json.h. */
#include <math.h>

#include "codec/codec_int.h"
#include "codec/json_int.h"
#include "codec/utf8.h"

/* Eight bytes at a time: whether any is a quote, a backslash, below 0x20 or above 0x7f. A zero byte
 * of x makes (x - ones) borrow into its top bit; a false alarm only ends the quick walk early. */
static bool all_plain(const char *p)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return ((((x ^ ones * '"') - ones) | ((x ^ ones * '\\') - ones) | (x - ones * 0x20) | x) &
            tops) == 0;
}

const char *rp_json_plain(const char *p, const char *end)
{
    int len;

    while (p < end) {
        if (end - p >= 8 && all_plain(p)) {
            p += 8;
            continue;
        }
        if (*p == '"' || *p == '\\' || (unsigned char)*p < 0x20)
            break;
        len = rp_utf8_step(p, end);
        if (len < 0)
            break;
        p += len;
    }
    return p;
}

/* ---- JSON.stringify ---- */

/* A surrogate in the generalised form ED A0..BF xx; 0 if there is none. */
static uint32_t surrogate(const char *p, const char *end)
{
    const unsigned char *u = (const unsigned char *)p;

    if (end - p < 3 || u[0] != 0xed || (u[1] & 0xe0) != 0xa0 || (u[2] & 0xc0) != 0x80)
        return 0;
    return 0xd000u | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
}

static void write_u(struct rp_buf *b, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    const char out[] = {
        '\\', 'u', hex[unit >> 12], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15]};

    (void)rp_buf_add(b, out, sizeof(out));
}

static void write_ascii_escape(struct rp_buf *b, char c)
{
    static const char values[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = memchr(values, c, sizeof(values) - 1);

    if (found) {
        const char out[] = {'\\', names[found - values]};
        (void)rp_buf_add(b, out, sizeof(out));
    } else {
        write_u(b, (unsigned char)c);
    }
}

/* What stands at `p` is not plain; writes it and returns where it ends. */
static const char *write_special(struct rp_buf *b, const char *p, const char *end)
{
    const uint32_t first = surrogate(p, end);
    uint32_t second;
    char utf8[RP_UTF8_MAX];

    if ((unsigned char)*p < 0x80) {
        write_ascii_escape(b, *p);
        return p + 1;
    }
    if (first == 0) {
        (void)rp_buf_z(b, RP_UTF8_BAD);
        return p - rp_utf8_step(p, end);
    }
    /* Halves that met when two strings were joined are one character, as they are in a string
     * of UTF-16. */
    second = first < 0xdc00 ? surrogate(p + 3, end) : 0;
    if (second >= 0xdc00) {
        const uint32_t cp = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        (void)rp_buf_add(b, utf8, rp_utf8_put(utf8, cp));
        return p + 6;
    }
    write_u(b, first);
    return p + 3;
}

void rp_json_write_str(struct rp_buf *b, struct rp_str s)
{
    const char *p = s.p, *end = rp_codec_end(s), *next;

    (void)rp_buf_char(b, '"');
    while (p < end) {
        next = rp_json_plain(p, end);
        (void)rp_buf_add(b, p, (size_t)(next - p));
        p = next < end ? write_special(b, next, end) : end;
    }
    (void)rp_buf_char(b, '"');
}

void rp_json_write_num(struct rp_buf *b, double value)
{
    char text[RP_JSON_NUM_MAX];

    if (isfinite(value))
        (void)rp_buf_add(b, text, rp_json_num_print(text, value));
    else
        (void)rp_buf_z(b, "null");
}

static void write_members(struct rp_buf *b, const struct rp_json *node)
{
    const bool object = node->type == RP_JSON_OBJECT;

    (void)rp_buf_char(b, object ? '{' : '[');
    RP_JSON_EACH(node, n) {
        if (n != node->first)
            (void)rp_buf_char(b, ',');
        if (object) {
            rp_json_write_str(b, n->key);
            (void)rp_buf_char(b, ':');
        }
        rp_json_write(b, n);
    }
    (void)rp_buf_char(b, object ? '}' : ']');
}

void rp_json_write(struct rp_buf *b, const struct rp_json *node)
{
    switch (node->type) {
    case RP_JSON_NULL:
        (void)rp_buf_z(b, "null");
        break;
    case RP_JSON_BOOL:
        (void)rp_buf_z(b, node->boolean ? "true" : "false");
        break;
    case RP_JSON_NUMBER:
        rp_json_write_num(b, node->number);
        break;
    case RP_JSON_STRING:
        rp_json_write_str(b, node->string);
        break;
    case RP_JSON_ARRAY:
    case RP_JSON_OBJECT:
        write_members(b, node);
        break;
    }
}

/* ---- the composing writer ---- */

/* The comma before a value or a key, where one is due. */
static void separate(struct rp_jw *w)
{
    if (w->need_comma)
        (void)rp_buf_char(w->b, ',');
    w->need_comma = true;
}

static void begin(struct rp_jw *w, bool array)
{
    RP_ASSERT(w->depth < RP_JSON_DEPTH);
    separate(w);
    (void)rp_buf_char(w->b, array ? '[' : '{');
    w->is_array = w->is_array << 1 | array;
    w->depth++;
    w->need_comma = false;
}

void rp_jw_obj(struct rp_jw *w)
{
    begin(w, false);
}

void rp_jw_arr(struct rp_jw *w)
{
    begin(w, true);
}

void rp_jw_end(struct rp_jw *w)
{
    RP_ASSERT(w->depth > 0);
    (void)rp_buf_char(w->b, w->is_array & 1 ? ']' : '}');
    w->is_array >>= 1;
    w->depth--;
    w->need_comma = true;
}

void rp_jw_key(struct rp_jw *w, const char *key)
{
    RP_ASSERT(w->depth > 0 && !(w->is_array & 1));
    separate(w);
    rp_json_write_str(w->b, rp_str_z(key));
    (void)rp_buf_char(w->b, ':');
    w->need_comma = false;
}

void rp_jw_str(struct rp_jw *w, struct rp_str s)
{
    separate(w);
    rp_json_write_str(w->b, s);
}

void rp_jw_num(struct rp_jw *w, double v)
{
    separate(w);
    rp_json_write_num(w->b, v);
}

void rp_jw_int(struct rp_jw *w, int64_t v)
{
    rp_jw_num(w, (double)v);
}

void rp_jw_bool(struct rp_jw *w, bool v)
{
    rp_jw_raw(w, v ? RP_STR("true") : RP_STR("false"));
}

void rp_jw_null(struct rp_jw *w)
{
    rp_jw_raw(w, RP_STR("null"));
}

void rp_jw_value(struct rp_jw *w, const struct rp_json *node)
{
    if (!node) {
        rp_jw_null(w);
        return;
    }
    separate(w);
    rp_json_write(w->b, node);
}

void rp_jw_raw(struct rp_jw *w, struct rp_str json)
{
    separate(w);
    (void)rp_buf_str(w->b, json);
}

void rp_jw_key_str(struct rp_jw *w, const char *key, struct rp_str s)
{
    rp_jw_key(w, key);
    rp_jw_str(w, s);
}

void rp_jw_key_z(struct rp_jw *w, const char *key, const char *z)
{
    rp_jw_key(w, key);
    if (z)
        rp_jw_str(w, rp_str_z(z));
    else
        rp_jw_null(w);
}

void rp_jw_key_num(struct rp_jw *w, const char *key, double v)
{
    rp_jw_key(w, key);
    rp_jw_num(w, v);
}

void rp_jw_key_int(struct rp_jw *w, const char *key, int64_t v)
{
    rp_jw_key(w, key);
    rp_jw_int(w, v);
}

void rp_jw_key_bool(struct rp_jw *w, const char *key, bool v)
{
    rp_jw_key(w, key);
    rp_jw_bool(w, v);
}

void rp_jw_key_value(struct rp_jw *w, const char *key, const struct rp_json *node)
{
    rp_jw_key(w, key);
    rp_jw_value(w, node);
}
