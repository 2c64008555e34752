/* The log of requests to the customers' backends. */
#include "api/api_int.h"
#include "base/err.h"

static void write_ms(struct rp_jw *w, const char *key, int64_t us)
{
    rp_api_key_num_opt(w, key, us < 0 ? -1 : (double)us / 1000);
}

static void write_entry(struct rp_jw *w, const struct rp_store_hook_log *e)
{
    rp_jw_obj(w);
    rp_jw_key_z(w, "id", e->id);
    rp_jw_key_z(w, "agent_id", e->agent_id);
    rp_jw_key_z(w, "session_id", e->session_id);
    rp_jw_key_z(w, "turn_id", e->turn_id);
    rp_jw_key_z(w, "type", e->type);
    rp_jw_key_z(w, "url", e->url);
    rp_api_key_time(w, "started_at", e->started_ms);
    rp_jw_key(w, "status");
    if (e->status)
        rp_jw_int(w, e->status);
    else
        rp_jw_null(w);
    rp_jw_key_z(w, "error", e->code);
    rp_jw_key_z(w, "reason", e->why);
    rp_jw_key(w, "timing_ms");
    rp_jw_obj(w);
    write_ms(w, "resolved", e->resolved_us);
    write_ms(w, "connected", e->connected_us);
    write_ms(w, "sent", e->sent_us);
    write_ms(w, "first_byte", e->first_byte_us);
    write_ms(w, "done", e->done_us);
    rp_jw_end(w);
    rp_jw_key_int(w, "sent_bytes", e->sent_bytes);
    rp_jw_key_int(w, "received_bytes", e->received_bytes);
    rp_jw_key(w, "request_excerpt");
    rp_jw_str(w, e->request.p ? e->request : RP_STR(""));
    rp_jw_key(w, "response_excerpt");
    rp_jw_str(w, e->response.p ? e->response : RP_STR(""));
    rp_jw_end(w);
}

static void listed(struct rp_store_req *req, void *arg)
{
    struct rp_store_hook_log_list *q = RP_STORE_OF(hook_log_list, req);
    struct rp_api_call *c = arg;

    if (rp_api_failed(c, req))
        return;
    rp_jw_obj(&c->w);
    rp_jw_key(&c->w, "webhook_logs");
    rp_jw_arr(&c->w);
    for (size_t i = 0; i < q->n; i++)
        write_entry(&c->w, &q->entries[i]);
    rp_jw_end(&c->w);
    rp_api_key_cursor(&c->w, &q->page, q->n ? q->entries[q->n - 1].id : NULL);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

void rp_api_webhook_logs(struct rp_api_call *c)
{
    struct rp_store_hook_log_list *q = RP_API_ASK(hook_log_list, c, listed);
    struct rp_str failed;

    if (!q || !rp_api_page(c, &q->req, &q->page))
        return;
    failed = rp_api_query(c, "failed");
    q->agent_id = rp_store_z_of(&q->req, rp_api_query(c, "agent_id"));
    q->session_id = rp_store_z_of(&q->req, rp_api_query(c, "session_id"));
    q->failed_only = rp_str_eq_z(failed, "true") || rp_str_eq_z(failed, "1");
    rp_api_submit(c, &q->req);
}
