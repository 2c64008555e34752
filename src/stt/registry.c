/* Which recogniser listens for which plugin; see registry.h. */
#include "stt/registry.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "stt/local.h"

/* The engines; the first one stands in for providers without one. */
static const struct {
    const char *plugin;
    int (*start)(struct rp_stt_engine **out, const struct rp_stt_env *env);
    void (*stop)(struct rp_stt_engine *e);
} engines[] = {
    {"stt.local", rp_stt_local_start, rp_stt_local_stop},
};

/* Plugins that the hosted platform knows. */
static const char *const providers[] = {"stt.deepgram", "stt.assemblyai", "stt.openai"};

struct rp_stt_registry {
    struct rp_stt_engine *started[RP_COUNT(engines)];
};

int rp_stt_registry_start(struct rp_stt_registry **out, const struct rp_stt_env *env)
{
    struct rp_stt_registry *r = rp_zalloc(sizeof(*r));

    if (!r)
        return RP_ENOMEM;
    for (size_t i = 0; i < RP_COUNT(engines); i++) {
        int err = engines[i].start(&r->started[i], env);
        if (!err)
            continue;
        rp_log("stt", i == 0 ? RP_LOG_ERROR : RP_LOG_WARN, NULL, "%s cannot start: %s",
               engines[i].plugin, rp_err_text(err));
        if (i == 0) {
            rp_stt_registry_stop(r);
            return err;
        }
    }
    *out = r;
    return 0;
}

void rp_stt_registry_stop(struct rp_stt_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RP_COUNT(engines); i++)
        if (r->started[i])
            engines[i].stop(r->started[i]);
    rp_free(r);
}

const struct rp_stt_engine *rp_stt_engine(const struct rp_stt_registry *r, struct rp_str plugin,
                                          bool *stand_in)
{
    *stand_in = false;
    for (size_t i = 0; i < RP_COUNT(engines); i++)
        if (rp_str_eq_z(plugin, engines[i].plugin) && r->started[i])
            return r->started[i];
    for (size_t i = 0; i < RP_COUNT(providers); i++) {
        if (rp_str_eq_z(plugin, providers[i])) {
            *stand_in = true;
            return r->started[0];
        }
    }
    return NULL;
}
