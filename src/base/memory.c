/* Host memory: checked blocks and arenas. */
#include "base/memory.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t hg_mul(size_t a, size_t b)
{
    return b && a > SIZE_MAX / b ? SIZE_MAX : a * b;
}

size_t hg_add(size_t a, size_t b)
{
    return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

void *hg_alloc(hg_context *ctx, size_t count, size_t size)
{
    size_t bytes = hg_mul(count, size);
    /* Larger than PTRDIFF_MAX is refused here: sanitizers end the process where calloc would return NULL. */
    void *block = bytes > PTRDIFF_MAX ? NULL : calloc(1, bytes ? bytes : 1);
    if (!block) hg_fail_memory(ctx, bytes);
    return block;
}

void *hg_resize(hg_context *ctx, void *block, size_t count, size_t size)
{
    size_t bytes = hg_mul(count, size);
    void *moved = bytes > PTRDIFF_MAX ? NULL : realloc(block, bytes ? bytes : 1);
    if (!moved) hg_fail_memory(ctx, bytes);
    return moved;
}

void hg_free(void *block)
{
    free(block);
}

char *hg_copy_text(hg_context *ctx, const char *text)
{
    size_t length = strlen(text);
    char *copy = hg_alloc(ctx, length + 1, 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

/* Arenas are chains of slabs. The first slab is small (many arenas are), the following ones double up to a limit; what
 * does not fit gets a slab of its own. */
typedef struct slab { struct slab *next; size_t used, room; } slab;

enum { FIRST_SLAB = 1024, LARGEST_SLAB = 64 * 1024, ALIGN = alignof(max_align_t) };

struct hg_arena {
    hg_context *ctx;
    slab *slabs; /* the one to allocate from comes first */
    size_t next_room;
};

static size_t round_up(size_t bytes)
{
    return hg_add(bytes, ALIGN - 1) / ALIGN * ALIGN;
}

hg_arena *hg_arena_create(hg_context *ctx)
{
    hg_arena *arena = HG_NEW(ctx, hg_arena);
    if (!arena) return NULL;
    arena->ctx = ctx;
    arena->next_room = FIRST_SLAB;
    return arena;
}

void hg_arena_destroy(hg_arena *arena)
{
    if (!arena) return;
    for (slab *s = arena->slabs, *next; s; s = next) {
        next = s->next;
        hg_free(s);
    }
    hg_free(arena);
}

static slab *add_slab(hg_arena *arena, size_t room)
{
    slab *fresh = hg_alloc(arena->ctx, 1, hg_add(room, round_up(sizeof(slab))));
    if (!fresh) return NULL;
    fresh->room = room;
    fresh->next = arena->slabs;
    arena->slabs = fresh;
    return fresh;
}

void *hg_arena_alloc(hg_arena *arena, size_t count, size_t size)
{
    size_t bytes = hg_mul(count, size);
    if (bytes > PTRDIFF_MAX) {
        hg_fail_memory(arena->ctx, bytes);
        return NULL;
    }
    bytes = round_up(bytes ? bytes : 1);
    slab *s = arena->slabs;
    if (!s || s->room - s->used < bytes) {
        bool large = bytes > arena->next_room / 2;
        if (!(s = add_slab(arena, large ? bytes : arena->next_room))) return NULL;
        if (!large && arena->next_room < LARGEST_SLAB) arena->next_room *= 2;
    }
    void *block = (char *)s + round_up(sizeof(slab)) + s->used;
    s->used += bytes;
    return block;
}

char *hg_arena_text(hg_arena *arena, const char *text)
{
    size_t length = strlen(text);
    char *copy = hg_arena_alloc(arena, length + 1, 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

char *hg_arena_format(hg_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    char *text = length < 0 ? NULL : hg_arena_alloc(arena, (size_t)length + 1, 1);
    if (length < 0) hg_fail(arena->ctx, HG_INTERNAL, "a text cannot be formatted: %s", format);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}
