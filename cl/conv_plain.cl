/* W, plain: partial sums of the weight gradient and of the bias gradient (model/conv.h); cl/conv_reduce.cl adds them up.
 *   weight partial[split][kh,kw,in,out] = sum over the split's pixels (b,i,j) of the small side of
 *                                         large[b, i*SH-PH+kh*DH, j*SW-PW+kw*DW, l] * small[b,i,j,s]
 *   bias partial[split][out]            = sum over the split's pixels of dy
 * (in, out) is (l, s), or (s, l) if TRANSPOSED; dy is small, or large if TRANSPOSED. A split is a range of the B * HS rows
 * of the small side (of the B * HL rows of the large one for the bias if TRANSPOSED).
 *
 * A work-item computes VEC neighbouring outputs of one partial: its split's pixels * (1 + VEC) floats read. The first
 * KH*KW*CI*CO/VEC items of a split are the weights', the last CO/VEC the bias's.
 *
 * Macros: KH KW SH SW DH DW PH PW; VEC divides the number of output channels; TRANSPOSED; BIAS. */
#ifndef KH
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#endif
#ifndef VEC
#define VEC 1
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef BIAS
#define BIAS 1
#endif

#if VEC == 1
typedef float vec;
#define LOAD(p) (*(p))
#define STORE(v, p) (*(p) = (v))
#else
typedef HG_PASTE(float, VEC) vec;
#define LOAD(p) HG_PASTE(vload, VEC)(0, p)
#define STORE(v, p) HG_PASTE(vstore, VEC)(v, 0, p)
#endif

/* The product of a pixel pair, `in` as a number, `out` as VEC neighbours. */
#if TRANSPOSED
#define PRODUCT(large_at, small_at, sum) HG_MAD((vec)(small[(small_at) + in]), LOAD(large + (large_at) + out), sum)
#else
#define PRODUCT(large_at, small_at, sum) HG_MAD((vec)(large[(large_at) + in]), LOAD(small + (small_at) + out), sum)
#endif

__kernel void conv_weight(__global const float *restrict large, __global const float *restrict small,
                          __global float *restrict weight_partials, __global float *restrict bias_partials,
                          int HL, int WL, int CL, int HS, int WS, int CS, int rows, int split_rows,
                          int bias_rows, int bias_split_rows, int items)
{
    const int CI = TRANSPOSED ? CS : CL, CO = TRANSPOSED ? CL : CS, groups = CO / VEC;
    const int weights = KH * KW * CI * groups, per_split = weights + (BIAS ? groups : 0);
    const int id = (int)get_global_id(0), split = id / per_split, item = id - split * per_split;
    if (id >= items) return;
    const int out = item % groups * VEC;
    vec sum = (vec)(0.0f);
#if BIAS
    if (item >= weights) {
        __global const float *dy = TRANSPOSED ? large : small;
        const int width = TRANSPOSED ? WL : WS;
        const int begin = split * bias_split_rows * width, end = min((split + 1) * bias_split_rows, bias_rows) * width;
        for (int pixel = begin; pixel < end; pixel++) sum += LOAD(dy + pixel * CO + out);
        STORE(sum, bias_partials + split * CO + out);
        return;
    }
#endif
    const int in = item / groups % CI, tap = item / groups / CI, kh = tap / KW, kw = tap - kh * KW;
    const int offset = kw * DW - PW; /* of the column in the large side; columns first .. last - 1 of the small side meet it */
    const int first = offset >= 0 ? 0 : (-offset + SW - 1) / SW, last = min(WS, (WL - offset + SW - 1) / SW);
    for (int row = split * split_rows; row < min((split + 1) * split_rows, rows); row++) {
        const int b = row / HS, y = (row - b * HS) * SH - PH + kh * DH;
        if (y < 0 || y >= HL) continue;
        int large_at = ((b * HL + y) * WL + first * SW + offset) * CL, small_at = (row * WS + first) * CS;
        for (int j = first; j < last; j++, large_at += SW * CL, small_at += CS) sum = PRODUCT(large_at, small_at, sum);
    }
    STORE(sum, weight_partials + split * KH * KW * CI * CO + (tap * CI + in) * CO + out);
}
