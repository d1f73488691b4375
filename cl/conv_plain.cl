/* W, plain: partial sums of the weight and bias gradients (model/conv.h); cl/conv_reduce.cl adds them up.
 *   weight partial[split][kh,kw,in,out] = sum over the split's pixels (b,i,j) of the small side of
 *                                         large[b, i*SH-PH+kh*DH, j*SW-PW+kw*DW, l] * small[b,i,j,s]
 *   bias partial[split][out]            = sum over the split's pixels of dy
 * (in, out) is (l, s), or (s, l) if TRANSPOSED; dy is small, or large if TRANSPOSED. A split is a range of the B * HS
 * rows of the small side (of the B * HL rows of the large one for the bias if TRANSPOSED).
 *
 * A work-item computes ROWS (1 or 4) inputs times HG_VEC neighbouring outputs of one partial: its split's pixels *
 * (ROWS + HG_VEC) floats read. The first KH*KW*(CI/ROWS)*(CO/HG_VEC) items of a split are the weights', the last
 * CO/HG_VEC the bias's. Sums have names as in conv2d.cl.
 *
 * Macros: KH KW SH SW DH DW PH PW; ROWS and HG_VEC divide the input and output channels; TRANSPOSED; BIAS. */
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
#ifndef ROWS
#define ROWS 1
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef BIAS
#define BIAS 1
#endif

/* x, which the layer read, holds values; dy gradients, which are float. */
#if TRANSPOSED
typedef float large_t;
typedef hg_x small_t;
#else
typedef hg_x large_t;
typedef float small_t;
#endif

__kernel void conv_weight(__global const large_t *restrict large, __global const small_t *restrict small,
                          __global float *restrict weight_partials, __global float *restrict bias_partials,
                          int HL, int WL, int CL, int HS, int WS, int CS, int rows, int split_rows,
                          int bias_rows, int bias_split_rows, int items)
{
    const int CI = TRANSPOSED ? CS : CL, CO = TRANSPOSED ? CL : CS, groups = CO / HG_VEC;
    const int weights = KH * KW * (CI / ROWS) * groups, per_split = weights + (BIAS ? groups : 0);
    const int id = (int)get_global_id(0), split = id / per_split, item = id - split * per_split;
    if (id >= items) return;
    const int out = HG_MOD(item, groups) * HG_VEC;
#if TRANSPOSED
    __global const hg_x *restrict x = small;
    __global const float *restrict dy = large;
#else
    __global const hg_x *restrict x = large;
    __global const float *restrict dy = small;
#endif
    hg_vec sum = (hg_vec)(0.0f);
#if BIAS
    if (item >= weights) {
        const int width = TRANSPOSED ? WL : WS;
        const int begin = split * bias_split_rows * width, end = min((split + 1) * bias_split_rows, bias_rows) * width;
        for (int pixel = begin; pixel < end; pixel++) sum += HG_LOAD(dy + pixel * CO + out);
        HG_STORE(sum, bias_partials + split * CO + out);
        return;
    }
#endif
#if ROWS == 4
    hg_vec sum1 = sum, sum2 = sum, sum3 = sum;
#endif
    const int in = HG_MOD(item / groups, CI / ROWS) * ROWS;
    const int tap = item / groups / (CI / ROWS), kh = tap / KW, kw = tap - kh * KW;
    const int offset = kw * DW - PW; /* in the large side; columns first .. last - 1 of the small side meet it */
    const int first = offset >= 0 ? 0 : (-offset + SW - 1) / SW, last = min(WS, (WL - offset + SW - 1) / SW);
    const int x_step = TRANSPOSED ? CS : SW * CL, dy_step = TRANSPOSED ? SW * CL : CS;
    for (int row = split * split_rows; row < min((split + 1) * split_rows, rows); row++) {
        const int b = row / HS, y = (row - b * HS) * SH - PH + kh * DH;
        if (y < 0 || y >= HL) continue;
        const int large_at = ((b * HL + y) * WL + first * SW + offset) * CL, small_at = (row * WS + first) * CS;
        int x_at = (TRANSPOSED ? small_at : large_at) + in, dy_at = (TRANSPOSED ? large_at : small_at) + out;
        for (int j = first; j < last; j++, x_at += x_step, dy_at += dy_step) {
            const hg_vec d = HG_LOAD(dy + dy_at);
            sum = HG_MAD((hg_vec)(HG_X(x + x_at)), d, sum);
#if ROWS == 4
            sum1 = HG_MAD((hg_vec)(HG_X(x + x_at + 1)), d, sum1);
            sum2 = HG_MAD((hg_vec)(HG_X(x + x_at + 2)), d, sum2);
            sum3 = HG_MAD((hg_vec)(HG_X(x + x_at + 3)), d, sum3);
#endif
        }
    }
    __global float *to = weight_partials + split * KH * KW * CI * CO + (tap * CI + in) * CO + out;
    HG_STORE(sum, to);
#if ROWS == 4
    HG_STORE(sum1, to + CO);
    HG_STORE(sum2, to + 2 * CO);
    HG_STORE(sum3, to + 3 * CO);
#endif
}
