#include "files.h"

#include <ftw.h>
#include <png.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#ifndef HG_SOURCE_ROOT
#define HG_SOURCE_ROOT "."
#endif

static char root[256];

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void files_remove(void)
{
    if (root[0])
        nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    root[0] = 0;
}

const char *files_fresh(void)
{
    const char *base = getenv("TMPDIR");
    files_remove();
    snprintf(root, sizeof root, "%s/hourglass-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(root));
    return root;
}

const char *files_path(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];
    assert_true(root[0]);
    snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

void files_folder(const char *name) { assert_int_equal(mkdir(files_path(name), 0777), 0); }

void files_write(const char *name, const void *data, size_t length)
{
    FILE *file = fopen(files_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(length ? fwrite(data, 1, length, file) : 0, length);
    assert_int_equal(fclose(file), 0);
}

void files_write_gz(const char *name, const void *data, size_t length)
{
    gzFile file = gzopen(files_path(name), "wb9");
    assert_non_null(file);
    assert_int_equal(length ? gzwrite(file, data, (unsigned)length) : 0, length);
    assert_int_equal(gzclose(file), Z_OK);
}

uint8_t *files_read(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*length + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *length, file), *length);
    fclose(file);
    return data;
}

void files_write_png(const char *name, const files_png *p, const uint8_t *data, size_t row_bytes)
{
    FILE *file = fopen(files_path(name), "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_color colours[256];
    assert_non_null(file);
    if (setjmp(png_jmpbuf(png)))
        fail_msg("%s: libpng could not write it", name);
    png_init_io(png, file);
    png_set_IHDR(png, info, (png_uint_32)p->width, (png_uint_32)p->height, p->depth, p->colour_type,
                 p->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (int i = 0; i < p->colours; i++)
        colours[i] = (png_color){p->palette[3 * i], p->palette[3 * i + 1], p->palette[3 * i + 2]};
    if (p->colours)
        png_set_PLTE(png, info, colours, p->colours);
    if (p->alpha)
        png_set_tRNS(png, info, p->alpha, p->colours, NULL);
    png_write_info(png, info);
    int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < p->height; y++)
            png_write_row(png, data + (size_t)y * row_bytes);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
}

const char *files_data(const char *name)
{
    static char path[512];
    const char *base = getenv("HG_TEST_DATA");
    snprintf(path, sizeof path, "%s/%s", base ? base : HG_SOURCE_ROOT "/../shared/data", name);
    return access(path, F_OK) ? NULL : path;
}

void expect_failure(hg_context *ctx, hg_status status, const char *words)
{
    char copy[512];
    if (hg_context_status(ctx) != status)
        fail_msg("status %d, expected %d; message: %s", (int)hg_context_status(ctx), (int)status, hg_message(ctx));
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|"))
        if (!strstr(hg_message(ctx), word))
            fail_msg("'%s' is not in the message: %s", word, hg_message(ctx));
    hg_context_clear(ctx);
}
