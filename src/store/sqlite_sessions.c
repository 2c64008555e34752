/* SQLite: sessions and turns. Contracts stand in store.h.
 *
 * A session goes authorized → live → ended, each step in one statement that names the state it
 * comes from, so that two machines (or two sockets with one key) cannot both take it. */
#include "base/arena.h"
#include "base/err.h"
#include "store/sqlite.h"

#define SESSION_COLUMNS                                                                            \
    "id, conversation_id, agent_id, status, node_id, channel, sdk_version, end_reason, "           \
    "recording_status, metadata, from_phone_number, from_phone_country, to_phone_number, "         \
    "to_phone_country, ip_address, country_code, authorized_ms, key_expires_ms, started_ms, "      \
    "ended_ms, duration_ms, transcription_s, tts_s, latency_ms, "                                  \
    "(SELECT count(*) FROM turns t WHERE t.session_id = sessions.id)"

static void read_session(struct rp_rows *r, struct rp_store_session *s)
{
    s->id = rp_rows_z(r);
    s->conversation_id = rp_rows_z(r);
    s->agent_id = rp_rows_z(r);
    s->status = (enum rp_store_status)rp_rows_int(r);
    s->node_id = rp_rows_z(r);
    s->channel = rp_rows_z(r);
    s->sdk_version = rp_rows_z(r);
    s->end_reason = rp_rows_z(r);
    s->recording_status = rp_rows_z(r);
    s->metadata = rp_rows_str(r);
    s->from_phone_number = rp_rows_z(r);
    s->from_phone_country = rp_rows_z(r);
    s->to_phone_number = rp_rows_z(r);
    s->to_phone_country = rp_rows_z(r);
    s->ip_address = rp_rows_z(r);
    s->country_code = rp_rows_z(r);
    s->authorized_ms = rp_rows_int(r);
    s->key_expires_ms = rp_rows_int(r);
    s->started_ms = rp_rows_int(r);
    s->ended_ms = rp_rows_int(r);
    s->duration_ms = rp_rows_int(r);
    s->transcription_s = rp_rows_real(r);
    s->tts_s = rp_rows_real(r);
    s->latency_ms = rp_rows_int(r);
    s->nturns = rp_rows_int(r);
}

/* Rows of a query over SESSION_COLUMNS, at most `limit`; *more (may be NULL): there was another. */
static int read_sessions(struct rp_db *db, struct rp_arena *mem, const struct rp_where *w,
                         size_t limit, struct rp_store_session **out, size_t *n, bool *more)
{
    struct rp_rows r;
    int err;

    *n = 0;
    *out = rp_arena_zalloc(mem, limit * sizeof(**out));
    if (!*out)
        return RP_ENOMEM;
    err = rp_db_query(&r, db, mem, w->sql, w->args, w->nargs);
    if (err)
        return err;
    while (rp_rows_next(&r)) {
        if (*n == limit) {
            if (more)
                *more = true;
            break;
        }
        read_session(&r, &(*out)[(*n)++]);
    }
    return rp_rows_end(&r);
}

/* Ends one session that is in state `from`. 1 if it was, 0 if not, or an error. */
static int end_session(struct rp_db *db, struct rp_store_session *s, enum rp_store_status from,
                       const char *reason, int64_t ended_ms, int64_t duration_ms)
{
    s->status = RP_STORE_ENDED;
    s->end_reason = reason;
    s->ended_ms = ended_ms;
    s->duration_ms = duration_ms;
    return rp_db_run(db, NULL,
                     "UPDATE sessions SET status = 2, end_reason = ?3, ended_ms = ?4, "
                     "duration_ms = ?5 WHERE id = ?1 AND status = ?2",
                     RP_DB_ARGS(rp_arg_z(s->id), rp_arg_int(from), rp_arg_z(reason),
                                rp_arg_int(ended_ms), rp_arg_int(duration_ms)));
}

static int end_all_unused(struct rp_db *db, struct rp_store_session *sessions, size_t n,
                          const char *reason, int64_t now_ms)
{
    for (size_t i = 0; i < n; i++) {
        int err = end_session(db, &sessions[i], RP_STORE_AUTHORIZED, reason, now_ms, 0);
        if (err < 0)
            return err;
    }
    return 0;
}

