/* A shard; see shard.h. */
#include "session/shard.h"

#include "session/session_int.h"

int rp_shard_init(struct rp_shard *s, struct rp_loop *loop, struct rp_env *env)
{
    *s = (struct rp_shard){.loop = loop, .env = env};
    rp_list_init(&s->sessions);
    rp_pacer_init(&s->pacer, loop);
    return rp_http_client_new(&s->http, loop);
}

void rp_shard_end_sessions(struct rp_shard *s)
{
    RP_ON_LOOP(s->loop);
    RP_LIST_EACH(&s->sessions, struct rp_session, session, node)
        rp_session_end(session, "shutdown");
}

void rp_shard_close(struct rp_shard *s, void (*done)(void *arg), void *arg)
{
    RP_ON_LOOP(s->loop);
    rp_pacer_fini(&s->pacer);
    rp_http_client_close(s->http, done, arg);
}
