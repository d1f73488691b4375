/* W for CPU devices (model/conv.h): partial sums of the weight gradient; cl/conv_reduce.cl adds the splits.
 * For a tap (kh, kw): dw[c, s] = sum over pixels of large[pixel at the tap, c] small[pixel, s]. TI channels of the scalar side times
 * NV vectors of the vector side lie in registers (U copies of them where they are few, so that the sums do not wait for each
 * other); the pixels of a chunk of rows stream by. Which side the vectors go along is VEC_LARGE.
 * A work-item (split, block of scalars, block of vectors) computes all taps for its share of the chunks: what it reads stays in
 * the caches from tap to tap.
 * Macros: HL WL CL HS WS CS KH KW SH SW DH DW PH PW TRANSPOSED VEC_LARGE TI NV U HG_VEC RB (rows in a chunk), DW_ADD.
 * Traffic: both sides once per block, partials once. */
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
#define UNROLL __attribute__((opencl_unroll_hint))
#define MAD(s, v, sum) fma((hg_vec)(s), (v), (sum))

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

inline void put_sum(__global float *dw, int i, float v)
{
#if DW_ADD
    dw[i] += v;
#else
    dw[i] = v;
#endif
}

/* units: pictures times chunks of RB rows of the small side */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_gradient(__global const float *restrict large, __global const float *restrict small, __global float *restrict partials,
                              int units, int span)
{
    enum { CHUNKS = (HS + RB - 1) / RB };
    const int split = (int)get_global_id(0), own_s = (int)get_global_id(1) * TI, own_v = (int)get_global_id(2) * NV * HG_VEC;
    const int s0 = min(own_s, SCALARS - TI), v0 = min(own_v, VECTORS - NV * HG_VEC), last = min((split + 1) * span, units);
    hg_vec total[KH * KW * TI * NV];
    for (int k = 0; k < KH * KW * TI * NV; k++) total[k] = 0.0f;
    for (int unit = split * span; unit < last; unit++) {
        const int b = unit / CHUNKS, begin = (unit - b * CHUNKS) * RB, end = min(begin + RB, HS);
        for (int kh = 0; kh < KH; kh++)
            for (int kw = 0; kw < KW; kw++) {
                hg_vec sum[U][TI][NV];
                UNROLL for (int u = 0; u < U; u++)
                    UNROLL for (int t = 0; t < TI; t++)
                        UNROLL for (int v = 0; v < NV; v++) sum[u][t][v] = 0.0f;
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
                        UNROLL for (int u = 0; u < U; u++)
                            UNROLL for (int v = 0; v < NV; v++) {
                                const hg_vec value = HG_LOAD(y + u * STEP_VECTOR + v * HG_VEC);
                                UNROLL for (int t = 0; t < TI; t++) sum[u][t][v] = MAD(x[u * STEP_SCALAR + t], value, sum[u][t][v]);
                            }
#if U > 1
                    for (; j < j1; j++, x += STEP_SCALAR, y += STEP_VECTOR)
                        UNROLL for (int v = 0; v < NV; v++) {
                            const hg_vec value = HG_LOAD(y + v * HG_VEC);
                            UNROLL for (int t = 0; t < TI; t++) sum[0][t][v] = MAD(x[t], value, sum[0][t][v]);
                        }
#endif
                }
                UNROLL for (int t = 0; t < TI; t++)
                    UNROLL for (int v = 0; v < NV; v++) {
                        hg_vec all = sum[0][t][v];
                        UNROLL for (int u = 1; u < U; u++) all += sum[u][t][v];
                        total[((kh * KW + kw) * TI + t) * NV + v] += all;
                    }
            }
    }
    partials += split * KH * KW * CL * CS;
    for (int k = 0; k < KH * KW; k++)
        for (int t = own_s - s0; t < TI; t++)
            for (int v = 0; v < NV; v++) {
                float part[HG_VEC];
                HG_STORE(total[(k * TI + t) * NV + v], part);
                for (int lane = 0; lane < HG_VEC; lane++) {
                    const int scalar = s0 + t, vector = v0 + v * HG_VEC + lane, in = VEC_OUT ? scalar : vector, o = VEC_OUT ? vector : scalar;
                    if (vector >= own_v) put_sum(partials, (k * IN_CHANNELS + in) * OUT_CHANNELS + o, part[lane]);
                }
            }
}
