/* flite's voice, shaped for conversation; see flite.h.
 *
 *   flite's audio   |pau|hello there|pau|how are you|pau|
 *   runs                ^^^^^^^^^^^^^   ^^^^^^^^^^^
 *   given out           hello there  --  how are you  ----
 *
 * flite calls back while its vocoder is at work, about 60 times faster than real time. By then the
 * phones and their times are known: the utterance is cut into runs of speech, with pauses between
 * them that we choose. Samples are given out some hundred milliseconds behind the vocoder, so that
 * the leveller has heard something before it sets the gain. */
#include "tts/flite.h"

#include <flite/cst_cg.h>
#include <flite/flite.h>

#include "audio/pcm.h"
#include "base/check.h"
#include "base/err.h"
#include "base/mem.h"
#include "tts/flite_tokens.h"
#include "tts/leveller.h"

#define MS           (RP_FLITE_RATE / 1000)
#define STREAM_STEP  (20 * MS)  /* between two calls of the vocoder */
#define LOOKAHEAD    (400 * MS) /* heard before the gain is set */
#define CHUNK        (100 * MS)
#define FRAME_OFFSET (5 * MS)  /* the vocoder's first frame gives no samples */
#define LEAD         (15 * MS) /* kept before and behind the phones of a run */
#define TAIL         (15 * MS)
#define FADE_IN      (4 * MS)
#define FADE_OUT     (10 * MS)

#define LEVEL_DB     (-20.0f)
#define LEVEL_MAX_DB 5.0f
/* Brings the voice to about LEVEL_DB, where its 16-bit output does not wrap around. */
#define VOICE_GAIN 0.56f

#define TOKENS_MAX 64 /* of one utterance */
#define TOKENS_CUT 40 /* from here on it ends at a mark */

/* Not in flite's headers: the voice, and where it remembers that it is registered. */
extern cst_voice *cmu_us_slt_cg;
cst_voice *register_cmu_us_slt(const char *voxdir);

struct run {
    int64_t from, to; /* samples of flite's audio */
    int64_t pause;    /* samples of silence behind it */
};

/* One call of rp_flite_say. */
struct speech {
    const struct rp_flite_sink *sink;
    const atomic_bool *stop;
    int64_t given; /* samples given to the sink, with those in `chunk` */

    /* The utterance in hand. */
    const struct rp_flite_token *tokens;
    size_t ntokens;
    bool begun;
    struct run runs[TOKENS_MAX + 1];
    size_t nruns, run; /* all, and the one in hand */
    int64_t at;        /* next sample of flite's audio to be given out */
    int64_t seen;      /* samples the leveller has seen */

    int16_t chunk[CHUNK];
    size_t n;
};

struct rp_flite {
    cst_voice *voice;
    cst_cg_db *db;                    /* the voice's, with our gain */
    cst_audio_streaming_info *stream; /* owned by the voice */
    struct rp_leveller level;
    struct speech *speech; /* under way, or NULL */
};

/* ---- out ------------------------------------------------------------------------------------- */

static void flush(struct speech *s)
{
    if (s->n > 0)
        s->sink->audio(s->chunk, s->n, s->sink->arg);
    s->n = 0;
}

static void give_silence(struct speech *s, int64_t n)
{
    s->given += n;
    while (n > 0) {
        size_t part = RP_MIN((size_t)n, CHUNK - s->n);

        memset(s->chunk + s->n, 0, part * sizeof(*s->chunk));
        s->n += part;
        n -= (int64_t)part;
        if (s->n == CHUNK)
            flush(s);
    }
}

/* Samples [at, at + n) of a run, at most a frame: levelled, its ends faded. */
static void give_samples(struct rp_flite *f, const struct run *run, const int16_t *pcm, size_t n)
{
    struct speech *s = f->speech;
    int16_t frame[RP_LEVELLER_FRAME];
    int64_t in = s->at - run->from, left = run->to - s->at;

    memcpy(frame, pcm, n * sizeof(*frame));
    rp_leveller_run(&f->level, frame, n);
    for (size_t i = 0; i < n; i++) {
        int64_t edge = RP_MIN((in + (int64_t)i) * FADE_OUT / FADE_IN, left - (int64_t)i - 1);

        if (edge < FADE_OUT)
            frame[i] = (int16_t)(frame[i] * edge / FADE_OUT);
    }
    for (size_t i = 0; i < n; i++) {
        s->chunk[s->n++] = frame[i];
        if (s->n == CHUNK)
            flush(s);
    }
    s->given += (int64_t)n;
}

