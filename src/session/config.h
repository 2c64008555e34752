/* The config of an agent or a session, parsed and checked as a whole.
 *
 * What users write is JSON (PROTOCOL 2, "Agent config"); this turns it into a struct whose every
 * field is in range, or into the list of all that is wrong with it, each naming its field:
 *
 *     plugins[2].options.url: must begin with https:// or http://
 *
 * One table of rows (config_table.c) is parser, ranges, defaults, docs and later the form of the
 * dashboard. A parsed config is immutable and lives in the arena it was parsed into; its strings
 * end in NUL (`.p` may be used as a C string where the contract of the field excludes NUL bytes:
 * all but texts to be spoken do). No I/O, no globals: a function of its input. */
#ifndef RP_SESSION_CONFIG_H
#define RP_SESSION_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "codec/json.h"
#include "turn/options.h"

#define RP_CONFIG_MAX (256u << 10) /* bytes of JSON */

/* Events of agent.webhook (`message` is always on) and of session_webhook. */
enum rp_config_event {
    RP_CONFIG_MESSAGE = 1 << 0,
    RP_CONFIG_DATA = 1 << 1,
    RP_CONFIG_WELCOME = 1 << 2,
    RP_CONFIG_SESSION_START = 1 << 3, /* agent.webhook: the greeting's older name */
    RP_CONFIG_SESSION_END = 1 << 4,
    RP_CONFIG_SESSION_UPDATE = 1 << 5,
};

/* Where requests go. Absent headers and metadata are NULL; both are objects, header values strings
 * that were checked (no CR, LF; none of ours overridden). */
struct rp_config_hook {
    struct rp_str url; /* p == NULL: none */
    unsigned events;   /* of enum rp_config_event; 0 without a URL */
    const struct rp_json *custom_headers, *custom_metadata;
    int64_t connect_timeout_ms, first_byte_timeout_ms, idle_timeout_ms; /* agent.webhook only */
};

enum rp_config_agent {
    RP_CONFIG_DEMO, /* neither of the two below */
    RP_CONFIG_WEBHOOK,
    RP_CONFIG_LLM,
};

struct rp_config_llm {
    struct rp_str provider, model_id, system_prompt, welcome_message, base_url, api_key;
};

/* A speech engine as it was asked for; which one runs is the registry's choice. Strings absent in
 * the config have p == NULL. */
struct rp_config_engine {
    struct rp_str provider; /* "deepgram", "local" …, without "stt."; p == NULL: no plugin */
    struct rp_str model_id, language, api_key;
    struct rp_str voice_id; /* TTS */
};

/* Hints for the VAD in the browser, passed on to it. */
struct rp_config_vad {
    bool given; /* the config says something about it */
    bool enabled, gate_audio;
    int64_t buffer_frames, redemption_frames, min_speech_frames, pre_speech_pad_frames;
    int64_t frame_samples;
    double positive_speech_threshold, negative_speech_threshold;
    struct rp_str model;
};

enum rp_config_recording {
    RP_CONFIG_RECORDING_DEFAULT,
    RP_CONFIG_RECORDING_ON,
    RP_CONFIG_RECORDING_OFF
};

struct rp_config {
    const struct rp_json *tree;     /* as it was given */
    bool browser, twilio;           /* clients */
    const struct rp_json *metadata; /* object or NULL */
    struct rp_config_hook session_webhook;
    int64_t max_duration_ms; /* session_duration_timeout_minutes */
    struct rp_config_vad vad;
    enum rp_config_recording recording;
    enum rp_config_agent agent;
    struct rp_config_hook webhook; /* WEBHOOK */
    struct rp_config_llm llm;      /* LLM */
    struct rp_config_engine stt, tts;
    struct rp_turn_options turn; /* of turn_manager; turn/options.h has the table */
};

/* What this server can do; the parser warns about (or with `strict` refuses) the rest. */
struct rp_config_rules {
    bool strict; /* RIPOSTE_STRICT_ENGINES */
    /* Whether there is an engine (and a key) for that provider. NULL: only "local". */
    bool (*has_stt)(struct rp_str provider, void *arg);
    bool (*has_tts)(struct rp_str provider, void *arg);
    bool (*has_llm)(struct rp_str provider, void *arg);
    void *arg;
};

#define RP_CONFIG_FINDINGS 32 /* kept of each kind */

struct rp_config_finding {
    const char *path; /* "plugins[2].options.url"; "" is the config itself */
    const char *text; /* "must be …"; a sentence without a full stop, with the remedy */
};

/* All that was found, up to a bound; strings live in the arena. Zero it before use. */
struct rp_config_report {
    struct rp_config_finding errors[RP_CONFIG_FINDINGS], warnings[RP_CONFIG_FINDINGS];
    size_t nerrors, nwarnings; /* those kept */
    size_t more_errors;        /* further ones, not kept */
};

/* Parses and checks. `rules` may be NULL (only local engines, not strict). On 0 *out lives in the
 * arena and borrows from `tree`, which should live there too; the report may have warnings.
 * RP_EPROTO: the report has at least one error. RP_ENOMEM, RP_ELIMIT: the arena is full. */
int rp_config_parse(const struct rp_config **out, struct rp_arena *a, const struct rp_json *tree,
                    const struct rp_config_rules *rules, struct rp_config_report *report);
/* The same from text. Not JSON, or longer than RP_CONFIG_MAX, is an error in the report too. */
int rp_config_parse_text(const struct rp_config **out, struct rp_arena *a, struct rp_str json,
                         const struct rp_config_rules *rules, struct rp_config_report *report);
/* All errors in one sentence or several, for {"error": …}: "path: text; path: text; and 3 more". */
void rp_config_report_text(struct rp_buf *b, const struct rp_config_report *report);

/* The object that authorize_session answers as `config` (what the browser SDK reads). */
void rp_config_write_client(struct rp_jw *w, const struct rp_config *c);

/* NULL if `text` may be a webhook's, else the rest of a sentence about it, "must …" (static). Names
 * are not resolved here: what they resolve to is checked when connecting. */
const char *rp_config_check_url(struct rp_str text);

/* Configs to begin with. */
struct rp_config_template {
    const char *id, *name, *help;
    const char *config; /* JSON text */
};
/* NULL behind the last one. */
const struct rp_config_template *rp_config_template_get(size_t i);
/* The config of the template with that id (NULL: "default"), static; p == NULL: there is none. */
struct rp_str rp_config_template(const char *id);

/* The table as documentation, one row a field (docs/config.md, the forms of the dashboard). */
struct rp_config_row {
    char path[96]; /* "plugins[turn_manager].options.min_silence_ms" */
    const char *type;
    char range[128];   /* "100 to 2000", "a|b", or "" */
    char fallback[96]; /* the default as text, "(required)", or "" */
    const char *help;
};
size_t rp_config_row_count(void);
void rp_config_row_get(size_t i, struct rp_config_row *out);

#endif
