-- The first schema. Times are milliseconds since 1970 (UTC); columns named *_sealed are encrypted
-- by the vault, which is also where provider keys and authorization headers inside configs hide.
-- A migration that has been released is never edited: its checksum is kept in schema_migrations.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE agents (
    id                     TEXT PRIMARY KEY,
    name                   TEXT NOT NULL,
    type                   TEXT NOT NULL,
    template_id            TEXT,
    config_sealed          BLOB NOT NULL,
    secret_sealed          BLOB NOT NULL,
    secret_pending_sealed  BLOB,
    secret_previous_sealed BLOB,
    previous_until_ms      INTEGER,
    revision               INTEGER NOT NULL,
    created_ms             INTEGER NOT NULL,
    updated_ms             INTEGER NOT NULL,
    deleted_ms             INTEGER
) STRICT;

CREATE TABLE conversations (
    id                    TEXT PRIMARY KEY,
    agent_id              TEXT NOT NULL REFERENCES agents (id),
    custom_metadata       TEXT,
    custom_headers_sealed BLOB,
    created_ms            INTEGER NOT NULL,
    updated_ms            INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_by_agent ON conversations (agent_id, id);

-- status: 0 authorized (the key may open a socket), 1 live, 2 ended.
CREATE TABLE sessions (
    id                 TEXT PRIMARY KEY,
    conversation_id    TEXT NOT NULL REFERENCES conversations (id),
    agent_id           TEXT NOT NULL REFERENCES agents (id),
    status             INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),
    key_hash           BLOB NOT NULL,
    key_expires_ms     INTEGER NOT NULL,
    node_id            TEXT,
    channel            TEXT,
    sdk_version        TEXT,
    config_sealed      BLOB,
    metadata           TEXT,
    from_phone_number  TEXT,
    from_phone_country TEXT,
    to_phone_number    TEXT,
    to_phone_country   TEXT,
    ip_address         TEXT,
    country_code       TEXT,
    authorized_ms      INTEGER NOT NULL,
    started_ms         INTEGER,
    ended_ms           INTEGER,
    duration_ms        INTEGER,
    transcription_s    REAL,
    tts_s              REAL,
    latency_ms         INTEGER,
    end_reason         TEXT,
    recording_status   TEXT
) STRICT;
CREATE UNIQUE INDEX sessions_by_key ON sessions (key_hash);
CREATE INDEX sessions_by_agent ON sessions (agent_id, id);
CREATE INDEX sessions_by_conversation ON sessions (conversation_id, id);
CREATE INDEX sessions_unused ON sessions (key_expires_ms) WHERE status = 0;
CREATE INDEX sessions_live ON sessions (node_id) WHERE status = 1;

CREATE TABLE turns (
    session_id TEXT NOT NULL REFERENCES sessions (id),
    seq        INTEGER NOT NULL,
    assistant  INTEGER NOT NULL,
    flags      INTEGER NOT NULL,
    turn_id    TEXT NOT NULL,
    text       TEXT NOT NULL,
    heard      TEXT,
    begin_ms   INTEGER,
    end_ms     INTEGER,
    wall_ms    INTEGER NOT NULL,
    latency_ms INTEGER,
    latency    TEXT,
    data       TEXT,
    PRIMARY KEY (session_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    hint         TEXT NOT NULL,
    hash         BLOB NOT NULL UNIQUE,
    created_ms   INTEGER NOT NULL,
    last_used_ms INTEGER,
    revoked_ms   INTEGER
) STRICT;

-- Outlives what it is about: no references.
CREATE TABLE webhook_log (
    id             TEXT PRIMARY KEY,
    agent_id       TEXT,
    session_id     TEXT,
    turn_id        TEXT,
    type           TEXT NOT NULL,
    url            TEXT NOT NULL,
    started_ms     INTEGER NOT NULL,
    status         INTEGER NOT NULL,
    code           TEXT,
    why            TEXT,
    resolved_us    INTEGER,
    connected_us   INTEGER,
    sent_us        INTEGER,
    first_byte_us  INTEGER,
    done_us        INTEGER,
    sent_bytes     INTEGER NOT NULL,
    received_bytes INTEGER NOT NULL,
    request        TEXT,
    response       TEXT
) STRICT;
CREATE INDEX webhook_log_by_agent ON webhook_log (agent_id, id);
CREATE INDEX webhook_log_by_session ON webhook_log (session_id, id);

CREATE TABLE login_links (
    token_hash BLOB PRIMARY KEY,
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    used_ms    INTEGER
) STRICT;

CREATE TABLE web_sessions (
    cookie_hash BLOB PRIMARY KEY,
    role        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    ip_address  TEXT,
    user_agent  TEXT
) STRICT;
