/* Changes that the API makes to a config as JSON: the webhook URL set, provider keys hidden and put
 * back. Trees are not altered; what comes out shares subtrees with what went in. Pure. */
#ifndef RP_API_CONFIG_EDIT_H
#define RP_API_CONFIG_EDIT_H

#include "base/arena.h"
#include "codec/json.h"

/* What stands for an `api_key` in answers. */
#define RP_API_HIDDEN "********"

/* Sets options.url of the agent.webhook plugin; agent.demo gives way to one, and where the chain
 * has no agent it is added. "" takes the URL away. RP_EPROTO: the config has agent.llm, or no array
 * of plugins. RP_ENOMEM. */
int rp_config_edit_url(const struct rp_json **out, struct rp_arena *a, const struct rp_json *config,
                       struct rp_str url);
/* Every options.api_key becomes RP_API_HIDDEN. RP_ENOMEM. */
int rp_config_edit_hide(const struct rp_json **out, struct rp_arena *a,
                        const struct rp_json *config);
/* The other way: an api_key that is RP_API_HIDDEN becomes that of the plugin with the same `use` in
 * `stored` (where it has none, it is left out). RP_ENOMEM. */
int rp_config_edit_unhide(const struct rp_json **out, struct rp_arena *a,
                          const struct rp_json *config, const struct rp_json *stored);

#endif
