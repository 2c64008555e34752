/* A pairing heap of timers, earliest first.
 *
 *     root ── child ──► next ──► next        a node's children are a list; the first one's `prev`
 *               └─ child ──► next            is the parent, the others' is the sibling before
 *
 * Intrusive: arming a timer needs no memory and cannot fail. Insertion is O(1), removal O(log n)
 * amortised. Equal times come in any order. */
#ifndef RP_NET_TIMER_HEAP_H
#define RP_NET_TIMER_HEAP_H

#include "net/loop.h"

struct rp_timer_heap {
    struct rp_timer *root; /* the earliest, or NULL */
};

void rp_timer_heap_add(struct rp_timer_heap *h, struct rp_timer *t);
void rp_timer_heap_remove(struct rp_timer_heap *h, struct rp_timer *t);

#endif
