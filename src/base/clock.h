/* The two clocks: monotonic for durations, wall time for what people and peers read. */
#ifndef RP_BASE_CLOCK_H
#define RP_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds on a clock that never jumps; its zero is arbitrary. */
int64_t rp_now_us(void);
/* Milliseconds since 1970 UTC. */
int64_t rp_wall_ms(void);
/* CPU time of this process in microseconds. */
int64_t rp_cpu_us(void);

#define RP_ISO_TIME_LEN sizeof("2026-01-31T23:59:59.123Z")
/* "2026-01-31T23:59:59.123Z" of a wall time, NUL included; returns `out`. */
char *rp_iso_time(char out[static RP_ISO_TIME_LEN], int64_t wall_ms);

#endif
