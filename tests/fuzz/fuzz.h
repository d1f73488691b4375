/* Fuzzing of the readers. Each target is one file with LLVMFuzzerTestOneInput and some valid inputs; it aborts where a reader
 * breaks its promises. Linked with fuzz.c it is a test: run without arguments it tries a fixed set of mutations of the
 * valid inputs, with arguments it replays files. For libFuzzer: clang -fsanitize=fuzzer,address -DHG_LIBFUZZER. */
#ifndef HG_TESTS_FUZZ_H
#define HG_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hourglass.h"

enum { FUZZ_ROOM = 1 << 14 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes valid input number k (FUZZ_ROOM bytes at most) and returns its length; 0: there is no such input. */
size_t fuzz_seed(int k, uint8_t *to);

/* A temporary folder that is removed at exit, and a file in it. */
const char *fuzz_folder(void);
const char *fuzz_write(const char *name, const uint8_t *data, size_t size);
void fuzz_delete(const char *name);

/* Aborts unless `promise` holds. */
void fuzz_check(bool promise, const char *what);

/* Counts inputs that a reader accepted: the valid ones must be among them. */
extern int fuzz_accepted;

/* Opens fuzz_folder() as a dataset and reads all of it. A failure must be HG_BAD_INPUT with a message. */
void fuzz_dataset(void);

#endif
