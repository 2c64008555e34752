/* WAV, read from a stream of foreign bytes and written as a header.
 *
 * The reader takes the bytes in pieces cut anywhere and gives mono 16-bit samples at the file's own
 * rate; several channels are averaged. It understands PCM of 8, 16, 24 and 32 bits and floats of 32
 * and 64, plain and WAVE_FORMAT_EXTENSIBLE, RIFF and RF64 (EBU Tech 3306). It holds no buffer, so a
 * header that lies about sizes costs nothing: data ends where it says or where the bytes end, and
 * 0 or 0xffffffff, which writers that cannot seek leave there, mean "to the end". */
#ifndef RP_AUDIO_WAV_H
#define RP_AUDIO_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

struct rp_wav_format {
    int rate_hz;
    int channels;
    int bits;
    bool is_float;
};

struct rp_wav_reader {
    struct rp_wav_format format; /* filled once `ready` */
    bool ready;                  /* the header has been read, samples follow */
    uint64_t data_left;          /* bytes of the data chunk still to come; UINT64_MAX: unknown */

    int state;          /* private from here on */
    uint64_t skip;      /* bytes of a chunk to pass over */
    uint64_t rf64_data; /* size of the data chunk according to ds64, or 0 */
    bool rf64, have_format;
    uint8_t held[64]; /* a header part or one frame, cut by the end of a piece */
    size_t nheld, want;
};

/* The struct is the caller's; there is nothing to release. */
void rp_wav_reader_init(struct rp_wav_reader *r);
/* Takes bytes off the front of *in and writes at most `room` (> 0) samples. Gives the number
 * written; fewer than `room` only at the end of *in or of the data. RP_EOF when the data chunk is
 * complete (what follows is not audio and stays in *in), RP_EPROTO when this is no WAV that we can
 * read. */
ssize_t rp_wav_read(struct rp_wav_reader *r, struct rp_str *in, int16_t *out, size_t room);

/* Every header that rp_wav_header writes has this length, so that it can be written again, when the
 * length of the audio is known, over the first one. */
#define RP_WAV_HEADER_LEN 80
#define RP_WAV_UNKNOWN    UINT64_MAX

/* The header of 16-bit PCM with `data_len` bytes of audio behind it. Beyond what RIFF can count it
 * is an RF64 header; otherwise the place of its extra chunk is taken by a JUNK chunk, which readers
 * pass over. RP_WAV_UNKNOWN gives a header for a stream. */
void rp_wav_header(uint8_t header[RP_WAV_HEADER_LEN], int rate_hz, int channels, uint64_t data_len);

#endif
