/* What charts are made of: a surface that becomes a PNG or SVG file, text, axes with ticks at nice numbers, colours.
 * Lengths are in points of the chart; a PNG has two pixels to the point. */
#ifndef HG_SHOW_CHART_H
#define HG_SHOW_CHART_H

#include <cairo.h>

#include "base/file.h"

typedef struct hg_chart {
    hg_context *ctx;
    const char *path;
    hg_writer *writer;
    cairo_surface_t *surface;
    cairo_t *cr;
    bool svg;
} hg_chart;

/* Opens `path`, whose ending decides between PNG and SVG (HG_USAGE otherwise), with a white surface. */
bool hg_chart_open(hg_chart *chart, hg_context *ctx, const char *path, double width, double height);
/* Completes the file if `drawn`, else removes what there is of it; frees everything. Call it whatever happened. Returns
 * whether the file is there. */
bool hg_chart_close(hg_chart *chart, bool drawn);

/* ---- text: any bytes; what is not UTF-8 becomes '?'. Sizes are those of the current font. */
void hg_text_font(cairo_t *cr, double size, bool bold);
double hg_text_width(cairo_t *cr, const char *text);
/* Draws with (x, y) at the part (across, up) of the text's box: (0, 0) is the baseline's beginning, 1 the right end and the
 * top of capitals. Shortened with an ellipsis where wider than `room` (0: any width). */
void hg_text_draw(cairo_t *cr, const char *text, double x, double y, double across, double up, double room);

typedef struct hg_rgb { double r, g, b; } hg_rgb;
/* Centred on (x, y), with a white edge that keeps it readable on anything. */
void hg_text_outline(cairo_t *cr, const char *text, double x, double y, hg_rgb colour);

/* ---- colours: for class or curve `i` of `n`; up to ten come from a list that colour-blind people tell apart as well. */
hg_rgb hg_colour(int i, int n);
void hg_colour_set(cairo_t *cr, hg_rgb colour, double alpha);

/* ---- axes */
enum { HG_TICK_LIMIT = 32 };
typedef struct hg_axis {
    double low, high;
    bool log;
    bool named; /* the ticks are names, given by hg_axis_name: without grid lines */
    int n;
    double at[HG_TICK_LIMIT];
    char text[HG_TICK_LIMIT][24];
} hg_axis;

/* An axis from `low` to `high` (finite, low <= high; low > 0 where log), widened where they are equal, with about `wanted` ticks. */
hg_axis hg_axis_make(double low, double high, bool log, int wanted);
/* Names the place `at` with tick i; `n` is the caller's. A long name is cut. */
void hg_axis_name(hg_axis *axis, int i, double at, const char *name);
/* 0 at the low end, 1 at the high end. */
double hg_axis_place(const hg_axis *axis, double value);

typedef struct hg_box { double x, y, width, height; } hg_box;

/* Draws title, labels (each may be NULL), grid and ticks into `outer`. Chooses the ticks for axes of which low, high and
 * log are set (the names of a named one stay). Returns the box of the data. */
hg_box hg_chart_axes(cairo_t *cr, hg_box outer, hg_axis *x, hg_axis *y, const char *title, const char *x_label, const char *y_label);

#endif
