/* What store.c offers to the backends. Private to src/store. */
#ifndef RP_STORE_STORE_INT_H
#define RP_STORE_STORE_INT_H

#include "store/store.h"

/* Answers a request (err and why are set): its callback is posted, or its waiter woken. The request
 * is gone afterwards. Any thread. */
void rp_store_req_done(struct rp_store_req *req);

#endif
