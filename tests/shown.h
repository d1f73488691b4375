/* Pictures that were written, read back; for the tests of what src/show draws. */
#ifndef HG_TESTS_SHOWN_H
#define HG_TESTS_SHOWN_H

#include <cairo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/memory.h"
#include "files.h"
#include "train/png_file.h"

static hg_context *ctx;

static inline int set_up(void **state)
{
    (void)state;
    ctx = hg_context_create(NULL, NULL);
    files_fresh();
    return ctx == NULL;
}

static inline int tear_down(void **state)
{
    (void)state;
    hg_context_destroy(ctx);
    files_remove();
    cairo_debug_reset_static_data();
    return 0;
}

/* A PNG read back. */
typedef struct image { uint8_t *pixels; int h, w, c; } image;

static inline image read_image(const char *name)
{
    image p;
    if (!hg_png_read(ctx, files_path(name), &p.pixels, &p.h, &p.w, &p.c))
        fail_msg("%s", hg_message(ctx));
    return p;
}

static inline const uint8_t *at(const image *p, int y, int x) { return p->pixels + ((size_t)y * (size_t)p->w + (size_t)x) * (size_t)p->c; }

static inline void expect_rgb(const image *p, int y, int x, int r, int g, int b)
{
    const uint8_t *v = at(p, y, x);
    if (v[0] != r || v[1] != g || v[2] != b)
        fail_msg("pixel %d, %d is %d %d %d, expected %d %d %d", y, x, v[0], v[1], v[2], r, g, b);
}

static inline void expect_none(const char *name) { assert_int_equal(access(files_path(name), F_OK), -1); }

#endif
