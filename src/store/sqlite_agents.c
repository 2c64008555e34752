/* SQLite: agents and conversations. Contracts stand in store.h. */
#include "base/arena.h"
#include "base/err.h"
#include "store/sqlite.h"

/* ---- agents ---- */

#define AGENT_COLUMNS                                                                              \
    "id, name, type, template_id, revision, created_ms, updated_ms, previous_until_ms"
#define AGENT_SEALED "config_sealed, secret_sealed, secret_pending_sealed, secret_previous_sealed"

static void read_agent(struct rp_rows *r, struct rp_store_agent *a)
{
    a->id = rp_rows_z(r);
    a->name = rp_rows_z(r);
    a->type = rp_rows_z(r);
    a->template_id = rp_rows_z(r);
    a->revision = rp_rows_int(r);
    a->created_ms = rp_rows_int(r);
    a->updated_ms = rp_rows_int(r);
    a->previous_until_ms = rp_rows_int(r);
}

static void read_agent_sealed(struct rp_rows *r, struct rp_store_agent *a)
{
    a->config = rp_rows_sealed(r, "agents.config", a->id);
    a->secret = rp_rows_sealed(r, "agents.secret", a->id).p;
    a->secret_pending = rp_rows_sealed(r, "agents.secret", a->id).p;
    a->secret_previous = rp_rows_sealed(r, "agents.secret", a->id).p;
}

int rp_sqlite_read_agent(struct rp_db *db, struct rp_arena *mem, const char *id,
                         struct rp_store_agent *out)
{
    struct rp_rows r;
    bool found;
    int err = rp_db_query(&r, db, mem,
                          "SELECT " AGENT_COLUMNS ", " AGENT_SEALED
                          " FROM agents WHERE id = ?1 AND deleted_ms IS NULL",
                          RP_DB_ARGS(rp_arg_z(id)));

    if (err)
        return err;
    found = rp_rows_next(&r);
    if (found) {
        read_agent(&r, out);
        read_agent_sealed(&r, out);
    }
    err = rp_rows_end(&r);
    if (!err && !found)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such agent");
    return err;
}

static int any_agent(struct rp_db *db, bool *any)
{
    struct rp_rows r;
    int err = rp_db_query(&r, db, NULL, "SELECT 1 FROM agents LIMIT 1", NULL, 0);

    if (err)
        return err;
    *any = rp_rows_next(&r);
    return rp_rows_end(&r);
}

int rp_sqlite_agent_create(struct rp_db *db, struct rp_store_agent_create *q)
{
    struct rp_store_agent *a = &q->agent;
    bool any = false;
    int err = 0;

    if (q->only_first)
        err = any_agent(db, &any);
    if (err)
        return err;
    if (any)
        return rp_sqlite_refuse(db, RP_EEXIST, "there is an agent already");
    a->revision = 1;
    a->updated_ms = a->created_ms;
    err = rp_db_run(
        db, &q->req.mem,
        "INSERT INTO agents (id, name, type, template_id, config_sealed, secret_sealed, revision, "
        "created_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?7)",
        RP_DB_ARGS(rp_arg_z(a->id), rp_arg_z(a->name), rp_arg_z(a->type), rp_arg_z(a->template_id),
                   rp_arg_sealed(a->config, "agents.config", a->id),
                   rp_arg_sealed_z(a->secret, "agents.secret", a->id), rp_arg_int(a->created_ms)));
    return err < 0 ? err : 0;
}

int rp_sqlite_agent_get(struct rp_db *db, struct rp_store_agent_get *q)
{
    return rp_sqlite_read_agent(db, &q->req.mem, q->id, &q->agent);
}

