#include "show/chart.h"

#include <cairo-svg.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/picture.h"

enum { PIXELS = 2, SIDE_LIMIT = 16000, TEXT_LIMIT = 256 };

/* ---------------------------------------------------------------- file */

static cairo_status_t on_write(void *user, const unsigned char *data, unsigned int length)
{
    return hg_writer_put(user, data, length) ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

bool hg_chart_open(hg_chart *chart, hg_context *ctx, const char *path, double width, double height)
{
    *chart = (hg_chart){.ctx = ctx, .path = path ? path : "no path"};
    chart->svg = path && hg_path_ends(path, ".svg");
    if (!chart->svg && !(path && hg_path_ends(path, ".png")))
        return hg_fail(ctx, HG_USAGE, "%s: charts are written as PNG or SVG; give a name that ends in .png or .svg", chart->path);
    if (!(width >= 1 && height >= 1 && width <= SIDE_LIMIT && height <= SIDE_LIMIT))
        return hg_fail(ctx, HG_USAGE, "%s: a chart of %.0f x %.0f points; expected 1 to %d; draw less into one chart", path, width, height,
                       SIDE_LIMIT);
    chart->writer = hg_writer_open(ctx, path);
    if (!chart->writer)
        return false;
    chart->surface = chart->svg ? cairo_svg_surface_create_for_stream(on_write, chart->writer, width, height)
                                : cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width * PIXELS), (int)ceil(height * PIXELS));
    chart->cr = cairo_create(chart->surface);
    if (!chart->svg)
        cairo_scale(chart->cr, PIXELS, PIXELS);
    hg_colour_set(chart->cr, (hg_rgb){1, 1, 1}, 1);
    cairo_paint(chart->cr);
    return true; /* cairo's failures are sticky: hg_chart_close reports them */
}

bool hg_chart_close(hg_chart *chart, bool drawn)
{
    cairo_status_t status = CAIRO_STATUS_SUCCESS;
    if (chart->surface) {
        status = cairo_status(chart->cr);
        cairo_destroy(chart->cr);
        if (!status && drawn && !chart->svg)
            status = cairo_surface_write_to_png_stream(chart->surface, on_write, chart->writer);
        cairo_surface_finish(chart->surface); /* writes the SVG */
        status = status ? status : cairo_surface_status(chart->surface);
        cairo_surface_destroy(chart->surface);
    }
    if (drawn && status)
        drawn = hg_fail(chart->ctx, status == CAIRO_STATUS_WRITE_ERROR ? HG_OUTPUT : HG_INTERNAL, "%s: the chart could not be drawn: %s",
                        chart->path, cairo_status_to_string(status));
    if (drawn)
        return hg_writer_commit(chart->writer);
    hg_writer_abort(chart->writer);
    return false;
}

/* ---------------------------------------------------------------- text */

