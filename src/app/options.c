/* The server's options; see options.h. Adding one is a field there and a row here. */
#include "app/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

enum type { TEXT, NUMBER, FLAG, CHOICE };

struct row {
    const char *name; /* --name, RIPOSTE_NAME, name = … */
    enum type type;
    size_t offset;
    const char *value;   /* default, as one would write it; NULL: none */
    int64_t min, max;    /* NUMBER */
    const char *unit;    /* NUMBER, or what the value is */
    const char *choices; /* CHOICE: "a|b" */
    bool secret;         /* the value is never printed */
    const char *help;
};

#define AT(field) offsetof(struct rp_options, field)

static const struct row rows[] = {
    {"config", TEXT, AT(config), NULL, 0, 0, "FILE", NULL, false,
     "Read options from FILE (default: riposte.conf, if there is one)."},
    {"listen", TEXT, AT(listen), "127.0.0.1:8080", 0, 0, "HOST:PORT", NULL, false,
     "Address and port to serve on; port 0 takes any free one."},
    {"data", TEXT, AT(data), "data", 0, 0, "DIR", NULL, false,
     "Folder of the database and everything else that is kept."},
    {"api-key", TEXT, AT(api_key), NULL, 0, 0, "KEY", NULL, true,
     "An API key accepted from the first start (at least 16 characters)."},
    {"public-url", TEXT, AT(public_url), NULL, 0, 0, "URL", NULL, false,
     "Where clients reach this server, if not at the address it listens on."},
    {"database-url", TEXT, AT(database_url), NULL, 0, 0, "URL", NULL, true,
     "Database to use instead of the SQLite file in the data folder."},
    {"speech", CHOICE, AT(speech), "on", 0, 0, NULL, "on|off", false,
     "off: nothing is recognised or spoken; to measure what the rest costs."},
    {"speech-dir", TEXT, AT(speech_dir), NULL, 0, 0, "DIR", NULL, false,
     "Folder of the speech pack (default: beside the program)."},
    {"tls-cert", TEXT, AT(tls_cert), NULL, 0, 0, "FILE", NULL, false,
     "Certificate chain in PEM; with tls-key this serves HTTPS. Read again on SIGHUP."},
    {"tls-key", TEXT, AT(tls_key), NULL, 0, 0, "FILE", NULL, false,
     "Private key of the certificate, in PEM."},
    {"shards", NUMBER, AT(shards), "0", 0, 256, "threads", NULL, false,
     "Event loops that carry the calls; 0: a quarter of the cores, at least one."},
    {"speech-workers", NUMBER, AT(speech_workers), "0", 0, 256, "threads", NULL, false,
     "Threads for recognition and synthesis; 0: the cores that the shards leave."},
    {"max-sessions", NUMBER, AT(max_sessions), "1000", 1, 1000000, "sessions", NULL, false,
     "Calls at a time; authorizing more is answered with 429."},
    {"max-connections", NUMBER, AT(max_connections), "10000", 1, 10000000, "connections", NULL,
     false, "Open sockets at a time; more are refused with 503."},
    {"drain", NUMBER, AT(drain_s), "30", 0, 86400, "s", NULL, false,
     "How long live calls may go on after SIGTERM."},
    {"webhook-connect-timeout", NUMBER, AT(webhook_connect_ms), "5000", 10, 600000, "ms", NULL,
     false, "Time to reach a backend."},
    {"webhook-first-byte-timeout", NUMBER, AT(webhook_first_byte_ms), "30000", 10, 600000, "ms",
     NULL, false, "Time for a backend to begin its answer."},
    {"webhook-idle-timeout", NUMBER, AT(webhook_idle_ms), "30000", 10, 600000, "ms", NULL, false,
     "Longest pause within a backend's answer."},
    {"strict-engines", FLAG, AT(strict_engines), "no", 0, 0, NULL, NULL, false,
     "Refuse agents whose speech providers this server does not have, instead of using the local "
     "engines."},
    {"log-level", CHOICE, AT(log_level), "info", 0, 0, NULL, "debug|info|warn|error", false,
     "Least severity of the lines written."},
    {"log-format", CHOICE, AT(log_format), "text", 0, 0, NULL, "text|json", false,
     "Shape of the lines."},
    {"log-components", TEXT, AT(log_components), NULL, 0, 0, "LIST", NULL, false,
     "Exceptions to log-level, as net=debug,turn=warn."},
    {"open-link", FLAG, AT(open_link), "yes", 0, 0, NULL, NULL, false,
     "Print a link, good for one sign-in, when the server has started."},
};

