/* Files: whole reads with limits, gzip, and writes that are either complete or not there. */
#ifndef HG_BASE_FILE_H
#define HG_BASE_FILE_H

#include "base/context.h"

/* Reads a whole file into a fresh block (hg_free), terminated by a zero byte that `length` does not count.
 * Fails with HG_BAD_INPUT: missing, a folder, over `limit` bytes. */
bool hg_file_read(hg_context *ctx, const char *path, size_t limit, uint8_t **data, size_t *length);

/* The same through zlib: plain and gzip files alike. `limit` bounds the unpacked size (a gzip bomb fails early). */
bool hg_file_read_gz(hg_context *ctx, const char *path, size_t limit, uint8_t **data, size_t *length);

/* Joins dir and name with one slash into a fresh block; NULL on failure. */
char *hg_path_join(hg_context *ctx, const char *dir, const char *name);
bool hg_path_exists(const char *path);
bool hg_path_is_dir(const char *path);
/* Makes the folder and those above it that are missing; HG_OUTPUT. */
bool hg_make_dirs(hg_context *ctx, const char *path);

/* A file written aside (PATH.partial), synced, renamed over PATH, and the directory synced. All failures are HG_OUTPUT.
 * Until the commit nothing changes at PATH. */
typedef struct hg_writer hg_writer;
hg_writer *hg_writer_open(hg_context *ctx, const char *path);
bool hg_writer_put(hg_writer *writer, const void *data, size_t length);
/* Syncs, renames, closes, frees. False: PATH is as before and the partial file is gone. */
bool hg_writer_commit(hg_writer *writer);
/* Closes, removes the partial file, frees. Accepts NULL. */
void hg_writer_abort(hg_writer *writer);

/* Writes a whole file that way. */
bool hg_file_write(hg_context *ctx, const char *path, const void *data, size_t length);

#endif
