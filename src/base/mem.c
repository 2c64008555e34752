/* Counted allocation; see mem.h. */
#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_int_fast64_t live;
static _Thread_local uint64_t thread_count;
static _Thread_local uint64_t fail_at; /* value of thread_count from which on we fail, or 0 */

/* Counts one allocation; says whether it is to fail. */
static int refuse(void)
{
    thread_count++;
    return fail_at != 0 && thread_count >= fail_at;
}

void *rp_alloc(size_t size)
{
    void *ptr = refuse() ? NULL : malloc(size ? size : 1);

    if (ptr)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return ptr;
}

void *rp_zalloc(size_t size)
{
    return rp_calloc(1, size);
}

void *rp_calloc(size_t nmemb, size_t size)
{
    void *ptr;

    if (nmemb == 0 || size == 0)
        nmemb = size = 1;
    ptr = refuse() ? NULL : calloc(nmemb, size);
    if (ptr)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return ptr;
}

void *rp_realloc(void *ptr, size_t size)
{
    void *next = refuse() ? NULL : realloc(ptr, size ? size : 1);

    if (next && !ptr)
        atomic_fetch_add_explicit(&live, 1, memory_order_relaxed);
    return next;
}

void rp_free(void *ptr)
{
    if (!ptr)
        return;
    atomic_fetch_sub_explicit(&live, 1, memory_order_relaxed);
    free(ptr);
}

char *rp_strdup(const char *s)
{
    return s ? rp_strndup(s, strlen(s)) : NULL;
}

char *rp_strndup(const char *s, size_t len)
{
    char *copy;

    if (!s)
        return NULL;
    copy = rp_alloc(len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void rp_wipe(void *ptr, size_t len)
{
    volatile unsigned char *p = ptr;

    while (len--)
        *p++ = 0;
}

int64_t rp_mem_live(void)
{
    return atomic_load(&live);
}

uint64_t rp_mem_thread_count(void)
{
    return thread_count;
}

void rp_mem_fail_after(uint64_t n)
{
    fail_at = n ? thread_count + n : 0;
}
