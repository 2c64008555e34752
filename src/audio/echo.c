/* Echo of the agent's voice; see echo.h.
 *
 * For every delay there is a hypothesis: "the microphone hears what was played then, weaker by the
 * gain g", with a g for each band. A hypothesis is never proved, but it is refuted by each moment
 * in which it predicts more than is heard: then its g sinks, quickly. When it predicts less, g
 * rises, slowly. So for wrong delays, for which the moments of silence do not fit, and for all
 * delays where no echo comes, g is soon so small that nothing is predicted; at the true delay it
 * settles a little below the loudness of the echo. A caller's voice only adds energy and refutes
 * nothing.
 *
 * What the microphone hears is echo as far as any hypothesis predicts it, with a margin. Sound in
 * bands and moments where none does is the caller's.
 *
 * A room's echo comes from many delays; each has its own g, and between them they draw the room.
 * The player of a browser may begin with another delay at the next turn: then the g of all delays
 * are set to the greatest of each band, since the loudness stays although the delay is not known.
 *
 * Frames are two hops long and one apart, on both sides; frame f begins at sample f * hop. */
#include "audio/echo.h"

#include <math.h>
#include <string.h>

#include "audio/fft.h"
#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"

enum {
    HOP = 256,
    WINDOW = RP_ECHO_WINDOW,
    BANDS = 12,
    LAGS = 40,    /* hops */
    FRAMES = 512, /* what is played is kept for so many: 8 s */
};

_Static_assert((int)WINDOW == (int)RP_FFT_LEN && WINDOW == 2 * HOP, "frames are windows");
_Static_assert(RP_ECHO_AHEAD / HOP + LAGS + 2 < FRAMES, "what is still needed is kept");

#define NOWHERE (INT64_MIN / 2)

struct rp_echo {
    float unexplained;

    /* What is played. */
    uint8_t played[FRAMES][BANDS]; /* by frame number, in STEP_DB above LEAST_DB */
    int64_t played_end;            /* frame behind the newest in `played` */
    int64_t play_pos;              /* where the audio is expected to go on */
    int16_t tail[WINDOW];          /* its last samples: the beginning of a frame */
    size_t ntail;                  /* 0: a piece begins a new stretch */
    /* What the microphone hears. */
    int64_t heard;         /* frame heard last */
    int16_t before[HOP];   /* second half of the window before */
    float floor_db[BANDS]; /* noise */
    /* What is known about the way from one to the other. */
    float gain_db[LAGS][BANDS];
    float peak_db[BANDS]; /* of what is played */
    float predicted_db[BANDS];
};

/* First bin of each band: 220 to 3,700 Hz, each about a quarter wider than the one before. */
static const uint8_t band_edge[BANDS + 1] = {7, 9, 11, 14, 18, 23, 29, 37, 46, 58, 74, 94, 118};

#define LEAST_DB      (-60.0f) /* power of a bin; white noise of -83 dBFS */
#define STEP_DB       0.5f     /* of `played` */
#define FIRST_DB      (-3.0f)  /* gain until something is known, and the greatest */
#define FALL_DB       1.5f     /* of a gain, per frame */
#define RISE_DB       0.4f
#define DECAY_DB      2.5f  /* of a prediction: a room with a reverberation time of 0.4 s */
#define FLOOR_RISE_DB 0.03f /* of the noise floor, which falls at once */
#define MARGIN_DB     8.0f  /* that a voice has to exceed prediction or noise by */
#define ECHO_MOST     0.25f /* unexplained share of what is still an echo */
/* Only what is played this loud refutes anything: absolute, and below the band's peak. */
#define STRONG_DB    (-30.0f)
#define BELOW_DB     22.0f
#define PEAK_FALL_DB 0.05f
/* A pause in what is played after which the delay may be another. */
#define NEW_DELAY (16000 / 2)

int rp_echo_new(struct rp_echo **out)
{
    struct rp_echo *e = rp_zalloc(sizeof(*e));

    if (!e)
        return RP_ENOMEM;
    e->unexplained = 1.0f;
    e->heard = e->play_pos = e->played_end = NOWHERE;
    for (int b = 0; b < BANDS; b++) {
        e->peak_db[b] = e->predicted_db[b] = LEAST_DB;
        for (int lag = 0; lag < LAGS; lag++)
            e->gain_db[lag][b] = FIRST_DB;
    }
    *out = e;
    return 0;
}

void rp_echo_free(struct rp_echo *e)
{
    rp_free(e);
}

