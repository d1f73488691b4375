#include "winograd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Roundings of the six passes of transforms (columns and rows of three): at most four each, constants included; and the product's. */
enum { EDGE = 6, POINTS = EDGE * EDGE, ROUNDINGS = 6 * 4 + 1 };

/* Magnitudes of A [t][m], B' [t][t], C [t][3], by the formulas at the top of cl/conv_winograd.cl. */
typedef struct sides { int m, t; double a[EDGE * EDGE], b[EDGE * EDGE], c[EDGE * EDGE]; } sides;

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

static sides sides_of(int m)
{
    const double two[] = {0, 1, -1}, four[] = {0, M_SQRT1_2, -M_SQRT1_2, M_SQRT2, -M_SQRT2}, *points = m == 2 ? two : four;
    sides s = {.m = m, .t = m + 2};
    const int t = s.t, finite = t - 1;
    for (int p = 0; p < finite; p++) {
        double n = 1;
        for (int q = 0; q < finite; q++) n *= p == q ? 1 : points[p] - points[q];
        for (int k = 0; k < m; k++) s.a[p * m + k] = pow(points[p], k);
        for (int k = 0; k < 3; k++) s.c[p * 3 + k] = pow(points[p], k) / n;
        polynomial(points, finite, p, s.b + p * t);
    }
    s.a[finite * m + m - 1] = s.c[finite * 3 + 2] = 1;
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

/* |numbers| [n][n] of channel c of picture b from (y, x) on, zeros around it */
static void square(const double *pictures, hg_shape s, int b, int c, int y, int x, int n, double *to)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            bool inside = y + i >= 0 && y + i < s.h && x + j >= 0 && x + j < s.w;
            to[i * n + j] = inside ? fabs(pictures[at4(s, b, c, y + i, x + j)]) : 0;
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

static void widen_tile(const sides *s, const winograd_gather *g, int b, int y, int x, const double *weights, double *turned, field *to)
{
    const int from = g->from_shape.c, points = s->t * s->t;
    double part[POINTS];
    for (int c = 0; c < from; c++) {
        square(g->from, g->from_shape, b, c, y + g->top, x + g->left, s->t, part);
        both_ways(s->b, s->t, s->t, false, part, turned + c * POINTS);
    }
    for (int o = 0; o < g->to_shape.c; o++) {
        double total[POINTS] = {0}, magnitude[POINTS];
        for (int c = 0; c < from; c++) add_products(turned + c * POINTS, weights + (o * from + c) * POINTS, points, total);
        both_ways(s->a, s->m, s->t, true, total, magnitude);
        for (int i = 0; i < s->m && y + i < g->to_shape.h; i++)
            for (int j = 0; j < s->m && x + j < g->to_shape.w; j++) to->tol[at4(g->to_shape, b, o, y + i, x + j)] += bound(from, magnitude[i * s->m + j]);
    }
}

void winograd_widen_gather(int m, const winograd_gather *g, field *to)
{
    if (!m) return;
    const sides s = sides_of(m);
    const int from = g->from_shape.c;
    double *weights = make(from * g->to_shape.c), *turned = make(from), taps[9];
    for (int o = 0; o < g->to_shape.c; o++)
        for (int c = 0; c < from; c++) {
            for (int k = 0; k < 9; k++) taps[k] = fabs(g->w[(size_t)c * g->step_from + (size_t)o * g->step_to + (size_t)(g->turned ? 8 - k : k)]);
            both_ways(s.c, s.t, 3, false, taps, weights + (o * from + c) * POINTS);
        }
    for (int b = 0; b < g->batch; b++)
        for (int y = 0; y < g->to_shape.h; y += m)
            for (int x = 0; x < g->to_shape.w; x += m) widen_tile(&s, g, b, y, x, weights, turned, to);
    free(weights);
    free(turned);
}

void winograd_widen_weight(int m, const winograd_weight *g, field *dw)
{
    if (!m) return;
    const sides s = sides_of(m);
    const int large = g->large_shape.c, small = g->small_shape.c;
    double *x = make(large), *y = make(small), *total = make(large * small), part[POINTS], taps[9], tiles = 0;
    for (int b = 0; b < g->batch; b++)
        for (int i = 0; i < g->small_shape.h; i += m)
            for (int j = 0; j < g->small_shape.w; j += m, tiles++) {
                for (int l = 0; l < large; l++) {
                    square(g->large, g->large_shape, b, l, i - g->ph, j - g->pw, s.t, part);
                    both_ways(s.b, s.t, s.t, false, part, x + l * POINTS);
                }
                for (int k = 0; k < small; k++) {
                    square(g->small, g->small_shape, b, k, i, j, m, part);
                    both_ways(s.a, s.t, m, false, part, y + k * POINTS);
                    for (int l = 0; l < large; l++) add_products(x + l * POINTS, y + k * POINTS, s.t * s.t, total + (l * small + k) * POINTS);
                }
            }
    for (int l = 0; l < large; l++)
        for (int k = 0; k < small; k++) {
            both_ways(s.c, 3, s.t, true, total + (l * small + k) * POINTS, taps);
            for (int tap = 0; tap < 9; tap++) dw->tol[(size_t)l * g->step_large + (size_t)k * g->step_small + (size_t)tap] += bound(tiles, taps[tap]);
        }
    free(x);
    free(y);
    free(total);
}
