/* How many words of a transcript are wrong. */
#ifndef RP_TEST_WORD_ERRORS_H
#define RP_TEST_WORD_ERRORS_H

#include <stddef.h>

/* Words to insert, remove or change to make `right` of `heard`; *n is how many words `right` has.
 * Case and marks do not count, nor whether a number is written in digits. At most 600 words. */
size_t test_word_errors(const char *right, const char *heard, size_t *n);

#endif
