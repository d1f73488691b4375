/* Files for tests: a temporary folder that is emptied again, and files of all kinds in it. Every function asserts. */
#ifndef HG_TESTS_FILES_H
#define HG_TESTS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "hourglass.h"

/* Empties (or makes) the test program's temporary folder and returns its path. */
const char *files_fresh(void);
/* Removes it. */
void files_remove(void);
/* Its path with `name` behind; valid for the next 8 calls. */
const char *files_path(const char *name);
void files_folder(const char *name);

void files_write(const char *name, const void *data, size_t length);
void files_write_gz(const char *name, const void *data, size_t length);
/* Reads a whole file; free() it. */
uint8_t *files_read(const char *path, size_t *length);

/* A PNG: colour type and depth as in its header; `rows` packed as libpng takes them; palette of `colours` RGB triples;
 * `alpha` of as many entries (tRNS). */
typedef struct files_png {
    int width, height, depth, colour_type;
    bool interlaced;
    const uint8_t *palette, *alpha;
    int colours;
} files_png;
void files_write_png(const char *name, const files_png *png, const uint8_t *data, size_t row_bytes);

/* The data folder of the tests (HG_TEST_DATA, else ../shared/data beside the sources) with `name` behind; NULL where that is absent. */
const char *files_data(const char *name);

/* Asserts that the context has failed with `status` and a message that holds all of `words` (separated by '|'), then clears it. */
void expect_failure(hg_context *ctx, hg_status status, const char *words);

#endif