int rp_sqlite_agent_list(struct rp_db *db, struct rp_store_agent_list *q)
{
    struct rp_where w = {.len = 0};
    struct rp_rows r;
    size_t limit;
    int err;

    rp_where_add(&w, "SELECT " AGENT_COLUMNS " FROM agents WHERE deleted_ms IS NULL");
    limit = rp_where_page(&w, "id", &q->page);
    q->agents = rp_arena_zalloc(&q->req.mem, limit * sizeof(*q->agents));
    if (!q->agents)
        return RP_ENOMEM;
    err = rp_db_query(&r, db, &q->req.mem, w.sql, w.args, w.nargs);
    if (err)
        return err;
    while (rp_rows_next(&r)) {
        q->page.more = q->n == limit;
        if (q->page.more)
            break;
        read_agent(&r, &q->agents[q->n++]);
    }
    return rp_rows_end(&r);
}

int rp_sqlite_agent_update(struct rp_db *db, struct rp_store_agent_update *q)
{
    int n = rp_db_run(db, &q->req.mem,
                      "UPDATE agents SET name = coalesce(?2, name), "
                      "config_sealed = coalesce(?3, config_sealed), updated_ms = ?4, "
                      "revision = revision + 1 "
                      "WHERE id = ?1 AND deleted_ms IS NULL AND (?5 = 0 OR revision = ?5)",
                      RP_DB_ARGS(rp_arg_z(q->id), rp_arg_z(q->name),
                                 rp_arg_sealed(q->config, "agents.config", q->id),
                                 rp_arg_int(q->now_ms), rp_arg_int(q->if_revision)));
    int err = n < 0 ? n : rp_sqlite_read_agent(db, &q->req.mem, q->id, &q->agent);

    if (!err && n == 0)
        return rp_sqlite_refuse(db, RP_EEXIST, "somebody else changed the agent meanwhile");
    return err;
}

int rp_sqlite_agent_delete(struct rp_db *db, struct rp_store_agent_delete *q)
{
    int n = rp_db_run(db, NULL,
                      "UPDATE agents SET deleted_ms = ?2 WHERE id = ?1 AND deleted_ms IS NULL",
                      RP_DB_ARGS(rp_arg_z(q->id), rp_arg_int(q->now_ms)));

    if (n == 0)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such agent");
    if (n < 0)
        return n;
    return rp_sqlite_end_unused(db, &q->req.mem, "agent_id", q->id, RP_STORE_END_DELETED, q->now_ms,
                                &q->ended, &q->nended);
}

/* The secrets of `a` after the change; RP_EDENIED with db->why. */
static int change_secret(struct rp_db *db, const struct rp_store_agent_secret *q,
                         struct rp_store_agent *a)
{
    switch (q->change) {
    case RP_STORE_SECRET_ROTATE:
        a->secret_pending = q->secret;
        return 0;
    case RP_STORE_SECRET_ACTIVATE:
        if (!a->secret_pending)
            return rp_sqlite_refuse(db, RP_EDENIED, "no secret is pending: rotate it first");
        a->secret_previous = a->secret;
        a->previous_until_ms = q->now_ms + q->keep_ms;
        a->secret = a->secret_pending;
        a->secret_pending = NULL;
        return 0;
    case RP_STORE_SECRET_RESTORE:
        if (!a->secret_previous || a->previous_until_ms <= q->now_ms)
            return rp_sqlite_refuse(db, RP_EDENIED,
                                    "there is no previous secret (any more) to put back");
        a->secret_pending = a->secret;
        a->secret = a->secret_previous;
        a->secret_previous = NULL;
        a->previous_until_ms = -1;
        return 0;
    case RP_STORE_SECRET_DROP:
        a->secret_pending = NULL;
        return 0;
    }
    return rp_sqlite_refuse(db, RP_EINVAL, "no such change of a secret");
}

