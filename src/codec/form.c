/* Forms and percent-encoding; see form.h. */
#include "codec/form.h"

#include "base/err.h"
#include "codec/codec_int.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes into `out`, which has room for s.len bytes; returns how many there are. */
static size_t decode(char *out, struct rp_str s, bool plus)
{
    size_t n = 0, i = 0;

    while (i < s.len) {
        const int high = s.p[i] == '%' && s.len - i > 2 ? hex_digit(s.p[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 3;
        } else {
            out[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
            i++;
        }
    }
    return n;
}

void rp_percent_decode(struct rp_buf *b, struct rp_str s, bool plus)
{
    char *at;

    if (rp_buf_reserve(b, s.len, &at) == 0)
        rp_buf_grew(b, decode(at, s, plus));
}

static bool unreserved(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void rp_percent_encode(struct rp_buf *b, struct rp_str s)
{
    static const char hex[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        const char escaped[] = {'%', hex[c >> 4], hex[c & 15]};
        if (unreserved(s.p[i]))
            (void)rp_buf_char(b, s.p[i]);
        else
            (void)rp_buf_add(b, escaped, sizeof(escaped));
    }
}

bool rp_form_next(struct rp_str *rest, struct rp_str *name, struct rp_str *value)
{
    while (rest->len > 0) {
        struct rp_str field = rp_str_split(rest, '&');
        if (field.len == 0)
            continue;
        *name = rp_str_split(&field, '=');
        *value = field.p ? field : rp_str_n("", 0);
        return true;
    }
    return false;
}

static int decode_into(struct rp_str *out, struct rp_arena *a, struct rp_str s)
{
    char *p = rp_arena_zalloc(a, s.len + 1);

    if (!p)
        return rp_codec_arena_err(a, s.len + 1);
    *out = rp_str_n(p, decode(p, s, true));
    return 0;
}

int rp_form_parse(struct rp_form *out, struct rp_arena *a, struct rp_str text)
{
    struct rp_form form = {0};
    struct rp_form_field *f, **tail = &form.first;
    struct rp_str name, value;
    int err;

    while (rp_form_next(&text, &name, &value)) {
        if (form.count == RP_FORM_FIELDS_MAX)
            return RP_ELIMIT;
        f = rp_arena_zalloc(a, sizeof(*f));
        if (!f)
            return rp_codec_arena_err(a, sizeof(*f));
        err = decode_into(&f->name, a, name);
        if (!err)
            err = decode_into(&f->value, a, value);
        if (err)
            return err;
        *tail = f;
        tail = &f->next;
        form.count++;
    }
    *out = form;
    return 0;
}

struct rp_str rp_form_get(const struct rp_form *form, const char *name)
{
    for (const struct rp_form_field *f = form->first; f; f = f->next)
        if (rp_str_eq_z(f->name, name))
            return f->value;
    return (struct rp_str){0};
}

struct rp_str rp_form_find(struct rp_str text, const char *name)
{
    struct rp_str key, value;

    while (rp_form_next(&text, &key, &value))
        if (rp_str_eq_z(key, name))
            return value.p ? value : RP_STR("");
    return rp_str_n(NULL, 0);
}

void rp_form_add(struct rp_buf *b, const char *name, struct rp_str value)
{
    if (b->len > 0 && b->p[b->len - 1] != '?')
        (void)rp_buf_char(b, '&');
    rp_percent_encode(b, rp_str_z(name));
    (void)rp_buf_char(b, '=');
    rp_percent_encode(b, value);
}
