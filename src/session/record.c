/* The books of a session: each finished turn goes to the store, with its latency.
 *
 * Latency is told as points on one clock, relative to the caller's last speech sample: when the
 * turn was decided, the request posted, the first text there, the first audio sent. Values that
 * cannot be (negative, over a minute) are left out rather than stored. */
#include "session/session_int.h"

#include <stdio.h>

#include "base/err.h"

#define PLAUSIBLE_US 60000000

static void stored(struct rp_store_req *req, void *arg)
{
    (void)arg;
    if (req->err)
        rp_log("session", RP_LOG_ERROR, NULL, "a turn was not stored: %s", req->why);
}

static bool plausible(int64_t us)
{
    return us >= 0 && us <= PLAUSIBLE_US;
}

struct points {
    int64_t decided, posted, first_text, first_audio; /* µs after the end of speech; -1: unknown */
};

static int64_t since(int64_t at_us, int64_t begin_us)
{
    return at_us >= 0 && plausible(at_us - begin_us) ? at_us - begin_us : -1;
}

static void write_points(struct rp_buf *b, const struct points *p)
{
    struct rp_jw w = {.b = b};

    rp_jw_obj(&w);
    if (p->decided >= 0)
        rp_jw_key_num(&w, "decided_ms", (double)p->decided / 1000);
    if (p->posted >= 0)
        rp_jw_key_num(&w, "posted_ms", (double)p->posted / 1000);
    if (p->first_text >= 0)
        rp_jw_key_num(&w, "first_text_ms", (double)p->first_text / 1000);
    if (p->first_audio >= 0)
        rp_jw_key_num(&w, "first_audio_ms", (double)p->first_audio / 1000);
    rp_jw_end(&w);
}

static void log_points(struct rp_session *s, const char *turn_id, const struct points *p)
{
    struct rp_log_ctx ctx = s->log;

    ctx.turn = turn_id;
    rp_log("latency", RP_LOG_INFO, &ctx,
           "after the end of speech: decided %lld ms, posted %lld ms, first text %lld ms, first "
           "audio %lld ms",
           (long long)(p->decided / 1000), (long long)(p->posted / 1000),
           (long long)(p->first_text / 1000), (long long)(p->first_audio / 1000));
}

static unsigned flags_of(const struct rp_turn_record *r)
{
    bool greeting = r->request == RP_TURN_WELCOME || r->request == RP_TURN_SESSION_START;
    unsigned flags = 0;

    if (r->user)
        return r->typed ? RP_STORE_TURN_TYPED : 0;
    flags |= r->interrupted ? RP_STORE_TURN_INTERRUPTED : 0;
    flags |= r->failed ? RP_STORE_TURN_FAILED : 0;
    flags |= greeting ? RP_STORE_TURN_GREETING : 0;
    flags |= r->request == RP_TURN_DATA ? RP_STORE_TURN_DATA : 0;
    flags |= r->request == RP_TURN_NO_GREETING ? RP_STORE_TURN_RESUMED : 0;
    return flags;
}

static struct points measure(struct rp_session *s, const struct rp_turn_record *r)
{
    struct points p = {-1, -1, -1, -1};
    int64_t zero = s->asked.speech_end_us;

    if (!s->asked.known || r->request != RP_TURN_MESSAGE)
        return p;
    s->asked.known = false;
    p.decided = since(s->asked.decided_us, zero);
    p.posted = since(r->posted_us, zero);
    p.first_text = since(r->first_text_us, zero);
    p.first_audio = since(r->first_audio_us, zero);
    return p;
}

void rp_session_record(struct rp_session *s, const char *turn_id, const struct rp_turn_record *r)
{
    struct rp_store_turn_append *q = RP_STORE_NEW(turn_append, s->shard->loop, stored, NULL);
    struct points p = {-1, -1, -1, -1};
    struct rp_buf json;

    if (r->user) {
        s->asked = (struct rp_session_asked){true, r->speech_end_us, r->decided_us};
        s->heard_samples += RP_MAX(r->to - r->from, 0);
    } else {
        p = measure(s, r);
    }
    if (p.first_audio >= 0) {
        s->latency_sum_ms += p.first_audio / 1000;
        s->latency_count++;
        log_points(s, turn_id, &p);
    }
    if (!q) {
        rp_log("session", RP_LOG_ERROR, &s->log, "a turn was not stored: %s",
               rp_err_text(RP_ENOMEM));
        return;
    }
    rp_buf_init(&json, 1024);
    write_points(&json, &p);
    q->session_id = rp_store_z(&q->req, s->id);
    q->turn = (struct rp_store_turn){
        .seq = s->next_seq++,
        .assistant = !r->user,
        .flags = flags_of(r),
        .turn_id = rp_store_z(&q->req, turn_id),
        .text = rp_store_str(&q->req, r->text),
        .heard = r->user ? rp_str_n(NULL, 0) : rp_store_str(&q->req, r->heard),
        .begin_ms = r->user ? r->from * 1000 / RP_TURN_RATE : r->start_us / 1000,
        .end_ms = r->user ? r->to * 1000 / RP_TURN_RATE : r->end_us / 1000,
        .wall_ms = s->begin_wall_ms + r->start_us / 1000,
        .latency_ms = p.first_audio >= 0 ? p.first_audio / 1000 : -1,
        .latency =
            p.first_audio >= 0 ? rp_store_str(&q->req, rp_buf_view(&json)) : rp_str_n(NULL, 0),
    };
    rp_buf_fini(&json);
    rp_store_submit(s->shard->env->store, &q->req);
}
