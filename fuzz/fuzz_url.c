/* URLs: the parts put together make a URL with the same parts, and nothing in them can break a
 * request line or a header. */
#include "base/buf.h"
#include "base/check.h"
#include "base/err.h"
#include "codec/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_clean(struct rp_str s)
{
    for (size_t i = 0; i < s.len; i++)
        RP_ASSERT((unsigned char)s.p[i] > 0x20 && (unsigned char)s.p[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rp_url url, again;
    const char *why = NULL;
    struct rp_buf text;

    if (rp_url_parse(&url, rp_str_n((const char *)data, size), &why) != 0) {
        RP_ASSERT(why);
        return 0;
    }
    RP_ASSERT(url.port > 0 && url.host.len > 0 && rp_str_find(url.authority, '@') < 0);
    RP_ASSERT(url.target.len == 0 || url.target.p[0] == '/' || url.target.p[0] == '?');
    check_clean(url.authority);
    check_clean(url.target);
    rp_buf_init(&text, RP_URL_MAX + 1);
    (void)rp_buf_printf(&text,
                        url.host_type == RP_URL_IPV6 ? "%s://[%.*s]:%d%.*s" : "%s://%.*s:%d%.*s",
                        url.scheme, RP_STR_ARG(url.host), url.port, RP_STR_ARG(url.target));
    if (text.len <= RP_URL_MAX) {
        RP_ASSERT(rp_url_parse(&again, rp_buf_view(&text), NULL) == 0);
        RP_ASSERT(again.scheme == url.scheme && again.host_type == url.host_type);
        RP_ASSERT(again.port == url.port && rp_str_eq(again.host, url.host));
        RP_ASSERT(rp_str_eq(again.path, url.path) && rp_str_eq(again.query, url.query));
    }
    rp_buf_fini(&text);
    return 0;
}
