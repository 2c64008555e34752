/* Numbered migrations of the SQLite schema (files in migrations/, embedded by embed.py). */
#ifndef RP_STORE_MIGRATE_H
#define RP_STORE_MIGRATE_H

#include <stddef.h>

#include "base/buf.h"
#include "store/db.h"

struct rp_migration {
    int number; /* from 1, without gaps */
    const char *name, *sql;
};

extern const struct rp_migration rp_migrations[];
extern const size_t rp_migration_count;

/* Brings the schema to the newest of `list`, each step in a transaction of its own, and checks that
 * what was applied before is what the list says. RP_EPROTO: the database is newer than the list, or
 * does not agree with it; the sentence goes to `why`. Any database error is passed on. */
int rp_migrate(struct rp_db *db, const struct rp_migration *list, size_t n, int64_t now_ms,
               struct rp_buf *why);

#endif
