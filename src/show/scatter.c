/* hg_plot_scatter: points coloured by class, panels side by side. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"
#include "show/chart.h"

enum { PANEL = 600, HEIGHT = 580, LEGEND_ROW = 22, LEGEND_ROWS = 22, LEGEND_COLUMNS = 3, NAMED = 20 };

static const hg_rgb unlabelled = {0.62, 0.62, 0.62}, ink = {0.15, 0.15, 0.17};

static bool is_point(const hg_scatter *s, int64_t i) { return isfinite(s->x[i]) && isfinite(s->y[i]); }

static int label_of(const hg_scatter *s, int64_t i)
{
    int label = s->labels ? s->labels[i] : -1;
    return label < s->classes ? label : -1;
}

static hg_rgb colour_of(const hg_scatter *s, int label)
{
    return !s->labels ? hg_colour(0, 1) : label < 0 ? unlabelled : hg_colour(label, s->classes);
}

/* ---------------------------------------------------------------- legend */

static const char *class_name(const hg_scatter *s, int label, char buf[16])
{
    snprintf(buf, 16, "%d", label);
    return s->class_names && s->class_names[label] ? s->class_names[label] : buf;
}

static int legend_entries(const hg_scatter *s)
{
    int most = LEGEND_ROWS * LEGEND_COLUMNS;
    return !s->labels ? 0 : s->classes < most ? s->classes : most;
}

static double legend_column(cairo_t *cr, const hg_scatter *s)
{
    char buf[16];
    double widest = 0;
    hg_text_font(cr, 13, false);
    for (int i = 0; i < legend_entries(s); i++)
        widest = fmax(widest, hg_text_width(cr, class_name(s, i, buf)));
    return 30 + fmin(widest, 180);
}

/* A few classes are measured before there is a surface to draw on. */
static double legend_width(const hg_scatter *s)
{
    int columns = (legend_entries(s) + LEGEND_ROWS - 1) / LEGEND_ROWS;
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    cairo_t *cr = cairo_create(surface);
    double width = columns ? 12 + columns * legend_column(cr, s) : 0;
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return width;
}

static void draw_legend(cairo_t *cr, const hg_scatter *s, hg_box box)
{
    char buf[32];
    double column = legend_column(cr, s);
    for (int i = 0; i < legend_entries(s); i++) {
        double x = box.x + box.width + 12 + column * (i / LEGEND_ROWS), y = box.y + 10 + LEGEND_ROW * (i % LEGEND_ROWS);
        cairo_arc(cr, x, y, 5.5, 0, 6.2831853);
        hg_colour_set(cr, hg_colour(i, s->classes), 1);
        cairo_fill(cr);
        hg_colour_set(cr, ink, 1);
        hg_text_draw(cr, class_name(s, i, buf), x + 12, y, 0, 0.5, 180);
    }
    if (s->labels && s->classes > legend_entries(s)) {
        snprintf(buf, sizeof buf, "and %d more", s->classes - legend_entries(s));
        hg_text_draw(cr, buf, box.x + box.width + 6, box.y + LEGEND_ROW * (LEGEND_ROWS + 1), 0, 0.5, 0);
    }
}

static bool same_legend(const hg_scatter *a, const hg_scatter *b)
{
    char p[16], q[16];
    if (!a->labels != !b->labels || a->classes != b->classes)
        return false;
    for (int i = 0; i < a->classes; i++)
        if (strcmp(class_name(a, i, p), class_name(b, i, q)))
            return false;
    return true;
}

/* ---------------------------------------------------------------- points */

/* Axes around all points, a little wider; 0 to 1 where there are none. */
static int64_t find_range(const hg_scatter *s, hg_axis *x, hg_axis *y)
{
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    int64_t n = 0;
    for (int64_t i = 0; i < s->n; i++) {
        if (!is_point(s, i))
            continue;
        low[0] = fmin(low[0], s->x[i]), high[0] = fmax(high[0], s->x[i]);
        low[1] = fmin(low[1], s->y[i]), high[1] = fmax(high[1], s->y[i]);
        n++;
    }
    for (int a = 0; a < 2; a++) {
        double room = n ? 0.03 * (high[a] - low[a]) : 0;
        *(a ? y : x) = n ? hg_axis_make(low[a] - room, high[a] + room, false, 6) : hg_axis_make(0, 1, false, 6);
    }
    return n;
}

