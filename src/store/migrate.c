/* Applies and checks the migrations; see migrate.h.
 *
 * schema_migrations keeps number, name and SHA-256 of each one applied. Several processes may start
 * at once: each step begins by taking the write lock and looking at the table again. */
#include "store/migrate.h"

#include <sodium.h>

#include "base/err.h"
#include "base/log.h"

struct applied {
    int64_t number;
    struct rp_str name, checksum;
};

static void checksum(char hex[static 65], const char *sql)
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    (void)crypto_hash_sha256(hash, (const uint8_t *)sql, strlen(sql));
    (void)sodium_bin2hex(hex, 65, hash, sizeof(hash));
}

/* Compares what was applied with the list; *next is the index of the first that was not. */
static int check_applied(struct rp_db *db, const struct rp_migration *list, size_t n, size_t *next,
                         struct rp_buf *why)
{
    struct rp_arena mem;
    struct rp_rows r;
    int err;

    rp_arena_init(&mem, 1u << 20);
    *next = 0;
    err = rp_db_query(&r, db, &mem,
                      "SELECT number, name, checksum FROM schema_migrations ORDER BY number", NULL,
                      0);
    if (err)
        goto out;
    while (rp_rows_next(&r)) {
        int64_t number = rp_rows_int(&r);
        struct rp_str name = rp_rows_str(&r), sum = rp_rows_str(&r);
        char hex[65];

        if (number > (int64_t)n) {
            (void)rp_buf_printf(why,
                                "the database was made by a newer Riposte (schema %lld, this one "
                                "knows %zu): install that version, or put back an older backup",
                                (long long)number, n);
            r.err = RP_EPROTO;
            break;
        }
        if (number != (int64_t)*next + 1) {
            (void)rp_buf_printf(why, "the database lacks migration %04zu of its schema", *next + 1);
            r.err = RP_EPROTO;
            break;
        }
        checksum(hex, list[*next].sql);
        if (!rp_str_eq_z(sum, hex)) {
            (void)rp_buf_printf(why,
                                "migration %04zu of the database (%.*s) is not the one that this "
                                "Riposte knows (%s): it was made by another build",
                                *next + 1, RP_STR_ARG(name), list[*next].name);
            r.err = RP_EPROTO;
            break;
        }
        (*next)++;
    }
    err = rp_rows_end(&r);
out:
    rp_arena_fini(&mem);
    return err;
}

static int apply(struct rp_db *db, const struct rp_migration *m, int64_t now_ms)
{
    char hex[65];
    int err = rp_db_script(db, m->sql);

    if (err)
        return err;
    checksum(hex, m->sql);
    err = rp_db_run(
        db, NULL,
        "INSERT INTO schema_migrations (number, name, checksum, applied_ms) "
        "VALUES (?1, ?2, ?3, ?4)",
        RP_DB_ARGS(rp_arg_int(m->number), rp_arg_z(m->name), rp_arg_z(hex), rp_arg_int(now_ms)));
    return err < 0 ? err : 0;
}

int rp_migrate(struct rp_db *db, const struct rp_migration *list, size_t n, int64_t now_ms,
               struct rp_buf *why)
{
    size_t next = 0;
    int err = rp_db_script(db, "CREATE TABLE IF NOT EXISTS schema_migrations ("
                               "number INTEGER PRIMARY KEY, name TEXT NOT NULL, "
                               "checksum TEXT NOT NULL, applied_ms INTEGER NOT NULL) STRICT");

    while (!err) {
        err = rp_db_script(db, "BEGIN IMMEDIATE");
        if (err)
            break;
        err = check_applied(db, list, n, &next, why);
        if (!err && next < n) {
            rp_log("store", RP_LOG_INFO, NULL, "migration %04d %s", list[next].number,
                   list[next].name);
            err = apply(db, &list[next], now_ms);
            if (err)
                (void)rp_buf_printf(why, "migration %04d %s failed: %s", list[next].number,
                                    list[next].name, db->why);
        } else if (!err) {
            return rp_db_script(db, "COMMIT");
        }
        if (!err)
            err = rp_db_script(db, "COMMIT");
        if (err)
            (void)rp_db_script(db, "ROLLBACK");
    }
    if (why->len == 0)
        (void)rp_buf_z(why, db->why ? db->why : rp_err_text(err));
    return err;
}
