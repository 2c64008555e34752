/* Structured logs through a writer thread.
 *
 * A line is formatted by the caller into a bounded queue; a thread writes it, so that a slow disk
 * or terminal never holds a loop. When the queue is full the line is lost and counted. Text of
 * peers is escaped here. Keys, audio and transcript text are never handed in: what may be logged is
 * the caller's duty, and the tests grep for it. All functions are thread-safe. */
#ifndef RP_BASE_LOG_H
#define RP_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

enum rp_log_level { RP_LOG_DEBUG, RP_LOG_INFO, RP_LOG_WARN, RP_LOG_ERROR };

/* Whom a line is about. Members may be NULL. Borrowed during the call. */
struct rp_log_ctx {
    const char *session; /* session id */
    const char *turn;    /* turn id */
    const char *agent;   /* agent id */
    const char *doing;   /* "while …", e.g. "posting the message" */
};

/* Starts the writer. `components` is NULL or a list such as "turn=debug,net=warn" of exceptions to
 * `level`. RP_EINVAL for a bad list. Before this (and in tests) lines go straight to standard
 * error. */
int rp_log_start(enum rp_log_level level, bool json, const char *components);
/* Writes what is queued and ends the thread. */
void rp_log_stop(void);
/* At run time; the same meaning as in rp_log_start. */
int rp_log_set(enum rp_log_level level, const char *components);
/* "debug", "info", "warn", "error" to a level; RP_EINVAL. */
int rp_log_level_parse(enum rp_log_level *out, const char *name);

/* Whether a line would be written: guard for arguments that cost something. */
bool rp_log_on(const char *component, enum rp_log_level level);
/* One line. `component` is the module's name, a string literal. `ctx` may be NULL. */
void rp_log(const char *component, enum rp_log_level level, const struct rp_log_ctx *ctx,
            const char *fmt, ...) RP_PRINTF(4, 5);
/* Lines lost so far because the queue was full. */
uint64_t rp_log_lost(void);

#endif
