#include "winograd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Roundings of the six passes of transforms (columns and rows of three): at most four each, constants included; and the product's. */
enum { EDGE = 6, POINTS = EDGE * EDGE, ROUNDINGS = 6 * 4 + 1 };

/* Magnitudes of A [t][m], B' [t][t], C [t][r], by the formulas at the top of cl/winograd_tiles.cl, where phases have r taps at most. */
typedef struct sides { int m, r, t; double a[EDGE * EDGE], b[EDGE * EDGE], c[EDGE * EDGE]; } sides;

/* The coefficients of the product of (x - p) over n points but number `skip`. */
static void polynomial(const double *points, int n, int skip, double *coefficient)
{
    int degree = 0;
    coefficient[0] = 1;
    for (int k = 0; k < n; k++) {
        if (k == skip) continue;
        coefficient[++degree] = 0;
        for (int i = degree; i >= 0; i--) coefficient[i] = (i ? coefficient[i - 1] : 0) - points[k] * coefficient[i];
    }
}

static sides sides_of(int m, int kernel, int stride)
{
    const double two[] = {0, 1, -1}, four[] = {0, M_SQRT1_2, -M_SQRT1_2, M_SQRT2, -M_SQRT2}, strided_four[] = {0.5, -0.5, 1.5, -1.5};
    const double *points = m == 2 ? two : stride == 1 ? four : strided_four;
    sides s = {.m = m, .r = (kernel + stride - 1) / stride};
    const int r = s.r, t = s.t = m + r - 1, finite = t - 1;
    for (int p = 0; p < finite; p++) {
        double n = 1;
        for (int q = 0; q < finite; q++) n *= p == q ? 1 : points[p] - points[q];
        for (int k = 0; k < m; k++) s.a[p * m + k] = pow(points[p], k);
        for (int k = 0; k < r; k++) s.c[p * r + k] = pow(points[p], k) / n;
        polynomial(points, finite, p, s.b + p * t);
    }
    s.a[finite * m + m - 1] = s.c[finite * r + r - 1] = 1;
    polynomial(points, finite, -1, s.b + finite * t);
    for (int i = 0; i < EDGE * EDGE; i++) s.a[i] = fabs(s.a[i]), s.b[i] = fabs(s.b[i]), s.c[i] = fabs(s.c[i]);
    return s;
}

/* to [k][k] = L from L' with L [k][n], or with L' in its place (`transposed`: L [n][k]) */
static void both_ways(const double *l, int k, int n, bool transposed, const double *from, double *to)
{
    double half_way[POINTS];
    for (int i = 0; i < k; i++)
        for (int j = 0; j < n; j++) {
            half_way[i * n + j] = 0;
            for (int r = 0; r < n; r++) half_way[i * n + j] += l[transposed ? r * k + i : i * n + r] * from[r * n + j];
        }
    for (int i = 0; i < k; i++)
        for (int j = 0; j < k; j++) {
            to[i * k + j] = 0;
            for (int r = 0; r < n; r++) to[i * k + j] += half_way[i * n + r] * l[transposed ? r * k + j : j * n + r];
        }
}

/* |numbers| [n][n] of channel c of picture b, every `step`-th pixel from (y0, x0) on, zeros around it */
static void square(const double *pictures, hg_shape s, int b, int c, int y0, int x0, int step, int n, double *to)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const int y = y0 + i * step, x = x0 + j * step;
            to[i * n + j] = y >= 0 && y < s.h && x >= 0 && x < s.w ? fabs(pictures[at4(s, b, c, y, x)]) : 0;
        }
}

static double *make(int count)
{
    double *block = calloc((size_t)count * POINTS, sizeof *block);
    assert_non_null(block);
    return block;
}

static double bound(double terms, double magnitude)
{
    return isfinite(magnitude) ? bound_of_sum(terms + ROUNDINGS, magnitude) : INFINITY;
}

static void add_products(const double *x, const double *y, int points, double *total)
{
    for (int p = 0; p < points; p++) total[p] += x[p] * y[p];
}

/* Taps of phase r of the large side. */
static int taps_of(int k, int s, int r) { return (k - r + s - 1) / s; }

/* Where the pixels of the large side that are p mod s begin to read the small one: together, where some have a tap fewer. */
static int first_of(const winograd_gather *g, int axis, int p)
{
    return ((g->k % g->s ? g->s - 1 : p) + g->p[axis]) / g->s - (taps_of(g->k, g->s, 0) - 1);
}

