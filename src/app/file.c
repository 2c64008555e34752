/* Reading a whole file; see file.h. */
#include "app/file.h"

#include <errno.h>
#include <stdio.h>

#include "base/err.h"

#define PIECE 65536

int rp_file_read(struct rp_buf *b, const char *path)
{
    FILE *f = fopen(path, "rbe");
    size_t n = 1;
    char *at;
    int err = 0, why;

    if (!f)
        return RP_EIO;
    while (n > 0 && !err) {
        err = rp_buf_reserve(b, PIECE, &at);
        if (err)
            break;
        n = fread(at, 1, PIECE, f);
        rp_buf_grew(b, n);
    }
    why = errno;
    if (!err && ferror(f))
        err = RP_EIO;
    (void)fclose(f);
    errno = why;
    return err;
}