struct parse {
    struct rp_options *o;
    struct rp_buf *problems;
};

static const char *keep(struct rp_options *o, struct rp_str s)
{
    char **owned = rp_realloc(o->owned, (o->nowned + 1) * sizeof(*owned));
    char *copy = rp_strndup(s.len ? s.p : "", s.len);

    if (!owned || !copy) {
        (void)fputs("riposte: out of memory at the start\n", stderr);
        exit(1);
    }
    o->owned = owned;
    o->owned[o->nowned++] = copy;
    return copy;
}

static void env_name(char out[static 64], const char *name)
{
    size_t i = (size_t)snprintf(out, 64, "RIPOSTE_");

    for (; *name && i < 63; name++)
        out[i++] = (char)(*name == '-' ? '_' : *name >= 'a' ? *name - 32 : *name);
    out[i] = '\0';
}

static const struct row *find_row(struct rp_str name)
{
    for (size_t i = 0; i < RP_COUNT(rows); i++)
        if (rp_str_eq_z(name, rows[i].name))
            return &rows[i];
    return NULL;
}

static bool is_choice(const char *choices, struct rp_str value)
{
    struct rp_str rest = rp_str_z(choices);

    while (rest.p)
        if (rp_str_eq(rp_str_split(&rest, '|'), value))
            return true;
    return false;
}

static int parse_flag(struct rp_str value, bool *out)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < RP_COUNT(yes); i++) {
        if (rp_str_eq_nocase(value, rp_str_z(yes[i])) || rp_str_eq_nocase(value, rp_str_z(no[i]))) {
            *out = rp_str_eq_nocase(value, rp_str_z(yes[i]));
            return 0;
        }
    }
    return RP_EINVAL;
}

/* Sets the row's field; `where` tells people which source held the value. */
static void set(struct parse *p, const struct row *row, struct rp_str value, const char *where)
{
    char *field = (char *)p->o + row->offset;
    int64_t number;
    bool flag;

    switch (row->type) {
    case TEXT: {
        const char *text = value.len ? keep(p->o, value) : NULL;
        memcpy(field, &text, sizeof(text));
        break;
    }
    case NUMBER:
        if (rp_str_to_i64(value, &number) != 0 || number < row->min || number > row->max)
            (void)rp_buf_printf(
                p->problems, "%s: \"%.*s\" is not a number from %lld to %lld (%s)\n", where,
                RP_STR_ARG(value), (long long)row->min, (long long)row->max, row->unit);
        else
            memcpy(field, &number, sizeof(number));
        break;
    case FLAG:
        if (parse_flag(value, &flag) != 0)
            (void)rp_buf_printf(p->problems, "%s: \"%.*s\" is neither yes nor no\n", where,
                                RP_STR_ARG(value));
        else
            memcpy(field, &flag, sizeof(flag));
        break;
    case CHOICE:
        if (!is_choice(row->choices, value)) {
            (void)rp_buf_printf(p->problems, "%s: \"%.*s\" is none of %s\n", where,
                                RP_STR_ARG(value), row->choices);
        } else {
            const char *text = keep(p->o, value);
            memcpy(field, &text, sizeof(text));
        }
        break;
    }
}