/* Mean power of a bin in each band. */
static void bands_of(const int16_t *pcm, float *power)
{
    struct rp_spectrum s;

    rp_fft(pcm, &s);
    for (int b = 0; b < BANDS; b++) {
        float sum = 0.0f;
        for (int k = band_edge[b]; k < band_edge[b + 1]; k++)
            sum += s.re[k] * s.re[k] + s.im[k] * s.im[k];
        power[b] = sum / (float)(band_edge[b + 1] - band_edge[b]);
    }
}

static float db_of(float power)
{
    return 10.0f * log10f(power + 1e-6f);
}

/* ---- what is played -------------------------------------------------------------------------- */

static uint8_t *played_slot(struct rp_echo *e, int64_t frame)
{
    return e->played[(frame % FRAMES + FRAMES) % FRAMES];
}

static bool is_kept(const struct rp_echo *e, int64_t frame)
{
    return frame < e->played_end && frame >= e->played_end - FRAMES;
}

/* Makes `frame` the newest one; what lies between is silence. */
static void extend(struct rp_echo *e, int64_t frame)
{
    for (int64_t f = RP_MAX(e->played_end, frame - FRAMES + 1); f <= frame; f++)
        memset(played_slot(e, f), 0, BANDS);
    e->played_end = frame + 1;
}

/* The frame in `tail` is complete. Where two pieces of audio share a frame, the louder one counts.
 */
static void keep_frame(struct rp_echo *e, int64_t frame)
{
    float power[BANDS];
    uint8_t *slot;

    if (frame - e->heard > RP_ECHO_AHEAD / HOP)
        return;
    if (frame >= e->played_end)
        extend(e, frame);
    if (!is_kept(e, frame))
        return;
    bands_of(e->tail, power);
    slot = played_slot(e, frame);
    for (int b = 0; b < BANDS; b++) {
        float steps = (db_of(power[b]) - LEAST_DB) / STEP_DB;
        uint8_t level = (uint8_t)fminf(fmaxf(steps, 0.0f), 255.0f);
        slot[b] = RP_MAX(slot[b], level);
    }
}

/* The stretch of audio is over: its last frame ends in silence. */
static void finish_tail(struct rp_echo *e)
{
    if (e->ntail == 0)
        return;
    memset(e->tail + e->ntail, 0, (WINDOW - e->ntail) * sizeof(*e->tail));
    keep_frame(e, (e->play_pos - (int64_t)e->ntail) / HOP);
    e->ntail = 0;
}

/* The loudness of the echo is still what it was; its delay may be any. */
static void forget_delay(struct rp_echo *e)
{
    for (int b = 0; b < BANDS; b++) {
        float most = e->gain_db[0][b];
        for (int lag = 1; lag < LAGS; lag++)
            most = fmaxf(most, e->gain_db[lag][b]);
        for (int lag = 0; lag < LAGS; lag++)
            e->gain_db[lag][b] = most;
    }
}

/* A stretch of audio begins: its first frame begins with silence. */
static void begin_at(struct rp_echo *e, int64_t pos)
{
    int64_t first = pos / HOP * HOP - HOP;

    finish_tail(e);
    if (e->heard == NOWHERE) /* the microphone will begin about here */
        e->heard = first / HOP;
    if (pos - e->play_pos > NEW_DELAY)
        forget_delay(e);
    e->ntail = (size_t)(pos - first);
    memset(e->tail, 0, e->ntail * sizeof(*e->tail));
    e->play_pos = pos;
}

void rp_echo_plays(struct rp_echo *e, const int16_t *pcm, size_t n, int64_t pos)
{
    if (n > 0 && (pos != e->play_pos || e->ntail == 0))
        begin_at(e, pos);
    while (n > 0) {
        size_t part = RP_MIN(n, WINDOW - e->ntail);
        memcpy(e->tail + e->ntail, pcm, part * sizeof(*pcm));
        e->ntail += part;
        e->play_pos += (int64_t)part;
        pcm += part;
        n -= part;
        if (e->ntail == WINDOW) {
            keep_frame(e, e->play_pos / HOP - 2);
            memmove(e->tail, e->tail + HOP, HOP * sizeof(*e->tail));
            e->ntail = HOP;
        }
    }
}

void rp_echo_cut(struct rp_echo *e, int64_t pos)
{
    int64_t first = RP_MAX(pos / HOP, e->played_end - FRAMES);

    if (pos >= e->play_pos)
        return;
    for (int64_t f = first; f < e->played_end; f++)
        memset(played_slot(e, f), 0, BANDS);
    e->ntail = 0;
    e->play_pos = pos;
}

