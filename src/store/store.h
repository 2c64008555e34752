/* Contract of the store: agents, conversations, sessions, keys, logs.
 *
 * Nobody above this header knows SQL or which backend it is (SQLite for one machine, PostgreSQL for
 * several). Every operation is a request: a struct named after it, made by RP_STORE_NEW, filled
 * with copies (rp_store_z, rp_store_str), handed over by rp_store_submit, and answered once by its
 * callback on the loop it was made for. The results lie in the same struct and die with it when the
 * callback returns.
 *
 *     struct rp_store_agent_get *q = RP_STORE_NEW(agent_get, loop, got_agent, self);
 *     if (!q)
 *         return RP_ENOMEM;
 *     q->id = rp_store_z(&q->req, id);
 *     rp_store_submit(store, &q->req);
 *
 *     static void got_agent(struct rp_store_req *req, void *arg)
 *     {
 *         struct rp_store_agent_get *q = RP_STORE_OF(agent_get, req);
 *         if (req->err) … else use(q->agent.name) …
 *     }
 *
 * Submitting never blocks and never fails at once: what goes wrong (a failed copy, a full queue,
 * the database) arrives in the callback as `err`, with a sentence in `why`. Operations marked
 * "write" are durable when the callback runs: several may have shared one transaction, but each
 * succeeds or fails alone, as a whole. Writes that name the same session are applied in the order
 * of submission; a read sees every write whose callback had run when it was submitted; nothing else
 * is ordered.
 *
 * The store has no clock and mints no ids: times (wall clock, ms since 1970) and ids are handed in.
 * Secrets of bearers come in as hashes (rp_store_hash) and never leave; webhook secrets are kept
 * sealed (vault.h) and come out in clear. JSON columns hold what rp_json_write printed.
 *
 * Errors common to all: RP_EIO (the disk, a corrupt or unwritable file), RP_EAGAIN (locked by
 * another process for too long), RP_ELIMIT (queue full), RP_ENOMEM (also for a result over 32 MiB),
 * RP_ECANCELED (the store closes). Others stand at the operation.
 *
 * To add an operation: a row in RP_STORE_OPS, its struct here, a function in each backend (missing
 * ones do not link). Whatever has to happen together with a state change belongs into the same
 * operation. */
#ifndef RP_STORE_STORE_H
#define RP_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/ids.h"
#include "base/str.h"
#include "net/loop.h"

struct rp_store;

/* name, and whether it writes. */
#define RP_STORE_OPS(X)                                                                            \
    X(agent_create, true)                                                                          \
    X(agent_get, false)                                                                            \
    X(agent_list, false)                                                                           \
    X(agent_update, true)                                                                          \
    X(agent_delete, true)                                                                          \
    X(agent_secret, true)                                                                          \
    X(conversation_get, false)                                                                     \
    X(conversation_list, false)                                                                    \
    X(conversation_update, true)                                                                   \
    X(session_authorize, true)                                                                     \
    X(session_claim, true)                                                                         \
    X(session_finish, true)                                                                        \
    X(session_get, false)                                                                          \
    X(session_list, false)                                                                         \
    X(session_sweep, true)                                                                         \
    X(turn_append, true)                                                                           \
    X(turn_list, false)                                                                            \
    X(key_create, true)                                                                            \
    X(key_list, false)                                                                             \
    X(key_revoke, true)                                                                            \
    X(key_check, false)                                                                            \
    X(key_used, true)                                                                              \
    X(hook_log_append, true)                                                                       \
    X(hook_log_list, false)                                                                        \
    X(login_link_create, true)                                                                     \
    X(login_link_claim, true)                                                                      \
    X(web_session_check, false)                                                                    \
    X(web_session_delete, true)

enum rp_store_op {
#define X(name, writes) RP_STORE_OP_##name,
    RP_STORE_OPS(X)
#undef X
        RP_STORE_NOPS
};

/* ---- requests ---- */

struct rp_store_req;
typedef void rp_store_done_fn(struct rp_store_req *req, void *arg);

/* Head of every request. */
struct rp_store_req {
    int err;             /* result: 0 or a code */
    const char *why;     /* result: a sentence without secrets when err is set, else NULL */
    struct rp_arena mem; /* holds the parameters, then the results too */
    /* The store's own. */
    enum rp_store_op op;
    struct rp_loop *loop; /* NULL: made for rp_store_wait */
    rp_store_done_fn *done;
    void *arg;
    struct rp_node node;
    struct rp_msg msg;
    void *waiter;
};

