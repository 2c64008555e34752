/* Merging of custom headers and metadata; see headers.h. */
#include "agent/headers.h"

#include <stdio.h>

#include "base/check.h"
#include "base/err.h"

#define NAME_MAX_LEN  256
#define VALUE_MAX_LEN 8192
#define MERGED_MAX    (1u << 20) /* bytes of merged metadata as text */

/* Ours (the signature must be the only one), or they frame the message. */
static const char *const reserved[] = {
    "content-type",
    "layercode-signature",
    "riposte-signature-next",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "host",
    "connection",
    "keep-alive",
    "proxy-connection",
    "expect",
    "te",
    "trailer",
    "upgrade",
};

/* RFC 9110, 5.6.2 */
static bool is_token(struct rp_str s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool alnum = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!alnum && (c == '\0' || !strchr(marks, c)))
            return false;
    }
    return true;
}

/* RFC 9110, 5.5: no control characters but the tab; a line break would add a header. */
static bool is_field_value(struct rp_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < ' ' && c != '\t') || c == 127)
            return false;
    }
    return true;
}

const char *rp_header_refused(struct rp_str name, struct rp_str value)
{
    if (!is_token(name))
        return "is no header name: letters, digits and - only";
    if (name.len > NAME_MAX_LEN)
        return "is too long for a header name";
    for (size_t i = 0; i < RP_COUNT(reserved); i++)
        if (rp_str_eq_nocase(name, rp_str_z(reserved[i])))
            return "may not be set: Riposte sets it itself";
    if (!value.p)
        return "must be a string";
    if (!is_field_value(value))
        return "may not contain line breaks or control characters";
    if (value.len > VALUE_MAX_LEN)
        return "is too long: 8192 bytes at most";
    return NULL;
}

const char *rp_headers_refused(const struct rp_json *headers, char *why, size_t size)
{
    if (!rp_json_is(headers, RP_JSON_OBJECT)) {
        (void)snprintf(why, size, "must be an object of strings, not %s",
                       rp_json_type_name(headers));
        return why;
    }
    if (headers->count > RP_HEADERS_MAX) {
        (void)snprintf(why, size, "has %zu headers: %d at most", headers->count, RP_HEADERS_MAX);
        return why;
    }
    RP_JSON_EACH(headers, h) {
        const char *refused = rp_header_refused(h->key, rp_json_str(h));
        if (refused) {
            (void)snprintf(why, size, "\"%.*s\" %s", RP_STR_ARG(rp_str_first(h->key, 64)), refused);
            return why;
        }
    }
    return NULL;
}

static struct rp_json *find_header(struct rp_json *list, struct rp_str name)
{
    for (struct rp_json *h = list->first; h; h = h->next)
        if (rp_str_eq_nocase(h->key, name))
            return h;
    return NULL;
}

int rp_headers_merge(const struct rp_json **out, struct rp_arena *a,
                     const struct rp_json *const *layers, size_t nlayers)
{
    struct rp_json *merged = rp_arena_zalloc(a, sizeof(*merged)), **tail;

    if (!merged)
        return RP_ENOMEM;
    merged->type = RP_JSON_OBJECT;
    tail = &merged->first;
    for (size_t i = 0; i < nlayers; i++) {
        RP_JSON_EACH(layers[i], h) {
            struct rp_json *node;
            if (rp_header_refused(h->key, rp_json_str(h)))
                continue;
            node = find_header(merged, h->key);
            if (!node) {
                if (merged->count == RP_HEADERS_MAX)
                    return RP_ELIMIT;
                node = rp_arena_zalloc(a, sizeof(*node));
                if (!node)
                    return RP_ENOMEM;
                *tail = node;
                tail = &node->next;
                merged->count++;
            }
            *node = (struct rp_json){
                .type = RP_JSON_STRING, .key = h->key, .string = h->string, .next = node->next};
        }
    }
    *out = merged->count ? merged : NULL;
    return 0;
}

/* Two layers side by side in one text are an object with duplicate keys, and what becomes of those
 * is the parser's business: first place, last value, indices first. So the result prints as
 * JSON.stringify prints it, with no second copy of these rules. */
int rp_metadata_merge(const struct rp_json **out, struct rp_arena *a,
                      const struct rp_json *const *layers, size_t nlayers)
{
    struct rp_json *merged = NULL;
    struct rp_buf text;
    bool any = false;
    int err;

    rp_buf_init(&text, MERGED_MAX);
    for (size_t i = 0; i < nlayers; i++) {
        RP_JSON_EACH(rp_json_is(layers[i], RP_JSON_OBJECT) ? layers[i] : NULL, m) {
            (void)rp_buf_char(&text, any ? ',' : '{');
            rp_json_write_str(&text, m->key);
            (void)rp_buf_char(&text, ':');
            rp_json_write(&text, m);
            any = true;
        }
    }
    (void)rp_buf_char(&text, '}');
    err = rp_buf_err(&text);
    if (!err && any)
        err = rp_json_parse(&merged, a, rp_buf_view(&text), NULL);
    rp_buf_fini(&text);
    if (err)
        return err;
    *out = merged;
    return 0;
}