/* Which tap tiles of phase p, of the side that is written or read by phases, meet j-th; outside 0 to k - 1: none. */
static int tap_of(const winograd_gather *g, int axis, int p, int j)
{
    return g->data ? p + g->p[axis] - (first_of(g, axis, p) + j) * g->s : j * g->s + p;
}

/* |w| [r][r] of phase (ph, pw) in the order in which tiles meet it */
static void phase_taps(const winograd_gather *g, int r, int ph, int pw, size_t first, double *taps)
{
    for (int i = 0; i < r; i++)
        for (int j = 0; j < r; j++) {
            const int kh = tap_of(g, 0, ph, i), kw = tap_of(g, 1, pw, j);
            const bool is = kh >= 0 && kh < g->k && kw >= 0 && kw < g->k;
            taps[i * r + j] = is ? fabs(g->w[first + (size_t)(kh * g->k + kw)]) : 0;
        }
}

/* The tile from row y and column x on of the pixels that are written, or of those of phase (ph, pw) among them; in: channels of all phases
 * that are read. */
static void widen_tile(const sides *s, const winograd_gather *g, int b, int y, int x, int ph, int pw, int in, const double *weights,
                       double *turned, field *to)
{
    const int from = g->from_shape.c, points = s->t * s->t, step = g->data ? g->s : 1;
    double part[POINTS];
    for (int c = 0; c < in; c++) {
        const int phase = c / from, y0 = g->data ? y + first_of(g, 0, ph) : y * g->s + phase / g->s - g->p[0];
        const int x0 = g->data ? x + first_of(g, 1, pw) : x * g->s + phase % g->s - g->p[1];
        square(g->from, g->from_shape, b, c % from, y0, x0, g->data ? 1 : g->s, s->t, part);
        both_ways(s->b, s->t, s->t, false, part, turned + c * POINTS);
    }
    for (int o = 0; o < g->to_shape.c; o++) {
        double total[POINTS] = {0}, magnitude[POINTS];
        for (int c = 0; c < in; c++) add_products(turned + c * POINTS, weights + (o * in + c) * POINTS, points, total);
        both_ways(s->a, s->m, s->t, true, total, magnitude);
        for (int i = 0; i < s->m; i++)
            for (int j = 0; j < s->m; j++) {
                const int row = (y + i) * step + ph, column = (x + j) * step + pw;
                if (row < g->to_shape.h && column < g->to_shape.w)
                    to->tol[at4(g->to_shape, b, o, row, column)] += bound(in, magnitude[i * s->m + j]);
            }
    }
}

static void widen_gather(int m, const winograd_gather *g, field *to)
{
    const sides s = sides_of(m, g->k, g->s);
    const int phases = g->s * g->s, from = g->from_shape.c, in = from * (g->data ? 1 : phases), step = g->data ? g->s : 1;
    double *weights = make(in * g->to_shape.c), *turned = make(in), taps[POINTS];
    for (int phase = 0; phase < (g->data ? phases : 1); phase++) {
        const int ph = phase / g->s, pw = phase % g->s;
        for (int o = 0; o < g->to_shape.c; o++)
            for (int c = 0; c < in; c++) {
                const int of = g->data ? phase : c / from;
                phase_taps(g, s.r, of / g->s, of % g->s, (size_t)(c % from) * g->step_from + (size_t)o * g->step_to, taps);
                both_ways(s.c, s.t, s.r, false, taps, weights + (o * in + c) * POINTS);
            }
        for (int b = 0; b < g->batch; b++)
            for (int y = 0; y * step < g->to_shape.h; y += m)
                for (int x = 0; x * step < g->to_shape.w; x += m) widen_tile(&s, g, b, y, x, ph, pw, in, weights, turned, to);
    }
    free(weights);
    free(turned);
}

/* |w| [from][to][n][n] of the device's convolution where that of g reads squares of f x f equal pixels: a pixel i of the side that g
 * writes meets pixel j of these with the taps kh for which (i - p + kh) / f = j. Their sum is tap i + P - f j with P = k - 1 - p of
 * n = k + f - 1. */
static double *joined_weights(const winograd_gather *g, int f)
{
    const int n = g->k + f - 1, from = g->from_shape.c, to = g->to_shape.c;
    double *joined = calloc((size_t)(from * to * n * n), sizeof *joined);
    assert_non_null(joined);
    for (int c = 0; c < from * to; c++)
        for (int y = 0; y < g->k * f; y++)
            for (int x = 0; x < g->k * f; x++) {
                const int kh = y / f, kw = x / f, h = y % f + g->k - 1 - kh, w = x % f + g->k - 1 - kw;
                const size_t tap = (size_t)(c / to) * g->step_from + (size_t)(c % to) * g->step_to + (size_t)(kh * g->k + kw);
                joined[(c * n + h) * n + w] += fabs(g->w[tap]);
            }
    return joined;
}

