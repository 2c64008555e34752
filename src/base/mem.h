/* Memory: the one place that calls malloc.
 *
 * Every allocation goes through here, so that a test can count what is alive, make the n-th
 * allocation fail, and assert that the audio path allocates nothing. Thread-safe. */
#ifndef RP_BASE_MEM_H
#define RP_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* NULL when out of memory; the caller reports RP_ENOMEM. The memory is zeroed. */
void *rp_zalloc(size_t size);
/* Uninitialised. */
void *rp_alloc(size_t size);
/* `nmemb * size` with overflow checked; zeroed. */
void *rp_calloc(size_t nmemb, size_t size);
/* As realloc(3): on NULL the old block is untouched. `size` must not be 0. */
void *rp_realloc(void *ptr, size_t size);
void rp_free(void *ptr);

/* Copies of strings; `s` may be NULL, which gives NULL. */
char *rp_strdup(const char *s);
char *rp_strndup(const char *s, size_t len);

/* Overwrites secrets in a way that the compiler keeps. */
void rp_wipe(void *ptr, size_t len);

/* For tests. Blocks alive in the whole process, and allocations made by this thread so far. */
int64_t rp_mem_live(void);
uint64_t rp_mem_thread_count(void);
/* This thread's allocations fail from the n-th on (1 = the next one); 0 switches that off. */
void rp_mem_fail_after(uint64_t n);

#endif
