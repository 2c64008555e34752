/* Feeds a fuzz target with files instead of random bytes, in any build and under any sanitizer.
 *
 *     replay_NAME FOLDER NAME      every file of FOLDER/seeds/NAME and FOLDER/crashes/NAME
 *     replay_NAME FILE             that one, e.g. under a debugger
 *
 * Each target is linked with this main once. A target without seeds is an error, since it would
 * look like a test that passed. Also checks that no memory of ours is left after an input. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

/* Greatest input read; seeds are small, so anything bigger is a mistake. */
#define REPLAY_MAX ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Optional in a target, as for libFuzzer. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static void die(const char *what, const char *path)
{
    fprintf(stderr, "replay: %s: %s: %s\n", path, what, strerror(errno));
    exit(1);
}

/* The target gets a copy of exactly the file's size, so that a sanitizer sees a read beyond it. */
static void replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        die("cannot open", path);
    struct stat st;
    if (fstat(fileno(f), &st) != 0)
        die("cannot stat", path);
    size_t size = (size_t)st.st_size;
    if (size > REPLAY_MAX) {
        errno = EFBIG;
        die("refused", path);
    }
    uint8_t *data = rp_alloc(size ? size : 1);
    if (!data || fread(data, 1, size, f) != size)
        die("cannot read", path);
    (void)fclose(f);
    int64_t live = rp_mem_live();
    LLVMFuzzerTestOneInput(data, size);
    if (rp_mem_live() != live) {
        fprintf(stderr, "replay: %s: %" PRId64 " blocks left\n", path, rp_mem_live() - live);
        exit(1);
    }
    rp_free(data);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Number of files replayed; 0 if there is no such folder. */
static int replay_folder(const char *path)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_visible, alphasort);
    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0)
        die("cannot list", path);
    for (int i = 0; i < n; i++) {
        char file[4096];
        (void)snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
        replay_file(file);
        free(entries[i]); /* scandir's; lint: libc memory */
    }
    free(entries); /* lint: libc memory */
    return n;
}

int main(int argc, char **argv)
{
    if (LLVMFuzzerInitialize)
        LLVMFuzzerInitialize(&argc, &argv);
    if (argc == 2) {
        replay_file(argv[1]);
        return 0;
    }
    if (argc != 3) {
        fprintf(stderr, "usage: %s FILE | %s FOLDER NAME\n", argv[0], argv[0]);
        return 2;
    }
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/seeds/%s", argv[1], argv[2]);
    int seeds = replay_folder(path);
    if (seeds == 0) {
        fprintf(stderr, "replay: no seeds in %s\n", path);
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/crashes/%s", argv[1], argv[2]);
    int crashes = replay_folder(path);
    printf("%s: %d seeds and %d former crashes replayed\n", argv[2], seeds, crashes);
    return 0;
}
