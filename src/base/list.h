/* An intrusive doubly linked list, circular around its head.
 *
 *     head <-> first <-> … <-> last <-> head
 *
 * A node is a member of its owner; the list never owns. */
#ifndef RP_BASE_LIST_H
#define RP_BASE_LIST_H

#include <stdbool.h>

#include "base/check.h"

struct rp_node {
    struct rp_node *prev, *next;
};

struct rp_list {
    struct rp_node head;
};

static inline void rp_list_init(struct rp_list *l)
{
    l->head.prev = l->head.next = &l->head;
}

static inline bool rp_list_empty(const struct rp_list *l)
{
    return l->head.next == &l->head;
}

static inline void rp_list_append(struct rp_list *l, struct rp_node *n)
{
    n->prev = l->head.prev;
    n->next = &l->head;
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no NULL in a list after rp_list_init */
    l->head.prev->next = n;
    l->head.prev = n;
}

/* Harmless on a node that is in no list, if it was zeroed or removed before. */
static inline void rp_list_remove(struct rp_node *n)
{
    if (!n->next)
        return;
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
}

static inline bool rp_list_linked(const struct rp_node *n)
{
    return n->next != NULL;
}

/* The first node, or NULL. */
static inline struct rp_node *rp_list_first(const struct rp_list *l)
{
    return rp_list_empty(l) ? NULL : l->head.next;
}

#define RP_LIST_FIRST(list, type, member)                                                          \
    (rp_list_empty(list) ? NULL : RP_CONTAINER_OF((list)->head.next, type, member))

/* `var` (a `type *`) goes over the list; it may be removed and freed inside the loop. */
#define RP_LIST_EACH(list, type, var, member)                                                      \
    for (struct rp_node *n_##var = (list)->head.next, *next_##var = n_##var->next;                 \
         n_##var != &(list)->head; n_##var = next_##var, next_##var = n_##var->next)               \
        for (type *var = RP_CONTAINER_OF(n_##var, type, member); var; var = NULL)

#endif
