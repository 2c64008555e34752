/* /healthz: the process runs. /readyz: it can take calls (a load balancer asks). */
#include "api/api_int.h"

void rp_api_healthz(struct rp_api_call *c)
{
    rp_jw_obj(&c->w);
    rp_jw_key_z(&c->w, "status", "ok");
    rp_jw_key_z(&c->w, "version", RP_VERSION);
    rp_jw_end(&c->w);
    rp_api_send(c, 200);
}

void rp_api_readyz(struct rp_api_call *c)
{
    const struct rp_api_params *p = &c->api->p;
    const char *why = NULL;
    bool ready = rp_store_healthy(p->store, &why) && (!p->is_ready || p->is_ready(&why, p->arg));

    rp_jw_obj(&c->w);
    rp_jw_key_z(&c->w, "status", ready ? "ready" : "not ready");
    if (!ready)
        rp_jw_key_z(&c->w, "reason", why);
    rp_jw_end(&c->w);
    rp_api_send(c, ready ? 200 : 503);
}
