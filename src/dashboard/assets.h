/* The files of the web pages, built into the program by scripts/build-web. */
#ifndef RP_DASHBOARD_ASSETS_H
#define RP_DASHBOARD_ASSETS_H

#include <stddef.h>

struct rp_asset {
    const char *path; /* "/index.html" */
    const char *type; /* Content-Type */
    const char *etag; /* with its quotes */
    const char *data;
    size_t len;
};

extern const struct rp_asset rp_assets[];
extern const size_t rp_nassets;

#endif
