/* riposte serve: runs the server until a signal ends it.
 *
 * The main thread does nothing but wait for signals: SIGTERM and SIGINT drain (a second one ends at
 * once), SIGHUP reads the certificate again. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "app/options.h"
#include "app/server.h"
#include "app/verbs.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

#define PROBLEMS_MAX 65536

static void usage(void)
{
    (void)puts(
        "usage: riposte serve [options]\n\n"
        "Runs the server: REST, WebSockets and web pages on one port. Every option may also\n"
        "stand in riposte.conf (name = value) or in the environment (RIPOSTE_NAME, with _\n"
        "for -); flags win over the environment, that over the file.\n\noptions:");
    rp_options_help(stdout);
    (void)puts("\nsignals:\n"
               "  SIGTERM, SIGINT   no new sessions; live ones may finish (see --drain), then end\n"
               "  SIGHUP            read the TLS certificate again");
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

/* A call needs a socket for the caller and one for the backend. */
static void raise_descriptor_limit(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0)
        return;
    r.rlim_cur = r.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &r);
    (void)getrlimit(RLIMIT_NOFILE, &r);
    rp_log("app", RP_LOG_INFO, NULL, "up to %llu open files", (unsigned long long)r.rlim_cur);
}

static void block_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* Waits for one of the signals for at most `ms`; 0: none came. */
static int wait_signal(const sigset_t *set, int64_t ms)
{
    const struct timespec limit = {ms / 1000, ms % 1000 * 1000000};
    int sig = sigtimedwait(set, NULL, &limit);

    return sig > 0 ? sig : 0;
}

static void run(struct rp_server *server, const sigset_t *signals, int64_t drain_s)
{
    int64_t until;
    int sig;

    do {
        sig = wait_signal(signals, 3600000);
        if (sig == SIGHUP)
            rp_server_reload(server);
    } while (sig != SIGTERM && sig != SIGINT);

    rp_server_drain(server);
    rp_log("app", RP_LOG_INFO, NULL, "draining: %d live sessions may finish within %lld s",
           rp_server_live_sessions(server), (long long)drain_s);
    until = rp_now_us() + drain_s * 1000000;
    while (rp_server_live_sessions(server) > 0 && rp_now_us() < until) {
        sig = wait_signal(signals, 100);
        if (sig == SIGTERM || sig == SIGINT)
            break;
    }
}

static void announce(struct rp_server *server, const struct rp_options *o)
{
    char *link = o->open_link ? rp_server_owner_link(server) : NULL;

    (void)printf("listening on %s\n", rp_server_url(server));
    if (link)
        (void)printf("\n  Open this in a browser (it works once, for 15 minutes):\n\n    %s\n\n",
                     link);
    (void)fflush(stdout);
    rp_free(link);
}

static int serve(const struct rp_options *o)
{
    enum rp_log_level level;
    struct rp_server *server;
    sigset_t signals;
    char *why = NULL;
    int err;

    block_signals(&signals); /* before any thread is made: they inherit it */
    err = rp_log_level_parse(&level, o->log_level);
    if (!err)
        err = rp_log_start(level, strcmp(o->log_format, "json") == 0, o->log_components);
    if (err) {
        (void)fprintf(stderr, "riposte: logging cannot start: %s\n", rp_err_text(err));
        return 1;
    }
    raise_descriptor_limit();
    err = rp_server_new(&server, o, &why);
    if (err) {
        rp_log_stop();
        (void)fprintf(stderr, "riposte: cannot start: %s\n", why ? why : rp_err_text(err));
        rp_free(why);
        return 1;
    }
    announce(server, o);
    run(server, &signals, o->drain_s);
    rp_server_free(server);
    rp_log("app", RP_LOG_INFO, NULL, "ended");
    rp_log_stop();
    return 0;
}

int rp_verb_serve(int argc, char **argv)
{
    struct rp_options options;
    struct rp_buf problems;
    int status;

    if (wants_help(argc, argv)) {
        usage();
        return 0;
    }
    rp_buf_init(&problems, PROBLEMS_MAX);
    if (rp_options_parse(&options, argc, argv, &problems) != 0) {
        (void)fprintf(stderr, "riposte: these options are not right:\n%s", problems.p);
        status = 2;
    } else {
        status = serve(&options);
    }
    rp_buf_fini(&problems);
    rp_options_fini(&options);
    return status;
}
