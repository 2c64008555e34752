/* SQLite: the log of requests to the customers' backends. Contracts stand in store.h. */
#include "base/arena.h"
#include "base/err.h"
#include "store/sqlite.h"

#define LOG_COLUMNS                                                                                \
    "id, agent_id, session_id, turn_id, type, url, started_ms, status, code, why, resolved_us, "   \
    "connected_us, sent_us, first_byte_us, done_us, sent_bytes, received_bytes, request, response"

/* The beginning of a text, not cut inside a UTF-8 sequence. */
static struct rp_str excerpt(struct rp_str s)
{
    size_t len = RP_MIN(s.len, RP_STORE_EXCERPT_MAX);

    if (s.p && len < s.len)
        while (len > 0 && ((unsigned char)s.p[len] & 0xc0) == 0x80)
            len--;
    return rp_str_n(s.p, len);
}

int rp_sqlite_hook_log_append(struct rp_db *db, struct rp_store_hook_log_append *q)
{
    const struct rp_store_hook_log *e = &q->entry;
    int n = rp_db_run(
        db, NULL,
        "INSERT INTO webhook_log (" LOG_COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        RP_DB_ARGS(rp_arg_z(e->id), rp_arg_z(e->agent_id), rp_arg_z(e->session_id),
                   rp_arg_z(e->turn_id), rp_arg_z(e->type), rp_arg_z(e->url),
                   rp_arg_int(e->started_ms), rp_arg_int(e->status), rp_arg_z(e->code),
                   rp_arg_z(e->why), rp_arg_int_opt(e->resolved_us),
                   rp_arg_int_opt(e->connected_us), rp_arg_int_opt(e->sent_us),
                   rp_arg_int_opt(e->first_byte_us), rp_arg_int_opt(e->done_us),
                   rp_arg_int(e->sent_bytes), rp_arg_int(e->received_bytes),
                   rp_arg_str(excerpt(e->request)), rp_arg_str(excerpt(e->response))));

    return n < 0 ? n : 0;
}

static void read_entry(struct rp_rows *r, struct rp_store_hook_log *e)
{
    e->id = rp_rows_z(r);
    e->agent_id = rp_rows_z(r);
    e->session_id = rp_rows_z(r);
    e->turn_id = rp_rows_z(r);
    e->type = rp_rows_z(r);
    e->url = rp_rows_z(r);
    e->started_ms = rp_rows_int(r);
    e->status = (int)rp_rows_int(r);
    e->code = rp_rows_z(r);
    e->why = rp_rows_z(r);
    e->resolved_us = rp_rows_int(r);
    e->connected_us = rp_rows_int(r);
    e->sent_us = rp_rows_int(r);
    e->first_byte_us = rp_rows_int(r);
    e->done_us = rp_rows_int(r);
    e->sent_bytes = rp_rows_int(r);
    e->received_bytes = rp_rows_int(r);
    e->request = rp_rows_str(r);
    e->response = rp_rows_str(r);
}

int rp_sqlite_hook_log_list(struct rp_db *db, struct rp_store_hook_log_list *q)
{
    struct rp_where w = {.len = 0};
    struct rp_rows r;
    size_t limit;
    int err;

    rp_where_add(&w, "SELECT " LOG_COLUMNS " FROM webhook_log WHERE 1");
    if (q->agent_id)
        rp_where_arg(&w, " AND agent_id = ?", rp_arg_z(q->agent_id));
    if (q->session_id)
        rp_where_arg(&w, " AND session_id = ?", rp_arg_z(q->session_id));
    if (q->failed_only)
        rp_where_add(&w, " AND code IS NOT NULL");
    limit = rp_where_page(&w, "id", &q->page);
    q->entries = rp_arena_zalloc(&q->req.mem, limit * sizeof(*q->entries));
    if (!q->entries)
        return RP_ENOMEM;
    err = rp_db_query(&r, db, &q->req.mem, w.sql, w.args, w.nargs);
    if (err)
        return err;
    while (rp_rows_next(&r)) {
        q->page.more = q->n == limit;
        if (q->page.more)
            break;
        read_entry(&r, &q->entries[q->n++]);
    }
    return rp_rows_end(&r);
}
