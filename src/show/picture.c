#include "show/picture.h"

#include <cairo.h>
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "show/chart.h"

enum {
    SIDE_LIMIT = 32767, /* also cairo's */
    CELL_LEAST = 64,    /* pixels of an enlarged cell */
    PAPER = 0xc8,       /* light grey: neither a black nor a white picture's background */
};

struct hg_picture {
    hg_context *ctx;
    int rows, columns, channels, height, width, scale, gap;
    int canvas_height, canvas_width;
    uint8_t *rgb;  /* [canvas_height, canvas_width, 3] */
    char **labels; /* [rows]; NULL: none; an entry may be NULL */
    bool failed;   /* a put or a label went wrong: nothing is saved */
};

/* ---------------------------------------------------------------- PNG */

/* Everything that must survive libpng's longjmp. */
typedef struct encoder {
    hg_context *ctx;
    const char *path;
    hg_writer *writer;
    png_structp png;
    png_infop info;
} encoder;

static void on_error(png_structp png, png_const_charp text)
{
    encoder *e = png_get_error_ptr(png);
    hg_fail(e->ctx, HG_OUTPUT, "%s: the PNG could not be written: %s", e->path, text); /* a failed write has spoken before */
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_write(png_structp png, png_bytep bytes, size_t length)
{
    encoder *e = png_get_io_ptr(png);
    if (!hg_writer_put(e->writer, bytes, length))
        png_error(png, "the file cannot be written");
}

static void on_flush(png_structp png) { (void)png; }

static bool encode(encoder *e, const uint8_t *pixels, int height, int width, int channels)
{
    e->png = png_create_write_struct(PNG_LIBPNG_VER_STRING, e, on_error, on_warning);
    e->info = e->png ? png_create_info_struct(e->png) : NULL;
    if (!e->info)
        return hg_fail(e->ctx, HG_INTERNAL, "%s: libpng has no memory", e->path);
    if (setjmp(png_jmpbuf(e->png)))
        return false;
    png_set_write_fn(e->png, e, on_write, on_flush);
    png_set_IHDR(e->png, e->info, (png_uint_32)width, (png_uint_32)height, 8, channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(e->png, e->info);
    for (int y = 0; y < height; y++)
        png_write_row(e->png, pixels + (size_t)y * (size_t)width * (size_t)channels);
    png_write_end(e->png, NULL);
    return true;
}

bool hg_path_ends(const char *path, const char *ending)
{
    size_t length = strlen(path), tail = strlen(ending);
    if (length <= tail)
        return false;
    for (size_t i = 0; i < tail; i++) {
        char c = path[length - tail + i];
        if ((c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c) != ending[i])
            return false;
    }
    return true;
}

bool hg_png_write(hg_context *ctx, const char *path, const uint8_t *pixels, int height, int width, int channels)
{
    encoder e = {.ctx = ctx, .path = path};
    if (!path || !hg_path_ends(path, ".png"))
        return hg_fail(ctx, HG_USAGE, "%s: pictures are written as PNG; give a name that ends in .png", path ? path : "no path");
    e.writer = hg_writer_open(ctx, path);
    if (!e.writer)
        return false;
    bool done = encode(&e, pixels, height, width, channels);
    png_destroy_write_struct(&e.png, &e.info);
    if (done)
        return hg_writer_commit(e.writer);
    hg_writer_abort(e.writer);
    return false;
}

/* ---------------------------------------------------------------- pixels */

/* RGB of one pixel of a [channels, area] picture: clamped to [0, 1] and rounded; magenta where a value is NaN. */
static void colour(const float *chw, int channels, size_t area, size_t i, uint8_t rgb[3])
{
    for (int c = 0; c < 3; c++) {
        float v = chw[channels == 1 ? i : (size_t)c * area + i];
        if (isnan(v)) {
            memcpy(rgb, (const uint8_t[3]){255, 0, 255}, 3);
            return;
        }
        rgb[c] = (uint8_t)lrintf(255.0f * fminf(fmaxf(v, 0.0f), 1.0f));
    }
}

static bool check_shape(hg_context *ctx, int channels, int height, int width)
{
    if ((channels == 1 || channels == 3) && height >= 1 && width >= 1 && height <= SIDE_LIMIT && width <= SIDE_LIMIT)
        return true;
    return hg_fail(ctx, HG_USAGE, "a picture of %d channels, %d x %d: expected 1 or 3 channels and sides of 1 to %d",
                   channels, height, width, SIDE_LIMIT);
}

hg_picture *hg_picture_grid(hg_context *ctx, int rows, int columns, int channels, int height, int width, int scale, int gap)
{
    if (!check_shape(ctx, channels, height, width))
        return NULL;
    int larger = height > width ? height : width;
    if (scale == 0)
        scale = larger >= CELL_LEAST ? 1 : (CELL_LEAST + larger - 1) / larger;
    int64_t canvas_height = (int64_t)rows * ((int64_t)height * scale + gap) + gap;
    int64_t canvas_width = (int64_t)columns * ((int64_t)width * scale + gap) + gap;
    const bool least = rows >= 1 && columns >= 1 && scale >= 1 && gap >= 0;
    const bool most = rows <= SIDE_LIMIT && columns <= SIDE_LIMIT && scale <= SIDE_LIMIT && gap <= SIDE_LIMIT;
    if (!least || !most || canvas_height > SIDE_LIMIT || canvas_width > SIDE_LIMIT) {
        hg_fail(ctx, HG_USAGE,
                "a grid of %d x %d pictures of %d x %d, enlarged %d times, %d pixels apart: expected at least one picture and at most "
                "%d pixels on a side; draw fewer", rows, columns, height, width, scale, gap, SIDE_LIMIT);
        return NULL;
    }
    hg_picture *p = HG_NEW(ctx, hg_picture);
    if (!p)
        return NULL;
    *p = (hg_picture){.ctx = ctx, .rows = rows, .columns = columns, .channels = channels, .height = height, .width = width, .scale = scale,
                      .gap = gap, .canvas_height = (int)canvas_height, .canvas_width = (int)canvas_width};
    p->rgb = hg_alloc(ctx, (size_t)canvas_height, 3 * (size_t)canvas_width);
    if (!p->rgb) {
        hg_picture_destroy(p);
        return NULL;
    }
    memset(p->rgb, PAPER, (size_t)canvas_height * 3 * (size_t)canvas_width);
    return p;
}

void hg_picture_put(hg_picture *p, int row, int column, const float *chw)
{
    if (row < 0 || column < 0 || row >= p->rows || column >= p->columns) {
        p->failed = !hg_fail(p->ctx, HG_USAGE, "picture: no cell at row %d, column %d of a %d x %d grid", row, column, p->rows, p->columns);
        return;
    }
    size_t area = (size_t)p->height * (size_t)p->width, stride = 3 * (size_t)p->canvas_width;
    int top = p->gap + row * (p->height * p->scale + p->gap), left = p->gap + column * (p->width * p->scale + p->gap);
    for (int y = 0; y < p->height; y++) {
        uint8_t *first = p->rgb + (size_t)(top + y * p->scale) * stride + 3 * (size_t)left, *to = first;
        for (int x = 0; x < p->width; x++) {
            uint8_t rgb[3];
            colour(chw, p->channels, area, (size_t)y * (size_t)p->width + (size_t)x, rgb);
            for (int i = 0; i < p->scale; i++, to += 3)
                memcpy(to, rgb, 3);
        }
        for (int i = 1; i < p->scale; i++)
            memcpy(first + (size_t)i * stride, first, (size_t)(to - first));
    }
}

void hg_picture_label(hg_picture *p, int row, const char *text)
{
    if (row < 0 || row >= p->rows) {
        p->failed = !hg_fail(p->ctx, HG_USAGE, "picture: no row %d in a grid of %d rows", row, p->rows);
        return;
    }
    if (!p->labels)
        p->labels = hg_alloc(p->ctx, (size_t)p->rows, sizeof *p->labels);
    if (p->labels) {
        hg_free(p->labels[row]);
        p->labels[row] = hg_copy_text(p->ctx, text);
    }
    p->failed |= !p->labels || !p->labels[row];
}

/* ---------------------------------------------------------------- row labels */

enum { MARGIN = 10 };

static cairo_t *label_pen(cairo_surface_t *surface, const hg_picture *p)
{
    cairo_t *cr = cairo_create(surface);
    double size = p->height * p->scale / 5.0;
    hg_text_font(cr, size < 11 ? 11 : size > 20 ? 20 : size, false);
    return cr;
}

/* Pixels that the labels need at the left; measured on a surface of one pixel. */
static int strip_width(const hg_picture *p)
{
    double widest = 0;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cr = label_pen(surface, p);
    for (int row = 0; row < p->rows; row++)
        if (p->labels[row])
            widest = fmax(widest, hg_text_width(cr, p->labels[row]));
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return 2 * MARGIN - (p->gap < MARGIN ? p->gap : MARGIN) + (int)fmin(ceil(widest), 400);
}

/* Draws the strip with the labels and copies it beside the grid into a fresh canvas of `width`; NULL on failure. */
static uint8_t *with_labels(const hg_picture *p, int strip, int width)
{
    size_t row_bytes = 3 * (size_t)p->canvas_width;
    uint8_t *canvas = NULL;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, strip, p->canvas_height);
    cairo_t *cr = label_pen(surface, p);
    cairo_set_source_rgb(cr, PAPER / 255.0, PAPER / 255.0, PAPER / 255.0);
    cairo_paint(cr);
    cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
    double cell = p->height * p->scale;
    for (int row = 0; row < p->rows; row++)
        if (p->labels[row])
            hg_text_draw(cr, p->labels[row], MARGIN, p->gap + row * (cell + p->gap) + cell / 2, 0, 0.5, strip - MARGIN);
    cairo_surface_flush(surface);
    if (cairo_status(cr) || cairo_surface_status(surface)) {
        hg_fail(p->ctx, HG_INTERNAL, "picture: its labels could not be drawn: %s", cairo_status_to_string(cairo_status(cr)));
        goto fail;
    }
    canvas = hg_alloc(p->ctx, (size_t)p->canvas_height, 3 * (size_t)width);
    if (!canvas)
        goto fail;
    const uint8_t *drawn = cairo_image_surface_get_data(surface);
    size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    for (int y = 0; y < p->canvas_height; y++) {
        const uint32_t *from = (const uint32_t *)(const void *)(drawn + (size_t)y * stride);
        uint8_t *to = canvas + (size_t)y * 3 * (size_t)width;
        for (int x = 0; x < strip; x++, to += 3) {
            to[0] = (uint8_t)(from[x] >> 16);
            to[1] = (uint8_t)(from[x] >> 8);
            to[2] = (uint8_t)from[x];
        }
        memcpy(to, p->rgb + (size_t)y * row_bytes, row_bytes);
    }
fail:
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return canvas;
}

/* ---------------------------------------------------------------- files */

bool hg_picture_save(hg_picture *p, const char *path)
{
    if (p->failed)
        return false;
    if (!p->labels)
        return hg_png_write(p->ctx, path, p->rgb, p->canvas_height, p->canvas_width, 3);
    int strip = strip_width(p), width = strip + p->canvas_width;
    uint8_t *canvas = with_labels(p, strip, width);
    bool done = canvas && hg_png_write(p->ctx, path, canvas, p->canvas_height, width, 3);
    hg_free(canvas);
    return done;
}

bool hg_picture_write(hg_context *ctx, const char *path, const float *chw, int channels, int height, int width)
{
    if (!check_shape(ctx, channels, height, width))
        return false;
    size_t area = (size_t)height * (size_t)width;
    bool grey = channels == 1;
    for (size_t i = 0; grey && i < area; i++)
        grey = !isnan(chw[i]);
    size_t bytes = grey ? 1 : 3;
    uint8_t *pixels = hg_alloc(ctx, area, bytes), rgb[3];
    if (!pixels)
        return false;
    for (size_t i = 0; i < area; i++) {
        colour(chw, channels, area, i, rgb);
        memcpy(pixels + i * bytes, rgb, bytes);
    }
    bool done = hg_png_write(ctx, path, pixels, height, width, (int)bytes);
    hg_free(pixels);
    return done;
}

void hg_picture_destroy(hg_picture *p)
{
    if (!p)
        return;
    for (int row = 0; p->labels && row < p->rows; row++)
        hg_free(p->labels[row]);
    hg_free(p->labels);
    hg_free(p->rgb);
    hg_free(p);
}
