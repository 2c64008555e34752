/* The table of config fields, and the parser's working state. Private to the config's files. */
#ifndef RP_SESSION_CONFIG_INT_H
#define RP_SESSION_CONFIG_INT_H

#include "session/config.h"

enum rp_config_kind {
    RP_CONFIG_BOOL,     /* bool */
    RP_CONFIG_SWITCH,   /* bool: a boolean, or {"enabled": boolean} */
    RP_CONFIG_ON_OFF,   /* enum rp_config_recording: a boolean */
    RP_CONFIG_INT,      /* int64_t: a whole number, times `scale` */
    RP_CONFIG_REAL,     /* double */
    RP_CONFIG_TEXT,     /* struct rp_str of `most` bytes at most, without NUL */
    RP_CONFIG_CHOICE,   /* struct rp_str: one of `choices` */
    RP_CONFIG_URL,      /* struct rp_str: "" counts as absent */
    RP_CONFIG_OBJECT,   /* const struct rp_json * */
    RP_CONFIG_HEADERS,  /* const struct rp_json *: an object that rp_headers_refused likes */
    RP_CONFIG_EVENTS,   /* unsigned: an array of `choices`, as bits of enum rp_config_event */
    RP_CONFIG_SECTION,  /* an object with the fields of `section` */
    RP_CONFIG_ANYTHING, /* looked at elsewhere */
};

#define RP_CONFIG_NOWHERE ((size_t)-1) /* offset of a field that is checked but not kept */

struct rp_config_field {
    const char *key;
    enum rp_config_kind kind;
    size_t offset; /* in the section's struct; of a SECTION in its parent's */
    double least, most;
    int64_t scale;        /* INT; 0: 1 */
    const char *choices;  /* "a|b|c" */
    const char *fallback; /* default, as text; NULL: zero, absent */
    bool required;
    bool secret; /* its value is not repeated in messages */
    const struct rp_config_section *section;
    const char *help;
};

struct rp_config_section {
    const char *doc_path; /* how the docs call it, "plugins[agent.webhook].options" */
    const struct rp_config_field *fields;
    size_t n;
};

/* What one kind of plugin is. */
enum rp_config_link {
    RP_CONFIG_LINK_STT,
    RP_CONFIG_LINK_TURN,
    RP_CONFIG_LINK_AGENT,
    RP_CONFIG_LINK_TTS
};

struct rp_config_plugin {
    const char *use; /* "agent.webhook" */
    enum rp_config_link link;
    const struct rp_config_section *options; /* NULL: turn_manager's, see turn/options.h */
    size_t offset;                           /* of the section's struct in rp_config */
};

extern const struct rp_config_section rp_config_root;
extern const struct rp_config_section rp_config_no_options;
extern const struct rp_config_plugin rp_config_plugins[];
extern const size_t rp_config_plugin_count;

/* Position of `word` in "a|b|c", or -1. */
int rp_config_choice(const char *choices, struct rp_str word);
/* The number of bits of an EVENTS field: position in this list. */
#define RP_CONFIG_EVENT_NAMES "message|data|welcome|session.start|session.end|session.update"

/* One finding; the path is the parser's present one. */
struct rp_config_parser {
    struct rp_arena *a;
    const struct rp_config_rules *rules;
    struct rp_config_report *report;
    char path[256];
    size_t path_len;
    int err; /* of memory */
};
void rp_config_error(struct rp_config_parser *p, const char *fmt, ...) RP_PRINTF(2, 3);
void rp_config_warn(struct rp_config_parser *p, const char *fmt, ...) RP_PRINTF(2, 3);
/* Adds to the path (".key", "[3]"), cut where it does not fit; returns what rp_config_leave takes.
 */
size_t rp_config_enter(struct rp_config_parser *p, const char *fmt, ...) RP_PRINTF(2, 3);
void rp_config_leave(struct rp_config_parser *p, size_t mark);

/* Every field of a section: defaults first, then what `obj` says; unknown keys are errors. `base`
 * is the section's struct. */
void rp_config_section_defaults(const struct rp_config_section *s, void *base);
void rp_config_section_parse(struct rp_config_parser *p, const struct rp_config_section *s,
                             const struct rp_json *obj, void *base);
/* The same for turn_manager's options. */
void rp_config_turn_parse(struct rp_config_parser *p, const struct rp_json *obj,
                          struct rp_turn_options *o);

#endif