/* ---- what is heard --------------------------------------------------------------------------- */

/* What was played at each delay before `frame`. False if that is silence throughout. */
static bool recall(struct rp_echo *e, int64_t frame, float played_db[LAGS][BANDS])
{
    bool any = false;

    for (int lag = 0; lag < LAGS; lag++) {
        const uint8_t *slot = is_kept(e, frame - lag) ? played_slot(e, frame - lag) : NULL;
        for (int b = 0; b < BANDS; b++) {
            played_db[lag][b] = LEAST_DB + (slot ? STEP_DB * (float)slot[b] : 0.0f);
            any = any || (slot && slot[b] > 0);
        }
    }
    return any;
}

static void predict(struct rp_echo *e, float played_db[LAGS][BANDS])
{
    for (int b = 0; b < BANDS; b++) {
        float db = e->predicted_db[b] - DECAY_DB;
        for (int lag = 0; lag < LAGS; lag++)
            db = RP_MAX(db, played_db[lag][b] + e->gain_db[lag][b]);
        e->predicted_db[b] = db;
    }
}

/* The share of the energy that neither echo nor noise explains. */
static float compare(const struct rp_echo *e, const float *power, const float *heard_db)
{
    float all = 1e-9f, unexplained = 0.0f;

    for (int b = 0; b < BANDS; b++) {
        all += power[b];
        if (heard_db[b] > fmaxf(e->predicted_db[b], e->floor_db[b]) + MARGIN_DB)
            unexplained += power[b];
    }
    return unexplained / all;
}

/* Moves the gains. The echo lies between two delays, so the weaker of neighbours is what a
 * hypothesis has really claimed. Where only noise is heard nothing speaks for a greater gain. */
static void learn(struct rp_echo *e, float played_db[LAGS][BANDS], const float *heard_db)
{
    float rise[BANDS];

    for (int b = 0; b < BANDS; b++) {
        e->peak_db[b] = fmaxf(e->peak_db[b] - PEAK_FALL_DB, played_db[0][b]);
        rise[b] = heard_db[b] > e->floor_db[b] + MARGIN_DB ? RISE_DB : 0.0f;
    }
    for (int lag = 0; lag < LAGS; lag++) {
        const float *later = played_db[lag > 0 ? lag - 1 : lag];
        const float *earlier = played_db[lag < LAGS - 1 ? lag + 1 : lag];
        for (int b = 0; b < BANDS; b++) {
            float least = RP_MIN(played_db[lag][b], RP_MIN(later[b], earlier[b]));
            float wrong = heard_db[b] - least - e->gain_db[lag][b];
            float step = RP_MAX(-FALL_DB, RP_MIN(rise[b], wrong));
            float moved = RP_MIN(e->gain_db[lag][b] + step, FIRST_DB);
            bool strong = least > STRONG_DB && least > e->peak_db[b] - BELOW_DB;
            e->gain_db[lag][b] = strong ? moved : e->gain_db[lag][b];
        }
    }
}

/* The unexplained share of one frame; 1 when nothing has been played that might come back. */
static float hear_frame(struct rp_echo *e, int64_t frame, const int16_t *pcm)
{
    float played_db[LAGS][BANDS], power[BANDS], heard_db[BANDS], share;
    bool first = frame != e->heard + 1; /* or behind a gap: the noise is not known */

    e->heard = frame;
    if (!recall(e, frame, played_db))
        return 1.0f;
    bands_of(pcm, power);
    for (int b = 0; b < BANDS; b++) {
        heard_db[b] = db_of(power[b]);
        e->floor_db[b] = first ? heard_db[b] : fminf(e->floor_db[b] + FLOOR_RISE_DB, heard_db[b]);
    }
    predict(e, played_db);
    share = compare(e, power, heard_db);
    learn(e, played_db, heard_db);
    return share;
}

bool rp_echo_window(struct rp_echo *e, const int16_t pcm[RP_ECHO_WINDOW], int64_t pos)
{
    int16_t straddling[WINDOW];
    int64_t frame = pos / HOP;
    float share;

    memcpy(straddling, e->before, sizeof(e->before));
    memcpy(straddling + HOP, pcm, HOP * sizeof(*pcm));
    memcpy(e->before, pcm + HOP, sizeof(e->before));
    share = hear_frame(e, frame - 1, straddling);
    e->unexplained = (share + hear_frame(e, frame, pcm)) / 2.0f;
    return e->unexplained < ECHO_MOST;
}

float rp_echo_unexplained(const struct rp_echo *e)
{
    return e->unexplained;
}
