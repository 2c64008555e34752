/* The server's options: one table feeds the command line, the environment, riposte.conf, --help and
 * the sample file.
 *
 * Later sources win: built-in default, riposte.conf, RIPOSTE_* variables, flags. Whatever is wrong
 * in any of them is reported together, with its place and what is accepted. */
#ifndef RP_APP_OPTIONS_H
#define RP_APP_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"

struct rp_options {
    const char *config;
    const char *listen;
    const char *data;
    const char *api_key;
    const char *public_url;
    const char *database_url;
    const char *speech, *speech_dir;
    const char *tls_cert, *tls_key;
    const char *log_level, *log_format, *log_components;
    int64_t shards, speech_workers;
    int64_t max_sessions, max_connections;
    int64_t drain_s;
    int64_t webhook_connect_ms, webhook_first_byte_ms, webhook_idle_ms;
    bool strict_engines;
    bool open_link; /* print a one-time sign-in link at the start */

    char **owned; /* strings made while parsing */
    size_t nowned;
};

/* Fills *o from the environment, a config file and `argv` (without the program's and the verb's
 * name). What is wrong is appended to `problems`, a line each: with any, RP_EINVAL is given. The
 * caller releases *o in either case. */
int rp_options_parse(struct rp_options *o, int argc, char **argv, struct rp_buf *problems);
void rp_options_fini(struct rp_options *o);

/* The options part of `riposte serve --help`. */
void rp_options_help(FILE *to);
/* A riposte.conf with every option commented out at its default. */
void rp_options_sample(FILE *to);

/* "127.0.0.1:8080", "[::1]:8080", ":8080" (all addresses); RP_EINVAL. `host` gets a copy. */
int rp_listen_parse(const char *listen, char host[static 64], uint16_t *port);

#endif
