/* Reading a whole file: at the start, or in the command line's verbs; it blocks. */
#ifndef RP_APP_FILE_H
#define RP_APP_FILE_H

#include "base/buf.h"

/* Appends the bytes of `path`. RP_EIO with errno set; RP_ELIMIT beyond the buffer's cap; RP_ENOMEM.
 */
int rp_file_read(struct rp_buf *b, const char *path);

#endif