int rp_sqlite_agent_secret(struct rp_db *db, struct rp_store_agent_secret *q)
{
    struct rp_store_agent *a = &q->agent;
    int err = rp_sqlite_read_agent(db, &q->req.mem, q->id, a);

    if (!err)
        err = change_secret(db, q, a);
    if (err)
        return err;
    a->updated_ms = q->now_ms;
    err = rp_db_run(db, &q->req.mem,
                    "UPDATE agents SET secret_sealed = ?2, secret_pending_sealed = ?3, "
                    "secret_previous_sealed = ?4, previous_until_ms = ?5, updated_ms = ?6 "
                    "WHERE id = ?1",
                    RP_DB_ARGS(rp_arg_z(q->id), rp_arg_sealed_z(a->secret, "agents.secret", q->id),
                               rp_arg_sealed_z(a->secret_pending, "agents.secret", q->id),
                               rp_arg_sealed_z(a->secret_previous, "agents.secret", q->id),
                               rp_arg_int_opt(a->previous_until_ms), rp_arg_int(q->now_ms)));
    return err < 0 ? err : 0;
}

/* ---- conversations ---- */

#define CONVERSATION_COLUMNS                                                                       \
    "id, agent_id, custom_metadata, custom_headers_sealed, created_ms, updated_ms, "               \
    "(SELECT count(*) FROM sessions s WHERE s.conversation_id = conversations.id)"

static void read_conversation(struct rp_rows *r, struct rp_store_conversation *c)
{
    c->id = rp_rows_z(r);
    c->agent_id = rp_rows_z(r);
    c->custom_metadata = rp_rows_str(r);
    c->custom_headers = rp_rows_sealed(r, "conversations.custom_headers", c->id);
    c->created_ms = rp_rows_int(r);
    c->updated_ms = rp_rows_int(r);
    c->sessions = rp_rows_int(r);
}

int rp_sqlite_read_conversation(struct rp_db *db, struct rp_arena *mem, const char *id,
                                struct rp_store_conversation *out)
{
    struct rp_rows r;
    bool found;
    int err =
        rp_db_query(&r, db, mem, "SELECT " CONVERSATION_COLUMNS " FROM conversations WHERE id = ?1",
                    RP_DB_ARGS(rp_arg_z(id)));

    if (err)
        return err;
    found = rp_rows_next(&r);
    if (found)
        read_conversation(&r, out);
    err = rp_rows_end(&r);
    if (!err && !found)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such conversation");
    return err;
}

int rp_sqlite_conversation_get(struct rp_db *db, struct rp_store_conversation_get *q)
{
    return rp_sqlite_read_conversation(db, &q->req.mem, q->id, &q->conversation);
}

int rp_sqlite_conversation_list(struct rp_db *db, struct rp_store_conversation_list *q)
{
    struct rp_where w = {.len = 0};
    struct rp_rows r;
    size_t limit;
    int err;

    rp_where_add(&w, "SELECT " CONVERSATION_COLUMNS " FROM conversations WHERE 1");
    if (q->agent_id)
        rp_where_arg(&w, " AND agent_id = ?", rp_arg_z(q->agent_id));
    limit = rp_where_page(&w, "id", &q->page);
    q->conversations = rp_arena_zalloc(&q->req.mem, limit * sizeof(*q->conversations));
    if (!q->conversations)
        return RP_ENOMEM;
    err = rp_db_query(&r, db, &q->req.mem, w.sql, w.args, w.nargs);
    if (err)
        return err;
    while (rp_rows_next(&r)) {
        q->page.more = q->n == limit;
        if (q->page.more)
            break;
        read_conversation(&r, &q->conversations[q->n++]);
    }
    return rp_rows_end(&r);
}

int rp_sqlite_conversation_update(struct rp_db *db, struct rp_store_conversation_update *q)
{
    int n = rp_db_run(
        db, &q->req.mem,
        "UPDATE conversations SET custom_metadata = coalesce(?2, custom_metadata), "
        "custom_headers_sealed = coalesce(?3, custom_headers_sealed), updated_ms = ?4 "
        "WHERE id = ?1",
        RP_DB_ARGS(rp_arg_z(q->id), rp_arg_str(q->custom_metadata),
                   rp_arg_sealed(q->custom_headers, "conversations.custom_headers", q->id),
                   rp_arg_int(q->now_ms)));

    if (n == 0)
        return rp_sqlite_refuse(db, RP_ENOTFOUND, "there is no such conversation");
    return n < 0 ? n : 0;
}
