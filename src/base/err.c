/* Names and texts of the error codes in err.h. */
#include "base/err.h"

const char *rp_err_name(int err)
{
    switch (err) {
#define X(name, num, text)                                                                         \
    case num:                                                                                      \
        return "RP_" #name;
        RP_ERR_MAP(X)
#undef X
    default:
        return err >= 0 ? "RP_OK" : "RP_EUNKNOWN";
    }
}

const char *rp_err_text(int err)
{
    switch (err) {
#define X(name, num, text)                                                                         \
    case num:                                                                                      \
        return text;
        RP_ERR_MAP(X)
#undef X
    default:
        return err >= 0 ? "no error" : "unknown error";
    }
}
