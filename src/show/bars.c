/* hg_plot_bars: groups of bars, a panel above the other, with one legend. */
#include <math.h>

#include "base/memory.h"
#include "show/chart.h"

enum { PANEL = 340, LEGEND_ROW = 22, LEAST_WIDTH = 860, GROUP_GAP = 26, BAR = 42, WIDEST_BAR = 72, LIMIT = 500 };

static bool is_bar(const hg_bars *p, double value) { return isfinite(value) && value < 1e150 && (p->log ? value > 1e-150 : value >= 0); }

static bool check(hg_context *ctx, const hg_bars *p)
{
    if (p->n_groups < 1 || p->n_groups > HG_TICK_LIMIT || p->n_series < 1 || p->n_groups > LIMIT / p->n_series)
        return hg_fail(ctx, HG_USAGE, "bars: %d groups of %d bars; expected 1 to %d groups and %d bars in all: choose fewer", p->n_groups,
                       p->n_series, HG_TICK_LIMIT, LIMIT);
    return true;
}

/* From zero to a little above the highest bar or whisker, so that texts have room. */
static hg_axis value_axis(const hg_bars *p)
{
    double low = INFINITY, high = 0;
    for (int i = 0; i < p->n_groups * p->n_series; i++) {
        if (!is_bar(p, p->bars[i].value)) continue;
        low = fmin(low, p->bars[i].value);
        high = fmax(high, is_bar(p, p->bars[i].high) ? fmax(p->bars[i].high, p->bars[i].value) : p->bars[i].value);
    }
    if (high <= 0) return hg_axis_make(p->log ? 0.1 : 0, 1, p->log, 6);
    return p->log ? hg_axis_make(low / 2, high * 2, true, 6) : hg_axis_make(0, high * 1.12, false, 6);
}

static double height_of(hg_box box, const hg_axis *y, double value)
{
    double place = hg_axis_place(y, y->log ? fmax(value, y->low) : value);
    return box.y + box.height * (1 - fmin(fmax(place, 0), 1));
}

static void draw_bar(cairo_t *cr, hg_box box, const hg_axis *y, const hg_bar *bar, double x, double width, hg_rgb colour)
{
    const hg_rgb ink = {0.15, 0.15, 0.17};
    double top = height_of(box, y, bar->value), middle = x + width / 2;
    hg_colour_set(cr, colour, 0.9);
    cairo_rectangle(cr, x, top, width, box.y + box.height - top);
    cairo_fill(cr);
    hg_colour_set(cr, ink, 1);
    if (bar->low < bar->high) {
        double from = height_of(box, y, bar->low), to = height_of(box, y, bar->high);
        cairo_set_line_width(cr, 1);
        cairo_move_to(cr, middle, from);
        cairo_line_to(cr, middle, to);
        for (int end = 0; end < 2; end++) {
            cairo_move_to(cr, middle - 3, end ? to : from);
            cairo_line_to(cr, middle + 3, end ? to : from);
        }
        cairo_stroke(cr);
        top = fmin(top, to);
    }
    hg_text_font(cr, 10, false);
    if (bar->text) hg_text_draw(cr, bar->text, middle, top - 4, 0.5, 0, width + 6);
}

static void draw_panel(cairo_t *cr, hg_box outer, const hg_bars *p)
{
    hg_axis x = {.low = 0, .high = p->n_groups, .named = true, .n = p->n_groups}, y = value_axis(p);
    for (int g = 0; g < p->n_groups; g++) hg_axis_name(&x, g, g + 0.5, p->group_names[g]);
    hg_box box = hg_chart_axes(cr, outer, &x, &y, p->title, NULL, p->y_label);
    double group = box.width / p->n_groups, width = fmin((group - GROUP_GAP) / p->n_series, WIDEST_BAR);
    for (int g = 0; g < p->n_groups; g++)
        for (int s = 0; s < p->n_series; s++) {
            const hg_bar *bar = &p->bars[g * p->n_series + s];
            if (!is_bar(p, bar->value)) continue;
            const double left = box.x + (g + 0.5) * group + (s - p->n_series / 2.0) * width + 0.5;
            draw_bar(cr, box, &y, bar, left, width - 1, hg_colour(s, p->n_series));
        }
}

static void draw_legend(cairo_t *cr, const hg_bars *p, double top, double width)
{
    for (int s = 0; s < p->n_series; s++) {
        double y = top + LEGEND_ROW * s;
        hg_colour_set(cr, hg_colour(s, p->n_series), 0.9);
        cairo_rectangle(cr, 70, y, 12, 12);
        cairo_fill(cr);
        hg_colour_set(cr, (hg_rgb){0.15, 0.15, 0.17}, 1);
        hg_text_font(cr, 13, false);
        hg_text_draw(cr, p->series_names[s], 90, y + 11, 0, 0, width - 106);
    }
}

bool hg_plot_bars(hg_context *ctx, const char *path, const hg_bars *panels, int n_panels)
{
    hg_chart chart;
    double width = LEAST_WIDTH, height = 16;
    for (int i = 0; i < n_panels; i++) {
        if (!check(ctx, &panels[i])) return false;
        width = fmax(width, 90.0 + panels[i].n_groups * (GROUP_GAP + BAR * panels[i].n_series));
        height += PANEL;
    }
    if (n_panels < 1) return hg_fail(ctx, HG_USAGE, "bars: no panels");
    double legend = LEGEND_ROW * panels[0].n_series;
    bool open = hg_chart_open(&chart, ctx, path, width, height + legend);
    for (int i = 0; open && i < n_panels; i++) draw_panel(chart.cr, (hg_box){0, (double)PANEL * i, width, PANEL}, &panels[i]);
    if (open) draw_legend(chart.cr, &panels[0], (double)PANEL * n_panels + 2, width);
    return hg_chart_close(&chart, open);
}
