/* SQLite: API keys, login links and web sessions. Contracts stand in store.h. */
#include "base/arena.h"
#include "base/err.h"
#include "store/sqlite.h"

#define KEY_COLUMNS "id, name, hint, created_ms, last_used_ms, revoked_ms"

static void read_key(struct rp_rows *r, struct rp_store_key *k)
{
    k->id = rp_rows_z(r);
    k->name = rp_rows_z(r);
    k->hint = rp_rows_z(r);
    k->created_ms = rp_rows_int(r);
    k->last_used_ms = rp_rows_int(r);
    k->revoked_ms = rp_rows_int(r);
}

int rp_sqlite_key_create(struct rp_db *db, struct rp_store_key_create *q)
{
    int n = rp_db_run(db, NULL,
                      "INSERT INTO api_keys (id, name, hint, hash, created_ms) "
                      "VALUES (?1, ?2, ?3, ?4, ?5)",
                      RP_DB_ARGS(rp_arg_z(q->key.id), rp_arg_z(q->key.name), rp_arg_z(q->key.hint),
                                 rp_arg_hash(&q->hash), rp_arg_int(q->key.created_ms)));

    return n < 0 ? n : 0;
}

int rp_sqlite_key_list(struct rp_db *db, struct rp_store_key_list *q)
{
    struct rp_where w = {.len = 0};
    struct rp_rows r;
    size_t limit;
    int err;

    rp_where_add(&w, "SELECT " KEY_COLUMNS " FROM api_keys WHERE 1");
    limit = rp_where_page(&w, "id", &q->page);
    q->keys = rp_arena_zalloc(&q->req.mem, limit * sizeof(*q->keys));
    if (!q->keys)
        return RP_ENOMEM;
    err = rp_db_query(&r, db, &q->req.mem, w.sql, w.args, w.nargs);
    if (err)
        return err;
    while (rp_rows_next(&r)) {
        q->page.more = q->n == limit;
        if (q->page.more)
            break;
        read_key(&r, &q->keys[q->n++]);
    }
    return rp_rows_end(&r);
}

int rp_sqlite_key_revoke(struct rp_db *db, struct rp_store_key_revoke *q)
{
    int n = rp_db_run(db, NULL,
                      "UPDATE api_keys SET revoked_ms = ?2 WHERE id = ?1 AND revoked_ms IS NULL",
                      RP_DB_ARGS(rp_arg_z(q->id), rp_arg_int(q->now_ms)));

    if (n == 0)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such key");
    return n < 0 ? n : 0;
}

int rp_sqlite_key_check(struct rp_db *db, struct rp_store_key_check *q)
{
    struct rp_rows r;
    bool found;
    int err =
        rp_db_query(&r, db, &q->req.mem,
                    "SELECT " KEY_COLUMNS " FROM api_keys WHERE hash = ?1 AND revoked_ms IS NULL",
                    RP_DB_ARGS(rp_arg_hash(&q->hash)));

    if (err)
        return err;
    found = rp_rows_next(&r);
    if (found)
        read_key(&r, &q->key);
    err = rp_rows_end(&r);
    if (!err && !found)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such key");
    return err;
}

int rp_sqlite_key_used(struct rp_db *db, struct rp_store_key_used *q)
{
    int n = rp_db_run(db, NULL,
                      "UPDATE api_keys SET last_used_ms = max(?2, coalesce(last_used_ms, 0)) "
                      "WHERE id = ?1",
                      RP_DB_ARGS(rp_arg_z(q->id), rp_arg_int(q->now_ms)));

    return n < 0 ? n : 0;
}

/* ---- login ---- */

int rp_sqlite_login_link_create(struct rp_db *db, struct rp_store_login_link_create *q)
{
    int n = rp_db_run(db, NULL, "DELETE FROM login_links WHERE expires_ms <= ?1",
                      RP_DB_ARGS(rp_arg_int(q->created_ms)));

    if (n >= 0)
        n = rp_db_run(db, NULL, "DELETE FROM web_sessions WHERE expires_ms <= ?1",
                      RP_DB_ARGS(rp_arg_int(q->created_ms)));
    if (n >= 0)
        n = rp_db_run(db, NULL,
                      "INSERT INTO login_links (token_hash, created_ms, expires_ms) "
                      "VALUES (?1, ?2, ?3)",
                      RP_DB_ARGS(rp_arg_hash(&q->token), rp_arg_int(q->created_ms),
                                 rp_arg_int(q->expires_ms)));
    return n < 0 ? n : 0;
}

/* Why the link was not to be had. */
static int refuse_link(struct rp_db *db, struct rp_store_login_link_claim *q)
{
    struct rp_rows r;
    bool found, used = false;
    int err = rp_db_query(&r, db, NULL, "SELECT used_ms FROM login_links WHERE token_hash = ?1",
                          RP_DB_ARGS(rp_arg_hash(&q->token)));

    if (err)
        return err;
    found = rp_rows_next(&r);
    if (found)
        used = rp_rows_int(&r) >= 0;
    err = rp_rows_end(&r);
    if (err)
        return err;
    if (!found)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such link");
    return rp_sqlite_refuse(db, RP_EDENIED,
                            used ? "the link has been used" : "the link has expired");
}

int rp_sqlite_login_link_claim(struct rp_db *db, struct rp_store_login_link_claim *q)
{
    int n = rp_db_run(db, NULL,
                      "UPDATE login_links SET used_ms = ?2 "
                      "WHERE token_hash = ?1 AND used_ms IS NULL AND expires_ms > ?2",
                      RP_DB_ARGS(rp_arg_hash(&q->token), rp_arg_int(q->now_ms)));

    if (n == 0)
        return refuse_link(db, q);
    if (n > 0)
        n = rp_db_run(db, NULL,
                      "INSERT INTO web_sessions (cookie_hash, role, created_ms, expires_ms, "
                      "ip_address, user_agent) VALUES (?1, 'owner', ?2, ?3, ?4, ?5)",
                      RP_DB_ARGS(rp_arg_hash(&q->cookie), rp_arg_int(q->now_ms),
                                 rp_arg_int(q->expires_ms), rp_arg_z(q->ip_address),
                                 rp_arg_z(q->user_agent)));
    return n < 0 ? n : 0;
}

int rp_sqlite_web_session_check(struct rp_db *db, struct rp_store_web_session_check *q)
{
    struct rp_rows r;
    bool found;
    int err = rp_db_query(&r, db, &q->req.mem,
                          "SELECT role, created_ms, expires_ms FROM web_sessions "
                          "WHERE cookie_hash = ?1 AND expires_ms > ?2",
                          RP_DB_ARGS(rp_arg_hash(&q->cookie), rp_arg_int(q->now_ms)));

    if (err)
        return err;
    found = rp_rows_next(&r);
    if (found) {
        q->role = rp_rows_z(&r);
        q->created_ms = rp_rows_int(&r);
        q->expires_ms = rp_rows_int(&r);
    }
    err = rp_rows_end(&r);
    if (!err && !found)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "you are not signed in, or no longer");
    return err;
}

int rp_sqlite_web_session_delete(struct rp_db *db, struct rp_store_web_session_delete *q)
{
    int n = rp_db_run(db, NULL, "DELETE FROM web_sessions WHERE cookie_hash = ?1",
                      RP_DB_ARGS(rp_arg_hash(&q->cookie)));

    return n < 0 ? n : 0;
}
