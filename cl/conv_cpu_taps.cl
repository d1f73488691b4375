/* W for CPU devices (model/conv.h) where one side has few channels: partial sums of the weight gradient, and of the bias gradient
 * where the vectors go along dy; cl/conv_reduce.cl adds the splits.
 *   dw[kh, kw, c, v] = sum over pixels (i, j) of the vector side of scalars[i SH + TAP_H(kh), j SW + TAP_W(kw), c] vectors[i, j, v]
 * The side with many channels is read as vectors along them, once for KG rows of taps; what a band of RB rows of it meets on the
 * other side lies in a private patch with zeros around the picture. The sums of KG x KW taps, C channels and NV vectors stay in
 * registers throughout a band.
 * VEC_LARGE 0: the small side has the vectors. VEC_LARGE 1: the large one; stride 1 only, and the taps run backwards.
 * Macros: HL WL CL HS WS CS KH KW SH SW DH DW PH PW TRANSPOSED VEC_LARGE NV HG_VEC RB KG (divides KH) BIAS.
 * partials [splits][KH, KW, in, out] and, with BIAS, bias_partials [splits][out]. Traffic: each side once. */
#ifndef CL
#define CL 1
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
#define NV 1
#define RB 8
#define KG 3
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
#define UNROLL __attribute__((opencl_unroll_hint))

#if VEC_LARGE
#define C CS
#define VECTORS CL
#define IH HS
#define IW WS
#define VH HL
#define VW WL
#define TAP(K, k, D) (((K) - 1 - (k)) * (D))
#define BASE_H (PH - (KH - 1) * DH)
#define BASE_W (PW - (KW - 1) * DW)
#else
#define C CL
#define VECTORS CS
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
#define IN_CHANNELS (TRANSPOSED ? CS : CL)
#define OUT_CHANNELS (TRANSPOSED ? CL : CS)
#define VEC_OUT (VEC_LARGE == TRANSPOSED)

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
    const int split = (int)get_global_id(0), own_v = (int)get_global_id(1) * NV * HG_VEC, v0 = min(own_v, VECTORS - NV * HG_VEC);
    const int last = min((split + 1) * span, units);
    __global const float *scalars = VEC_LARGE ? small : large, *vectors = VEC_LARGE ? large : small;
    float patch[PATCH_H * PATCH_W * C];
    hg_vec total[KH * KW * C * NV], bias[NV];
    for (int k = 0; k < KH * KW * C * NV; k++) total[k] = 0.0f;
    for (int v = 0; v < NV; v++) bias[v] = 0.0f;
    for (int unit = split * span; unit < last; unit++) {
        const int b = unit / BANDS, begin = (unit - b * BANDS) * RB, end = min(begin + RB, VH);
        fill_patch(patch, scalars + b * IH * IW * C, begin * SH + BASE_H);
        for (int kh0 = 0; kh0 < KH; kh0 += KG) {
            hg_vec sum[TAPS][C][NV], all[NV];
            UNROLL for (int k = 0; k < TAPS; k++)
                UNROLL for (int c = 0; c < C; c++)
                    UNROLL for (int v = 0; v < NV; v++) sum[k][c][v] = 0.0f;
            UNROLL for (int v = 0; v < NV; v++) all[v] = 0.0f;
            for (int i = begin; i < end; i++) {
                __global const float *y = vectors + ((b * VH + i) * VW) * VECTORS + v0;
                const float *x = patch + (i - begin) * SH * PATCH_W * C;
                for (int j = 0; j < VW; j++, y += VECTORS, x += SW * C)
                    UNROLL for (int v = 0; v < NV; v++) {
                        const hg_vec value = HG_LOAD(y + v * HG_VEC);
                        UNROLL for (int k = 0; k < TAPS; k++) {
                            const int kh = kh0 + k / KW, kw = k % KW;
                            UNROLL for (int c = 0; c < C; c++)
                                sum[k][c][v] = fma((hg_vec)(x[(TAP(KH, kh, DH) * PATCH_W + TAP(KW, kw, DW)) * C + c]), value, sum[k][c][v]);
                        }
#if BIAS
                        all[v] += value;
#endif
                    }
            }
            UNROLL for (int k = 0; k < TAPS; k++)
                UNROLL for (int c = 0; c < C; c++)
                    UNROLL for (int v = 0; v < NV; v++) total[((kh0 * KW + k) * C + c) * NV + v] += sum[k][c][v];
            if (kh0 == 0)
                UNROLL for (int v = 0; v < NV; v++) bias[v] += all[v];
        }
    }
    partials += split * KH * KW * CL * CS;
    for (int v = 0; v < NV; v++) {
        float part[HG_VEC];
        for (int k = 0; k < KH * KW; k++)
            for (int c = 0; c < C; c++) {
                HG_STORE(total[(k * C + c) * NV + v], part);
                for (int lane = max(own_v - v0 - v * HG_VEC, 0); lane < HG_VEC; lane++) {
                    const int vector = v0 + v * HG_VEC + lane, in = VEC_OUT ? c : vector, o = VEC_OUT ? vector : c;
                    partials[(k * IN_CHANNELS + in) * OUT_CHANNELS + o] = part[lane];
                }
            }
#if BIAS
        HG_STORE(bias[v], part);
        for (int lane = max(own_v - v0 - v * HG_VEC, 0); lane < HG_VEC; lane++)
            bias_partials[split * VECTORS + v0 + v * HG_VEC + lane] = part[lane];
#endif
    }
}
