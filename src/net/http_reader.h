/* Reads requests out of a stream of bytes, however they are cut: head, then body by length or in
 * chunks (RFC 9112 6, 7). Pure: no sockets, no clock. */
#ifndef RP_NET_HTTP_READER_H
#define RP_NET_HTTP_READER_H

#include "base/buf.h"
#include "net/http_parse.h"

#define RP_HTTP_MAX_HEAD 16384

enum rp_http_read {
    RP_HTTP_MORE,   /* all was taken, the request is not whole yet */
    RP_HTTP_WHOLE,  /* head and body are valid until the next one is begun */
    RP_HTTP_REFUSED /* see `refuse`; where the next request begins is unknown */
};

struct rp_http_reader {
    struct rp_http_head head; /* borrows from head_text */
    struct rp_buf body;
    bool has_head;
    bool keep_alive;       /* the client may send another request */
    bool expects_continue; /* it waits for "100 Continue" before it sends the body */
    int refuse;            /* status: 400, 413, 414, 417, 431, 501, 503, 505 */

    /* The reader's own. */
    struct rp_buf head_text;
    size_t scanned;
    uint64_t remaining; /* bytes of the body, or of the chunk */
    size_t counted;     /* of the line or trailer section that is being skipped */
    int state;
};

void rp_http_reader_init(struct rp_http_reader *r, size_t max_body);
void rp_http_reader_fini(struct rp_http_reader *r);
/* Takes bytes from *data and moves it past them, at most to the end of one request. After WHOLE
 * call rp_http_reader_next, after REFUSED nothing more. */
enum rp_http_read rp_http_reader_feed(struct rp_http_reader *r, struct rp_str *data);
/* Begins the next request: forgets the present one. */
void rp_http_reader_next(struct rp_http_reader *r);
/* Whether bytes of a request have come and it is not whole. */
bool rp_http_reader_midway(const struct rp_http_reader *r);

#endif
