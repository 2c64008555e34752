/* The two clocks; see clock.h. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec ts;

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t rp_now_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t rp_wall_ms(void)
{
    return read_us(CLOCK_REALTIME) / 1000;
}

int64_t rp_cpu_us(void)
{
    return read_us(CLOCK_PROCESS_CPUTIME_ID);
}

char *rp_iso_time(char out[static RP_ISO_TIME_LEN], int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    char text[80]; /* the compiler cannot know that years have four digits */
    struct tm tm;

    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)(wall_ms % 1000));
    text[RP_ISO_TIME_LEN - 1] = '\0';
    memcpy(out, text, RP_ISO_TIME_LEN);
    return out;
}