int rp_sqlite_end_unused(struct rp_db *db, struct rp_arena *mem, const char *column,
                         const char *value, const char *reason, int64_t now_ms,
                         struct rp_store_session **ended, size_t *nended)
{
    struct rp_where w = {.len = 0};
    int err;

    rp_where_add(&w, "SELECT " SESSION_COLUMNS " FROM sessions WHERE status = 0 AND ");
    rp_where_add(&w, column);
    rp_where_arg(&w, " = ? LIMIT 1000", rp_arg_z(value));
    err = read_sessions(db, mem, &w, 1000, ended, nended, NULL);
    return err ? err : end_all_unused(db, *ended, *nended, reason, now_ms);
}

/* ---- authorize ---- */

static int put_conversation(struct rp_db *db, struct rp_store_session_authorize *q)
{
    const struct rp_store_session *s = &q->session;
    struct rp_db_arg headers =
        rp_arg_sealed(q->custom_headers, "conversations.custom_headers", s->conversation_id);
    int n;

    if (q->new_conversation) {
        n = rp_db_run(db, &q->req.mem,
                      "INSERT INTO conversations (id, agent_id, custom_metadata, "
                      "custom_headers_sealed, created_ms, updated_ms) "
                      "VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                      RP_DB_ARGS(rp_arg_z(s->conversation_id), rp_arg_z(s->agent_id),
                                 rp_arg_str(q->custom_metadata), headers,
                                 rp_arg_int(s->authorized_ms)));
        return n < 0 ? n : 0;
    }
    n = rp_db_run(db, &q->req.mem,
                  "UPDATE conversations SET custom_metadata = coalesce(?3, custom_metadata), "
                  "custom_headers_sealed = coalesce(?4, custom_headers_sealed), updated_ms = ?5 "
                  "WHERE id = ?1 AND agent_id = ?2",
                  RP_DB_ARGS(rp_arg_z(s->conversation_id), rp_arg_z(s->agent_id),
                             rp_arg_str(q->custom_metadata), headers,
                             rp_arg_int(s->authorized_ms)));
    if (n == 0)
        return rp_sqlite_refuse(db, RP_EDENIED, "this agent has no such conversation");
    return n < 0 ? n : 0;
}

static int insert_session(struct rp_db *db, struct rp_store_session_authorize *q)
{
    const struct rp_store_session *s = &q->session;
    int n = rp_db_run(
        db, &q->req.mem,
        "INSERT INTO sessions (id, conversation_id, agent_id, status, key_hash, key_expires_ms, "
        "channel, sdk_version, config_sealed, metadata, from_phone_number, from_phone_country, "
        "to_phone_number, to_phone_country, authorized_ms) "
        "VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        RP_DB_ARGS(rp_arg_z(s->id), rp_arg_z(s->conversation_id), rp_arg_z(s->agent_id),
                   rp_arg_hash(&q->key), rp_arg_int(s->key_expires_ms), rp_arg_z(s->channel),
                   rp_arg_z(s->sdk_version), rp_arg_sealed(s->config, "sessions.config", s->id),
                   rp_arg_str(s->metadata), rp_arg_z(s->from_phone_number),
                   rp_arg_z(s->from_phone_country), rp_arg_z(s->to_phone_number),
                   rp_arg_z(s->to_phone_country), rp_arg_int(s->authorized_ms)));

    return n < 0 ? n : 0;
}

int rp_sqlite_session_authorize(struct rp_db *db, struct rp_store_session_authorize *q)
{
    int err = rp_sqlite_read_agent(db, &q->req.mem, q->session.agent_id, &q->agent);

    if (!err)
        err = put_conversation(db, q);
    if (!err)
        err = rp_sqlite_end_unused(db, &q->req.mem, "conversation_id", q->session.conversation_id,
                                   RP_STORE_END_ROTATED, q->session.authorized_ms, &q->ended,
                                   &q->nended);
    if (!err)
        err = insert_session(db, q);
    return err;
}

