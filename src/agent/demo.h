/* The demo agent: answers inside Riposte, so that the whole voice loop can be tried with no
 * backend, key or network. Used by agents that have neither a webhook nor a model (DESIGN 6).
 *
 * It greets, repeats what was said, and on request tells the time, sends data to the client, or
 * says goodbye and hangs up. Its text comes word by word from a timer, as a language model's would.
 */
#ifndef RP_AGENT_DEMO_H
#define RP_AGENT_DEMO_H

#include "agent/agent.h"

struct rp_agent_demo_params {
    struct rp_loop *loop;
    int64_t word_us;          /* pause before each word; 0: 20 ms */
    int64_t (*wall_ms)(void); /* NULL: the system's clock */
};

/* RP_ENOMEM. */
int rp_agent_demo_open(struct rp_agent **out, const struct rp_agent_demo_params *p);

#endif
