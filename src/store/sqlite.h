/* The SQLite backend: what its files share. Private to src/store. */
#ifndef RP_STORE_SQLITE_H
#define RP_STORE_SQLITE_H

#include "store/db.h"
#include "store/store.h"

/* Opens; as rp_store_open, which chose this backend. */
int rp_sqlite_open(struct rp_store **out, const struct rp_store_params *p, char **why);

/* One function for each operation, run on a connection's thread, writes inside a transaction of
 * which they are a savepoint. On error db->why (if set) is the sentence. */
#define X(name, writes) int rp_sqlite_##name(struct rp_db *db, struct rp_store_##name *q);
RP_STORE_OPS(X)
#undef X

/* An error with its own sentence (static). */
static inline int rp_sqlite_refuse(struct rp_db *db, int err, const char *why)
{
    db->why = why;
    return err;
}

/* Shared by operations. Both allocate in `mem`; RP_ENOTFOUND. */
int rp_sqlite_read_agent(struct rp_db *db, struct rp_arena *mem, const char *id,
                         struct rp_store_agent *out);
int rp_sqlite_read_conversation(struct rp_db *db, struct rp_arena *mem, const char *id,
                                struct rp_store_conversation *out);

/* Ends the sessions with an unused key that `column` = `value` selects; tells which. */
int rp_sqlite_end_unused(struct rp_db *db, struct rp_arena *mem, const char *column,
                         const char *value, const char *reason, int64_t now_ms,
                         struct rp_store_session **ended, size_t *nended);

#endif
