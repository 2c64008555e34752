/* A hash map; see map.h. */
#include "base/map.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"

#define FIRST_SIZE 16

struct rp_map_slot {
    char *key; /* NULL: never used */
    size_t len;
    uint64_t hash;
    void *value; /* NULL with a key: deleted */
};

static char deleted_key; /* its address marks a tombstone */

static uint64_t hash_of(const struct rp_map *m, struct rp_str key)
{
    uint64_t h = m->seed ^ 0xcbf29ce484222325u;

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3u;
    h ^= h >> 32; /* the low bits choose the slot, so let the high ones in */
    h *= 0x9e3779b97f4a7c15u;
    return h ^ (h >> 29);
}

void rp_map_init(struct rp_map *m)
{
    *m = (struct rp_map){0};
    rp_random_bytes(&m->seed, sizeof(m->seed));
}

void rp_map_fini(struct rp_map *m)
{
    for (size_t i = 0; i < m->size; i++)
        if (m->slots[i].key != &deleted_key)
            rp_free(m->slots[i].key);
    rp_free(m->slots);
    m->slots = NULL;
    m->size = m->used = m->filled = 0;
}

static struct rp_map_slot *find(const struct rp_map *m, struct rp_str key, uint64_t hash)
{
    if (m->size == 0)
        return NULL;
    for (size_t i = hash & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
        struct rp_map_slot *s = &m->slots[i];
        if (!s->key)
            return NULL;
        if (s->key != &deleted_key && s->hash == hash && rp_str_eq(rp_str_n(s->key, s->len), key))
            return s;
    }
}

static void insert(struct rp_map_slot *slots, size_t size, struct rp_map_slot slot)
{
    size_t i = slot.hash & (size - 1);

    while (slots[i].key)
        i = (i + 1) & (size - 1);
    slots[i] = slot;
}

static int grow(struct rp_map *m)
{
    size_t size = m->size ? m->size : FIRST_SIZE;
    struct rp_map_slot *slots;

    while (m->used + 1 > size / 2)
        size *= 2;
    slots = rp_calloc(size, sizeof(*slots));
    if (!slots)
        return RP_ENOMEM;
    for (size_t i = 0; i < m->size; i++)
        if (m->slots[i].key && m->slots[i].key != &deleted_key)
            insert(slots, size, m->slots[i]);
    rp_free(m->slots);
    m->slots = slots;
    m->size = size;
    m->filled = m->used;
    return 0;
}

int rp_map_set(struct rp_map *m, struct rp_str key, void *value)
{
    uint64_t hash = hash_of(m, key);
    struct rp_map_slot *s = find(m, key, hash);
    char *copy;

    if (s) {
        s->value = value;
        return 0;
    }
    if ((m->filled + 1) * 4 > m->size * 3 && grow(m) != 0)
        return RP_ENOMEM;
    copy = rp_strndup(key.len ? key.p : "", key.len);
    if (!copy)
        return RP_ENOMEM;
    insert(m->slots, m->size, (struct rp_map_slot){copy, key.len, hash, value});
    m->used++;
    m->filled++;
    return 0;
}

void *rp_map_get(const struct rp_map *m, struct rp_str key)
{
    struct rp_map_slot *s = find(m, key, hash_of(m, key));

    return s ? s->value : NULL;
}

void *rp_map_del(struct rp_map *m, struct rp_str key)
{
    struct rp_map_slot *s = find(m, key, hash_of(m, key));
    void *value;

    if (!s)
        return NULL;
    value = s->value;
    rp_free(s->key);
    *s = (struct rp_map_slot){.key = &deleted_key};
    m->used--;
    return value;
}

bool rp_map_next(const struct rp_map *m, size_t *at, struct rp_str *key, void **value)
{
    while (*at < m->size) {
        const struct rp_map_slot *s = &m->slots[(*at)++];
        if (!s->key || s->key == &deleted_key)
            continue;
        if (key)
            *key = rp_str_n(s->key, s->len);
        if (value)
            *value = s->value;
        return true;
    }
    return false;
}
