/* Looking things up in JSON trees; see json.h. */
#include "codec/json.h"

const struct rp_json *rp_json_first(const struct rp_json *node)
{
    return node ? node->first : NULL;
}

static const struct rp_json *member(const struct rp_json *obj, struct rp_str key)
{
    if (!rp_json_is(obj, RP_JSON_OBJECT))
        return NULL;
    RP_JSON_EACH(obj, n)
        if (rp_str_eq(n->key, key))
            return n;
    return NULL;
}

const struct rp_json *rp_json_get(const struct rp_json *obj, const char *key)
{
    return member(obj, rp_str_z(key));
}

const struct rp_json *rp_json_path(const struct rp_json *obj, const char *path)
{
    struct rp_str rest = rp_str_z(path);

    while (obj && rest.p)
        obj = member(obj, rp_str_split(&rest, '.'));
    return obj;
}

struct rp_str rp_json_str(const struct rp_json *node)
{
    return rp_json_is(node, RP_JSON_STRING) ? node->string : (struct rp_str){0};
}

struct rp_str rp_json_get_str(const struct rp_json *obj, const char *key)
{
    return rp_json_str(rp_json_get(obj, key));
}

bool rp_json_get_bool(const struct rp_json *obj, const char *key, bool fallback)
{
    const struct rp_json *node = rp_json_get(obj, key);

    return rp_json_is(node, RP_JSON_BOOL) ? node->boolean : fallback;
}

double rp_json_get_num(const struct rp_json *obj, const char *key, double fallback)
{
    const struct rp_json *node = rp_json_get(obj, key);

    return rp_json_is(node, RP_JSON_NUMBER) ? node->number : fallback;
}

bool rp_json_is(const struct rp_json *node, enum rp_json_type type)
{
    return node && node->type == type;
}

const char *rp_json_type_name(const struct rp_json *node)
{
    static const char *const names[] = {
        [RP_JSON_NULL] = "null",       [RP_JSON_BOOL] = "a boolean", [RP_JSON_NUMBER] = "a number",
        [RP_JSON_STRING] = "a string", [RP_JSON_ARRAY] = "an array", [RP_JSON_OBJECT] = "an object",
    };

    return node ? names[node->type] : "absent";
}
