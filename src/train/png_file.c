#include "train/png_file.h"

#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

enum { SIDE_LIMIT = 16384, PIXEL_LIMIT = 1 << 26, CHUNK_LIMIT = 8 << 20 };

/* Everything that must survive libpng's longjmp. */
typedef struct decoder {
    hg_context *ctx;
    const char *path;
    FILE *file;
    png_structp png;
    png_infop info;
    jmp_buf jump;
    png_bytep raw;   /* [h, w, channels] as decoded, 1 to 4 channels */
    png_bytepp rows; /* [h] into raw */
    int h, w, channels;
} decoder;

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static const char *kind_of(const uint8_t *p)
{
    return p[0] == 0xff && p[1] == 0xd8 ? "it begins like a JPEG file"
         : !memcmp(p, "GIF8", 4)       ? "it begins like a GIF file"
         : !memcmp(p, "RIFF", 4)       ? "it begins like a WebP file"
         : !memcmp(p, "BM", 2)         ? "it begins like a BMP file"
                                       : "its first 8 bytes are not PNG's";
}

/* The signature and the header chunk: 8 bytes, then length, "IHDR", width, height, depth, colour type. */
static bool probe(hg_context *ctx, const char *path, FILE *file, int *h, int *w, int *c)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    static const uint8_t samples[7] = {1, 0, 3, 1, 2, 0, 4}; /* per pixel, by colour type */
    uint8_t head[33] = {0};
    size_t got = fread(head, 1, sizeof head, file);
    if (got == 0)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: %s", path, ferror(file) ? strerror(errno) : "empty, expected a PNG file");
    if (memcmp(head, signature, 8))
        return hg_fail(ctx, HG_BAD_INPUT, "%s: not a PNG file: %s; convert it to PNG", path, kind_of(head));
    if (got < sizeof head)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: truncated: a PNG file begins with 33 bytes of header, found %zu", path, got);
    uint32_t width = big_endian(head + 16), height = big_endian(head + 20);
    unsigned depth = head[24], colour = head[25];
    bool odd_depth = depth != 1 && depth != 2 && depth != 4 && depth != 8 && depth != 16;
    if (memcmp(head + 12, "IHDR", 4) || colour > 6 || !samples[colour] || odd_depth)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: damaged: its PNG header does not make sense", path);
    if (width < 1 || height < 1 || width > SIDE_LIMIT || height > SIDE_LIMIT || (uint64_t)width * height > PIXEL_LIMIT)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: %u x %u pixels (width x height); at most %d on a side and %d in all "
                       "are read; make it smaller first",
                       path, width, height, SIDE_LIMIT, PIXEL_LIMIT);
    uint64_t packed = 0, unpacked = (uint64_t)height * (((uint64_t)width * depth * samples[colour] + 7) / 8);
    if (!fseeko(file, 0, SEEK_END))
        packed = (uint64_t)ftello(file);
    if (unpacked / 1032 > packed)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: truncated: %u x %u pixels (width x height) cannot be in a file of %llu "
                       "bytes", path, width, height,
                       (unsigned long long)packed);
    rewind(file);
    *h = (int)height;
    *w = (int)width;
    *c = colour == PNG_COLOR_TYPE_GRAY || colour == PNG_COLOR_TYPE_GRAY_ALPHA ? 1 : 3;
    return true;
}

static FILE *open_file(hg_context *ctx, const char *path)
{
    FILE *file = hg_path_is_dir(path) ? NULL : fopen(path, "rb");
    if (!file)
        hg_fail(ctx, HG_BAD_INPUT, "%s: cannot be opened: %s", path,
                hg_path_is_dir(path) ? "it is a folder" : strerror(errno));
    return file;
}

bool hg_png_probe(hg_context *ctx, const char *path, int *h, int *w, int *c)
{
    FILE *file = open_file(ctx, path);
    if (!file)
        return false;
    bool done = probe(ctx, path, file, h, w, c);
    fclose(file);
    return done;
}

