/* W for CPU devices (model/conv.h): partial sums of the weight and bias gradients; cl/conv_reduce.cl adds the splits.
 *   dw[kh, kw, c, s] = sum over pixels of large[pixel at the tap (kh, kw), c] small[pixel, s];  db = sum over pixels of dy
 * One side is read as vectors along its channels, the other as scalars; VEC_LARGE says which. A work-item (split, block of scalars,
 * block of vectors) takes its share of the bands: RB rows of pictures, which stay in the caches meanwhile.
 *   weight_gradient: TI scalar channels times NV vectors lie in registers (U copies of them where they are few, so that the sums
 *   do not wait for each other) for one tap after the other.
 *   weight_taps (macro KG): for few scalar channels C. The vector side is read once for KG rows of taps; what a band meets on the
 *   scalar side lies in a private patch with zeros around the picture. VEC_LARGE then needs stride 1, and the taps run backwards.
 * Macros: HL WL CL HS WS CS KH KW SH SW DH DW PH PW TRANSPOSED VEC_LARGE HG_VEC NV RB BIAS; TI U, or KG (divides KH).
 * partials [splits][KH, KW, in, out], with BIAS bias_partials [splits][out]; with one split these are dw and db themselves, added to
 * what is there if DW_ADD, DB_ADD. Traffic: both sides once per block, partials once. */
#ifndef CL
#define CL 8
#define CS 16
#define HL 8
#define WL 8
#define HS 8
#define WS 8
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#define TI 4
#define NV 1
#define U 2
#define RB 8
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef VEC_LARGE
#define VEC_LARGE 0
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef DB_ADD
#define DB_ADD 0
#endif

#if VEC_LARGE
#define SCALARS CS
#define VECTORS CL
#else
#define SCALARS CL
#define VECTORS CS
#endif
#define IN_CHANNELS (TRANSPOSED ? CS : CL)
#define OUT_CHANNELS (TRANSPOSED ? CL : CS)
#define VEC_OUT (VEC_LARGE == TRANSPOSED)
#define WEIGHTS (KH * KW * CL * CS)

inline void put(__global float *to, float v, int add)
{
    *to = add ? *to + v : v;
}

#if BIAS
#if VEC_OUT
/* A block of vectors sums its own outputs: bias += dy[p, v0..] over n pixels. */
#define BIAS_HERE (own_s == 0)
#define BIAS_SUMS hg_vec bias[NV]; for (int v = 0; v < NV; v++) bias[v] = 0.0f
inline void add_bias(hg_vec *bias, __global const float *restrict dy, int n)
{
    for (int p = 0; p < n; p++)
        HG_UNROLL for (int v = 0; v < NV; v++) bias[v] += HG_LOAD(dy + p * OUT_CHANNELS + v * HG_VEC);
}
#else
/* The first block sums all outputs. Whole groups of pixels are so many vectors of 16 numbers that lanes always meet the same
 * channels. */
#define BIAS_HERE (own_s == 0 && own_v == 0)
#define BIAS_SUMS float bias[OUT_CHANNELS]; for (int o = 0; o < OUT_CHANNELS; o++) bias[o] = 0.0f
#define GROUP (OUT_CHANNELS % 16 == 0 ? 1 : OUT_CHANNELS % 8 == 0 ? 2 : OUT_CHANNELS % 4 == 0 ? 4 : OUT_CHANNELS % 2 == 0 ? 8 : 16)
#define PERIOD (OUT_CHANNELS * GROUP / 16)
inline void add_bias(float *bias, __global const float *restrict dy, int n)
{
    const int whole = n / GROUP * GROUP;
    float16 sum[PERIOD];
    for (int v = 0; v < PERIOD; v++) sum[v] = 0.0f;
    for (int p = 0; p < whole; p += GROUP)
        for (int v = 0; v < PERIOD; v++) sum[v] += vload16(v, dy + p * OUT_CHANNELS);
    float part[PERIOD * 16];
    for (int v = 0; v < PERIOD; v++) vstore16(sum[v], v, part);
    for (int i = 0; i < GROUP; i++)
        for (int o = 0; o < OUT_CHANNELS; o++) bias[o] += part[i * OUT_CHANNELS + o];
    for (int p = whole; p < n; p++)
        for (int o = 0; o < OUT_CHANNELS; o++) bias[o] += dy[p * OUT_CHANNELS + o];
}
#endif

#if VEC_OUT
inline void store_bias(const hg_vec *bias, __global float *to, int own_v, int v0)
{
    for (int v = 0; v < NV; v++) {
        float part[HG_VEC];
        HG_STORE(bias[v], part);
        for (int lane = max(own_v - v0 - v * HG_VEC, 0); lane < HG_VEC; lane++) put(to + v0 + v * HG_VEC + lane, part[lane], DB_ADD);
    }
}
#else
inline void store_bias(const float *bias, __global float *to, int own_v, int v0)
{
    for (int o = 0; o < OUT_CHANNELS; o++) put(to + o, bias[o], DB_ADD);
}
#endif

