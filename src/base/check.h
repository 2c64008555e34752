/* Checks of our own invariants.
 *
 * RP_ASSERT guards what must be true if our code is right, in release builds too. It is never used
 * on what a peer, a file or a user may have got wrong: that is an error to handle. */
#ifndef RP_BASE_CHECK_H
#define RP_BASE_CHECK_H

#include <stddef.h>

#define RP_ASSERT(cond) ((cond) ? (void)0 : rp_assert_failed(#cond, __FILE__, __LINE__))
#define RP_COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* They evaluate an argument twice: no calls with effects in them. */
#define RP_MIN(a, b) ((a) < (b) ? (a) : (b))
#define RP_MAX(a, b) ((a) > (b) ? (a) : (b))

/* The struct of `type` whose member `member` is at `ptr`. */
#define RP_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* For the format argument `fmt` and the first variadic argument `args`. */
#define RP_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Prints the failed condition to standard error and aborts. */
_Noreturn void rp_assert_failed(const char *cond, const char *file, int line);

#endif
