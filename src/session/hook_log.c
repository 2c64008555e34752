/* The webhook log: what became of each request to a backend goes to the store. */
#include "session/session_int.h"

#include "base/err.h"

static void stored(struct rp_store_req *req, void *arg)
{
    (void)arg;
    if (req->err)
        rp_log("session", RP_LOG_ERROR, NULL, "a webhook log entry was not stored: %s", req->why);
}

void rp_session_log_hook(const struct rp_webhook_record *r, void *arg)
{
    struct rp_shard *shard = arg;
    struct rp_store_hook_log_append *q = RP_STORE_NEW(hook_log_append, shard->loop, stored, NULL);
    char id[RP_ID_MAX];

    if (!q) {
        rp_log("session", RP_LOG_ERROR, NULL, "a webhook log entry was not stored: %s",
               rp_err_text(RP_ENOMEM));
        return;
    }
    q->entry = (struct rp_store_hook_log){
        .id = rp_store_z(&q->req, rp_id_new(id, RP_ID_REQUEST)),
        .agent_id = rp_store_z(&q->req, r->agent_id),
        .session_id = rp_store_z(&q->req, r->session_id),
        .turn_id = rp_store_z(&q->req, r->turn_id),
        .type = rp_store_z(&q->req, r->type),
        .url = rp_store_z(&q->req, r->url),
        .started_ms = r->started_wall_ms,
        .status = r->status,
        .code = rp_store_z(&q->req, r->cancelled ? "cancelled" : r->code),
        .why = rp_store_z(&q->req, r->why),
        .resolved_us = r->timing.resolved,
        .connected_us = r->timing.connected,
        .sent_us = r->timing.sent,
        .first_byte_us = r->timing.first_byte,
        .done_us = r->timing.done,
        .sent_bytes = (int64_t)r->sent,
        .received_bytes = (int64_t)r->received,
        .request = rp_store_str(&q->req, r->request),
        .response = rp_store_str(&q->req, r->response),
    };
    rp_store_submit(shard->env->store, &q->req);
}