static void on_error(png_structp png, png_const_charp text)
{
    decoder *d = png_get_error_ptr(png);
    hg_fail(d->ctx, HG_BAD_INPUT, "%s: damaged PNG: %s", d->path, text);
    longjmp(d->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep to, size_t length)
{
    decoder *d = png_get_io_ptr(png);
    if (fread(to, 1, length, d->file) != length)
        png_error(png, ferror(d->file) ? "it cannot be read" : "truncated, the file ends too early");
}

/* Decodes to 8-bit grey, grey + alpha, RGB or RGBA. */
static bool decode(decoder *d)
{
    if (setjmp(d->jump))
        return false;
    png_set_read_fn(d->png, d, on_read);
    png_set_user_limits(d->png, SIDE_LIMIT, SIDE_LIMIT);
    png_set_chunk_cache_max(d->png, 128);
    png_set_chunk_malloc_max(d->png, CHUNK_LIMIT);
    png_read_info(d->png, d->info);
    png_set_expand(d->png);
    png_set_scale_16(d->png);
    png_set_interlace_handling(d->png);
    png_read_update_info(d->png, d->info);
    d->h = (int)png_get_image_height(d->png, d->info);
    d->w = (int)png_get_image_width(d->png, d->info);
    d->channels = png_get_channels(d->png, d->info);
    size_t row = png_get_rowbytes(d->png, d->info);
    if (row != (size_t)d->w * (size_t)d->channels)
        png_error(d->png, "unexpected row size");
    d->raw = hg_alloc(d->ctx, (size_t)d->h, row);
    d->rows = d->raw ? hg_alloc(d->ctx, (size_t)d->h, sizeof *d->rows) : NULL;
    if (!d->rows)
        return false;
    for (int y = 0; y < d->h; y++)
        d->rows[y] = d->raw + (size_t)y * row;
    png_read_image(d->png, d->rows);
    png_read_end(d->png, NULL);
    return fgetc(d->file) == EOF || hg_fail(d->ctx, HG_BAD_INPUT, "%s: over-long: more bytes after the picture's end",
                                            d->path);
}

/* In place: pixels with alpha (the last of `channels`) over white, alpha dropped: (v a + 255 (255 - a)) / 255. */
static void drop_alpha(uint8_t *pixels, size_t n, int channels)
{
    int colours = channels - 1;
    for (size_t i = 0; i < n; i++) {
        unsigned a = pixels[i * (size_t)channels + (size_t)colours];
        for (int c = 0; c < colours; c++) {
            unsigned v = pixels[i * (size_t)channels + (size_t)c];
            pixels[i * (size_t)colours + (size_t)c] = (uint8_t)((v * a + 255 * (255 - a) + 127) / 255);
        }
    }
}

bool hg_png_read(hg_context *ctx, const char *path, uint8_t **pixels_hwc, int *h, int *w, int *c)
{
    decoder d = {.ctx = ctx, .path = path};
    bool done = false;
    *pixels_hwc = NULL;
    d.file = open_file(ctx, path);
    if (!d.file || !probe(ctx, path, d.file, h, w, c))
        goto fail;
    d.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &d, on_error, on_warning);
    d.info = d.png ? png_create_info_struct(d.png) : NULL;
    if (!d.info) {
        hg_fail(ctx, HG_INTERNAL, "%s: libpng could not be started", path);
        goto fail;
    }
    if (!decode(&d))
        goto fail;
    if (d.channels % 2 == 0)
        drop_alpha(d.raw, (size_t)d.h * (size_t)d.w, d.channels);
    *h = d.h;
    *w = d.w;
    *c = d.channels < 3 ? 1 : 3;
    *pixels_hwc = d.raw;
    d.raw = NULL;
    done = true;
fail:
    if (d.png)
        png_destroy_read_struct(&d.png, &d.info, NULL);
    if (d.file)
        fclose(d.file);
    hg_free(d.rows);
    hg_free(d.raw);
    return done;
}
