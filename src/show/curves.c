/* hg_plot_curves: curves over a common axis, named at their right ends. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "show/chart.h"

enum { WIDTH = 860, HEIGHT = 520, ROW = 18, CURVE_LIMIT = 500, MARKED = 40, MANY = 400 };

/* Where a curve ends, and where its name goes. */
typedef struct ending { int curve; double value, y, name_y; } ending;

/* What is drawn: finite, positive on a logarithmic axis, and of a size whose differences and ratios stay finite. */
static bool is_point(const hg_curve *c, int i, bool log_y)
{
    double x = c->x[i], y = c->y[i], most = 1e150;
    return fabs(x) < most && fabs(y) < most && (!log_y || y > 1 / most);
}

/* Axes around all points; false where there are none. */
static bool find_range(const hg_curve *curves, int n, bool log_y, hg_axis *x, hg_axis *y)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    for (int k = 0; k < n; k++)
        for (int i = 0; i < curves[k].n; i++) {
            if (!is_point(&curves[k], i, log_y))
                continue;
            low[0] = fmin(low[0], curves[k].x[i]), high[0] = fmax(high[0], curves[k].x[i]);
            low[1] = fmin(low[1], curves[k].y[i]), high[1] = fmax(high[1], curves[k].y[i]);
        }
    if (low[0] > high[0]) {
        *x = *y = hg_axis_make(0, 1, false, 6);
        return false;
    }
    double room = log_y ? pow(high[1] / low[1], 0.04) : 0.04 * (high[1] - low[1]);
    *x = hg_axis_make(low[0], high[0], false, 6);
    *y = log_y ? hg_axis_make(low[1] / room, high[1] * room, true, 6) : hg_axis_make(low[1] - room, high[1] + room, false, 6);
    return true;
}

/* A line through neighbouring points; a dot where a point has no neighbour, or where there are few. */
static void draw_curve(cairo_t *cr, const hg_curve *c, hg_box box, const hg_axis *x, const hg_axis *y)
{
    bool before = false;
    for (int i = 0; i < c->n; i++) {
        bool here = is_point(c, i, y->log);
        if (here) {
            double px = box.x + box.width * hg_axis_place(x, c->x[i]), py = box.y + box.height * (1 - hg_axis_place(y, c->y[i]));
            if (before)
                cairo_line_to(cr, px, py);
            else
                cairo_move_to(cr, px, py);
        }
        before = here;
    }
    cairo_set_line_width(cr, c->n > MANY ? 1.2 : 2);
    cairo_stroke(cr);
    for (int i = 0; i < c->n; i++) {
        bool alone = (i == 0 || !is_point(c, i - 1, y->log)) && (i + 1 == c->n || !is_point(c, i + 1, y->log));
        if (!is_point(c, i, y->log) || !(alone || c->n <= MARKED))
            continue;
        const double px = box.x + box.width * hg_axis_place(x, c->x[i]), py = box.y + box.height * (1 - hg_axis_place(y, c->y[i]));
        cairo_arc(cr, px, py, 2.8, 0, 6.2831853);
        cairo_fill(cr);
    }
}

static int by_height(const void *a, const void *b)
{
    const ending *p = a, *q = b;
    return p->y != q->y ? (p->y > q->y) - (p->y < q->y) : p->curve - q->curve;
}

/* The ends of all curves that have one, from top to bottom, names ROW apart. */
static int find_endings(const hg_curve *curves, int n, hg_box box, const hg_axis *y, ending *ends)
{
    int count = 0;
    for (int k = 0; k < n; k++) {
        int i = curves[k].n - 1;
        while (i >= 0 && !is_point(&curves[k], i, y->log))
            i--;
        if (i < 0)
            continue;
        double at = box.y + box.height * (1 - hg_axis_place(y, curves[k].y[i]));
        ends[count++] = (ending){k, curves[k].y[i], at, at};
    }
    qsort(ends, (size_t)count, sizeof *ends, by_height);
    for (int i = 1; i < count; i++)
        ends[i].name_y = fmax(ends[i].name_y, ends[i - 1].name_y + ROW);
    double bottom = box.y + box.height;
    for (int i = count - 1; i >= 0; i--, bottom -= ROW) /* up again where they ran out of the box */
        ends[i].name_y = fmin(ends[i].name_y, bottom);
    return count;
}