/* ---- claim ---- */

static const char *why_not_claimed(const struct rp_store_session *s, int64_t now_ms)
{
    if (s->status == RP_STORE_LIVE)
        return "the key has been used";
    if (s->status == RP_STORE_ENDED) {
        struct rp_str reason = rp_str_z(s->end_reason);

        if (rp_str_eq_z(reason, RP_STORE_END_ROTATED))
            return "the key has been replaced by a newer one";
        if (rp_str_eq_z(reason, RP_STORE_END_DELETED))
            return "the agent has been deleted";
        if (!rp_str_eq_z(reason, RP_STORE_END_EXPIRED))
            return "the key has been used";
    }
    if (s->status == RP_STORE_ENDED || s->key_expires_ms <= now_ms)
        return "the key has expired";
    return NULL;
}

static int find_session(struct rp_db *db, struct rp_arena *mem, const char *column,
                        struct rp_db_arg value, struct rp_store_session *out)
{
    struct rp_where w = {.len = 0};
    struct rp_rows r;
    bool found;
    int err;

    rp_where_add(&w, "SELECT " SESSION_COLUMNS ", config_sealed FROM sessions WHERE ");
    rp_where_add(&w, column);
    rp_where_arg(&w, " = ?", value);
    err = rp_db_query(&r, db, mem, w.sql, w.args, w.nargs);
    if (err)
        return err;
    found = rp_rows_next(&r);
    if (found) {
        read_session(&r, out);
        out->config = rp_rows_sealed(&r, "sessions.config", out->id);
    }
    err = rp_rows_end(&r);
    return err || found ? err : RP_ENOTFOUND;
}

int rp_sqlite_session_claim(struct rp_db *db, struct rp_store_session_claim *q)
{
    struct rp_store_session *s = &q->session;
    const char *why;
    int err = find_session(db, &q->req.mem, "key_hash", rp_arg_hash(&q->key), s);
    int n;

    if (err == RP_ENOTFOUND)
        return rp_sqlite_refuse(db, err, "there is no such key");
    if (err)
        return err;
    why = why_not_claimed(s, q->now_ms);
    if (why)
        return rp_sqlite_refuse(db, RP_EDENIED, why);
    err = rp_sqlite_read_agent(db, &q->req.mem, s->agent_id, &q->agent);
    if (err == RP_ENOTFOUND)
        return rp_sqlite_refuse(db, RP_EDENIED, "the agent has been deleted");
    if (!err)
        err = rp_sqlite_read_conversation(db, &q->req.mem, s->conversation_id, &q->conversation);
    if (err)
        return err;
    n = rp_db_run(db, NULL,
                  "UPDATE sessions SET status = 1, node_id = ?2, ip_address = ?3, "
                  "country_code = ?4, started_ms = ?5 WHERE id = ?1 AND status = 0",
                  RP_DB_ARGS(rp_arg_z(s->id), rp_arg_z(q->node_id), rp_arg_z(q->ip_address),
                             rp_arg_z(q->country_code), rp_arg_int(q->now_ms)));
    if (n == 0)
        return rp_sqlite_refuse(db, RP_EDENIED, "the key has been used");
    s->status = RP_STORE_LIVE;
    s->node_id = q->node_id;
    s->ip_address = q->ip_address;
    s->country_code = q->country_code;
    s->started_ms = q->now_ms;
    return n < 0 ? n : 0;
}

/* ---- end ---- */

int rp_sqlite_session_finish(struct rp_db *db, struct rp_store_session_finish *q)
{
    struct rp_store_session s;
    int n =
        rp_db_run(db, NULL,
                  "UPDATE sessions SET status = 2, end_reason = ?2, recording_status = ?3, "
                  "ended_ms = ?4, duration_ms = ?5, transcription_s = ?6, tts_s = ?7, "
                  "latency_ms = ?8 WHERE id = ?1 AND status <> 2",
                  RP_DB_ARGS(rp_arg_z(q->id), rp_arg_z(q->end_reason),
                             rp_arg_z(q->recording_status), rp_arg_int_opt(q->ended_ms),
                             rp_arg_int_opt(q->duration_ms), rp_arg_real_opt(q->transcription_s),
                             rp_arg_real_opt(q->tts_s), rp_arg_int_opt(q->latency_ms)));

    if (n != 0)
        return n < 0 ? n : 0;
    q->was_ended = true;
    n = find_session(db, &q->req.mem, "id", rp_arg_z(q->id), &s);
    return n == RP_ENOTFOUND ? rp_sqlite_refuse(db, n, "there is no such session") : n;
}

