/* Which synthesiser speaks for which plugin; see registry.h. */
#include "tts/registry.h"

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "tts/local.h"

/* The engines; the first one stands in for providers without one. */
static const struct {
    const char *plugin;
    int (*start)(struct rp_tts_engine **out, const struct rp_tts_env *env);
    void (*stop)(struct rp_tts_engine *e);
} engines[] = {
    {"tts.local", rp_tts_local_start, rp_tts_local_stop},
};

/* Plugins that the hosted platform knows. */
static const char *const providers[] = {
    "tts.rime", "tts.inworld", "tts.elevenlabs", "tts.cartesia", "tts.deepgram", "tts.openai",
};

struct rp_tts_registry {
    struct rp_tts_engine *started[RP_COUNT(engines)];
};

int rp_tts_registry_start(struct rp_tts_registry **out, const struct rp_tts_env *env)
{
    struct rp_tts_registry *r = rp_zalloc(sizeof(*r));

    if (!r)
        return RP_ENOMEM;
    for (size_t i = 0; i < RP_COUNT(engines); i++) {
        int err = engines[i].start(&r->started[i], env);

        if (err == 0)
            continue;
        rp_log("tts", i == 0 ? RP_LOG_ERROR : RP_LOG_WARN, NULL, "%s cannot start: %s",
               engines[i].plugin, rp_err_text(err));
        if (i == 0) {
            rp_tts_registry_stop(r);
            return err;
        }
    }
    *out = r;
    return 0;
}

void rp_tts_registry_stop(struct rp_tts_registry *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RP_COUNT(engines); i++)
        if (r->started[i])
            engines[i].stop(r->started[i]);
    rp_free(r);
}

const struct rp_tts_engine *rp_tts_engine(const struct rp_tts_registry *r, struct rp_str plugin,
                                          bool *stand_in)
{
    *stand_in = false;
    for (size_t i = 0; i < RP_COUNT(engines); i++)
        if (rp_str_eq_z(plugin, engines[i].plugin) && r->started[i])
            return r->started[i];
    for (size_t i = 0; i < RP_COUNT(providers); i++)
        if (rp_str_eq_z(plugin, providers[i])) {
            *stand_in = true;
            return r->started[0];
        }
    return NULL;
}
