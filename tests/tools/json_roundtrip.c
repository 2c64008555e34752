/* What our JSON.stringify(JSON.parse(text)) gives, for comparison with a real one.
 *
 * Input and output are records of a length (32 bits, little-endian) and so many bytes. For each
 * document read, one record is written: "=" and the text, or "!" and why it was refused. */
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "codec/json.h"

#define DOCUMENT_MAX ((size_t)64 << 20)

static void round_trip(struct rp_buf *out, struct rp_str text)
{
    struct rp_json_error error = {0};
    struct rp_json *root;
    struct rp_arena a;
    int err;

    rp_arena_init(&a, SIZE_MAX / 2);
    rp_buf_clear(out);
    rp_buf_char(out, '=');
    err = rp_json_parse(&root, &a, text, &error);
    if (err) {
        rp_buf_clear(out);
        rp_buf_printf(out, "!%s at %zu: %s", rp_err_name(err), error.at, error.text);
    } else {
        rp_json_write(out, root);
    }
    rp_arena_fini(&a);
}

static void write_record(struct rp_str s)
{
    const uint32_t len = (uint32_t)s.len;

    (void)fwrite(&len, sizeof(len), 1, stdout);
    (void)fwrite(s.p, 1, s.len, stdout);
}

int main(void)
{
    struct rp_buf in, out;
    uint32_t len;
    char *at;
    int err = 0;

    rp_buf_init(&in, DOCUMENT_MAX);
    rp_buf_init(&out, DOCUMENT_MAX);
    while (!err && fread(&len, sizeof(len), 1, stdin) == 1) {
        rp_buf_clear(&in);
        err = rp_buf_reserve(&in, len, &at);
        if (!err && fread(at, 1, len, stdin) != len)
            err = RP_EIO;
        if (!err) {
            rp_buf_grew(&in, len);
            round_trip(&out, rp_buf_view(&in));
            err = rp_buf_err(&out);
            write_record(rp_buf_view(&out));
        }
    }
    rp_buf_fini(&in);
    rp_buf_fini(&out);
    if (err)
        (void)fprintf(stderr, "json_roundtrip: %s\n", rp_err_text(err));
    return err ? 1 : 0;
}