/* When the last turn that was stored ended, on the wall clock. */
static int last_sign_of_life(struct rp_db *db, const struct rp_store_session *s, int64_t *ms)
{
    struct rp_rows r;
    int64_t last = 0;
    int err = rp_db_query(&r, db, NULL, "SELECT max(end_ms) FROM turns WHERE session_id = ?1",
                          RP_DB_ARGS(rp_arg_z(s->id)));

    if (err)
        return err;
    if (rp_rows_next(&r))
        last = rp_rows_int(&r);
    *ms = s->started_ms + (last > 0 ? last : 0);
    return rp_rows_end(&r);
}

static int sweep_lost(struct rp_db *db, struct rp_store_session_sweep *q, size_t limit)
{
    struct rp_where w = {.len = 0};
    struct rp_store_session *lost;
    size_t n;
    int err;

    rp_where_arg(&w, "SELECT " SESSION_COLUMNS " FROM sessions WHERE status = 1 AND node_id = ?",
                 rp_arg_z(q->lost_node));
    rp_where_arg(&w, " LIMIT ?", rp_arg_int((int64_t)limit));
    err = read_sessions(db, &q->req.mem, &w, limit, &lost, &n, NULL);
    for (size_t i = 0; i < n && err >= 0; i++) {
        int64_t ended = 0;

        err = last_sign_of_life(db, &lost[i], &ended);
        if (!err)
            err = end_session(db, &lost[i], RP_STORE_LIVE, RP_STORE_END_LOST, ended,
                              ended - lost[i].started_ms);
        q->sessions[q->n++] = lost[i];
    }
    return err < 0 ? err : 0;
}

int rp_sqlite_session_sweep(struct rp_db *db, struct rp_store_session_sweep *q)
{
    size_t limit = q->limit ? q->limit : RP_STORE_PAGE_MAX;
    struct rp_where w = {.len = 0};
    struct rp_store_session *expired;
    int err;

    rp_where_arg(
        &w, "SELECT " SESSION_COLUMNS " FROM sessions WHERE status = 0 AND key_expires_ms <= ?",
        rp_arg_int(q->now_ms));
    rp_where_arg(&w, " ORDER BY key_expires_ms LIMIT ?", rp_arg_int((int64_t)limit));
    q->sessions = rp_arena_zalloc(&q->req.mem, 2 * limit * sizeof(*q->sessions));
    if (!q->sessions)
        return RP_ENOMEM;
    err = read_sessions(db, &q->req.mem, &w, limit, &expired, &q->n, NULL);
    if (!err)
        err = end_all_unused(db, expired, q->n, RP_STORE_END_EXPIRED, q->now_ms);
    if (err)
        return err;
    memcpy(q->sessions, expired, q->n * sizeof(*expired));
    return q->lost_node ? sweep_lost(db, q, limit) : 0;
}

/* ---- reading ---- */

int rp_sqlite_session_get(struct rp_db *db, struct rp_store_session_get *q)
{
    int err = find_session(db, &q->req.mem, "id", rp_arg_z(q->id), &q->session);

    if (err == RP_ENOTFOUND ||
        (!err && q->agent_id && strcmp(q->agent_id, q->session.agent_id) != 0))
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such session");
    return err;
}

