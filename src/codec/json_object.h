/* A JSON object while it is read: a name comes once, and array indices come first. */
#ifndef RP_CODEC_JSON_OBJECT_H
#define RP_CODEC_JSON_OBJECT_H

#include "codec/json.h"

struct rp_json_builder {
    struct rp_json *object, **tail; /* where the next member goes */
    struct rp_json_slot *slots;     /* a hash table of the members, once there are many */
    size_t nslots;
    uint64_t secret[2];
    bool has_index; /* some name looks like an array index */
};

/* `object` is an empty node; borrowed. */
void rp_json_builder_init(struct rp_json_builder *b, struct rp_json *object);
/* Gives the member that the value behind `name` goes to: a new one at the end, or the one of that
 * name, emptied. RP_ELIMIT, RP_ENOMEM. */
int rp_json_builder_member(struct rp_json_builder *b, struct rp_arena *a, struct rp_str name,
                           struct rp_json **out);
/* Puts the members into the order of OrdinaryOwnPropertyKeys (ECMA-262, 10.1.11.1). */
void rp_json_builder_order(struct rp_json_builder *b);
/* Frees the table; the object stays. */
void rp_json_builder_fini(struct rp_json_builder *b);

#endif
