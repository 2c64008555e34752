/* JSON.parse; the contract stands in json.h.
 *
 * A recursive descent over the bytes, with nodes and strings in the caller's arena. A string is
 * gone over twice: once to know its length and whether it is right, once to write it down; one
 * without escapes, which is nearly every string, is found and copied whole. */
#include "base/err.h"
#include "base/map.h"
#include "codec/codec_int.h"
#include "codec/json_int.h"
#include "codec/utf8.h"

/* Up to so many members a new key is compared with each; beyond, a map is worth its memory. */
#define MEMBERS_COMPARED 16

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

/* What to say when the arena gave NULL. */
static int arena_failed(struct reader *r, size_t size)
{
    const int err = rp_codec_arena_err(r->arena, size);

    if (err == RP_ELIMIT)
        r->wrong = "the document is too large";
    return err;
}

static struct rp_json *new_node(struct reader *r, int *err)
{
    struct rp_json *node = rp_arena_zalloc(r->arena, sizeof(*node));

    if (!node)
        *err = arena_failed(r, sizeof(*node));
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
            return arena_failed(r, (size_t)(next - start) + 1);
        r->p = next + 1;
        return 0;
    }
    err = string_body(r, NULL, &len);
    if (err)
        return err;
    dst = rp_arena_zalloc(r->arena, len + 1);
    if (!dst)
        return arena_failed(r, len + 1);
    r->p = start;
    (void)string_body(r, dst, &len);
    *out = rp_str_n(dst, len);
    r->p++;
    return 0;
}

/* ---- objects ---- */

/* An object while it is read: its members, and where the next one goes. */
struct members {
    struct rp_json *object, **tail;
    struct rp_map by_key; /* in use once there are more than MEMBERS_COMPARED */
    bool has_map;
    bool has_index; /* some key looks like an array index */
};

/* An array index as ECMAScript defines it: "0" to "4294967294", no leading zero. */
static bool is_index(struct rp_str key)
{
    if (key.len == 0 || key.len > 10 || (key.p[0] == '0' && key.len > 1))
        return false;
    for (size_t i = 0; i < key.len; i++)
        if (key.p[i] < '0' || key.p[i] > '9')
            return false;
    return key.len < 10 || memcmp(key.p, "4294967294", 10) <= 0;
}

/* Whether index `a` goes before index `b`. */
static bool index_less(struct rp_str a, struct rp_str b)
{
    return a.len != b.len ? a.len < b.len : memcmp(a.p, b.p, a.len) < 0;
}

static struct rp_json *find_member(const struct members *m, struct rp_str key)
{
    if (m->has_map)
        return rp_map_get(&m->by_key, key);
    for (struct rp_json *n = m->object->first; n; n = n->next)
        if (rp_str_eq(n->key, key))
            return n;
    return NULL;
}

/* Keeps the map in step with a member that is to be added. */
static int note_member(struct members *m, struct rp_json *added)
{
    int err;

    if (!m->has_map && m->object->count < MEMBERS_COMPARED)
        return 0;
    if (!m->has_map) {
        rp_map_init(&m->by_key);
        m->has_map = true;
        for (struct rp_json *n = m->object->first; n; n = n->next) {
            err = rp_map_set(&m->by_key, n->key, n);
            if (err)
                return err;
        }
    }
    return rp_map_set(&m->by_key, added->key, added);
}

/* The member that the value behind `key` goes to: a new one, or the one of that name, emptied. */
static int place_member(struct reader *r, struct members *m, struct rp_str key,
                        struct rp_json **out)
{
    struct rp_json *n = find_member(m, key);
    int err = 0;

    if (n) {
        *n = (struct rp_json){.key = n->key, .next = n->next};
        *out = n;
        return 0;
    }
    n = new_node(r, &err);
    if (!n)
        return err;
    n->key = key;
    err = note_member(m, n);
    if (err)
        return err;
    *m->tail = n;
    m->tail = &n->next;
    m->object->count++;
    m->has_index = m->has_index || is_index(key);
    *out = n;
    return 0;
}

/* Merges two lists that are in order of their index keys. */
static struct rp_json *merge(struct rp_json *a, struct rp_json *b)
{
    struct rp_json *head = NULL, **tail = &head;

    while (a && b) {
        struct rp_json **less = index_less(a->key, b->key) ? &a : &b;
        *tail = *less;
        tail = &(*less)->next;
        *less = (*less)->next;
    }
    *tail = a ? a : b;
    return head;
}

/* Merge sort from below: bin i holds a sorted list of 2^i members, or none. */
static struct rp_json *sort_by_index(struct rp_json *list)
{
    struct rp_json *bins[8 * sizeof(size_t)] = {0}, *sorted = NULL;

    while (list) {
        struct rp_json *run = list;
        size_t i = 0;
        list = list->next;
        run->next = NULL;
        for (; bins[i]; i++) {
            run = merge(bins[i], run);
            bins[i] = NULL;
        }
        bins[i] = run;
    }
    for (size_t i = 0; i < RP_COUNT(bins); i++)
        sorted = merge(bins[i], sorted);
    return sorted;
}

/* The order of OrdinaryOwnPropertyKeys: indices ascending, then the others as they came. */
static void order_members(struct rp_json *object)
{
    struct rp_json *indices = NULL, **index_tail = &indices;
    struct rp_json *others = NULL, **other_tail = &others;

    for (struct rp_json *n = object->first; n; n = n->next) {
        struct rp_json ***tail = is_index(n->key) ? &index_tail : &other_tail;
        **tail = n;
        *tail = &n->next;
    }
    *index_tail = *other_tail = NULL;
    object->first = sort_by_index(indices);
    for (index_tail = &object->first; *index_tail;)
        index_tail = &(*index_tail)->next;
    *index_tail = others;
}

static int parse_value(struct reader *r, struct rp_json *node);

static int parse_members(struct reader *r, struct members *m)
{
    struct rp_json *n;
    struct rp_str key;
    int err;

    do {
        skip_space(r);
        if (r->p == r->end || *r->p != '"')
            return fail(r, m->object->first ? "a key in quotes is missing after the comma"
                                            : "a key in quotes or } is missing");
        err = parse_string(r, &key);
        if (err)
            return err;
        skip_space(r);
        if (!take(r, ':'))
            return fail(r, "a colon is missing after the key");
        err = place_member(r, m, key, &n);
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
    struct members m = {.object = node, .tail = &node->first};
    int err;

    node->type = RP_JSON_OBJECT;
    skip_space(r);
    if (take(r, '}'))
        return 0;
    err = parse_members(r, &m);
    if (m.has_map)
        rp_map_fini(&m.by_key);
    if (!err && m.has_index)
        order_members(node);
    return err;
}

/* ---- the rest ---- */

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
    if (err && error)
        *error =
            (struct rp_json_error){(size_t)(r.p - text.p), r.wrong ? r.wrong : rp_err_text(err)};
    if (!err)
        *out = root;
    return err;
}