typedef struct dots { const hg_scatter *s; hg_box box; const hg_axis *x, *y; const uint32_t *order; int64_t from, to; } dots;

/* The dots of one class (-1: none) among order[from .. to) as one path: a line of no length with round ends is a dot. */
static void draw_class(cairo_t *cr, const dots *d, int label, double alpha)
{
    bool any = false;
    for (int64_t k = d->from; k < d->to; k++) {
        int64_t i = d->order[k];
        if (label_of(d->s, i) != label || !is_point(d->s, i))
            continue;
        const double px = d->box.x + d->box.width * hg_axis_place(d->x, d->s->x[i]);
        const double py = d->box.y + d->box.height * (1 - hg_axis_place(d->y, d->s->y[i]));
        cairo_move_to(cr, px, py);
        cairo_line_to(cr, px, py);
        any = true;
    }
    if (any) {
        hg_colour_set(cr, colour_of(d->s, label), alpha);
        cairo_stroke(cr);
    }
}

/* In a shuffled order, the same each time, and in layers of all classes, so that no class hides another. */
static bool draw_points(hg_chart *chart, const hg_scatter *s, hg_box box, const hg_axis *x, const hg_axis *y, int64_t shown)
{
    enum { LAYER = 256 };
    cairo_t *cr = chart->cr;
    const double digits = log10((double)shown + 1);
    const double radius = fmin(fmax(5.6 - 0.95 * digits, 1.2), 4), alpha = fmin(fmax(1.25 - 0.17 * digits, 0.35), 0.9);
    uint32_t *order = hg_alloc(chart->ctx, (size_t)s->n, sizeof *order);
    if (!order)
        return false;
    hg_rng rng = hg_rng_make(0, HG_STREAM_SHUFFLE, 0);
    hg_rng_shuffle(&rng, order, (uint32_t)s->n);
    cairo_save(cr);
    cairo_rectangle(cr, box.x, box.y, box.width, box.height);
    cairo_clip(cr);
    cairo_set_line_width(cr, 2 * radius);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    int classes = s->labels ? s->classes : 0;
    for (int64_t k = 0, layer = 0; k < s->n; k += LAYER, layer++) {
        dots d = {s, box, x, y, order, k, k + LAYER < s->n ? k + LAYER : s->n};
        for (int i = 0; i <= classes; i++)
            draw_class(cr, &d, (int)((i + layer) % (classes + 1)) - 1, alpha);
    }
    cairo_restore(cr);
    hg_free(order);
    return true;
}

/* ---------------------------------------------------------------- names of the classes, in the middle of their points */

typedef struct tag { double x, y, half; } tag;

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median of one coordinate of a class's points; NAN where it has none. `room` holds n floats. */
static double median(const hg_scatter *s, const float *values, int label, float *room)
{
    size_t n = 0;
    for (int64_t i = 0; i < s->n; i++)
        if (label_of(s, i) == label && is_point(s, i))
            room[n++] = values[i];
    if (n == 0)
        return NAN;
    qsort(room, n, sizeof *room, by_value);
    return room[n / 2];
}

/* Moves names apart that cover each other, along the shorter way out, and keeps them in the box. */
static void spread(tag *tags, int n, hg_box box)
{
    enum { ROUNDS = 60, TALL = 18 };
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < n; i++) {
            for (int k = i + 1; k < n; k++) {
                double dx = tags[k].x - tags[i].x, dy = tags[k].y - tags[i].y;
                double over_x = tags[i].half + tags[k].half + 4 - fabs(dx), over_y = TALL - fabs(dy);
                if (!(over_x > 0 && over_y > 0)) /* also where one has no place */
                    continue;
                double move_x = over_x < over_y ? copysign(over_x / 4, dx) : 0, move_y = over_x < over_y ? 0 : copysign(over_y / 4, dy);
                tags[i].x -= move_x, tags[k].x += move_x;
                tags[i].y -= move_y, tags[k].y += move_y;
            }
            if (!isnan(tags[i].x)) {
                tags[i].x = fmin(fmax(tags[i].x, box.x + tags[i].half + 3), box.x + box.width - tags[i].half - 3);
                tags[i].y = fmin(fmax(tags[i].y, box.y + TALL / 2), box.y + box.height - TALL / 2);
            }
        }
}