/* "name = value", # begins a comment line, values may stand in double quotes. */
static void parse_file(struct parse *p, const char *path, bool must_exist)
{
    FILE *f = fopen(path, "re");
    char line[4096], where[4200];
    int number = 0;

    if (!f) {
        if (must_exist || errno != ENOENT)
            (void)rp_buf_printf(p->problems, "config: cannot read %s: %s\n", path, strerror(errno));
        return;
    }
    while (fgets(line, sizeof(line), f)) {
        struct rp_str value = rp_str_trim(rp_str_z(line)), name;
        const struct row *row;
        number++;
        if (value.len == 0 || value.p[0] == '#')
            continue;
        if (rp_str_find(value, '=') < 0) {
            (void)rp_buf_printf(p->problems, "%s:%d: expected name = value\n", path, number);
            continue;
        }
        name = rp_str_trim(rp_str_split(&value, '='));
        value = rp_str_trim(value);
        if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
            value = rp_str_n(value.p + 1, value.len - 2);
        row = find_row(name);
        if (!row || row->offset == AT(config)) {
            (void)rp_buf_printf(p->problems, "%s:%d: there is no option \"%.*s\"\n", path, number,
                                RP_STR_ARG(name));
            continue;
        }
        (void)snprintf(where, sizeof(where), "%s:%d: %s", path, number, row->name);
        set(p, row, value, where);
    }
    (void)fclose(f);
}

/* Flags "--name value", "--name=value", and for yes/no ones "--name" and "--no-name". With
 * `only_config` everything but --config is passed over. */
static void parse_args(struct parse *p, int argc, char **argv, bool only_config)
{
    char where[80];

    for (int i = 0; i < argc; i++) {
        struct rp_str value = rp_str_z(argv[i]), name;
        const struct row *row;
        bool no = false;
        if (!rp_str_starts(value, RP_STR("--"))) {
            if (!only_config)
                (void)rp_buf_printf(p->problems, "\"%s\": options begin with --\n", argv[i]);
            continue;
        }
        name = rp_str_split(&value, '=');
        name = rp_str_from(name, 2);
        row = find_row(name);
        if (!row && rp_str_starts(name, RP_STR("no-"))) {
            row = find_row(rp_str_from(name, 3));
            no = row && row->type == FLAG && !value.p;
            row = no ? row : NULL;
        }
        if (!row) {
            if (!only_config)
                (void)rp_buf_printf(p->problems, "--%.*s: there is no such option\n",
                                    RP_STR_ARG(name));
            continue;
        }
        (void)snprintf(where, sizeof(where), "--%s", row->name);
        if (!value.p && row->type == FLAG) {
            value = no ? RP_STR("no") : RP_STR("yes");
        } else if (!value.p) {
            if (i + 1 == argc) {
                if (!only_config)
                    (void)rp_buf_printf(p->problems, "%s: a value is missing\n", where);
                continue;
            }
            value = rp_str_z(argv[++i]);
        }
        if (only_config == (row->offset == AT(config)))
            set(p, row, value, where);
    }
}

static void check_together(struct parse *p)
{
    const struct rp_options *o = p->o;
    char host[64];
    uint16_t port;

    if (rp_listen_parse(o->listen, host, &port) != 0)
        (void)rp_buf_printf(p->problems,
                            "listen: \"%s\" is not HOST:PORT with a numeric address, such as "
                            "127.0.0.1:8080 or [::]:8080\n",
                            o->listen);
    if (!o->tls_cert != !o->tls_key)
        (void)rp_buf_printf(p->problems, "tls-cert and tls-key belong together: %s is missing\n",
                            o->tls_cert ? "tls-key" : "tls-cert");
    if (o->api_key && strlen(o->api_key) < 16)
        (void)rp_buf_z(p->problems, "api-key: shorter than 16 characters\n");
    if (o->log_components && rp_log_set(RP_LOG_WARN, o->log_components) != 0)
        (void)rp_buf_printf(p->problems,
                            "log-components: \"%s\" is not a list such as net=debug,turn=warn\n",
                            o->log_components);
    if (o->public_url && strncmp(o->public_url, "http://", 7) != 0 &&
        strncmp(o->public_url, "https://", 8) != 0)
        (void)rp_buf_printf(p->problems,
                            "public-url: \"%s\" begins neither with http:// nor "
                            "https://\n",
                            o->public_url);
    if (o->database_url)
        (void)rp_buf_z(p->problems,
                       "database-url: this version keeps its data in SQLite only; leave it out\n");
}

