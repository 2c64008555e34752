/* JSON.parse; the contract stands in json.h.
 *
 * A recursive descent over the bytes, with nodes and strings in the caller's arena. A string is
 * gone over twice: once to know its length and whether it is right, once to write it down; one
 * without escapes, which is nearly every string, is found and copied whole. */
#include "base/err.h"
#include "codec/codec_int.h"
#include "codec/json_int.h"
#include "codec/json_object.h"
#include "codec/utf8.h"

struct reader {
    const char *p, *end;
    struct rp_arena *arena;
    const char *wrong; /* text of the error */
    int depth;
};

static int fail(struct reader *r, const char *text)
{
    r->wrong = text;
    return RP_EPROTO;
}

static struct rp_json *new_node(struct reader *r, int *err)
{
    struct rp_json *node = rp_arena_zalloc(r->arena, sizeof(*node));

    if (!node)
        *err = rp_codec_arena_err(r->arena, sizeof(*node));
    return node;
}

static void skip_space(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t'))
        r->p++;
}

static bool take(struct reader *r, char c)
{
    if (r->p == r->end || *r->p != c)
        return false;
    r->p++;
    return true;
}

/* ---- strings ---- */

/* Four hex digits, or -1. */
static int hex4(const char *p, const char *end)
{
    int value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const char c = p[i];
        if (c >= '0' && c <= '9')
            value = value << 4 | (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value << 4 | ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* \uXXXX, or two of them that make a pair; `p` is behind the u. Returns where it ends, or NULL. */
static const char *unicode_escape(const char *p, const char *end, uint32_t *cp)
{
    const int first = hex4(p, end);
    int second;

    if (first < 0)
        return NULL;
    p += 4;
    *cp = (uint32_t)first;
    if (first >= 0xd800 && first < 0xdc00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
        second = hex4(p + 2, end);
        if (second >= 0xdc00 && second < 0xe000) {
            *cp = 0x10000 + ((uint32_t)(first - 0xd800) << 10) + (uint32_t)(second - 0xdc00);
            p += 6;
        }
    }
    return p;
}

/* What an escape stands for; `p` is behind the backslash. Returns where it ends, or NULL. */
static const char *escape(const char *p, const char *end, uint32_t *cp)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *found;

    if (p == end)
        return NULL;
    if (*p == 'u')
        return unicode_escape(p + 1, end, cp);
    found = memchr(names, *p, sizeof(names) - 1);
    if (!found)
        return NULL;
    *cp = (uint32_t)values[found - names];
    return p + 1;
}

static void append(char *dst, size_t *len, const char *from, size_t n)
{
    if (dst)
        memcpy(dst + *len, from, n);
    *len += n;
}

/* Decodes up to the closing quote, where r->p stays. `dst` is NULL to learn the length only. */
static int string_body(struct reader *r, char *dst, size_t *len)
{
    char utf8[RP_UTF8_MAX];
    const char *next;
    uint32_t cp;

    *len = 0;
    for (;;) {
        next = rp_json_plain(r->p, r->end);
        append(dst, len, r->p, (size_t)(next - r->p));
        r->p = next;
        if (r->p == r->end)
            return fail(r, "a string is not closed");
        if (*r->p == '"')
            return 0;
        if (*r->p == '\\') {
            next = escape(r->p + 1, r->end, &cp);
            if (!next)
                return fail(r, "a backslash is not followed by a valid escape");
            append(dst, len, utf8, rp_utf8_put(utf8, cp));
            r->p = next;
        } else if ((unsigned char)*r->p < 0x20) {
            return fail(r, "a control character in a string is not escaped");
        } else {
            append(dst, len, RP_UTF8_BAD, sizeof(RP_UTF8_BAD) - 1);
            r->p -= rp_utf8_step(r->p, r->end);
        }
    }
}

static int parse_string(struct reader *r, struct rp_str *out)
{
    const char *start = ++r->p, *next = rp_json_plain(start, r->end);
    size_t len;
    char *dst;
    int err;

    if (next < r->end && *next == '"') {
        *out = rp_arena_str(r->arena, rp_str_n(start, (size_t)(next - start)));
        if (!out->p)
            return rp_codec_arena_err(r->arena, (size_t)(next - start) + 1);
        r->p = next + 1;
        return 0;
    }
    err = string_body(r, NULL, &len);
    if (err)
        return err;
    dst = rp_arena_zalloc(r->arena, len + 1);
    if (!dst)
        return rp_codec_arena_err(r->arena, len + 1);
    r->p = start;
    (void)string_body(r, dst, &len);
    *out = rp_str_n(dst, len);
    r->p++;
    return 0;
}

/* ---- arrays and objects ---- */

static int parse_value(struct reader *r, struct rp_json *node);

static int parse_array(struct reader *r, struct rp_json *node)
{
    struct rp_json **tail = &node->first;
    int err = 0;

    node->type = RP_JSON_ARRAY;
    skip_space(r);
    if (take(r, ']'))
        return 0;
    do {
        *tail = new_node(r, &err);
        if (!*tail)
            return err;
        err = parse_value(r, *tail);
        if (err)
            return err;
        node->count++;
        tail = &(*tail)->next;
        skip_space(r);
    } while (take(r, ','));
    return take(r, ']') ? 0 : fail(r, "a comma or ] is missing");
}

static int parse_members(struct reader *r, struct rp_json_builder *object)
{
    struct rp_json *n;
    struct rp_str name;
    int err;

    do {
        skip_space(r);
        if (r->p == r->end || *r->p != '"')
            return fail(r, object->object->first ? "a key in quotes is missing after the comma"
                                                 : "a key in quotes or } is missing");
        err = parse_string(r, &name);
        if (err)
            return err;
        skip_space(r);
        if (!take(r, ':'))
            return fail(r, "a colon is missing after the key");
        err = rp_json_builder_member(object, r->arena, name, &n);
        if (err)
            return err;
        err = parse_value(r, n);
        if (err)
            return err;
        skip_space(r);
    } while (take(r, ','));
    return take(r, '}') ? 0 : fail(r, "a comma or } is missing");
}

static int parse_object(struct reader *r, struct rp_json *node)
{
    struct rp_json_builder object;
    int err;

    node->type = RP_JSON_OBJECT;
    skip_space(r);
    if (take(r, '}'))
        return 0;
    rp_json_builder_init(&object, node);
    err = parse_members(r, &object);
    if (!err)
        rp_json_builder_order(&object);
    rp_json_builder_fini(&object);
    return err;
}

static int parse_nested(struct reader *r, struct rp_json *node)
{
    const bool object = *r->p == '{';
    int err;

    if (r->depth == RP_JSON_DEPTH) {
        r->wrong = "arrays and objects are nested too deeply";
        return RP_ELIMIT;
    }
    r->depth++;
    r->p++;
    err = object ? parse_object(r, node) : parse_array(r, node);
    r->depth--;
    return err;
}

static int parse_number(struct reader *r, struct rp_json *node)
{
    const size_t len = rp_json_num_read(rp_str_n(r->p, (size_t)(r->end - r->p)), &node->number);

    if (!len)
        return fail(r, "a number is malformed");
    node->type = RP_JSON_NUMBER;
    r->p += len;
    return 0;
}

static int parse_word(struct reader *r, struct rp_json *node)
{
    static const struct {
        struct rp_str text;
        enum rp_json_type type;
        bool boolean;
    } words[] = {
        {{"true", 4}, RP_JSON_BOOL, true},
        {{"false", 5}, RP_JSON_BOOL, false},
        {{"null", 4}, RP_JSON_NULL, false},
    };
    const struct rp_str rest = rp_str_n(r->p, (size_t)(r->end - r->p));

    for (size_t i = 0; i < RP_COUNT(words); i++) {
        if (rp_str_starts(rest, words[i].text)) {
            node->type = words[i].type;
            node->boolean = words[i].boolean;
            r->p += words[i].text.len;
            return 0;
        }
    }
    return fail(r, "this is not a JSON value");
}

static int parse_value(struct reader *r, struct rp_json *node)
{
    skip_space(r);
    if (r->p == r->end)
        return fail(r, "the text ends where a value is expected");
    switch (*r->p) {
    case '{':
    case '[':
        return parse_nested(r, node);
    case '"':
        node->type = RP_JSON_STRING;
        return parse_string(r, &node->string);
    case '-':
    case '0' ... '9':
        return parse_number(r, node);
    default:
        return parse_word(r, node);
    }
}

int rp_json_parse(struct rp_json **out, struct rp_arena *a, struct rp_str text,
                  struct rp_json_error *error)
{
    struct reader r = {.p = text.p, .end = rp_codec_end(text), .arena = a};
    struct rp_json *root;
    int err = 0;

    if (rp_str_starts(text, RP_STR("\xef\xbb\xbf")))
        r.p += 3; /* a decoder drops the byte order mark */
    root = new_node(&r, &err);
    if (root)
        err = parse_value(&r, root);
    if (!err) {
        skip_space(&r);
        if (r.p < r.end)
            err = fail(&r, "more text follows after the value");
    }
    if (err == RP_ELIMIT && !r.wrong)
        r.wrong = "the document is too large"; /* for the arena */
    if (err && error)
        *error =
            (struct rp_json_error){(size_t)(r.p - text.p), r.wrong ? r.wrong : rp_err_text(err)};
    if (!err)
        *out = root;
    return err;
}
