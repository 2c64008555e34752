/* The end of a broken invariant. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void rp_assert_failed(const char *cond, const char *file, int line)
{
    (void)fprintf(stderr, "riposte: assertion failed: %s (%s:%d)\n", cond, file, line);
    abort();
}
