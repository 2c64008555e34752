/* Powers of ten; see json_pow10.h. */
#include "codec/json_pow10.h"

#include "base/check.h"

static const struct rp_json_pow10 table[] = {
#include "codec/json_pow10_table.h"
};

_Static_assert(RP_COUNT(table) == RP_JSON_POW10_LAST - RP_JSON_POW10_FIRST + 1,
               "meson.build and json_pow10.h name the same ends");

struct rp_json_pow10 rp_json_pow10(int k)
{
    RP_ASSERT(k >= RP_JSON_POW10_FIRST && k <= RP_JSON_POW10_LAST);
    return table[k - RP_JSON_POW10_FIRST];
}
