/* Reading plain or gzip files in order, piece by piece, so that the packed file is never in memory as a whole. */
#ifndef HG_TRAIN_READER_H
#define HG_TRAIN_READER_H

#include "base/context.h"

typedef struct hg_reader hg_reader;

/* Opens DIR/NAME, or DIR/NAME.gz where that is absent. Where neither exists: true and NULL if `optional`, else HG_BAD_INPUT. */
bool hg_reader_open(hg_context *ctx, const char *dir, const char *name, bool optional, hg_reader **out);
void hg_reader_close(hg_reader *reader);
/* The path that was opened. */
const char *hg_reader_path(const hg_reader *reader);

bool hg_reader_is_plain(const hg_reader *reader);
/* The size on disk. */
uint64_t hg_reader_size(const hg_reader *reader);
/* The unpacked size as the file states it before reading: its own size, or what a gzip file's last 4 bytes say (modulo 2^32,
 * of its last member, and not to be trusted: hg_reader_expect checks it). */
uint64_t hg_reader_stated(const hg_reader *reader);

/* The unpacked file must have exactly `bytes` bytes; `why` ("60000 pictures of 28 x 28") goes into messages. Fails with
 * HG_BAD_INPUT at once where it cannot be so: the size of a plain file, or more than 1032 times a gzip file's size (deflate
 * packs no better), so that no memory is spent on a header's promise. */
bool hg_reader_expect(hg_reader *reader, uint64_t bytes, const char *why);

/* Reads exactly `length` bytes; `to` NULL: skips them. Fails with HG_BAD_INPUT: damaged gzip data, or truncated. */
bool hg_reader_get(hg_reader *reader, void *to, size_t length);
/* Fails with HG_BAD_INPUT unless the file ends here (and its gzip check sum is right). */
bool hg_reader_end(hg_reader *reader);

#endif
