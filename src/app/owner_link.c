/* riposte owner-link: prints a link that signs in once. May run beside the server. */
#include <stdio.h>
#include <string.h>

#include "app/store_verb.h"
#include "app/verbs.h"
#include "base/mem.h"
#include "dashboard/dashboard.h"

int rp_verb_owner_link(int argc, char **argv)
{
    struct rp_store_verb v;
    char url[300];
    char *link = NULL;
    int status;

    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            (void)puts(
                "usage: riposte owner-link [server options]\n\n"
                "Prints a link to the web pages that works once, for 15 minutes. The server\n"
                "options that matter are --data, --listen, --tls-cert and --public-url.");
            return 0;
        }
    }
    status = rp_store_verb_open(&v, argc, argv);
    if (status == 0) {
        (void)snprintf(url, sizeof(url), "%s%s",
                       v.options.public_url ? ""
                       : v.options.tls_cert ? "https://"
                                            : "http://",
                       v.options.public_url ? v.options.public_url : v.options.listen);
        link = rp_dashboard_owner_link(v.store, url);
        status = link ? 0 : 1;
    }
    if (link)
        (void)puts(link);
    rp_free(link);
    rp_store_verb_close(&v);
    return status;
}
