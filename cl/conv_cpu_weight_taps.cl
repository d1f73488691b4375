/* W for CPU devices where one side has few channels, C, its scalars (weight_sums.cl has what is computed). An item takes its share of
 * the bands, RB rows of the vector side. That side is read once for KG rows of taps; what a band meets on the scalar side lies in a
 * private patch with zeros around the picture. VEC_LARGE needs stride 1, and the taps run backwards.
 * Macros: those of weight_sums.cl, RB, KG (divides KH), TURNS (pixels at once, if registers can hold what they have
 * in common). Traffic: both sides once for each KG rows of taps, partials once. */
#ifndef KG
#define KG 1
#define RB 8
#define TURNS 1
#endif
#define VT ((VECTORS + NV * HG_VEC - 1) / (NV * HG_VEC)) /* all vectors */
#include "weight_sums.cl"

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

inline void fill_patch(float *patch, __global const scalar_t *from, int row)
{
    const int low = clamp(-BASE_W, 0, PATCH_W), high = clamp(IW - BASE_W, low, PATCH_W);
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * C;
        if (row < 0 || row >= IH) {
            for (int i = 0; i < PATCH_W * C; i++) to[i] = 0.0f;
            continue;
        }
        __global const scalar_t *source = from + (row * IW + BASE_W) * C;
        for (int i = 0; i < low * C; i++) to[i] = 0.0f;
#if VEC_OUT
        hg_take(to + low * C, source + low * C, (high - low) * C);
#else
        for (int i = low * C; i < high * C; i++) to[i] = source[i];
#endif
        for (int i = high * C; i < PATCH_W * C; i++) to[i] = 0.0f;
    }
}

#if BIAS && VEC_OUT
/* The bias of all panels, pixel by pixel: a panel alone would fetch its part of every pixel of the band from memory. */
inline void add_bias_panels(hg_vec *bias, __global const float *dy, int n)
{
    hg_vec sum[VT * NV];
    HG_UNROLL for (int v = 0; v < VT * NV; v++) sum[v] = bias[v];
    for (int p = 0; p < n; p++, dy += VECTORS)
        HG_UNROLL for (int v = 0; v < VT * NV; v++) sum[v] += HG_LOAD(dy + min(v / NV * NV * HG_VEC, VECTORS - NV * HG_VEC) + v % NV * HG_VEC);
    HG_UNROLL for (int v = 0; v < VT * NV; v++) bias[v] = sum[v];
}
#endif

/* units: pictures times bands of RB rows of the vector side, whose panels of NV vectors follow each other while the band is near */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_taps(__global const large_t *restrict large, __global const small_t *restrict small, __global float *restrict partials,
                          __global float *restrict bias_partials, int units, int span, int items, __global int *taken)
{
    enum { BANDS = (VH + RB - 1) / RB, TAPS = KG * KW, PANEL = NV * HG_VEC, PANELS = (VECTORS + PANEL - 1) / PANEL };
    HG_ITEMS(split, items, taken) {
        const int last = min((split + 1) * span, units), own_s = 0, own_v = 0;
#if VEC_LARGE
        __global const scalar_t *scalars = small;
        __global const vector_t *vectors = large;
#else
        __global const scalar_t *scalars = large;
        __global const vector_t *vectors = small;
#endif
        HG_ALIGNED float patch[PATCH_H * PATCH_W * C];
        hg_vec total[PANELS * KH * KW * C * NV];
        for (int k = 0; k < PANELS * KH * KW * C * NV; k++) total[k] = 0.0f;
#if BIAS
        BIAS_SUMS;
#endif
        for (int unit = split * span; unit < last; unit++) {
            const int b = unit / BANDS, begin = (unit - b * BANDS) * RB, end = min(begin + RB, VH);
            fill_patch(patch, scalars + b * IH * IW * C, begin * SH + BASE_H);
#if BIAS && VEC_OUT
            add_bias_panels(bias, vectors + (b * VH + begin) * VW * VECTORS, (end - begin) * VW);
#elif BIAS
            if (BIAS_HERE) ADD_BIAS_ROWS(bias, VH, TRANSPOSED && !VEC_LARGE ? SH : 1, b, 0);
#endif
            for (int panel = 0; panel < PANELS; panel++) {
                const int v0 = min(panel * PANEL, VECTORS - PANEL); /* the last panel is moved back */
                for (int kh0 = 0; kh0 < KH; kh0 += KG) {
                    hg_vec sum[TAPS][C][NV], *all = total + (panel * KH + kh0) * KW * C * NV;
                    HG_UNROLL for (int k = 0; k < TAPS; k++)
                        HG_UNROLL for (int c = 0; c < C; c++)
                            HG_UNROLL for (int v = 0; v < NV; v++) sum[k][c][v] = 0.0f;
                    for (int i = begin; i < end; i++) {
                        __global const vector_t *y = vectors + ((b * VH + i) * VW) * VECTORS + v0;
                        const int top = (i - begin) * SH + (VEC_LARGE ? TAP(KH, kh0 + KG - 1, DH) : TAP(KH, kh0, DH));
                        const float *x = patch + top * PATCH_W * C;
                        __attribute__((opencl_unroll_hint(TURNS))) for (int j = 0; j < VW; j++, y += VECTORS, x += SW * C)
                            HG_UNROLL for (int v = 0; v < NV; v++) {
                                const hg_vec value = LOAD_VECTOR(y + v * HG_VEC);
                                HG_UNROLL for (int k = 0; k < TAPS; k++) {
                                    const int kh = k / KW, kw = k % KW;
                                    const float *at = x + (TAP(KG, kh, DH) * PATCH_W + TAP(KW, kw, DW)) * C;
                                    HG_UNROLL for (int c = 0; c < C; c++) sum[k][c][v] = HG_SCALED(at[c], value, sum[k][c][v]);
                                }
                            }
                    }
                    HG_UNROLL for (int k = 0; k < TAPS; k++)
                        HG_UNROLL for (int c = 0; c < C; c++)
                            HG_UNROLL for (int v = 0; v < NV; v++) all[(k * C + c) * NV + v] += sum[k][c][v];
                }
            }
        }
        __global float *sums = partials + split * WEIGHTS;
#if BIAS
#if VEC_OUT
        for (int panel = 0; panel < PANELS; panel++)
            store_bias(bias + panel * NV, bias_partials + split * OUT_CHANNELS, panel * PANEL, min(panel * PANEL, VECTORS - PANEL));
#else
        if (BIAS_HERE) store_bias(bias, bias_partials + split * OUT_CHANNELS, 0, 0);
#endif
#endif
        for (int panel = 0; panel < PANELS; panel++)
            for (int v = 0; v < NV; v++) {
                const int own = panel * PANEL, v0 = min(own, VECTORS - PANEL) + v * HG_VEC;
                float part[HG_VEC];
                for (int k = 0; k < KH * KW; k++)
                    for (int c = 0; c < C; c++) {
                        HG_STORE(total[((panel * KH * KW + k) * C + c) * NV + v], part);
                        HG_REST for (int lane = max(own - v0, 0); lane < HG_VEC; lane++) {
                            const int vector = v0 + lane, in = VEC_OUT ? c : vector, o = VEC_OUT ? vector : c;
                            put(sums + (k * IN_CHANNELS + in) * OUT_CHANNELS + o, part[lane], DW_ADD);
                        }
                    }
            }
    }
}
