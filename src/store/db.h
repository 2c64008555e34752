/* One SQLite connection: statements prepared once, typed arguments, rows read column by column.
 *
 *     err = rp_db_query(&r, db, mem, "SELECT name, created_ms FROM agents WHERE id = ?1",
 *                       RP_DB_ARGS(rp_arg_z(id)));
 *     if (err)
 *         return err;
 *     while (rp_rows_next(&r)) {
 *         name = rp_rows_z(&r);
 *         created = rp_rows_int(&r);
 *     }
 *     return rp_rows_end(&r);
 *
 * Private to the SQLite backend. A connection belongs to one thread at a time. */
#ifndef RP_STORE_DB_H
#define RP_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/map.h"
#include "store/store.h"
#include "store/vault.h"

struct rp_db {
    sqlite3 *h;
    struct rp_map statements; /* SQL text -> sqlite3_stmt */
    const struct rp_vault *vault;
    const char *why; /* static: the sentence for the last error */
};

/* A file; made (mode 0600) if missing and not `read_only`. `busy_ms` bounds the wait for a lock of
 * another connection. On failure nothing is left and *why is a static sentence. */
int rp_db_open(struct rp_db *db, const char *path, bool read_only, int busy_ms,
               const struct rp_vault *vault, const char **why);
/* Harmless on a zeroed one. */
void rp_db_close(struct rp_db *db);

/* A result code of SQLite as ours, and db->why. */
int rp_db_error(struct rp_db *db, int rc);

struct rp_db_arg {
    enum { RP_DB_NULL, RP_DB_INT, RP_DB_REAL, RP_DB_TEXT, RP_DB_BLOB, RP_DB_SEALED } type;
    int64_t num;
    double real;
    struct rp_str str;
    /* SEALED: what the value is sealed for, "table.column:" and the row's id. */
    const char *column, *id;
};

#define RP_DB_ARGS(...)                                                                            \
    (const struct rp_db_arg[]){__VA_ARGS__},                                                       \
        sizeof((struct rp_db_arg[]){__VA_ARGS__}) / sizeof(struct rp_db_arg)
/* Made by these. "Unknown" in structs (negative numbers, NULL strings, views with p == NULL)
 * becomes NULL, except by rp_arg_int. All borrow. */
static inline struct rp_db_arg rp_arg_int(int64_t v)
{
    return (struct rp_db_arg){.type = RP_DB_INT, .num = v};
}

static inline struct rp_db_arg rp_arg_int_opt(int64_t v)
{
    return (struct rp_db_arg){.type = v < 0 ? RP_DB_NULL : RP_DB_INT, .num = v};
}

static inline struct rp_db_arg rp_arg_real_opt(double v)
{
    return (struct rp_db_arg){.type = v < 0 ? RP_DB_NULL : RP_DB_REAL, .real = v};
}

static inline struct rp_db_arg rp_arg_str(struct rp_str s)
{
    return (struct rp_db_arg){.type = s.p ? RP_DB_TEXT : RP_DB_NULL, .str = s};
}

static inline struct rp_db_arg rp_arg_z(const char *z)
{
    return rp_arg_str(rp_str_n(z, z ? strlen(z) : 0));
}

static inline struct rp_db_arg rp_arg_hash(const struct rp_store_hash *h)
{
    return (struct rp_db_arg){.type = RP_DB_BLOB,
                              .str = rp_str_n((const char *)h->b, sizeof(h->b))};
}

static inline struct rp_db_arg rp_arg_sealed(struct rp_str s, const char *column, const char *id)
{
    return (struct rp_db_arg){
        .type = s.p ? RP_DB_SEALED : RP_DB_NULL, .str = s, .column = column, .id = id};
}

static inline struct rp_db_arg rp_arg_sealed_z(const char *z, const char *column, const char *id)
{
    return rp_arg_sealed(rp_str_n(z, z ? strlen(z) : 0), column, id);
}

/* Runs a statement that gives no rows: the number of rows changed, or an error. `mem` is scratch
 * for sealing (NULL where nothing is sealed). */
int rp_db_run(struct rp_db *db, struct rp_arena *mem, const char *sql, const struct rp_db_arg *args,
              size_t nargs);
/* The same for a constant text of one or several statements without arguments. */
int rp_db_script(struct rp_db *db, const char *sql);

struct rp_rows {
    struct rp_db *db;
    struct rp_arena *mem; /* copies of columns go here */
    sqlite3_stmt *st;
    int col; /* next column to read */
    int err;
};

/* On error there is nothing to end. */
int rp_db_query(struct rp_rows *r, struct rp_db *db, struct rp_arena *mem, const char *sql,
                const struct rp_db_arg *args, size_t nargs);
/* True: there is a row, its columns are read in order by the functions below. */
bool rp_rows_next(struct rp_rows *r);
/* Ends the query; returns the first error of stepping, copying or unsealing, or 0. */
int rp_rows_end(struct rp_rows *r);

/* Of the next column. NULL gives -1, NULL or p == NULL; so does a failed copy, remembered. */
int64_t rp_rows_int(struct rp_rows *r);
double rp_rows_real(struct rp_rows *r);
const char *rp_rows_z(struct rp_rows *r);
struct rp_str rp_rows_str(struct rp_rows *r);
struct rp_str rp_rows_sealed(struct rp_rows *r, const char *column, const char *id);

/* SQL put together from fixed pieces, with the arguments that belong to them. */
struct rp_where {
    char sql[1536];
    size_t len;
    struct rp_db_arg args[12];
    size_t nargs;
};
/* Appends a piece; one '?' in it stands for the argument. */
void rp_where_add(struct rp_where *w, const char *piece);
void rp_where_arg(struct rp_where *w, const char *piece, struct rp_db_arg arg);
/* Ends a listing of the page: "AND <id> < ? ORDER BY <id> DESC LIMIT ?" with one row more than
 * asked for, to know whether there are more. Returns the limit without that row. */
size_t rp_where_page(struct rp_where *w, const char *id_column, const struct rp_store_page *page);

#endif
