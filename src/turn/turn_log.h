/* The events of a turn machine as bytes: kept with a session, they let it be run again.
 *
 *     "RPTL" version  seed wall_ms greeting  options (name value)...  ""   then events:
 *     type  now_us-before  pos-before  fields of that type
 *
 * Numbers are LEB128 (signed ones zigzag), texts a length and the bytes. An event takes about eight
 * bytes and its text, i.e. some kilobytes a minute. The same events give the same actions, byte for
 * byte, as long as turn.h's version of the machine is the same; under other options they show what
 * would have happened.
 *
 * Written by us, but read from disk: the reader takes any bytes. */
#ifndef RP_TURN_TURN_LOG_H
#define RP_TURN_TURN_LOG_H

#include "base/buf.h"
#include "turn/turn.h"

struct rp_turn_log {
    struct rp_buf *out; /* borrowed */
    int64_t now_us, pos;
};

/* Begins a log at the end of `out`. RP_ELIMIT, RP_ENOMEM as rp_buf_add. */
int rp_turn_log_begin(struct rp_turn_log *l, struct rp_buf *out, const struct rp_turn_params *p);
/* Appends an event; nothing of one that does not fit (the log ends before it then). */
int rp_turn_log_add(struct rp_turn_log *l, const struct rp_turn_event *ev);

struct rp_turn_log_reader {
    struct rp_str rest; /* borrows from the bytes given to open */
    int64_t now_us, pos;
};

/* Reads the head: fills *p and the options it points to (*o, whose texts borrow from `bytes`).
 * Options that this version does not know are skipped, others keep their defaults. RP_EPROTO. */
int rp_turn_log_open(struct rp_turn_log_reader *r, struct rp_str bytes, struct rp_turn_params *p,
                     struct rp_turn_options *o);
/* The next event (its texts borrow from the bytes). RP_EOF at the end, RP_EPROTO. */
int rp_turn_log_next(struct rp_turn_log_reader *r, struct rp_turn_event *ev);

#endif