static bool draw_names(hg_chart *chart, const hg_scatter *s, hg_box box, const hg_axis *x, const hg_axis *y)
{
    char buf[16];
    tag tags[NAMED];
    cairo_t *cr = chart->cr;
    if (!s->labels || s->classes < 2 || s->classes > NAMED)
        return true;
    float *room = hg_alloc(chart->ctx, (size_t)s->n, sizeof *room);
    if (!room)
        return false;
    hg_text_font(cr, 15, true);
    for (int i = 0; i < s->classes; i++)
        tags[i] = (tag){box.x + box.width * hg_axis_place(x, median(s, s->x, i, room)),
                        box.y + box.height * (1 - hg_axis_place(y, median(s, s->y, i, room))),
                        hg_text_width(cr, class_name(s, i, buf)) / 2};
    hg_free(room);
    spread(tags, s->classes, box);
    for (int i = 0; i < s->classes; i++) {
        if (isnan(tags[i].x))
            continue;
        hg_rgb c = hg_colour(i, s->classes), dark = {c.r * 0.45, c.g * 0.45, c.b * 0.45};
        hg_text_outline(cr, class_name(s, i, buf), tags[i].x, tags[i].y, dark);
    }
    return true;
}

/* ---------------------------------------------------------------- the chart */

static bool draw_panel(hg_chart *chart, const hg_scatter *s, hg_box outer, bool legend)
{
    char note[80];
    hg_axis x, y;
    int64_t shown = find_range(s, &x, &y);
    hg_box box = hg_chart_axes(chart->cr, outer, &x, &y, s->title, s->x_label, s->y_label);
    if (s->n && (!draw_points(chart, s, box, &x, &y, shown) || !draw_names(chart, s, box, &x, &y)))
        return false;
    if (legend)
        draw_legend(chart->cr, s, box);
    hg_text_font(chart->cr, 12, false);
    hg_colour_set(chart->cr, ink, 1);
    if (shown == 0)
        hg_text_draw(chart->cr, "no points", box.x + box.width / 2, box.y + box.height / 2, 0.5, 0.5, 0);
    else if (shown < s->n) {
        snprintf(note, sizeof note, "%lld of %lld points are not finite", (long long)(s->n - shown), (long long)s->n);
        hg_text_draw(chart->cr, note, box.x + box.width - 8, box.y + box.height - 10, 1, 0, 0);
    }
    return true;
}

static bool check(hg_context *ctx, const hg_scatter *panels, int n_panels)
{
    if (!panels || n_panels < 1)
        return hg_fail(ctx, HG_USAGE, "scatter: %d panels; expected at least one", n_panels);
    for (int i = 0; i < n_panels; i++) {
        const hg_scatter *s = &panels[i];
        if (s->n < 0 || s->n > UINT32_MAX || (s->n && (!s->x || !s->y)) || (s->labels && s->classes < 1))
            return hg_fail(ctx, HG_USAGE,
                           "scatter: panel %d has %lld points, %d classes; expected both coordinates of at most 2^32 points, and "
                           "at least one class where there are labels", i, (long long)s->n, s->classes);
    }
    return true;
}

bool hg_plot_scatter(hg_context *ctx, const char *path, const hg_scatter *panels, int n_panels)
{
    hg_chart chart;
    double width = 0;
    if (!check(ctx, panels, n_panels))
        return false;
    bool shared = true; /* one legend, at the right, for all */
    for (int i = 1; i < n_panels; i++)
        shared = shared && same_legend(&panels[0], &panels[i]);
    for (int i = 0; i < n_panels; i++)
        width += PANEL + (shared && i + 1 < n_panels ? 0 : legend_width(&panels[i]));
    bool drawn = hg_chart_open(&chart, ctx, path, width, HEIGHT);
    double left = 0;
    for (int i = 0; drawn && i < n_panels; i++) {
        bool legend = !shared || i + 1 == n_panels;
        drawn = draw_panel(&chart, &panels[i], (hg_box){left, 0, PANEL, HEIGHT}, legend);
        left += PANEL + (legend ? legend_width(&panels[i]) : 0);
    }
    return hg_chart_close(&chart, drawn);
}
