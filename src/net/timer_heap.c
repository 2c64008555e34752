/* The heap of timers; see timer_heap.h. */
#include "net/timer_heap.h"

/* Makes the later of two roots the first child of the earlier one. */
static struct rp_timer *meld(struct rp_timer *a, struct rp_timer *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->due_us < a->due_us) {
        struct rp_timer *t = a;
        a = b;
        b = t;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* Joins a list of siblings: in pairs from the left, then the pairs from the right. This order is
 * what makes the amortised bound hold. */
static struct rp_timer *meld_pairs(struct rp_timer *first)
{
    struct rp_timer *pairs = NULL, *root = NULL;

    while (first) {
        struct rp_timer *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct rp_timer *next = pairs->next;
        pairs->next = NULL;
        root = meld(root, pairs);
        pairs = next;
    }
    return root;
}

void rp_timer_heap_add(struct rp_timer_heap *h, struct rp_timer *t)
{
    t->child = t->next = t->prev = NULL;
    h->root = meld(h->root, t);
}

void rp_timer_heap_remove(struct rp_timer_heap *h, struct rp_timer *t)
{
    struct rp_timer *below = meld_pairs(t->child);

    if (t == h->root) {
        h->root = below;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next)
            t->next->prev = t->prev;
        h->root = meld(h->root, below);
    }
    t->child = t->next = t->prev = NULL;
}
