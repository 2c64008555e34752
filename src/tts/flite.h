/* The voice of the local synthesiser: flite's cmu_us_slt, made ready for a conversation.
 *
 * flite pads each utterance with silence, lets the loudness follow the words, and wraps around
 * where it is too loud. Here the audio comes without the padding, followed by the pause that the
 * last mark of the text asks for, at one loudness, and ends softly, so that pieces can be put one
 * behind the other. Word times come out of flite's own segments.
 *
 * A voice is used by one thread at a time; different voices by different threads. */
#ifndef RP_TTS_FLITE_H
#define RP_TTS_FLITE_H

#include <stdatomic.h>

#include "base/str.h"

#define RP_FLITE_RATE 16000

struct rp_flite;

struct rp_flite_word {
    uint32_t from, to; /* bytes of the text */
    int64_t at, end;   /* samples, counted from the first one of rp_flite_say */
};

/* Where the speech goes; called from inside rp_flite_say. */
struct rp_flite_sink {
    /* Words in order, before the audio in which they are spoken. */
    void (*words)(const struct rp_flite_word *words, size_t n, void *arg);
    /* The next samples; both borrowed. */
    void (*audio)(const int16_t *pcm, size_t n, void *arg);
    void *arg;
};

/* Makes a voice. All of them are made and freed by one thread, while none is in use: flite's
 * registration is not made for threads. RP_ENOMEM. */
int rp_flite_new(struct rp_flite **out);
void rp_flite_free(struct rp_flite *f);
/* Speaks `text` (UTF-8; what is not Latin script is left out). Looks at *stop now and then:
 * RP_ECANCELED. RP_ENOMEM, RP_EIO (flite gave up). */
int rp_flite_say(struct rp_flite *f, struct rp_str text, const struct rp_flite_sink *sink,
                 const atomic_bool *stop);

#endif