/* The square of f x f pixels, in pictures of such squares, that holds number i of pictures [batch] of this shape. */
static size_t square_of(hg_shape s, int f, size_t i)
{
    const size_t w = (size_t)s.w, h = (size_t)s.h, side = (size_t)f, row = i / w;
    return (row / h * (h / side) + row % h / side) * (w / side) + i % w / side;
}

/* The same where the device reads or writes one pixel for each square of f x f of the large side of g. */
static void widen_joined(int m, int f, const winograd_gather *g, field *to)
{
    const hg_shape large = g->data ? g->to_shape : g->from_shape, squares = {.c = large.c, .h = large.h / f, .w = large.w / f};
    const size_t n = (size_t)g->batch * hg_shape_count(large), taps = (size_t)((g->k + f - 1) * (g->k + f - 1));
    double *pixels = calloc(n, sizeof *pixels), *w = joined_weights(g, f);
    assert_non_null(pixels);
    winograd_gather joined = {.batch = g->batch, .k = g->k + f - 1, .s = f, .p = {g->k - 1 - g->p[0], g->k - 1 - g->p[1]},
        .w = w, .step_from = taps * (size_t)g->to_shape.c, .step_to = taps, .data = !g->data};
    if (g->data) {
        joined.from_shape = g->from_shape, joined.from = g->from, joined.to_shape = squares;
        widen_gather(m, &joined, &(field){.tol = pixels});
        for (size_t i = 0; i < n; i++) to->tol[i] += pixels[square_of(large, f, i)] / (f * f);
    } else {
        for (size_t i = 0; i < n; i++) pixels[square_of(large, f, i)] = g->from[i];
        joined.from_shape = squares, joined.from = pixels, joined.to_shape = g->to_shape;
        widen_gather(m, &joined, to);
    }
    free(pixels);
    free(w);
}

void winograd_widen_gather(winograd_tiles tiles, const winograd_gather *g, field *to)
{
    if (!tiles.side) return;
    if (tiles.stride == g->s) widen_gather(tiles.side, g, to);
    else widen_joined(tiles.side, tiles.stride, g, to);
}

static void widen_phase(const sides *s, const winograd_weight *g, int rh, int rw, field *dw)
{
    const int m = s->m, large = g->large_shape.c, small = g->small_shape.c;
    double *x = make(large), *y = make(small), *total = make(large * small), part[POINTS], taps[POINTS], tiles = 0;
    for (int b = 0; b < g->batch; b++)
        for (int i = 0; i < g->small_shape.h; i += m)
            for (int j = 0; j < g->small_shape.w; j += m, tiles++) {
                for (int l = 0; l < large; l++) {
                    square(g->large, g->large_shape, b, l, i * g->s + rh - g->p[0], j * g->s + rw - g->p[1], g->s, s->t, part);
                    both_ways(s->b, s->t, s->t, false, part, x + l * POINTS);
                }
                for (int k = 0; k < small; k++) {
                    square(g->small, g->small_shape, b, k, i, j, 1, m, part);
                    both_ways(s->a, s->t, m, false, part, y + k * POINTS);
                    for (int l = 0; l < large; l++)
                        add_products(x + l * POINTS, y + k * POINTS, s->t * s->t, total + (l * small + k) * POINTS);
                }
            }
    for (int l = 0; l < large; l++)
        for (int k = 0; k < small; k++) {
            both_ways(s->c, s->r, s->t, true, total + (l * small + k) * POINTS, taps);
            for (int i = 0; i < taps_of(g->k, g->s, rh); i++)
                for (int j = 0; j < taps_of(g->k, g->s, rw); j++) {
                    const size_t tap = (size_t)((i * g->s + rh) * g->k + j * g->s + rw);
                    dw->tol[(size_t)l * g->step_large + (size_t)k * g->step_small + tap] += bound(tiles, taps[i * s->r + j]);
                }
        }
    free(x);
    free(y);
    free(total);
}

void winograd_widen_weight(winograd_tiles tiles, const winograd_weight *g, field *dw)
{
    if (!tiles.side) return;
    assert_int_equal(tiles.stride, g->s);
    const sides s = sides_of(tiles.side, g->k, g->s);
    for (int phase = 0; phase < g->s * g->s; phase++) widen_phase(&s, g, phase / g->s, phase % g->s, dw);
}