/* The rows of dy that go with the rows [begin, end) of the `rows` that bands are made of: `step` each, the last ones also the rest. */
#define ADD_BIAS_ROWS(rows, step) do { \
        const int h = TRANSPOSED ? HL : HS, w = TRANSPOSED ? WL : WS, from = min(begin * (step), h), to = end == (rows) ? h : min(end * (step), h); \
        add_bias(bias, (TRANSPOSED ? large : small) + (b * h + from) * w * OUT_CHANNELS + (VEC_OUT ? v0 : 0), (to - from) * w); \
    } while (0)
#endif

#ifndef KG
/* units: pictures times bands of RB rows of the small side */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_gradient(__global const float *restrict large, __global const float *restrict small, __global float *restrict partials,
                              __global float *restrict bias_partials, int units, int span)
{
    enum { BANDS = (HS + RB - 1) / RB };
    const int split = (int)get_global_id(0), own_s = (int)get_global_id(1) * TI, own_v = (int)get_global_id(2) * NV * HG_VEC;
    const int s0 = min(own_s, SCALARS - TI), v0 = min(own_v, VECTORS - NV * HG_VEC), last = min((split + 1) * span, units);
    hg_vec total[KH * KW * TI * NV];
    for (int k = 0; k < KH * KW * TI * NV; k++) total[k] = 0.0f;
#if BIAS
    BIAS_SUMS;
#endif
    for (int unit = split * span; unit < last; unit++) {
        const int b = unit / BANDS, begin = (unit - b * BANDS) * RB, end = min(begin + RB, HS);
#if BIAS
        if (BIAS_HERE) ADD_BIAS_ROWS(HS, TRANSPOSED ? SH : 1);
#endif
        for (int kh = 0; kh < KH; kh++)
            for (int kw = 0; kw < KW; kw++) {
                hg_vec sum[U][TI][NV];
                HG_UNROLL for (int u = 0; u < U; u++)
                    HG_UNROLL for (int t = 0; t < TI; t++)
                        HG_UNROLL for (int v = 0; v < NV; v++) sum[u][t][v] = 0.0f;
                /* columns at which the tap lies inside the large picture */
                const int shift = kw * DW - PW, j0 = max((SW - 1 - shift) / SW, 0), j1 = min((WL - shift + SW - 1) / SW, WS);
                for (int i = begin; i < end; i++) {
                    const int row = i * SH - PH + kh * DH;
                    if (row < 0 || row >= HL) continue;
                    __global const float *l = large + ((b * HL + row) * WL + j0 * SW + shift) * CL;
                    __global const float *s = small + ((b * HS + i) * WS + j0) * CS;
#if VEC_LARGE
#define STEP_SCALAR CS
#define STEP_VECTOR (SW * CL)
                    __global const float *x = s + s0, *y = l + v0;
#else
#define STEP_SCALAR (SW * CL)
#define STEP_VECTOR CS
                    __global const float *x = l + s0, *y = s + v0;
#endif
                    int j = j0;
                    for (; j + U <= j1; j += U, x += U * STEP_SCALAR, y += U * STEP_VECTOR)
                        HG_UNROLL for (int u = 0; u < U; u++)
                            HG_UNROLL for (int v = 0; v < NV; v++) {
                                const hg_vec value = HG_LOAD(y + u * STEP_VECTOR + v * HG_VEC);
                                HG_UNROLL for (int t = 0; t < TI; t++) sum[u][t][v] = HG_SCALED(x[u * STEP_SCALAR + t], value, sum[u][t][v]);
                            }
#if U > 1
                    for (; j < j1; j++, x += STEP_SCALAR, y += STEP_VECTOR)
                        HG_UNROLL for (int v = 0; v < NV; v++) {
                            const hg_vec value = HG_LOAD(y + v * HG_VEC);
                            HG_UNROLL for (int t = 0; t < TI; t++) sum[0][t][v] = HG_SCALED(x[t], value, sum[0][t][v]);
                        }
#endif
                }
                HG_UNROLL for (int t = 0; t < TI; t++)
                    HG_UNROLL for (int v = 0; v < NV; v++) {
                        hg_vec all = sum[0][t][v];
                        HG_UNROLL for (int u = 1; u < U; u++) all += sum[u][t][v];
                        total[((kh * KW + kw) * TI + t) * NV + v] += all;
                    }
            }
    }
    partials += split * WEIGHTS;
#if BIAS
    if (BIAS_HERE) store_bias(bias, bias_partials + split * OUT_CHANNELS, own_v, v0);
#endif
    for (int k = 0; k < KH * KW; k++)
        for (int t = own_s - s0; t < TI; t++)
            for (int v = 0; v < NV; v++) {
                float part[HG_VEC];
                HG_STORE(total[(k * TI + t) * NV + v], part);
                for (int lane = 0; lane < HG_VEC; lane++) {
                    const int scalar = s0 + t, vector = v0 + v * HG_VEC + lane, in = VEC_OUT ? scalar : vector, o = VEC_OUT ? vector : scalar;
                    if (vector >= own_v) put(partials + (k * IN_CHANNELS + in) * OUT_CHANNELS + o, part[lane], DW_ADD);
                }
            }
}
#else

