/* Reads a backend's answer to one request: status and type, then bytes in, agent events out.
 *
 *     waiting --headers--> stream  (text/event-stream): events as they come, END
 *                          plain   (JSON, to a `data` request): PLAIN, END
 *                          other   END if nothing follows, else ERROR
 *                          failed  (not 2xx): ERROR at once
 *
 * Backends are judged kindly: an event that cannot be understood is dropped, logged and counted,
 * and only an answer that holds nothing else is an error, since somebody has to learn why the agent
 * is silent. After END or ERROR nothing comes any more; bytes are then read for the excerpt only.
 * No I/O and no clock; not thread-safe. */
#ifndef RP_AGENT_ANSWER_H
#define RP_AGENT_ANSWER_H

#include "agent/agent.h"
#include "base/buf.h"
#include "base/log.h"
#include "codec/sse.h"

#define RP_ANSWER_EXCERPT 4096 /* bytes of the body kept for the webhook log */

/* The events of agent.h, without times. `why` of an ERROR is a clause that names no host. */
typedef void rp_answer_fn(const struct rp_agent_event *ev, void *arg);

struct rp_answer_params {
    enum rp_agent_type type;
    const char *turn_id;   /* borrowed */
    struct rp_log_ctx ctx; /* members borrowed */
    size_t max_event;      /* bytes of one event, or of a plain answer */
    rp_answer_fn *fn;
    void *arg;
};

enum rp_answer_mode {
    RP_ANSWER_WAITING,
    RP_ANSWER_STREAM,
    RP_ANSWER_PLAIN,
    RP_ANSWER_OTHER,
    RP_ANSWER_FAILED
};

struct rp_answer {
    struct rp_answer_params p;
    enum rp_answer_mode mode;
    bool done;        /* END or ERROR was given, or rp_answer_stop */
    const char *code; /* of the ERROR that was given, else NULL */
    char why[256];    /* its clause */
    int status;
    char type[64];            /* content type, printable, perhaps cut */
    size_t received;          /* bytes of the body */
    unsigned events, dropped; /* understood; not understood or of another turn */
    struct rp_sse sse;
    struct rp_buf plain;
    struct rp_buf excerpt;
    char half[3]; /* the first half of a character, see on_text in answer.c */
    bool has_half;
};

/* No allocation. The struct may not be moved afterwards. */
void rp_answer_init(struct rp_answer *a, const struct rp_answer_params *p);
void rp_answer_fini(struct rp_answer *a);
/* Each of these may call `fn`; from inside it only rp_answer_stop may be called. */
void rp_answer_headers(struct rp_answer *a, int status, struct rp_str content_type);
void rp_answer_data(struct rp_answer *a, struct rp_str bytes);
/* The answer is complete, in good order. */
void rp_answer_end(struct rp_answer *a);
/* It is not and will not be: gives ERROR, unless it is done. */
void rp_answer_fail(struct rp_answer *a, const char *code, const char *why);
/* No further events. */
void rp_answer_stop(struct rp_answer *a);

#endif
