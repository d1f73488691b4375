/* Text: growing strings and the nearest name to a misspelt one. */
#ifndef HG_BASE_TEXT_H
#define HG_BASE_TEXT_H

#include <stdarg.h>
#include "base/context.h"

/* A growing string; zero-initialise it. `data` is NULL until the first append, then terminated. A failed append
 * records the failure, sets `failed`, and later appends do nothing. */
typedef struct hg_text { hg_context *ctx; char *data; size_t length, room; bool failed; } hg_text;
bool hg_text_add(hg_text *text, const char *format, ...) HG_PRINTF(2, 3);
bool hg_text_add_bytes(hg_text *text, const void *bytes, size_t length);
void hg_text_free(hg_text *text);

/* The name among n with the smallest edit distance to `word` (case ignored), NULL if none is near (distance at most
 * 2, or a third of the word's length). Ties: the first. */
const char *hg_nearest(const char *word, const char *const *names, int n);

/* FNV-1a of a text and its end, going on from `hash` (0: the beginning). */
uint64_t hg_hash(uint64_t hash, const char *text);

/* True if `needle` occurs in `text`, case ignored (ASCII). */
bool hg_contains(const char *text, const char *needle);

#endif
