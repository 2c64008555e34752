/* Forms: the fields, written again, are read as the same fields. */
#include "base/check.h"
#include "base/err.h"
#include "codec/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct rp_form_field *f, *g;
    struct rp_form form, again;
    struct rp_arena a;
    struct rp_buf b;
    size_t written = 0;
    int err;

    rp_arena_init(&a, (size_t)64 << 20);
    rp_buf_init(&b, (size_t)64 << 20);
    err = rp_form_parse(&form, &a, rp_str_n((const char *)data, size));
    RP_ASSERT(err == 0 || err == RP_ELIMIT);
    if (!err) {
        /* rp_form_add names fields by C strings: stop at a name that is none. */
        for (f = form.first; f && f->name.len == strlen(f->name.p); f = f->next, written++)
            rp_form_add(&b, f->name.p, f->value);
        RP_ASSERT(rp_buf_err(&b) == 0);
        RP_ASSERT(rp_form_parse(&again, &a, rp_buf_view(&b)) == 0);
        RP_ASSERT(again.count == written);
        for (f = form.first, g = again.first; g; f = f->next, g = g->next)
            RP_ASSERT(f && rp_str_eq(f->name, g->name) && rp_str_eq(f->value, g->value));
    }
    rp_buf_fini(&b);
    rp_arena_fini(&a);
    return 0;
}
