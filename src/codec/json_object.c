/* Objects while they are read; see json_object.h. */
#include "codec/json_object.h"

#include "base/map.h"
#include "base/mem.h"
#include "codec/codec_int.h"

/* Up to so many members a new name is compared with each; beyond, a table is worth its memory. */
#define COMPARED    16
#define FIRST_SLOTS 64

struct rp_json_slot {
    uint64_t hash;
    struct rp_json *member; /* NULL: free */
};

void rp_json_builder_init(struct rp_json_builder *b, struct rp_json *object)
{
    *b = (struct rp_json_builder){.object = object, .tail = &object->first};
}

void rp_json_builder_fini(struct rp_json_builder *b)
{
    rp_free(b->slots);
    b->slots = NULL;
}

/* ---- names ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    const unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed, since the names are chosen by a peer who would like them to collide. */
static uint64_t hash_of(const struct rp_json_builder *b, struct rp_str name)
{
    uint64_t h = b->secret[0] ^ name.len, word;

    for (; name.len >= sizeof(word); name = rp_str_from(name, sizeof(word))) {
        memcpy(&word, name.p, sizeof(word));
        h = mix(h ^ word, b->secret[1]);
    }
    word = 0;
    memcpy(&word, name.p, name.len);
    return mix(h ^ word, b->secret[1]);
}

/* The slot of that name, or the free one where it would go. */
static struct rp_json_slot *find_slot(const struct rp_json_builder *b, struct rp_str name,
                                      uint64_t hash)
{
    for (size_t i = hash & (b->nslots - 1);; i = (i + 1) & (b->nslots - 1)) {
        struct rp_json_slot *s = &b->slots[i];
        if (!s->member || (s->hash == hash && rp_str_eq(s->member->key, name)))
            return s;
    }
}

static void move_slots(struct rp_json_builder *b, const struct rp_json_slot *old, size_t nold)
{
    for (size_t i = 0; i < nold; i++) {
        size_t to = old[i].hash & (b->nslots - 1);
        if (!old[i].member)
            continue;
        while (b->slots[to].member)
            to = (to + 1) & (b->nslots - 1);
        b->slots[to] = old[i];
    }
}

/* Pure code does not ask for randomness; but a map comes with a seed that no peer knows, and what
 * we do with it does not show in any result. */
static void draw_secret(struct rp_json_builder *b)
{
    struct rp_map map;

    rp_map_init(&map);
    b->secret[0] = map.seed;
    b->secret[1] = mix(map.seed, 0x9e3779b97f4a7c15u) | 1;
    rp_map_fini(&map);
}

/* Makes the table, or doubles it. */
static int grow(struct rp_json_builder *b)
{
    const size_t nold = b->nslots, nslots = nold ? 2 * nold : FIRST_SLOTS;
    struct rp_json_slot *old = b->slots, *slots = rp_calloc(nslots, sizeof(*slots));

    if (!slots)
        return RP_ENOMEM;
    b->slots = slots;
    b->nslots = nslots;
    if (old) {
        move_slots(b, old, nold);
        rp_free(old);
        return 0;
    }
    draw_secret(b);
    RP_JSON_EACH(b->object, n) {
        const uint64_t hash = hash_of(b, n->key);
        *find_slot(b, n->key, hash) = (struct rp_json_slot){hash, (struct rp_json *)n};
    }
    return 0;
}

static struct rp_json *find_among_few(const struct rp_json_builder *b, struct rp_str name)
{
    for (struct rp_json *n = b->object->first; n; n = n->next)
        if (rp_str_eq(n->key, name))
            return n;
    return NULL;
}

/* An array index as ECMAScript defines it: "0" to "4294967294", no leading zero. */
static bool is_index(struct rp_str name)
{
    if (name.len == 0 || name.len > 10 || (name.p[0] == '0' && name.len > 1))
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.p[i] < '0' || name.p[i] > '9')
            return false;
    return name.len < 10 || memcmp(name.p, "4294967294", 10) <= 0;
}

int rp_json_builder_member(struct rp_json_builder *b, struct rp_arena *a, struct rp_str name,
                           struct rp_json **out)
{
    const size_t count = b->object->count;
    struct rp_json_slot *slot = NULL;
    struct rp_json *n;
    uint64_t hash = 0;
    int err;

    if (count >= COMPARED && count >= b->nslots / 2) {
        err = grow(b);
        if (err)
            return err;
    }
    if (b->slots) {
        hash = hash_of(b, name);
        slot = find_slot(b, name, hash);
    }
    n = slot ? slot->member : find_among_few(b, name);
    if (n) {
        *n = (struct rp_json){.key = n->key, .next = n->next};
        *out = n;
        return 0;
    }
    n = rp_arena_zalloc(a, sizeof(*n));
    if (!n)
        return rp_codec_arena_err(a, sizeof(*n));
    n->key = name;
    if (slot)
        *slot = (struct rp_json_slot){hash, n};
    *b->tail = n;
    b->tail = &n->next;
    b->object->count++;
    b->has_index = b->has_index || is_index(name);
    *out = n;
    return 0;
}

/* ---- order ---- */

/* Whether index `a` goes before index `b`. */
static bool index_less(struct rp_str a, struct rp_str b)
{
    return a.len != b.len ? a.len < b.len : memcmp(a.p, b.p, a.len) < 0;
}

/* Merges two lists that are in order of their index keys. */
static struct rp_json *merge(struct rp_json *a, struct rp_json *b)
{
    struct rp_json *head = NULL, **tail = &head;

    while (a && b) {
        struct rp_json **less = index_less(a->key, b->key) ? &a : &b;
        *tail = *less;
        tail = &(*less)->next;
        *less = (*less)->next;
    }
    *tail = a ? a : b;
    return head;
}

/* Merge sort from below: bin i holds a sorted list of 2^i members, or none. */
static struct rp_json *sort_by_index(struct rp_json *list)
{
    struct rp_json *bins[8 * sizeof(size_t)] = {0}, *sorted = NULL;

    while (list) {
        struct rp_json *run = list;
        size_t i = 0;
        list = list->next;
        run->next = NULL;
        for (; bins[i]; i++) {
            run = merge(bins[i], run);
            bins[i] = NULL;
        }
        bins[i] = run;
    }
    for (size_t i = 0; i < RP_COUNT(bins); i++)
        sorted = merge(bins[i], sorted);
    return sorted;
}

void rp_json_builder_order(struct rp_json_builder *b)
{
    struct rp_json *indices = NULL, **index_tail = &indices;
    struct rp_json *others = NULL, **other_tail = &others;

    if (!b->has_index)
        return;
    for (struct rp_json *n = b->object->first; n; n = n->next) {
        struct rp_json ***tail = is_index(n->key) ? &index_tail : &other_tail;
        **tail = n;
        *tail = &n->next;
    }
    *index_tail = *other_tail = NULL;
    indices = sort_by_index(indices);
    b->object->first = indices;
    for (index_tail = &b->object->first; *index_tail;)
        index_tail = &(*index_tail)->next;
    *index_tail = others;
}
