/* riposte config: prints a sample riposte.conf. */
#include <stdio.h>

#include "app/options.h"
#include "app/verbs.h"

int rp_verb_config(int argc, char **argv)
{
    (void)argv;
    if (argc > 0) {
        (void)fputs("usage: riposte config > riposte.conf\n\n"
                    "Prints every option of the server, commented out, at its default.\n",
                    stdout);
        return 0;
    }
    rp_options_sample(stdout);
    return 0;
}
