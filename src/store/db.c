/* SQLite connections, statements and rows; see db.h. */
#include "store/db.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/log.h"

int rp_db_error(struct rp_db *db, int rc)
{
    int code = rc & 0xff;
    int err = RP_EIO;

    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        db->why = "the database is locked by another program";
        err = RP_EAGAIN;
        break;
    case SQLITE_FULL:
        db->why = "the disk is full: make room for the data folder";
        break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        db->why = "the database file is damaged: put back a backup";
        break;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        db->why = "the database cannot be opened for writing: check owner, mode and file system of "
                  "the data folder";
        break;
    case SQLITE_NOMEM:
        db->why = "out of memory";
        err = RP_ENOMEM;
        break;
    case SQLITE_TOOBIG:
        db->why = "a value is too large for the database";
        err = RP_ELIMIT;
        break;
    case SQLITE_CONSTRAINT:
        if (rc == SQLITE_CONSTRAINT_FOREIGNKEY) {
            db->why = "what it belongs to does not exist";
            err = RP_ENOTFOUND;
        } else if (rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE) {
            db->why = "it exists already";
            err = RP_EEXIST;
        } else {
            db->why = "the value breaks a rule of the schema";
            err = RP_EINVAL;
        }
        break;
    default:
        db->why = "reading or writing the database failed";
        break;
    }
    if (err == RP_EIO || err == RP_EINVAL)
        rp_log("store", RP_LOG_ERROR, NULL, "SQLite %d: %s", rc,
               db->h ? sqlite3_errmsg(db->h) : sqlite3_errstr(rc));
    return err;
}

int rp_db_open(struct rp_db *db, const char *path, bool read_only, int busy_ms,
               const struct rp_vault *vault, const char **why)
{
    int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc, fd, err;

    *db = (struct rp_db){.vault = vault};
    rp_map_init(&db->statements);
    /* Made here first, since SQLite would use the umask and give its -wal and -shm the same mode.
     */
    if (!read_only) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
            (void)close(fd);
    }
    rc = sqlite3_open_v2(path, &db->h, flags, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_busy_timeout(db->h, busy_ms);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db->h, "PRAGMA foreign_keys = ON; PRAGMA cache_size = -8192", NULL, NULL,
                          NULL);
    if (rc == SQLITE_OK && !read_only)
        rc = sqlite3_exec(db->h, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", NULL, NULL,
                          NULL);
    if (rc == SQLITE_OK)
        return 0;
    err = rp_db_error(db, rc);
    *why = db->why;
    rp_db_close(db);
    return err;
}

void rp_db_close(struct rp_db *db)
{
    size_t at = 0;
    struct rp_str key;
    void *st;

    while (rp_map_next(&db->statements, &at, &key, &st))
        (void)sqlite3_finalize(st);
    rp_map_fini(&db->statements);
    (void)sqlite3_close(db->h);
    db->h = NULL;
}

static int bind_sealed(struct rp_db *db, struct rp_arena *mem, sqlite3_stmt *st, int at,
                       const struct rp_db_arg *arg)
{
    char label[128];
    struct rp_str sealed;
    int n = snprintf(label, sizeof(label), "%s:%s", arg->column, arg->id);
    int err;

    RP_ASSERT(mem && n > 0 && (size_t)n < sizeof(label));
    err = rp_vault_seal(db->vault, mem, rp_str_n(label, (size_t)n), arg->str, &sealed);
    if (err) {
        db->why = "out of memory";
        return err;
    }
    return sqlite3_bind_blob64(st, at, sealed.p, sealed.len, SQLITE_STATIC);
}

/* 0, a positive code of SQLite, or one of our own errors. */
static int bind(struct rp_db *db, struct rp_arena *mem, sqlite3_stmt *st, int at,
                const struct rp_db_arg *arg)
{
    switch (arg->type) {
    case RP_DB_NULL:
        return sqlite3_bind_null(st, at);
    case RP_DB_INT:
        return sqlite3_bind_int64(st, at, arg->num);
    case RP_DB_REAL:
        return sqlite3_bind_double(st, at, arg->real);
    case RP_DB_TEXT:
        return sqlite3_bind_text64(st, at, arg->str.p, arg->str.len, SQLITE_STATIC, SQLITE_UTF8);
    case RP_DB_BLOB:
        return sqlite3_bind_blob64(st, at, arg->str.p, arg->str.len, SQLITE_STATIC);
    case RP_DB_SEALED:
        return bind_sealed(db, mem, st, at, arg);
    }
    RP_ASSERT(false);
    return RP_EINVAL;
}

static void release(sqlite3_stmt *st)
{
    (void)sqlite3_reset(st);
    (void)sqlite3_clear_bindings(st); /* they point into the request */
}