int rp_options_parse(struct rp_options *o, int argc, char **argv, struct rp_buf *problems)
{
    struct parse p = {o, problems};
    char name[64];
    const char *env;

    *o = (struct rp_options){0};
    for (size_t i = 0; i < RP_COUNT(rows); i++)
        if (rows[i].value)
            set(&p, &rows[i], rp_str_z(rows[i].value), rows[i].name);
    env = getenv("RIPOSTE_CONFIG");
    if (env && *env)
        o->config = keep(o, rp_str_z(env));
    parse_args(&p, argc, argv, true);
    parse_file(&p, o->config ? o->config : "riposte.conf", o->config != NULL);
    for (size_t i = 0; i < RP_COUNT(rows); i++) {
        env_name(name, rows[i].name);
        env = getenv(name);
        if (env && *env && rows[i].offset != AT(config))
            set(&p, &rows[i], rp_str_z(env), name);
    }
    parse_args(&p, argc, argv, false);
    if (problems->len == 0)
        check_together(&p);
    return problems->len ? RP_EINVAL : 0;
}

void rp_options_fini(struct rp_options *o)
{
    for (size_t i = 0; i < o->nowned; i++) {
        rp_wipe(o->owned[i], strlen(o->owned[i]));
        rp_free(o->owned[i]);
    }
    rp_free(o->owned);
    *o = (struct rp_options){0};
}

void rp_options_help(FILE *to)
{
    for (size_t i = 0; i < RP_COUNT(rows); i++) {
        const struct row *r = &rows[i];
        char head[80];
        (void)snprintf(head, sizeof(head), r->type == FLAG ? "--[no-]%s" : "--%s %s", r->name,
                       r->choices ? r->choices : r->unit);
        (void)fprintf(to, "  %-38s %s", head, r->help);
        if (r->value && r->type == NUMBER)
            (void)fprintf(to, " (%s %s)", r->value, r->unit);
        else if (r->value)
            (void)fprintf(to, " (%s)", r->value);
        (void)fputc('\n', to);
    }
}

void rp_options_sample(FILE *to)
{
    (void)fputs("# riposte.conf: every option at its default. Flags (--name) and environment\n"
                "# variables (RIPOSTE_NAME, with _ for -) of the same name win over this file.\n",
                to);
    for (size_t i = 0; i < RP_COUNT(rows); i++) {
        const struct row *r = &rows[i];
        if (r->offset == AT(config))
            continue;
        (void)fprintf(to, "\n# %s", r->help);
        if (r->type == NUMBER)
            (void)fprintf(to, " %lld to %lld %s.", (long long)r->min, (long long)r->max, r->unit);
        else if (r->choices)
            (void)fprintf(to, " One of %s.", r->choices);
        (void)fprintf(to, "\n#%s = %s\n", r->name, r->value ? r->value : "");
    }
}

int rp_listen_parse(const char *listen, char host[static 64], uint16_t *port)
{
    const char *colon = strrchr(listen, ':');
    struct rp_str name;
    int64_t number;

    if (!colon || rp_str_to_i64(rp_str_z(colon + 1), &number) != 0 || number < 0 || number > 65535)
        return RP_EINVAL;
    name = rp_str_n(listen, (size_t)(colon - listen));
    if (name.len >= 2 && name.p[0] == '[' && name.p[name.len - 1] == ']')
        name = rp_str_n(name.p + 1, name.len - 2);
    else if (rp_str_find(name, ':') >= 0)
        return RP_EINVAL;
    if (name.len == 0)
        name = RP_STR("::");
    if (rp_str_eq_z(name, "localhost"))
        name = RP_STR("127.0.0.1");
    if (name.len >= 64)
        return RP_EINVAL;
    memcpy(host, name.p, name.len);
    host[name.len] = '\0';
    *port = (uint16_t)number;
    return 0;
}
