/* Error codes: one list, one meaning each.
 *
 * Functions return 0 (or a non-negative count) or one of these negative codes. The list yields the
 * constants, their names and a sentence; what a code means to an HTTP client is decided in api/. */
#ifndef RP_BASE_ERR_H
#define RP_BASE_ERR_H

#define RP_ERR_MAP(X)                                                                              \
    X(EAGAIN, -1, "not ready yet, try again later")                                                \
    X(EOF, -2, "the stream ended in good order")                                                   \
    X(ECANCELED, -3, "the operation was cancelled")                                                \
    X(EPROTO, -4, "the peer broke the protocol")                                                   \
    X(ELIMIT, -5, "a limit was reached")                                                           \
    X(EUPSTREAM, -6, "a service we depend on failed")                                              \
    X(ENOMEM, -7, "out of memory")                                                                 \
    X(EINVAL, -8, "invalid argument")                                                              \
    X(ENOTFOUND, -9, "no such thing")                                                              \
    X(EEXIST, -10, "it exists already")                                                            \
    X(ETIMEOUT, -11, "it took too long")                                                           \
    X(EIO, -12, "input or output failed")                                                          \
    X(EDENIED, -13, "not allowed")                                                                 \
    X(ECLOSED, -14, "the other end has closed")

enum rp_err {
#define X(name, num, text) RP_##name = (num),
    RP_ERR_MAP(X)
#undef X
};

/* "RP_EPROTO"; never NULL. */
const char *rp_err_name(int err);
/* A short sentence without a full stop; never NULL. */
const char *rp_err_text(int err);

#endif
