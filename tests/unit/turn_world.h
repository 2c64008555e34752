/* A world for the turn machine, on virtual time: a caller with a voice and a detector, a
 * recogniser, a synthesiser with a paced sender, and the duties of a session (ticks, stalls,
 * back-pressure).
 *
 * Nothing is random and nothing takes real time. What goes into the machine is also written to a
 * log (turn_log.h), so that every test is a replay test as well. */
#ifndef RP_TURN_WORLD_H
#define RP_TURN_WORLD_H

#include "base/buf.h"
#include "turn/turn.h"
#include "turn/turn_log.h"

enum {
    WORLD_STEP_MS = 20,   /* a piece of audio */
    WORLD_SPEECHES = 64,  /* stretches of speech that can be planned */
    WORLD_TURNS = 64,     /* assistant turns in a script */
    WORLD_SPANS = 512,    /* words that the synthesiser has not told of yet */
    WORLD_WORD_MS = 300,  /* how long the agent speaks a word */
    WORLD_ONSET_MS = 100, /* what the detector needs to be sure of speech, */
    WORLD_HANG_MS = 140,  /* and of its end */
    WORLD_LEAD_MS = 300,  /* how far the sender is ahead */
    WORLD_STALL_MS = 500, /* the network allowance */
};

struct world_speech {
    int64_t from, to; /* samples of the caller's audio */
    int64_t planned;  /* `to` as it was meant, which the words are spread over */
    char words[256];  /* "" is a noise */
};

struct world_voice { /* one assistant turn in the synthesiser and the sender */
    bool ended, done, held, stopped;
    int64_t made, told, sent; /* samples */
    int64_t first_us;         /* real time of its first audio, or -1 */
};

struct world {
    struct rp_turn *turn;
    rp_turn_emit_fn *emit;                      /* sees every action after the world has */
    void (*on_audio)(uint32_t turn, void *arg); /* and every piece of audio */
    void *arg;
    int64_t now_us, next_us;
    int64_t pos; /* samples */

    bool audio, stalled; /* the caller's audio flows; it has not for too long */
    int64_t audio_us;    /* when the last of it came */
    int64_t burst;       /* samples that have come and wait */
    bool detected;       /* by the detector: speech */
    int64_t onset, heard_at;
    struct world_speech speech[WORLD_SPEECHES];
    int nspeech;

    bool stt_open;
    bool stt_dead, stt_deaf, no_interims; /* never answers; hears no words */
    int64_t stt_from, stt_ms;             /* where the utterance begins; time for a final */
    uint64_t token;                       /* asked for, 0: none */
    int64_t token_to, token_due_us;
    char interim[512];

    struct world_voice voice[WORLD_TURNS];
    struct rp_turn_event spans[WORLD_SPANS];
    int nspans;
    bool tts_dead;
    struct rp_turn_log *log; /* every event, if set */
    bool over;
    unsigned steps;
};

void world_init(struct world *w, const struct rp_turn_params *p);
void world_fini(struct world *w);
/* One event at the present time (type and what belongs to it are filled in by the caller). */
void world_event(struct world *w, struct rp_turn_event ev);
/* Time goes on to that moment. */
void world_run(struct world *w, int64_t until_us);
/* The caller speaks from the next sample on; "" is a noise. */
void world_says(struct world *w, const char *words, int64_t ms);
/* The speech (planned or going on) breaks off now. */
void world_hush(struct world *w);
/* So much of the caller's audio is here at once. */
void world_burst(struct world *w, int64_t ms);

#endif
