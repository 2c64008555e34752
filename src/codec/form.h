/* application/x-www-form-urlencoded, which is also the format of a URL's query (URL Standard, 5),
 * and percent-encoding.
 *
 * Decoded bytes are handed out as they are: whether they are UTF-8 is for the user of the value to
 * know (Twilio signs the bytes). A percent sign that is not followed by two hex digits stands for
 * itself. */
#ifndef RP_CODEC_FORM_H
#define RP_CODEC_FORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct rp_form_field {
    struct rp_str name, value;
    struct rp_form_field *next;
};

/* The fields in the order of the text; names may repeat. */
struct rp_form {
    struct rp_form_field *first;
    size_t count;
};

#define RP_FORM_FIELDS_MAX 1000

/* Parses a body or a query without its "?". The result lives in the arena and borrows nothing from
 * `text`. RP_ELIMIT: too many fields, or the arena's cap; RP_ENOMEM. On error *out is untouched. */
int rp_form_parse(struct rp_form *out, struct rp_arena *a, struct rp_str text);
/* The first value of that name; p == NULL if there is none. */
struct rp_str rp_form_get(const struct rp_form *form, const char *name);

/* Cuts the first field off *rest and hands out its halves undecoded; false at the end. Empty fields
 * ("a=1&&b=2") are passed over. */
bool rp_form_next(struct rp_str *rest, struct rp_str *name, struct rp_str *value);

/* The first value of that name in a query or body, undecoded, without building anything; p == NULL
 * if there is none. For values that have no character to be encoded, such as keys. Borrows from
 * `text`. */
struct rp_str rp_form_find(struct rp_str text, const char *name);

/* Appends name=value, with "&" before it unless the buffer is empty or ends in "?". Errors stay in
 * the buffer. */
void rp_form_add(struct rp_buf *b, const char *name, struct rp_str value);

/* Percent-encodes all but letters, digits and "-._~" (RFC 3986, 2.3): fit for any part of a URL. */
void rp_percent_encode(struct rp_buf *b, struct rp_str s);
/* Appends the decoded form; `plus` turns "+" into a space, as in forms. */
void rp_percent_decode(struct rp_buf *b, struct rp_str s, bool plus);

#endif