/* ---- few scalar channels */

#define C SCALARS
#if VEC_LARGE
#define IH HS
#define IW WS
#define VH HL
#define VW WL
#define TAP(K, k, D) (((K) - 1 - (k)) * (D))
#define BASE_H (PH - (KH - 1) * DH)
#define BASE_W (PW - (KW - 1) * DW)
#else
#define IH HL
#define IW WL
#define VH HS
#define VW WS
#define TAP(K, k, D) ((k) * (D))
#define BASE_H (-PH)
#define BASE_W (-PW)
#endif
#define PATCH_H ((RB - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((VW - 1) * SW + (KW - 1) * DW + 1)

inline void fill_patch(float *patch, __global const float *restrict from, int row)
{
    const int low = clamp(-BASE_W, 0, PATCH_W), high = clamp(IW - BASE_W, low, PATCH_W);
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * C;
        if (row < 0 || row >= IH) {
            for (int i = 0; i < PATCH_W * C; i++) to[i] = 0.0f;
            continue;
        }
        __global const float *source = from + (row * IW + BASE_W) * C;
        for (int i = 0; i < low * C; i++) to[i] = 0.0f;
        for (int i = low * C; i < high * C; i++) to[i] = source[i];
        for (int i = high * C; i < PATCH_W * C; i++) to[i] = 0.0f;
    }
}

/* units: pictures times bands of RB rows of the vector side */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_taps(__global const float *restrict large, __global const float *restrict small, __global float *restrict partials,
                          __global float *restrict bias_partials, int units, int span)
{
    enum { BANDS = (VH + RB - 1) / RB, TAPS = KG * KW };
    const int split = (int)get_global_id(0), own_s = 0, own_v = (int)get_global_id(2) * NV * HG_VEC, v0 = min(own_v, VECTORS - NV * HG_VEC);
    const int last = min((split + 1) * span, units);
    __global const float *scalars = VEC_LARGE ? small : large, *vectors = VEC_LARGE ? large : small;
    float patch[PATCH_H * PATCH_W * C];
    hg_vec total[KH * KW * C * NV];
    for (int k = 0; k < KH * KW * C * NV; k++) total[k] = 0.0f;
#if BIAS
    BIAS_SUMS;
#endif
    for (int unit = split * span; unit < last; unit++) {
        const int b = unit / BANDS, begin = (unit - b * BANDS) * RB, end = min(begin + RB, VH);
#if BIAS
        if (BIAS_HERE) ADD_BIAS_ROWS(VH, TRANSPOSED && !VEC_LARGE ? SH : 1);
#endif
        fill_patch(patch, scalars + b * IH * IW * C, begin * SH + BASE_H);
        for (int kh0 = 0; kh0 < KH; kh0 += KG) {
            hg_vec sum[TAPS][C][NV];
            HG_UNROLL for (int k = 0; k < TAPS; k++)
                HG_UNROLL for (int c = 0; c < C; c++)
                    HG_UNROLL for (int v = 0; v < NV; v++) sum[k][c][v] = 0.0f;
            for (int i = begin; i < end; i++) {
                __global const float *y = vectors + ((b * VH + i) * VW) * VECTORS + v0;
                const float *x = patch + (i - begin) * SH * PATCH_W * C;
                for (int j = 0; j < VW; j++, y += VECTORS, x += SW * C)
                    HG_UNROLL for (int v = 0; v < NV; v++) {
                        const hg_vec value = HG_LOAD(y + v * HG_VEC);
                        HG_UNROLL for (int k = 0; k < TAPS; k++) {
                            const int kh = kh0 + k / KW, kw = k % KW;
                            HG_UNROLL for (int c = 0; c < C; c++)
                                sum[k][c][v] = HG_SCALED(x[(TAP(KH, kh, DH) * PATCH_W + TAP(KW, kw, DW)) * C + c], value, sum[k][c][v]);
                        }
                    }
            }
            HG_UNROLL for (int k = 0; k < TAPS; k++)
                HG_UNROLL for (int c = 0; c < C; c++)
                    HG_UNROLL for (int v = 0; v < NV; v++) total[((kh0 * KW + k) * C + c) * NV + v] += sum[k][c][v];
        }
    }
    partials += split * WEIGHTS;
#if BIAS
    if (BIAS_HERE) store_bias(bias, bias_partials + split * OUT_CHANNELS, own_v, v0);
#endif
    for (int v = 0; v < NV; v++) {
        float part[HG_VEC];
        for (int k = 0; k < KH * KW; k++)
            for (int c = 0; c < C; c++) {
                HG_STORE(total[(k * C + c) * NV + v], part);
                for (int lane = max(own_v - v0 - v * HG_VEC, 0); lane < HG_VEC; lane++) {
                    const int vector = v0 + v * HG_VEC + lane, in = VEC_OUT ? c : vector, o = VEC_OUT ? vector : c;
                    put(partials + (k * IN_CHANNELS + in) * OUT_CHANNELS + o, part[lane], DW_ADD);
                }
            }
    }
}
#endif
