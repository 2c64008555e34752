/* The WAV reader on foreign bytes, cut in two by the first of them. */
#include <stddef.h>
#include <stdint.h>

#include "audio/wav.h"
#include "base/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all of `in`; gives the number of samples, or less than 0. */
static ssize_t drain(struct rp_wav_reader *r, struct rp_str *in)
{
    int16_t out[61];
    ssize_t n, total = 0;

    while ((n = rp_wav_read(r, in, out, RP_COUNT(out))) > 0)
        total += n;
    RP_ASSERT(n < 0 || in->len == 0);
    return n < 0 ? n : total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_wav_reader r;
    struct rp_str first, second;
    size_t cut;

    if (size < 1)
        return 0;
    cut = 1 + data[0] % size;
    first = rp_str_n((const char *)data + 1, cut - 1);
    second = rp_str_n((const char *)data + cut, size - cut);
    rp_wav_reader_init(&r);
    if (drain(&r, &first) >= 0)
        (void)drain(&r, &second);
    return 0;
}