int rp_sqlite_session_list(struct rp_db *db, struct rp_store_session_list *q)
{
    struct rp_where w = {.len = 0};
    size_t limit;

    rp_where_add(&w, "SELECT " SESSION_COLUMNS " FROM sessions WHERE 1");
    if (q->agent_id)
        rp_where_arg(&w, " AND agent_id = ?", rp_arg_z(q->agent_id));
    if (q->conversation_id)
        rp_where_arg(&w, " AND conversation_id = ?", rp_arg_z(q->conversation_id));
    if (q->status >= 0)
        rp_where_arg(&w, " AND status = ?", rp_arg_int(q->status));
    if (q->from_ms > 0)
        rp_where_arg(&w, " AND authorized_ms >= ?", rp_arg_int(q->from_ms));
    if (q->to_ms > 0)
        rp_where_arg(&w, " AND authorized_ms < ?", rp_arg_int(q->to_ms));
    limit = rp_where_page(&w, "id", &q->page);
    return read_sessions(db, &q->req.mem, &w, limit, &q->sessions, &q->n, &q->page.more);
}

/* ---- turns ---- */

int rp_sqlite_turn_append(struct rp_db *db, struct rp_store_turn_append *q)
{
    const struct rp_store_turn *t = &q->turn;
    int n = rp_db_run(
        db, NULL,
        "INSERT INTO turns (session_id, seq, assistant, flags, turn_id, text, heard, begin_ms, "
        "end_ms, wall_ms, latency_ms, latency, data) "
        "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) "
        "ON CONFLICT (session_id, seq) DO UPDATE SET assistant = excluded.assistant, "
        "flags = excluded.flags, turn_id = excluded.turn_id, text = excluded.text, "
        "heard = excluded.heard, begin_ms = excluded.begin_ms, end_ms = excluded.end_ms, "
        "wall_ms = excluded.wall_ms, latency_ms = excluded.latency_ms, "
        "latency = excluded.latency, data = excluded.data",
        RP_DB_ARGS(rp_arg_z(q->session_id), rp_arg_int(t->seq), rp_arg_int(t->assistant),
                   rp_arg_int(t->flags), rp_arg_z(t->turn_id),
                   rp_arg_str(t->text.p ? t->text : RP_STR("")), rp_arg_str(t->heard),
                   rp_arg_int_opt(t->begin_ms), rp_arg_int_opt(t->end_ms), rp_arg_int(t->wall_ms),
                   rp_arg_int_opt(t->latency_ms), rp_arg_str(t->latency), rp_arg_str(t->data)));

    if (n == RP_ENOTFOUND)
        return rp_sqlite_refuse(db, n, "there is no such session");
    return n < 0 ? n : 0;
}

static void read_turn(struct rp_rows *r, struct rp_store_turn *t)
{
    t->seq = rp_rows_int(r);
    t->assistant = rp_rows_int(r) != 0;
    t->flags = (unsigned)rp_rows_int(r);
    t->turn_id = rp_rows_z(r);
    t->text = rp_rows_str(r);
    t->heard = rp_rows_str(r);
    t->begin_ms = rp_rows_int(r);
    t->end_ms = rp_rows_int(r);
    t->wall_ms = rp_rows_int(r);
    t->latency_ms = rp_rows_int(r);
    t->latency = rp_rows_str(r);
    t->data = rp_rows_str(r);
}

int rp_sqlite_turn_list(struct rp_db *db, struct rp_store_turn_list *q)
{
    size_t limit = q->limit ? q->limit : 1000;
    struct rp_rows r;
    int err;

    q->turns = rp_arena_zalloc(&q->req.mem, limit * sizeof(*q->turns));
    if (!q->turns)
        return RP_ENOMEM;
    err = rp_db_query(&r, db, &q->req.mem,
                      "SELECT seq, assistant, flags, turn_id, text, heard, begin_ms, end_ms, "
                      "wall_ms, latency_ms, latency, data FROM turns "
                      "WHERE session_id = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3",
                      RP_DB_ARGS(rp_arg_z(q->session_id), rp_arg_int(q->from_seq),
                                 rp_arg_int((int64_t)limit + 1)));
    if (err)
        return err;
    while (rp_rows_next(&r)) {
        q->more = q->n == limit;
        if (q->more)
            break;
        read_turn(&r, &q->turns[q->n++]);
    }
    return rp_rows_end(&r);
}