static const char *curve_name(const hg_curve *c) { return c->name ? c->name : ""; }

/* Names with the last values; they are the legend, so each has a piece of its line. */
static void draw_endings(cairo_t *cr, const hg_curve *curves, int n, hg_box box, const ending *ends, int count, double name_width)
{
    double right = box.x + box.width;
    for (int i = 0; i < count; i++) {
        char value[24];
        hg_rgb c = hg_colour(ends[i].curve, n), dark = {c.r * 0.75, c.g * 0.75, c.b * 0.75};
        snprintf(value, sizeof value, "%.4g", ends[i].value);
        hg_colour_set(cr, c, 0.6);
        cairo_set_line_width(cr, 1);
        cairo_move_to(cr, right + 1, ends[i].y);
        cairo_line_to(cr, right + 13, ends[i].name_y);
        cairo_stroke(cr);
        hg_colour_set(cr, c, 1);
        cairo_set_line_width(cr, 3);
        cairo_move_to(cr, right + 13, ends[i].name_y);
        cairo_line_to(cr, right + 27, ends[i].name_y);
        cairo_stroke(cr);
        hg_colour_set(cr, dark, 1);
        hg_text_font(cr, 13, true);
        hg_text_draw(cr, curve_name(&curves[ends[i].curve]), right + 32, ends[i].name_y, 0, 0.5, name_width);
        hg_text_font(cr, 13, false);
        hg_text_draw(cr, value, right + 40 + name_width, ends[i].name_y, 0, 0.5, 0);
    }
}

static double widest_name(const hg_curve *curves, int n)
{
    double widest = 0;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cr = cairo_create(surface);
    hg_text_font(cr, 13, true);
    for (int k = 0; k < n; k++)
        widest = fmax(widest, hg_text_width(cr, curve_name(&curves[k])));
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return fmin(ceil(widest) + 1, 240);
}

static bool draw(hg_chart *chart, const hg_curve *curves, int n, const hg_curves_params *params, hg_box outer, double name_width)
{
    hg_axis x, y;
    cairo_t *cr = chart->cr;
    ending *ends = hg_alloc(chart->ctx, (size_t)n, sizeof *ends);
    if (!ends)
        return false;
    bool any = find_range(curves, n, params->log_y, &x, &y);
    hg_box box = hg_chart_axes(cr, outer, &x, &y, params->title, params->x_label, params->y_label);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    for (int k = 0; k < 2 * n; k++) { /* long curves, noise often, below the others and paler */
        const hg_curve *c = &curves[k % n];
        hg_colour_set(cr, hg_colour(k % n, n), c->n > MANY ? 0.65 : 1);
        if ((c->n > MANY) == (k < n))
            draw_curve(cr, c, box, &x, &y);
    }
    draw_endings(cr, curves, n, box, ends, find_endings(curves, n, box, &y, ends), name_width);
    if (!any) {
        hg_colour_set(cr, (hg_rgb){0.15, 0.15, 0.17}, 1);
        hg_text_draw(cr, "no finite values", box.x + box.width / 2, box.y + box.height / 2, 0.5, 0.5, 0);
    }
    hg_free(ends);
    return true;
}

bool hg_plot_curves(hg_context *ctx, const char *path, const hg_curve *curves, int n, const hg_curves_params *params)
{
    hg_chart chart;
    hg_curves_params none = {0};
    if (!curves || n < 1 || n > CURVE_LIMIT)
        return hg_fail(ctx, HG_USAGE, "curves: %d curves; expected 1 to %d", n, CURVE_LIMIT);
    for (int k = 0; k < n; k++)
        if (curves[k].n < 0 || (curves[k].n && (!curves[k].x || !curves[k].y)))
            return hg_fail(ctx, HG_USAGE, "curves: curve %d has %d points without both coordinates", k, curves[k].n);
    double name_width = widest_name(curves, n), height = fmax(HEIGHT, n * ROW + 120.0);
    bool drawn = hg_chart_open(&chart, ctx, path, WIDTH + 100 + name_width, height) &&
                 draw(&chart, curves, n, params ? params : &none, (hg_box){0, 0, WIDTH, height}, name_width);
    return hg_chart_close(&chart, drawn);
}
