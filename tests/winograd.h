/* How far a convolution by Winograd's filtering may be off. Every number is a bilinear form A' [sum of (B' x B) * (C w C')] A; with n
 * roundings on the longest way from an input to a result its error is at most gamma(n) times the same form of the magnitudes,
 * |A'| [sum of (|B'| |x| |B|) * (|C| |w| |C'|)] |A| (Barabasz et al., ACM TOMS 46, 2020). So a number's bound follows from the whole
 * tile around it, and where that holds a NaN there is none: the bound is infinite. */
#ifndef HG_TESTS_WINOGRAD_H
#define HG_TESTS_WINOGRAD_H

#include "harness.h"

/* A convolution of k x k taps, stride s, with p zeros in front, by tiles of m x m; `data`: the large side from the small one. The tap
 * (kh, kw) is number w[from step_from + to step_to + kh k + kw]. */
typedef struct winograd_gather {
    int batch, k, s, p[2];
    hg_shape from_shape, to_shape;
    const double *from, *w;
    size_t step_from, step_to;
    bool data;
} winograd_gather;

/* dw[l step_large + s step_small + kh k + kw] = sum over b, i, j of large[b, l, i s - p + kh, j s - p + kw] small[b, s, i, j] */
typedef struct winograd_weight {
    int batch, k, s, p[2];
    hg_shape large_shape, small_shape;
    const double *large, *small;
    size_t step_large, step_small;
} winograd_weight;

/* Adds the bound to the tolerances that the direct sums have (these cover the bias). Without tiles it adds nothing. Where the tiles have a
 * larger stride f than g, the large side of g are pictures whose pixels are squares of f x f equal ones, and the device's large side is
 * the small one of g. */
void winograd_widen_gather(winograd_tiles tiles, const winograd_gather *g, field *to);
void winograd_widen_weight(winograd_tiles tiles, const winograd_weight *g, field *dw);

#endif
