/* Base64: what is accepted comes back when it is encoded again, but for padding and stray bits. */
#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "codec/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t room = RP_BASE64_DECODED_MAX(size);
    unsigned char *bytes = rp_alloc(room), *again = rp_alloc(room);
    const struct rp_str text = rp_str_n((const char *)data, size);
    struct rp_buf encoded;
    size_t n, m;
    int err;

    RP_ASSERT(bytes && again);
    rp_buf_init(&encoded, size + 3);
    err = rp_base64_decode(bytes, room, &n, text);
    RP_ASSERT(err == 0 || err == RP_EPROTO);
    if (!err) {
        RP_ASSERT(n <= room);
        RP_ASSERT(n == 0 || rp_base64_decode(again, n - 1, &m, text) == RP_ELIMIT);
        RP_ASSERT(rp_base64_append(&encoded, bytes, n) == 0);
        RP_ASSERT(encoded.len == RP_BASE64_LEN(n));
        RP_ASSERT(size < 4 || memcmp(encoded.p, data, size - 4) == 0);
        RP_ASSERT(rp_base64_decode(again, n, &m, rp_buf_view(&encoded)) == 0);
        RP_ASSERT(m == n && (n == 0 || memcmp(bytes, again, n) == 0));
    }
    rp_buf_fini(&encoded);
    rp_free(bytes);
    rp_free(again);
    return 0;
}