/* A statement ready to be stepped; the caller releases it. */
static int prepare(sqlite3_stmt **out, struct rp_db *db, struct rp_arena *mem, const char *sql,
                   const struct rp_db_arg *args, size_t nargs)
{
    struct rp_str key = rp_str_z(sql);
    sqlite3_stmt *st = rp_map_get(&db->statements, key);
    int rc, err;

    if (!st) {
        rc = sqlite3_prepare_v3(db->h, sql, (int)key.len + 1, SQLITE_PREPARE_PERSISTENT, &st, NULL);
        if (rc != SQLITE_OK)
            return rp_db_error(db, rc);
        err = rp_map_set(&db->statements, key, st);
        if (err) {
            (void)sqlite3_finalize(st);
            db->why = "out of memory";
            return err;
        }
    }
    RP_ASSERT((size_t)sqlite3_bind_parameter_count(st) == nargs);
    for (size_t i = 0; i < nargs; i++) {
        rc = bind(db, mem, st, (int)i + 1, &args[i]);
        if (rc != 0) {
            release(st);
            return rc > 0 ? rp_db_error(db, rc) : rc;
        }
    }
    *out = st;
    return 0;
}

int rp_db_run(struct rp_db *db, struct rp_arena *mem, const char *sql, const struct rp_db_arg *args,
              size_t nargs)
{
    sqlite3_stmt *st;
    int rc, result = prepare(&st, db, mem, sql, args, nargs);

    if (result)
        return result;
    rc = sqlite3_step(st);
    result = rc == SQLITE_DONE || rc == SQLITE_ROW ? sqlite3_changes(db->h) : rp_db_error(db, rc);
    release(st);
    return result;
}

int rp_db_script(struct rp_db *db, const char *sql)
{
    int rc = sqlite3_exec(db->h, sql, NULL, NULL, NULL);

    return rc == SQLITE_OK ? 0 : rp_db_error(db, rc);
}

int rp_db_query(struct rp_rows *r, struct rp_db *db, struct rp_arena *mem, const char *sql,
                const struct rp_db_arg *args, size_t nargs)
{
    *r = (struct rp_rows){.db = db, .mem = mem};
    return prepare(&r->st, db, mem, sql, args, nargs);
}

bool rp_rows_next(struct rp_rows *r)
{
    int rc;

    if (r->err)
        return false;
    r->col = 0;
    rc = sqlite3_step(r->st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        r->err = rp_db_error(r->db, rc);
    return rc == SQLITE_ROW;
}

int rp_rows_end(struct rp_rows *r)
{
    release(r->st);
    r->st = NULL;
    return r->err;
}

static bool is_null(struct rp_rows *r)
{
    return sqlite3_column_type(r->st, r->col) == SQLITE_NULL;
}

int64_t rp_rows_int(struct rp_rows *r)
{
    int64_t v = is_null(r) ? -1 : sqlite3_column_int64(r->st, r->col);

    r->col++;
    return v;
}

double rp_rows_real(struct rp_rows *r)
{
    double v = is_null(r) ? -1 : sqlite3_column_double(r->st, r->col);

    r->col++;
    return v;
}

static struct rp_str fail(struct rp_rows *r, int err, const char *why)
{
    if (!r->err) {
        r->err = err;
        r->db->why = why;
    }
    return (struct rp_str){NULL, 0};
}

struct rp_str rp_rows_str(struct rp_rows *r)
{
    struct rp_str s = {NULL, 0};

    if (!is_null(r)) {
        const char *p = sqlite3_column_blob(r->st, r->col); /* NULL if empty */
        s = rp_arena_str(r->mem, rp_str_n(p ? p : "", (size_t)sqlite3_column_bytes(r->st, r->col)));
        if (!s.p)
            (void)fail(r, RP_ENOMEM, "the answer does not fit into memory");
    }
    r->col++;
    return s;
}

const char *rp_rows_z(struct rp_rows *r)
{
    return rp_rows_str(r).p;
}

struct rp_str rp_rows_sealed(struct rp_rows *r, const char *column, const char *id)
{
    struct rp_str sealed = rp_rows_str(r), clear = {NULL, 0};
    char label[128];
    int n, err;

    if (!sealed.p || !id)
        return clear;
    n = snprintf(label, sizeof(label), "%s:%s", column, id);
    RP_ASSERT(n > 0 && (size_t)n < sizeof(label));
    err = rp_vault_unseal(r->db->vault, r->mem, rp_str_n(label, (size_t)n), sealed, &clear);
    if (err)
        return fail(r, err,
                    err == RP_EDENIED
                        ? "a sealed value of the database cannot be opened with this key file"
                        : "out of memory");
    return clear;
}

void rp_where_add(struct rp_where *w, const char *piece)
{
    size_t len = strlen(piece);

    RP_ASSERT(w->len + len < sizeof(w->sql));
    memcpy(w->sql + w->len, piece, len + 1);
    w->len += len;
}

void rp_where_arg(struct rp_where *w, const char *piece, struct rp_db_arg arg)
{
    RP_ASSERT(w->nargs < RP_COUNT(w->args));
    rp_where_add(w, piece);
    w->args[w->nargs++] = arg;
}

size_t rp_where_page(struct rp_where *w, const char *id_column, const struct rp_store_page *page)
{
    size_t limit = page->limit ? page->limit : 50;

    if (limit > RP_STORE_PAGE_MAX)
        limit = RP_STORE_PAGE_MAX;
    if (page->after) {
        rp_where_add(w, " AND ");
        rp_where_add(w, id_column);
        rp_where_arg(w, " < ?", rp_arg_z(page->after));
    }
    rp_where_add(w, " ORDER BY ");
    rp_where_add(w, id_column);
    rp_where_arg(w, " DESC LIMIT ?", rp_arg_int((int64_t)limit + 1));
    return limit;
}