/* Gives out what may be, when flite has made `made` samples of `pcm`. */
static void pump(struct rp_flite *f, const int16_t *pcm, int64_t made, bool last)
{
    struct speech *s = f->speech;

    for (; s->seen + RP_LEVELLER_FRAME <= made; s->seen += RP_LEVELLER_FRAME)
        rp_leveller_see(&f->level, pcm + s->seen);

    while (s->run < s->nruns) {
        struct run *run = &s->runs[s->run];
        int64_t n;

        if (last) /* flite's times are exact to a frame only */
            run->to = RP_MIN(run->to, RP_MAX(made, s->at));
        n = RP_MIN(run->to - s->at, RP_LEVELLER_FRAME);
        if (n > 0) {
            if (!last && s->at + n + LOOKAHEAD > made)
                return;
            give_samples(f, run, pcm + s->at, (size_t)n);
            s->at += n;
            continue;
        }
        give_silence(s, run->pause);
        if (++s->run < s->nruns)
            s->at = s->runs[s->run].from;
    }
}

/* ---- phones ---------------------------------------------------------------------------------- */

static int64_t pause_behind(const char *punc)
{
    switch (punc[0]) {
    case '.':
    case '!':
    case '?':
        return 300 * MS;
    case ',':
        return 160 * MS;
    case ';':
    case ':':
        return 200 * MS;
    default:
        return 0;
    }
}

static int64_t end_of(const cst_item *segment)
{
    return (int64_t)(item_feat_float(segment, "end") * RP_FLITE_RATE) - FRAME_OFFSET;
}

static bool is_pause(const cst_item *segment)
{
    return strcmp(item_name(segment), "pau") == 0;
}

/* The mark behind the word that ends with this phone; "" if no word does. */
static const char *punc_behind(const cst_item *segment)
{
    const cst_item *token = path_to_item(segment, "R:SylStructure.parent.parent.R:Token.parent");

    return token ? item_feat_string(token, "punc") : "";
}

/* Finds the runs of speech between the pauses. */
static void find_runs(struct speech *s, const cst_utterance *utt)
{
    const cst_item *seg = relation_head(utt_relation(utt, "Segment"));
    int64_t from = 0;

    s->nruns = 0;
    for (; seg; seg = item_next(seg)) {
        const cst_item *next = item_next(seg);
        struct run *run;

        if (is_pause(seg)) {
            from = RP_MAX(end_of(seg) - LEAD, from);
            continue;
        }
        if (next && !is_pause(next))
            continue;
        if (s->nruns == RP_COUNT(s->runs)) { /* more pauses than tokens: hardly possible */
            s->runs[s->nruns - 1].to = end_of(seg) + TAIL;
            continue;
        }
        run = &s->runs[s->nruns];
        *run = (struct run){.from = RP_MAX(from, 0), .to = end_of(seg) + TAIL};
        if (next)
            run->to = RP_MIN(run->to, RP_MAX(end_of(next) - LEAD, end_of(seg)));
        run->pause = pause_behind(punc_behind(seg));
        run->pause = RP_MAX(run->pause - LEAD - TAIL, 0);
        from = run->to;
        s->nruns++;
    }
    s->run = 0;
    s->at = s->nruns ? s->runs[0].from : 0;
    s->seen = s->at;
}

/* Where sample `at` of flite's audio is given out. */
static int64_t place(const struct speech *s, int64_t at)
{
    int64_t out = s->given;

    for (size_t i = 0; i < s->nruns; i++) {
        const struct run *run = &s->runs[i];

        if (at < run->from)
            return out;
        if (at <= run->to || i + 1 == s->nruns)
            return out + RP_MIN(at, run->to) - run->from;
        out += run->to - run->from + run->pause;
    }
    return out;
}

/* Tells the sink the words of the utterance; NULL: there is none, since none can be read. */
static void tell_words(struct speech *s, const cst_utterance *utt)
{
    const cst_item *item = utt ? relation_head(utt_relation(utt, "Token")) : NULL;
    struct rp_flite_word words[TOKENS_MAX];
    int64_t last = s->given;
    size_t n = 0;

    for (size_t i = 0; i < s->ntokens; i++) {
        const struct rp_flite_token *t = &s->tokens[i];
        struct rp_flite_word w = {.from = t->from, .to = t->to, .at = last, .end = last};

        if (t->name[0] && item) {
            const cst_item *a =
                path_to_item(item_daughter(item), "R:SylStructure.daughter1.daughter1.R:Segment.p");
            const cst_item *b = path_to_item(item_last_daughter(item),
                                             "R:SylStructure.daughtern.daughtern.R:Segment");

            if (a && b) {
                w.at = RP_MAX(place(s, end_of(a)), last);
                w.end = RP_MAX(place(s, end_of(b)), w.at);
            }
            item = item_next(item);
        }
        last = w.end;
        if (n > 0 && words[n - 1].from == w.from)
            words[n - 1].end = w.end;
        else
            words[n++] = w;
    }
    if (n > 0)
        s->sink->words(words, n, s->sink->arg);
}

