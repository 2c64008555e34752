/* Configs to begin with; see rp_config_template. */
#include "base/check.h"
#include "session/config.h"

#define HEAD                                                                                       \
    "{\"type\":\"voice\",\"clients\":{\"browser\":{\"enabled\":true},"                             \
    "\"twilio\":{\"enabled\":false}},\"metadata\":{},\"session_duration_timeout_minutes\":30,"     \
    "\"plugins\":[{\"use\":\"stt.local\",\"options\":{}},"                                         \
    "{\"use\":\"turn_manager\",\"options\":{\"mode\":\""
#define MIDDLE "\"}},{\"use\":\"agent."
#define TAIL   "\",\"options\":{}},{\"use\":\"tts.local\",\"options\":{}}]}"

static const struct rp_config_template templates[] = {
    {"default", "Your backend",
     "Asks your backend by webhook; until its URL is set, the demo agent answers.",
     HEAD "automatic" MIDDLE "webhook" TAIL},
    {"demo", "Demo", "Needs no backend: greets, repeats, tells the time, shows data.",
     HEAD "automatic" MIDDLE "demo" TAIL},
    {"push_to_talk", "Push to talk",
     "Asks your backend by webhook; the caller holds a button to speak.",
     HEAD "push_to_talk" MIDDLE "webhook" TAIL},
};

const struct rp_config_template *rp_config_template_get(size_t i)
{
    return i < RP_COUNT(templates) ? &templates[i] : NULL;
}

struct rp_str rp_config_template(const char *id)
{
    for (size_t i = 0; i < RP_COUNT(templates); i++)
        if (rp_str_eq_z(rp_str_z(id ? id : "default"), templates[i].id))
            return rp_str_z(templates[i].config);
    return rp_str_n(NULL, 0);
}
