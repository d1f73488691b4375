/* Host memory: checked blocks, and arenas. */
#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t hg_mul(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

size_t hg_add(size_t a, size_t b)
{
    size_t sum;
    return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

/* More than half the address space cannot be meant; asking malloc for it would only make the sanitizers complain. */
static bool absurd(size_t bytes)
{
    return bytes > SIZE_MAX / 2;
}

void *hg_alloc(hg_context *ctx, size_t count, size_t size)
{
    size_t bytes = hg_mul(count, size);
    void *block = absurd(bytes) ? NULL : calloc(1, bytes ? bytes : 1);
    if (!block) hg_fail_memory(ctx, bytes);
    return block;
}

void *hg_resize(hg_context *ctx, void *block, size_t count, size_t size)
{
    size_t bytes = hg_mul(count, size);
    void *grown = absurd(bytes) ? NULL : realloc(block, bytes ? bytes : 1);
    if (!grown) hg_fail_memory(ctx, bytes);
    return grown;
}

void hg_free(void *block)
{
    free(block);
}

char *hg_copy_text(hg_context *ctx, const char *text)
{
    size_t length = strlen(text) + 1;
    char *copy = hg_alloc(ctx, length, 1);
    if (copy) memcpy(copy, text, length);
    return copy;
}

/* ---- arenas: a list of chunks, the newest first; a block that is large gets a chunk of its own */

enum { CHUNK_BYTES = 16384, ALIGN = 16 };

typedef struct chunk { struct chunk *next; size_t used, room; } chunk;

struct hg_arena { hg_context *ctx; chunk *chunks; };

hg_arena *hg_arena_create(hg_context *ctx)
{
    hg_arena *arena = HG_NEW(ctx, hg_arena);
    if (arena) arena->ctx = ctx;
    return arena;
}

void hg_arena_destroy(hg_arena *arena)
{
    if (!arena) return;
    for (chunk *c = arena->chunks, *next; c; c = next) {
        next = c->next;
        hg_free(c);
    }
    hg_free(arena);
}

static size_t header_bytes(void)
{
    return (sizeof(chunk) + ALIGN - 1) / ALIGN * ALIGN;
}

void *hg_arena_alloc(hg_arena *arena, size_t count, size_t size)
{
    size_t bytes = hg_mul(hg_add(hg_mul(count, size), ALIGN - 1) / ALIGN, ALIGN);
    chunk *c = arena->chunks;
    if (!c || c->room - c->used < bytes) {
        size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        c = hg_alloc(arena->ctx, hg_add(header_bytes(), room), 1);
        if (!c) return NULL;
        c->room = room;
        c->next = arena->chunks;
        arena->chunks = c;
    }
    void *block = (char *)c + header_bytes() + c->used;
    c->used += bytes;
    return block;
}

char *hg_arena_text(hg_arena *arena, const char *text)
{
    return hg_arena_format(arena, "%s", text);
}

char *hg_arena_format(hg_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n >= 0 ? hg_arena_alloc(arena, (size_t)n + 1, 1) : NULL;
    if (!text) return NULL;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}