/* Bytes of the UTF-8 character at `s`, 0 where there is none (RFC 3629: no overlong forms, surrogates, or beyond U+10FFFF). */
static int utf8_length(const unsigned char *s)
{
    int n = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

/* Valid UTF-8 without control characters, cut at TEXT_LIMIT. */
static void clean(const char *text, char out[TEXT_LIMIT])
{
    int at = 0;
    for (const unsigned char *s = (const unsigned char *)text; *s && at + 5 < TEXT_LIMIT;) {
        int n = utf8_length(s);
        if (n == 0 || *s < 0x20 || *s == 0x7f) {
            out[at++] = n == 0 ? '?' : ' ';
            s++;
            continue;
        }
        memcpy(out + at, s, (size_t)n);
        at += n;
        s += n;
    }
    out[at] = 0;
}

/* Widths are measured without hinting, so that they are the same on every surface. */
void hg_text_font(cairo_t *cr, double size, bool bold)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_set_font_options(cr, options);
    cairo_font_options_destroy(options);
    cairo_select_font_face(cr, "sans", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}

static double clean_width(cairo_t *cr, const char *text)
{
    cairo_text_extents_t extents = {0};
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

double hg_text_width(cairo_t *cr, const char *text)
{
    char line[TEXT_LIMIT];
    clean(text, line);
    return clean_width(cr, line);
}

/* Takes characters off the end until the text with an ellipsis fits. */
static void shorten(cairo_t *cr, char line[TEXT_LIMIT], double room)
{
    size_t length = strlen(line);
    while (length > 0 && clean_width(cr, line) > room) {
        do
            length--;
        while (length > 0 && ((unsigned char)line[length] & 0xc0) == 0x80);
        memcpy(line + length, "\xe2\x80\xa6", 4);
    }
}

void hg_text_draw(cairo_t *cr, const char *text, double x, double y, double across, double up, double room)
{
    char line[TEXT_LIMIT];
    cairo_text_extents_t capital = {0};
    clean(text, line);
    if (room > 0)
        shorten(cr, line, room);
    cairo_text_extents(cr, "H", &capital);
    cairo_move_to(cr, x - across * clean_width(cr, line), y + up * capital.height);
    cairo_show_text(cr, line);
}

void hg_text_outline(cairo_t *cr, const char *text, double x, double y, hg_rgb colour)
{
    char line[TEXT_LIMIT];
    cairo_text_extents_t capital = {0};
    clean(text, line);
    cairo_text_extents(cr, "H", &capital);
    cairo_move_to(cr, x - clean_width(cr, line) / 2, y + capital.height / 2);
    cairo_text_path(cr, line);
    hg_colour_set(cr, (hg_rgb){1, 1, 1}, 0.9);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_width(cr, 4);
    cairo_stroke_preserve(cr);
    hg_colour_set(cr, colour, 1);
    cairo_fill(cr);
}

/* ---------------------------------------------------------------- colours */

hg_rgb hg_colour(int i, int n)
{
    static const unsigned list[10] = {0x2f88f0, 0xf02a1e, 0x0fae62, 0xffb400, 0x85158f, 0x761c1c, 0xf7acb6, 0x587275, 0x4310e0, 0x18d0f5};
    if (n <= 10)
        return (hg_rgb){(list[i % 10] >> 16) / 255.0, (list[i % 10] >> 8 & 255) / 255.0, (list[i % 10] & 255) / 255.0};
    double part[3], hue = fmod(i * 0.6180339887498949, 1);
    double value = i % 3 == 0 ? 0.85 : i % 3 == 1 ? 0.6 : 0.95, grey = i % 3 == 2 ? 0.45 : 0.1;
    for (int c = 0; c < 3; c++) { /* the hue circle with its three primaries at 0, 1/3, 2/3 */
        double away = fabs(fmod(hue + 1.5 - c / 3.0, 1) - 0.5);
        double full = fmin(fmax(2 - 6 * away, 0), 1);
        part[c] = value * (grey + (1 - grey) * full);
    }
    return (hg_rgb){part[0], part[1], part[2]};
}

void hg_colour_set(cairo_t *cr, hg_rgb c, double alpha) { cairo_set_source_rgba(cr, c.r, c.g, c.b, alpha); }

/* ---------------------------------------------------------------- ticks */

/* Of 1, 2, 5 times a power of ten the nearest to `x`. */
static double nice(double x)
{
    double power = pow(10, floor(log10(x))), part = x / power;
    return power * (part < 1.41 ? 1 : part < 3.16 ? 2 : part < 7.07 ? 5 : 10);
}

/* As many decimals as the step needs; far from 1 as a power of ten. The minus sign is the typographic one. */
static void name_tick(hg_axis *axis, double value, double step)
{
    char number[24];
    double size = fmax(fabs(axis->low), fabs(axis->high));
    int decimals = (int)ceil(-log10(step) - 1e-6);
    if (fabs(value) < step * 1e-6)
        value = 0;
    if (value != 0 && (size >= 1e6 || size < 1e-4 || decimals > 6))
        snprintf(number, sizeof number, "%.*g", (int)fmin(fmax(ceil(log10(size / step)) + 1, 1), 8), value);
    else
        snprintf(number, sizeof number, "%.*f", value == 0 || decimals < 0 ? 0 : decimals > 7 ? 7 : decimals, value);
    bool negative = number[0] == '-';
    snprintf(axis->text[axis->n], sizeof axis->text[0], "%s%.18s", negative ? "\xe2\x88\x92" : "", number + negative);
    axis->at[axis->n++] = value;
}

static void linear_ticks(hg_axis *axis, int wanted)
{
    double step = nice((axis->high - axis->low) / wanted), slack = 1e-9 * step;
    axis->n = 0;
    for (double i = ceil((axis->low - slack) / step); i * step <= axis->high + slack && axis->n < HG_TICK_LIMIT; i++)
        name_tick(axis, i * step, step);
}

/* Powers of ten, with 2 and 5 between them where there is room; where a short axis has less than three of them, as on
 * a linear one. */
static void log_ticks(hg_axis *axis, int wanted)
{
    double first = floor(log10(axis->low)), last = ceil(log10(axis->high)), stride = ceil((last - first) / wanted);
    bool dense = (last - first) * 3 <= wanted + 2;
    axis->n = 0;
    for (double power = first; power <= last; power += fmax(stride, 1))
        for (int k = 0; k < (dense ? 3 : 1); k++) {
            double value = pow(10, power) * (k == 0 ? 1 : k == 1 ? 2 : 5);
            if (value >= axis->low * (1 - 1e-9) && value <= axis->high * (1 + 1e-9) && axis->n < HG_TICK_LIMIT)
                name_tick(axis, value, value);
        }
    if (axis->n < 3 && axis->high < 100 * axis->low)
        linear_ticks(axis, wanted);
}

void hg_axis_name(hg_axis *axis, int i, double at, const char *name)
{
    snprintf(axis->text[i], sizeof axis->text[0], "%s", name);
    axis->at[i] = at;
}

static void set_ticks(hg_axis *axis, int wanted)
{
    if (axis->named)
        return;
    wanted = wanted < 1 ? 1 : wanted > 12 ? 12 : wanted;
    if (axis->log)
        log_ticks(axis, wanted);
    else
        linear_ticks(axis, wanted);
}

hg_axis hg_axis_make(double low, double high, bool log, int wanted)
{
    hg_axis axis = {.low = low, .high = high, .log = log};
    double least = log ? 0.02 * low : fmax(1e-6 * fmax(fabs(low), fabs(high)), 1e-30);
    if (high - low < least) { /* one value: something on both sides of it */
        double room = log ? 0.5 * low : low == 0 ? 1 : 0.1 * fabs(low);
        axis.low = low - room;
        axis.high = high + room;
    }
    set_ticks(&axis, wanted);
    return axis;
}

double hg_axis_place(const hg_axis *axis, double value)
{
    return axis->log ? log(value / axis->low) / log(axis->high / axis->low) : (value - axis->low) / (axis->high - axis->low);
}

/* ---------------------------------------------------------------- axes */

static const hg_rgb ink = {0.15, 0.15, 0.17}, faint = {0.9, 0.9, 0.91}, border = {0.55, 0.55, 0.57};

static double widest_tick(cairo_t *cr, const hg_axis *axis)
{
    double widest = 0;
    for (int i = 0; i < axis->n; i++)
        widest = fmax(widest, hg_text_width(cr, axis->text[i]));
    return widest;
}

static void rule(cairo_t *cr, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cr, x0, y0);
    cairo_line_to(cr, x1, y1);
    cairo_stroke(cr);
}

static void draw_grid(cairo_t *cr, hg_box box, const hg_axis *x, const hg_axis *y)
{
    cairo_set_line_width(cr, 1);
    for (int i = 0; i < x->n; i++) {
        double at = box.x + box.width * hg_axis_place(x, x->at[i]);
        hg_colour_set(cr, faint, 1);
        if (!x->named)
            rule(cr, at, box.y, at, box.y + box.height);
        hg_colour_set(cr, ink, 1);
        hg_text_draw(cr, x->text[i], at, box.y + box.height + 8, 0.5, 1, 0);
    }
    for (int i = 0; i < y->n; i++) {
        double at = box.y + box.height * (1 - hg_axis_place(y, y->at[i]));
        hg_colour_set(cr, faint, 1);
        rule(cr, box.x, at, box.x + box.width, at);
        hg_colour_set(cr, ink, 1);
        hg_text_draw(cr, y->text[i], box.x - 8, at, 1, 0.5, 0);
    }
    hg_colour_set(cr, border, 1);
    cairo_rectangle(cr, box.x, box.y, box.width, box.height);
    cairo_stroke(cr);
}

hg_box hg_chart_axes(cairo_t *cr, hg_box outer, hg_axis *x, hg_axis *y, const char *title, const char *x_label, const char *y_label)
{
    double top = title ? 44 : 18, bottom = 30 + (x_label ? 24 : 0);
    hg_text_font(cr, 13, false);
    set_ticks(y, (int)((outer.height - top - bottom) / 62));
    double left = 16 + fmax(widest_tick(cr, y), 28) + (y_label ? 26 : 0);
    hg_box box = {outer.x + left, outer.y + top, outer.width - left - 16, outer.height - top - bottom};
    for (int wanted = (int)(box.width / 90); wanted > 0; wanted--) {
        set_ticks(x, wanted);
        if (x->n * (widest_tick(cr, x) + 16) <= box.width)
            break;
    }
    draw_grid(cr, box, x, y);
    hg_colour_set(cr, ink, 1);
    hg_text_font(cr, 14, false);
    if (x_label)
        hg_text_draw(cr, x_label, box.x + box.width / 2, outer.y + outer.height - 12, 0.5, 0, box.width);
    if (y_label) {
        cairo_save(cr);
        cairo_translate(cr, outer.x + 20, box.y + box.height / 2);
        cairo_rotate(cr, -1.5707963267948966);
        hg_text_draw(cr, y_label, 0, 0, 0.5, 0, box.height);
        cairo_restore(cr);
    }
    hg_text_font(cr, 16, true);
    if (title)
        hg_text_draw(cr, title, box.x, outer.y + 28, 0, 0, box.width);
    return box;
}
