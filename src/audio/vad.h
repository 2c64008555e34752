/* Silero's voice activity network as a pure function.
 *
 * How probable is speech in the next 512 samples (32 ms) of a stream at 16 kHz, given what came
 * before? The network is recurrent; its memory is the whole of struct rp_vad, 1.3 kB a session. The
 * weights are shared: one immutable model may serve any number of threads at once.
 *
 * Written by hand because a runtime for networks costs 10 MB and a thread pool a session, and
 * several times the work. tests/integration/test_vad_reference.py holds it to ONNX Runtime within
 * 1e-4. How the network is built is drawn at the head of vad.c. */
#ifndef RP_AUDIO_VAD_H
#define RP_AUDIO_VAD_H

#include <stddef.h>
#include <stdint.h>

enum { RP_VAD_WINDOW = 512, RP_VAD_HZ = 16000 };

struct rp_vad_model;

struct rp_vad {
    const struct rp_vad_model *model; /* borrowed */
    float hidden[128], cell[128];     /* of the LSTM */
    float context[64];                /* the last samples of the window before */
};

/* From the bytes of `vad/silero_vad_16k.bin` of the speech pack, which may go afterwards. RP_EPROTO
 * when they are something else, RP_ENOMEM. */
int rp_vad_model_new(struct rp_vad_model **out, const void *bytes, size_t len);
void rp_vad_model_free(struct rp_vad_model *model);
/* For tests, before the model is shared: the code for any machine, whatever this one can do. */
void rp_vad_model_use_portable(struct rp_vad_model *model);

/* A stream begins. Borrows the model; there is nothing to release. */
void rp_vad_init(struct rp_vad *vad, const struct rp_vad_model *model);
/* The probability, 0..1, that the window holds speech. Allocates nothing. */
float rp_vad_window(struct rp_vad *vad, const int16_t pcm[RP_VAD_WINDOW]);

#endif