/* A new, zeroed `struct rp_store_<name> *`, or NULL when out of memory. `done` runs on `loop`; both
 * are NULL for requests that go to rp_store_wait. */
#define RP_STORE_NEW(name, loop, done, arg)                                                        \
    ((struct rp_store_##name *)rp_store_req_new(RP_STORE_OP_##name,                                \
                                                sizeof(struct rp_store_##name), loop, done, arg))
/* The request whose head is `r`. */
#define RP_STORE_OF(name, r) RP_CONTAINER_OF(r, struct rp_store_##name, req)

void *rp_store_req_new(enum rp_store_op op, size_t size, struct rp_loop *loop,
                       rp_store_done_fn *done, void *arg);
/* Copies into the request. A failure is remembered and arrives in the callback. An empty rp_str
 * with p == NULL stays one (means "absent"); so does a NULL `z`. */
struct rp_str rp_store_str(struct rp_store_req *req, struct rp_str s);
const char *rp_store_z(struct rp_store_req *req, const char *z);
const char *rp_store_z_of(struct rp_store_req *req, struct rp_str s);

/* Takes the request. The callback comes later, on the request's loop, never from inside this call;
 * afterwards the request is gone. Any thread. */
void rp_store_submit(struct rp_store *s, struct rp_store_req *req);
/* The callback will not come (its owner is going away); what was asked may still be done. Only
 * between submit and callback, on the request's loop. */
void rp_store_forget(struct rp_store_req *req);
/* For threads without a loop (start-up, the CLI, tests): blocks until it is done, returns req->err.
 * The caller keeps the request and frees it. Never on a loop that is running. */
int rp_store_wait(struct rp_store *s, struct rp_store_req *req);
/* Only for requests that were not submitted, or have come back from rp_store_wait. NULL is
 * harmless. */
void rp_store_req_free(struct rp_store_req *req);

/* ---- the store ---- */

struct rp_store_params {
    const char *data_dir;     /* made if missing (mode 0700); holds riposte.db and secret.key */
    const char *database_url; /* NULL: SQLite in data_dir */
    const char *key_file;     /* NULL: data_dir/secret.key, made at the first start (mode 0600) */
    unsigned readers;         /* read-only connections, one thread each; 0: 2 */
    size_t max_queued;        /* requests waiting, reads and writes each; 0: 16384 */
    int busy_ms;              /* how long to wait for another process's lock; 0: 5000 */
    int64_t batch_us; /* how long a write waits for others to share its transaction; 0: 2 ms */
};

/* Opens, migrates and checks; may take a while, start-up only. On failure *why (may be NULL) is a
 * sentence a person can act on (release with rp_free): RP_EIO (not writable, corrupt, full),
 * RP_EAGAIN (locked), RP_EPROTO (made by a newer Riposte, or its migrations were tampered with),
 * RP_EDENIED (the key file does not fit the database), RP_EINVAL (no such backend). */
int rp_store_open(struct rp_store **out, const struct rp_store_params *p, char **why);
/* Finishes what was submitted, answers it, joins the threads and closes. The loops of the requests
 * still under way must be alive until their callbacks have run. NULL is harmless. */
void rp_store_close(struct rp_store *s);

struct rp_store_stats {
    size_t queued_reads, queued_writes;
    uint64_t reads, writes, transactions, failures;
    int64_t worst_write_us; /* from submit to durable */
};
void rp_store_stats(struct rp_store *s, struct rp_store_stats *out); /* any thread */
/* Whether the last transaction went through (for /readyz); *why is a static sentence. Any thread.
 */
bool rp_store_healthy(struct rp_store *s, const char **why);

#define RP_STORE_HASH_LEN 32
struct rp_store_hash {
    uint8_t b[RP_STORE_HASH_LEN];
};
/* SHA-256 of a bearer secret (they have 160 random bits, so no salt and no stretching). */
struct rp_store_hash rp_store_hash(struct rp_str secret);

/* ---- paging ---- */

#define RP_STORE_PAGE_MAX 200

/* Newest first, stable while rows are added: `after` is the id of the last row seen. */
struct rp_store_page {
    size_t limit;      /* in: 1 … RP_STORE_PAGE_MAX; 0: 50 */
    const char *after; /* in: NULL: from the newest */
    bool more;         /* out: there are further rows */
};

/* ---- agents ---- */

struct rp_store_agent {
    const char *id, *name, *type, *template_id; /* template_id may be NULL */
    struct rp_str config;                       /* JSON object; empty in lists */
    const char *secret;          /* webhook secret that signs; NULL in lists, as the two below */
    const char *secret_pending;  /* made by a rotation and not activated yet, or NULL */
    const char *secret_previous; /* can be put back until previous_until_ms, or NULL */
    int64_t previous_until_ms;
    int64_t revision; /* counts the updates */
    int64_t created_ms, updated_ms;
};

/* RP_EEXIST: the id, or with `only_first` that there is any agent (deleted ones count). */
struct rp_store_agent_create {
    struct rp_store_req req;
    struct rp_store_agent agent; /* in: id, name, type, template_id, config, secret, created_ms */
    bool only_first;
};

/* RP_ENOTFOUND, also for deleted ones. */
struct rp_store_agent_get {
    struct rp_store_req req;
    const char *id;
    struct rp_store_agent agent; /* out */
};

struct rp_store_agent_list {
    struct rp_store_req req;
    struct rp_store_page page;
    struct rp_store_agent *agents; /* out */
    size_t n;
};

/* Sets what is not NULL / has p != NULL. RP_ENOTFOUND; RP_EEXIST: somebody else changed it since
 * `if_revision`. */
struct rp_store_agent_update {
    struct rp_store_req req;
    const char *id;
    const char *name;
    struct rp_str config;
    int64_t if_revision; /* 0: whatever it is */
    int64_t now_ms;
    struct rp_store_agent agent; /* out: as it is now */
};

/* The agent disappears from lists and cannot be called any more; its sessions stay readable. Its
 * unused client keys stop working. RP_ENOTFOUND. */
struct rp_store_agent_delete {
    struct rp_store_req req;
    const char *id;
    int64_t now_ms;
    struct rp_store_session *ended; /* out: the sessions of those keys */
    size_t nended;
};

enum rp_store_secret_change {
    RP_STORE_SECRET_ROTATE,   /* `secret` becomes the pending one (replacing a pending one) */
    RP_STORE_SECRET_ACTIVATE, /* the pending one signs, the old one is kept for `keep_ms` */
    RP_STORE_SECRET_RESTORE,  /* the previous one signs again */
    RP_STORE_SECRET_DROP,     /* forget the pending one */
};

/* RP_ENOTFOUND; RP_EDENIED: there is nothing pending, or nothing (any more) to put back. */
struct rp_store_agent_secret {
    struct rp_store_req req;
    const char *id;
    enum rp_store_secret_change change;
    const char *secret; /* ROTATE */
    int64_t now_ms, keep_ms;
    struct rp_store_agent agent; /* out */
};

/* ---- conversations ---- */

struct rp_store_conversation {
    const char *id, *agent_id;
    struct rp_str custom_metadata, custom_headers; /* JSON objects; p == NULL: none */
    int64_t created_ms, updated_ms;
    int64_t sessions; /* how many there are of it */
};

struct rp_store_conversation_get {
    struct rp_store_req req;
    const char *id;
    struct rp_store_conversation conversation; /* out; RP_ENOTFOUND */
};

struct rp_store_conversation_list {
    struct rp_store_req req;
    const char *agent_id; /* NULL: all */
    struct rp_store_page page;
    struct rp_store_conversation *conversations; /* out */
    size_t n;
};

struct rp_store_conversation_update {
    struct rp_store_req req;
    const char *id;
    struct rp_str custom_metadata, custom_headers; /* p == NULL: as it is */
    int64_t now_ms;
};

/* ---- sessions ---- */

enum rp_store_status {
    RP_STORE_AUTHORIZED, /* its key may still open a socket */
    RP_STORE_LIVE,
    RP_STORE_ENDED,
};

/* Reasons for an end that the store itself knows; the session has more. */
#define RP_STORE_END_ROTATED "key_rotated"
#define RP_STORE_END_EXPIRED "key_expired"
#define RP_STORE_END_DELETED "agent_deleted"
#define RP_STORE_END_LOST    "server_lost"

/* Numbers that are not known are -1, strings NULL. */
struct rp_store_session {
    const char *id, *conversation_id, *agent_id;
    enum rp_store_status status;
    const char *node_id; /* the server that holds the call */
    const char *channel; /* "browser", "twilio" */
    const char *sdk_version;
    const char *end_reason;
    const char *recording_status; /* "not_available", "in_progress", "completed", "failed" */
    struct rp_str config;         /* per-session config, p == NULL: the agent's; empty in lists */
    struct rp_str metadata;       /* of authorize, JSON object; p == NULL: none */
    const char *from_phone_number, *from_phone_country, *to_phone_number, *to_phone_country;
    const char *ip_address, *country_code;
    int64_t authorized_ms, key_expires_ms, started_ms, ended_ms, duration_ms;
    double transcription_s, tts_s;
    int64_t latency_ms; /* average over the turns */
    int64_t nturns;
};

/* Makes a session with a key, in one step: its conversation is created, or must exist and be the
 * agent's; an unused session of the same conversation ends (its key is rotated). The phone numbers,
 * channel, config, metadata and times of `session` are taken as given.
 * RP_ENOTFOUND: no such agent; RP_EDENIED: no such conversation of this agent. */
struct rp_store_session_authorize {
    struct rp_store_req req;
    struct rp_store_session session; /* in: ids, channel, sdk_version, config, metadata, phone …,
                                        authorized_ms, key_expires_ms */
    struct rp_store_hash key;
    bool new_conversation;                         /* its id is new; else it has to exist */
    struct rp_str custom_metadata, custom_headers; /* of the conversation; p == NULL: as it is */
    struct rp_store_agent agent;                   /* out */
    struct rp_store_session *ended;                /* out: those that the rotation ended (0 or 1) */
    size_t nended;
};

/* Turns an unused key into a live session, exactly once: atomic over all machines. RP_ENOTFOUND: no
 * such key; RP_EDENIED: used, rotated or expired, or the agent is gone (`why` says which). */
struct rp_store_session_claim {
    struct rp_store_req req;
    struct rp_store_hash key;
    int64_t now_ms;
    const char *node_id;
    const char *ip_address, *country_code;
    struct rp_store_session session;           /* out, with config */
    struct rp_store_agent agent;               /* out, with config and secrets */
    struct rp_store_conversation conversation; /* out */
};

/* The end of a live session. Harmless on one that has ended. RP_ENOTFOUND. */
struct rp_store_session_finish {
    struct rp_store_req req;
    const char *id;
    const char *end_reason;
    const char *recording_status;
    int64_t ended_ms, duration_ms;
    double transcription_s, tts_s; /* -1: unknown, as below */
    int64_t latency_ms;
    bool was_ended; /* out: it had ended before, nothing was changed */
};

/* RP_ENOTFOUND. */
struct rp_store_session_get {
    struct rp_store_req req;
    const char *id;
    const char *agent_id;            /* NULL, or it has to be this agent's */
    struct rp_store_session session; /* out */
};

struct rp_store_session_list {
    struct rp_store_req req;
    const char *agent_id, *conversation_id; /* filters; NULL: any */
    int status;                             /* enum rp_store_status, -1: any */
    int64_t from_ms, to_ms;                 /* authorized in [from, to); 0: open */
    struct rp_store_page page;
    struct rp_store_session *sessions; /* out */
    size_t n;
};

/* Ends sessions whose key expired unused, and with `lost_node` those that this node (or its former
 * life) left live; at most `limit` at a time, and `sessions` tells which. */
struct rp_store_session_sweep {
    struct rp_store_req req;
    int64_t now_ms;
    const char *lost_node;             /* NULL: none */
    size_t limit;                      /* 0: RP_STORE_PAGE_MAX */
    struct rp_store_session *sessions; /* out */
    size_t n;
};

/* ---- turns ---- */

enum rp_store_turn_flag {
    RP_STORE_TURN_INTERRUPTED =
        1 << 0,                    /* assistant: cut off; `heard` is what was heard of `text` */
    RP_STORE_TURN_FAILED = 1 << 1, /* assistant: the backend failed */
    RP_STORE_TURN_TYPED = 1 << 2,  /* user: (also) typed text */
    RP_STORE_TURN_PUSHED = 1 << 3, /* user: push-to-talk */
    RP_STORE_TURN_GREETING = 1 << 4,
    RP_STORE_TURN_DATA = 1 << 5,    /* an exchange of data, no speech */
    RP_STORE_TURN_RESUMED = 1 << 6, /* assistant: the rest after a false interruption */
};

struct rp_store_turn {
    int64_t seq;    /* position in the session, from 0 */
    bool assistant; /* else the user */
    unsigned flags;
    const char *turn_id;
    struct rp_str text, heard; /* heard: p == NULL: as text */
    int64_t begin_ms, end_ms;  /* of audio, from the start of the session; -1: unknown */
    int64_t wall_ms;           /* when it began, for the transcripts of the API */
    int64_t latency_ms;        /* assistant: end of speech to first audio; -1: unknown */
    struct rp_str latency;     /* its parts, a JSON object; p == NULL: unknown */
    struct rp_str data;        /* data events, a JSON array; p == NULL: none */
};

/* Adds, or replaces the one with the same `seq`. RP_ENOTFOUND: no such session. */
struct rp_store_turn_append {
    struct rp_store_req req;
    const char *session_id;
    struct rp_store_turn turn;
};

/* All turns in order, from `from_seq` on, at most `limit` (0: 1000). */
struct rp_store_turn_list {
    struct rp_store_req req;
    const char *session_id;
    int64_t from_seq;
    size_t limit;
    struct rp_store_turn *turns; /* out */
    size_t n;
    bool more;
};

/* ---- API keys ---- */

struct rp_store_key {
    const char *id, *name;
    const char *hint;                             /* how the key begins, to be recognised by */
    int64_t created_ms, last_used_ms, revoked_ms; /* the last two -1: never */
};

struct rp_store_key_create {
    struct rp_store_req req;
    struct rp_store_key key; /* in: id, name, hint, created_ms */
    struct rp_store_hash hash;
};

struct rp_store_key_list {
    struct rp_store_req req;
    struct rp_store_page page;
    struct rp_store_key *keys; /* out */
    size_t n;
};

/* RP_ENOTFOUND, also if it was revoked before. */
struct rp_store_key_revoke {
    struct rp_store_req req;
    const char *id;
    int64_t now_ms;
};

/* RP_ENOTFOUND: unknown or revoked. */
struct rp_store_key_check {
    struct rp_store_req req;
    struct rp_store_hash hash;
    struct rp_store_key key; /* out */
};

/* Notes the use; call it once a minute, not once a request. */
struct rp_store_key_used {
    struct rp_store_req req;
    const char *id;
    int64_t now_ms;
};

/* ---- log of requests to the customers' backends ---- */

struct rp_store_hook_log {
    const char *id;                              /* req_… */
    const char *agent_id, *session_id, *turn_id; /* may be NULL */
    const char *type;                            /* "message", "session.end" … */
    const char *url;
    int64_t started_ms;
    int status;       /* HTTP, 0: none came */
    const char *code; /* NULL: fine; else a machine-readable name */
    const char *why;  /* a sentence, or NULL */
    int64_t resolved_us, connected_us, sent_us, first_byte_us, done_us; /* -1: not reached */
    int64_t sent_bytes, received_bytes;
    struct rp_str request, response; /* excerpts; cut to RP_STORE_EXCERPT_MAX by the store */
};

#define RP_STORE_EXCERPT_MAX 4096

struct rp_store_hook_log_append {
    struct rp_store_req req;
    struct rp_store_hook_log entry;
};

struct rp_store_hook_log_list {
    struct rp_store_req req;
    const char *agent_id, *session_id; /* filters; NULL: any */
    bool failed_only;
    struct rp_store_page page;
    struct rp_store_hook_log *entries; /* out */
    size_t n;
};

/* ---- the owner's way into the web pages ---- */

/* A link that works once. */
struct rp_store_login_link_create {
    struct rp_store_req req;
    struct rp_store_hash token;
    int64_t created_ms, expires_ms;
};

/* Uses the link up and opens a web session, in one step. RP_ENOTFOUND: no such link; RP_EDENIED:
 * used or expired. */
struct rp_store_login_link_claim {
    struct rp_store_req req;
    struct rp_store_hash token;
    struct rp_store_hash cookie; /* of the new web session */
    int64_t now_ms, expires_ms;  /* expires: of the web session */
    const char *ip_address, *user_agent;
};

/* RP_ENOTFOUND: unknown or expired. */
struct rp_store_web_session_check {
    struct rp_store_req req;
    struct rp_store_hash cookie;
    int64_t now_ms;
    const char *role; /* out: "owner" */
    int64_t created_ms, expires_ms;
};

/* Harmless if there is none. */
struct rp_store_web_session_delete {
    struct rp_store_req req;
    struct rp_store_hash cookie;
};

/* ---- what a backend implements ---- */

struct rp_store_ops {
    void (*submit)(struct rp_store *s, struct rp_store_req *req);
    void (*stats)(struct rp_store *s, struct rp_store_stats *out);
    bool (*healthy)(struct rp_store *s, const char **why);
    void (*close)(struct rp_store *s);
};

struct rp_store {
    const struct rp_store_ops *ops;
};

#endif
