/* Host memory. The only place that calls malloc: arenas for what lives and dies together, and checked single blocks.
 * Sizes are computed with overflow checks. */
#ifndef HG_BASE_MEMORY_H
#define HG_BASE_MEMORY_H

#include "base/context.h"

/* a * b and a + b, saturating to SIZE_MAX, which no allocation satisfies: an overflow becomes "out of memory" or a size
 * check. */
size_t hg_mul(size_t a, size_t b);
size_t hg_add(size_t a, size_t b);

/* Zeroed blocks of count * size bytes; NULL with a failure recorded. Freed with hg_free (accepts NULL). */
void *hg_alloc(hg_context *ctx, size_t count, size_t size);
/* Grows or shrinks; new bytes are not zeroed; on failure NULL and the old block stays valid. */
void *hg_resize(hg_context *ctx, void *block, size_t count, size_t size);
void hg_free(void *block);
/* A copy of a text in a block of its own (hg_free). */
char *hg_copy_text(hg_context *ctx, const char *text);
#define HG_NEW(ctx, type) ((type *)hg_alloc((ctx), 1, sizeof(type)))

/* An arena: many small zeroed blocks, freed at once. */
typedef struct hg_arena hg_arena;
hg_arena *hg_arena_create(hg_context *ctx);
void hg_arena_destroy(hg_arena *arena);
void *hg_arena_alloc(hg_arena *arena, size_t count, size_t size);
char *hg_arena_text(hg_arena *arena, const char *text);
char *hg_arena_format(hg_arena *arena, const char *format, ...) HG_PRINTF(2, 3);

#endif
