/* The entrance: finds the verb and runs it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/options.h"
#include "app/verbs.h"
#include "base/check.h"

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *args, *help;
} verbs[] = {
    {"serve", rp_verb_serve, "[options]", "run the server"},
    {"talk", rp_verb_talk, "[options] FILE.wav…",
     "be a caller: speak recordings, print the answer"},
    {"bench", rp_verb_bench, "[options] FILE.wav…", "many callers at once, with a table"},
    {"keys", rp_verb_keys, "create|list|revoke [options]", "API keys, straight in the store"},
    {"owner-link", rp_verb_owner_link, "[options]", "print a link that signs in once"},
    {"config", rp_verb_config, "", "print a sample riposte.conf"},
};

static void usage(FILE *to)
{
    (void)fputs("Riposte gives any text backend a voice.\n\nusage: riposte VERB …\n\n", to);
    for (size_t i = 0; i < RP_COUNT(verbs); i++) {
        char head[64];
        (void)snprintf(head, sizeof(head), "%s %s", verbs[i].name, verbs[i].args);
        (void)fprintf(to, "  %-38s %s\n", head, verbs[i].help);
    }
    (void)fputs("\n  riposte VERB --help                    tells more about one\n"
                "  riposte --version                      prints the version\n",
                to);
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";

    (void)signal(SIGPIPE, SIG_IGN); /* a lost peer is an error code here, not a signal */
    if (strcmp(name, "--version") == 0) {
        (void)puts("riposte " RP_VERSION);
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < RP_COUNT(verbs); i++)
        if (strcmp(name, verbs[i].name) == 0)
            return verbs[i].run(argc - 2, argv + 2);
    if (*name)
        (void)fprintf(stderr, "riposte: there is no verb \"%s\"\n\n", name);
    usage(stderr);
    return 2;
}
