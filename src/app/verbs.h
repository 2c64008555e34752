/* The verbs of the command line: one file each, one row in main.c's table. */
#ifndef RP_APP_VERBS_H
#define RP_APP_VERBS_H

/* `argv` begins behind the verb. They return the process's exit status: 0 done, 1 failed, 2 wrong
 * usage. */
int rp_verb_serve(int argc, char **argv);
int rp_verb_talk(int argc, char **argv);
int rp_verb_bench(int argc, char **argv);
int rp_verb_keys(int argc, char **argv);
int rp_verb_owner_link(int argc, char **argv);
int rp_verb_config(int argc, char **argv);

#endif