/* ---- flite ----------------------------------------------------------------------------------- */

/* flite has made samples [start, start + size) of `w`. */
static int on_samples(const cst_wave *w, int start, int size, int last,
                      cst_audio_streaming_info *stream)
{
    struct rp_flite *f = stream->userdata;
    struct speech *s = f->speech;

    if (atomic_load_explicit(s->stop, memory_order_relaxed))
        return CST_AUDIO_STREAM_STOP;
    if (!s->begun) {
        s->begun = true;
        find_runs(s, stream->utt);
        tell_words(s, stream->utt);
    }
    pump(f, w->samples, (int64_t)start + size, last);
    return CST_AUDIO_STREAM_CONT;
}

/* Speaks the tokens in hand as one utterance. */
static int say_utterance(struct rp_flite *f)
{
    struct speech *s = f->speech;
    cst_utterance *utt = NULL;
    cst_relation *rel = NULL;
    int err = 0;

    s->begun = false;
    for (size_t i = 0; i < s->ntokens; i++) {
        cst_item *item;

        if (s->tokens[i].name[0] == '\0')
            continue;
        if (!utt) {
            utt = new_utterance();
            rel = utt_relation_create(utt, "Token");
        }
        item = relation_append(rel, NULL);
        item_set_string(item, "name", s->tokens[i].name);
        item_set_string(item, "whitespace", " ");
        item_set_string(item, "prepunctuation", "");
        item_set_string(item, "punc", s->tokens[i].punc);
    }
    if (!utt) {
        tell_words(s, NULL);
        return 0;
    }
    utt = flite_do_synth(utt, f->voice, utt_synth_tokens);
    if (!utt)
        return RP_EIO;
    if (get_param_int(utt->features, "Interrupted", 0))
        err = RP_ECANCELED;
    else if (!s->begun)
        tell_words(s, NULL);
    delete_utterance(utt);
    return err;
}

int rp_flite_say(struct rp_flite *f, struct rp_str text, const struct rp_flite_sink *sink,
                 const atomic_bool *stop)
{
    struct rp_flite_token tokens[TOKENS_MAX];
    struct speech *s = rp_zalloc(sizeof(*s));
    struct rp_flite_reader reader;
    bool more = true;
    int err = 0;

    if (!s)
        return RP_ENOMEM;
    s->sink = sink;
    s->stop = stop;
    s->tokens = tokens;
    f->speech = s;
    rp_leveller_init(&f->level, LEVEL_DB, LEVEL_MAX_DB);
    rp_flite_reader_init(&reader, text);
    while (more && err == 0) {
        size_t n = 0;

        while (n < TOKENS_MAX && (more = rp_flite_read(&reader, &tokens[n]))) {
            bool mark = tokens[n++].punc[0] != '\0';

            if (n >= TOKENS_CUT && mark)
                break;
        }
        s->ntokens = n;
        if (atomic_load(stop))
            err = RP_ECANCELED;
        else if (n > 0)
            err = say_utterance(f);
    }
    if (err == 0)
        flush(s);
    f->speech = NULL;
    rp_free(s);
    return err;
}

int rp_flite_new(struct rp_flite **out)
{
    struct rp_flite *f = rp_zalloc(sizeof(*f));
    cst_cg_db *db = rp_alloc(sizeof(*db));

    if (!f || !db) {
        rp_free(f);
        rp_free(db);
        return RP_ENOMEM;
    }
    (void)flite_init();
    /* flite hands out one voice a process, whose values are counted without a lock: make it forget
     * the voice, and it makes another. What they share (models, lexicon) is only read. */
    cmu_us_slt_cg = NULL;
    f->voice = register_cmu_us_slt(NULL);
    cmu_us_slt_cg = NULL;

    *db = *val_cg_db(feat_val(f->voice->features, "cg_db"));
    db->gain *= VOICE_GAIN;
    db->freeable = 0;
    f->db = db;
    feat_set(f->voice->features, "cg_db", cg_db_val(db));

    f->stream = new_audio_streaming_info();
    f->stream->min_buffsize = STREAM_STEP;
    f->stream->asc = on_samples;
    f->stream->userdata = f;
    feat_set(f->voice->features, "streaming_info", audio_streaming_info_val(f->stream));
    *out = f;
    return 0;
}

void rp_flite_free(struct rp_flite *f)
{
    if (!f)
        return;
    delete_voice(f->voice);
    rp_free(f->db);
    rp_free(f);
}
