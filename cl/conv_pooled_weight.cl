/* W for CPU devices (model/conv.h) of a convolution with the max pooling behind it (model/conv_pooled.h). dy [B, YH, YW, CS] is the
 * gradient of the pooled picture; of a window's places only the winner, number winner[B, YH, YW, CS] by rows, has it: the gradient of the
 * whole picture is never stored.
 *   dw[kh, kw, c, s] = sum over windows of large[the winner's pixel at the tap (kh, kw), c] dy[window, s];  db = sum over windows of dy
 * A band of BAND rows of windows is read through a patch with zeros around it.
 *   weight_picked: a channel's winner says where to read; vectors go along the channels of the large side. Windows of 2x2 leave a quarter
 *   of the multiply-adds.
 *   weight_masked: where the large side has few channels, vectors go along those of dy, whose winners differ: all places are gone through,
 *   with zeros in the lanes that won elsewhere.
 * Macros: HL WL CL HS WS CS KH KW SH SW DH DW PH PW, PKH PKW PPH PPW YH YW (windows), BAND NV HG_VEC BIAS; TRANSPOSED is not looked at.
 * partials [splits][KH, KW, CL, CS], with BIAS bias_partials [splits][CS]; with one split these are dw and db themselves, added to what is
 * there if DW_ADD, DB_ADD. Memory traffic: large once and its halo for each band, dy and winner once, partials once. */
#ifndef CL
#define CL 16
#define CS 8
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
#define PKH 2
#define PKW 2
#define PPH 0
#define PPW 0
#define YH 4
#define YW 4
#define NV 1
#define BAND 1
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef DB_ADD
#define DB_ADD 0
#endif

#define PANEL (NV * HG_VEC)
#define PLACES (PKH * PKW)
#define TAPS (KH * KW)
#define BASE_H (-PPH * SH - PH)
#define BASE_W (-PPW * SW - PW)
#define PATCH_H ((BAND * PKH - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((YW * PKW - 1) * SW + (KW - 1) * DW + 1)
#define TAP(k) (((k) / KW * DH * PATCH_W + (k) % KW * DW) * CL)
/* where window column j of a band's row i has its place in row r and column s in the patch */
#define PIXEL(i, j, r, s) ((((i) * PKH + (r)) * SH * PATCH_W + ((j) * PKW + (s)) * SW) * CL)

inline void put(__global float *to, float v, int add)
{
    *to = add ? *to + v : v;
}

inline void fill_patch(float *patch, __global const hg_x *restrict from, int row)
{
    enum { LOW = -BASE_W < PATCH_W ? -BASE_W : PATCH_W, PICTURE_END = WL - BASE_W,
           HIGH = PICTURE_END < LOW ? LOW : PICTURE_END < PATCH_W ? PICTURE_END : PATCH_W };
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * CL;
        const bool inside = row >= 0 && row < HL;
        for (int i = 0; i < (inside ? LOW : PATCH_W) * CL; i++) to[i] = 0.0f;
        if (!inside) continue;
        hg_take(to + LOW * CL, from + (row * WL + BASE_W + LOW) * CL, (HIGH - LOW) * CL);
        for (int i = HIGH * CL; i < PATCH_W * CL; i++) to[i] = 0.0f;
    }
}

#if BIAS
/* bias[o] += dy[p, o] over n windows */
inline void add_bias(float *bias, __global const float *dy, int n)
{
    for (int p = 0; p < n; p++)
        for (int o = 0; o < CS; o++) bias[o] += dy[p * CS + o];
}
#endif

/* units: pictures times bands; an item is `span` of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_picked(__global const hg_x *restrict large, __global const float *restrict dy, __global float *restrict partials,
                            __global float *restrict bias_partials, int units, int span, __global const uchar *restrict winner,
                            int items, __global int *taken)
{
    enum { BANDS = (YH + BAND - 1) / BAND, PANELS = (CL + PANEL - 1) / PANEL };
    HG_ITEMS(split, items, taken) {
        const int last = min((split + 1) * span, units);
        float16 space[(PATCH_H * PATCH_W * CL + 15) / 16]; /* vectors begin where a cache line does */
        float *patch = (float *)space;
        hg_vec total[CS * PANELS * TAPS * NV];
        for (int k = 0; k < CS * PANELS * TAPS * NV; k++) total[k] = 0.0f;
#if BIAS
        float bias[CS];
        for (int o = 0; o < CS; o++) bias[o] = 0.0f;
#endif
        for (int unit = split * span; unit < last; unit++) {
            const int b = unit / BANDS, band = (unit - b * BANDS) * BAND, here = min(BAND, YH - band), start = (b * YH + band) * YW * CS;
            fill_patch(patch, large + b * HL * WL * CL, band * PKH * SH + BASE_H);
#if BIAS
            add_bias(bias, dy + start, here * YW);
#endif
            for (int o = 0; o < CS; o++)
                for (int panel = 0; panel < PANELS; panel++) {
                    const float *first = patch + min(panel * PANEL, CL - PANEL); /* the last panel is moved back */
                    hg_vec sum[TAPS][NV], *all = total + (o * PANELS + panel) * TAPS * NV;
                    HG_UNROLL for (int k = 0; k < TAPS; k++)
                        HG_UNROLL for (int v = 0; v < NV; v++) sum[k][v] = all[k * NV + v];
                    for (int i = 0; i < here; i++)
                        for (int j = 0; j < YW; j++) {
                            const int from = start + (i * YW + j) * CS + o, at = winner[from], r = HG_WHOLE(at, PKW);
                            const float g = dy[from], *x = first + PIXEL(i, j, r, at - r * PKW);
                            HG_UNROLL for (int k = 0; k < TAPS; k++)
                                HG_UNROLL for (int v = 0; v < NV; v++)
                                    sum[k][v] = HG_SCALED(g, HG_LOAD(x + TAP(k) + v * HG_VEC), sum[k][v]);
                        }
                    HG_UNROLL for (int k = 0; k < TAPS; k++)
                        HG_UNROLL for (int v = 0; v < NV; v++) all[k * NV + v] = sum[k][v];
                }
        }
        __global float *sums = partials + split * (TAPS * CL * CS);
        for (int panel = 0; panel < PANELS; panel++)
            for (int k = 0; k < TAPS; k++)
                for (int v = 0; v < NV; v++) {
                    const int g0 = min(panel * PANEL, CL - PANEL) + v * HG_VEC;
                    for (int o = 0; o < CS; o++) {
                        float part[HG_VEC];
                        HG_STORE(total[((o * PANELS + panel) * TAPS + k) * NV + v], part);
                        HG_REST for (int lane = max(panel * PANEL - g0, 0); lane < HG_VEC; lane++)
                            put(sums + (k * CL + g0 + lane) * CS + o, part[lane], DW_ADD);
                    }
                }
#if BIAS
        HG_REST for (int o = 0; o < CS; o++) put(bias_partials + split * CS + o, bias[o], DB_ADD);
#endif
    }
}

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_masked(__global const hg_x *restrict large, __global const float *restrict dy, __global float *restrict partials,
                            __global float *restrict bias_partials, int units, int span, __global const uchar *restrict winner,
                            int items, __global int *taken)
{
    enum { BANDS = (YH + BAND - 1) / BAND, PANELS = (CS + PANEL - 1) / PANEL, ROWS = TAPS * CL };
    HG_ITEMS(split, items, taken) {
        const int last = min((split + 1) * span, units);
        float16 space[(PATCH_H * PATCH_W * CL + 15) / 16]; /* vectors begin where a cache line does */
        float *patch = (float *)space;
        hg_vec total[PANELS * ROWS * NV], bias[PANELS * NV];
        for (int k = 0; k < PANELS * ROWS * NV; k++) total[k] = 0.0f;
        for (int k = 0; k < PANELS * NV; k++) bias[k] = 0.0f;
        for (int unit = split * span; unit < last; unit++) {
            const int b = unit / BANDS, band = (unit - b * BANDS) * BAND, here = min(BAND, YH - band);
            fill_patch(patch, large + b * HL * WL * CL, band * PKH * SH + BASE_H);
            for (int panel = 0; panel < PANELS; panel++) {
                const int start = (b * YH + band) * YW * CS + min(panel * PANEL, CS - PANEL); /* the last panel is moved back */
                hg_vec sum[ROWS][NV], beside[NV], *all = total + panel * ROWS * NV;
                HG_UNROLL for (int k = 0; k < ROWS; k++)
                    HG_UNROLL for (int v = 0; v < NV; v++) sum[k][v] = all[k * NV + v];
                HG_UNROLL for (int v = 0; v < NV; v++) beside[v] = bias[panel * NV + v];
                for (int i = 0; i < here; i++)
                    for (int j = 0; j < YW; j++)
                        HG_UNROLL for (int v = 0; v < NV; v++) {
                            const int from = start + (i * YW + j) * CS + v * HG_VEC;
                            const hg_vec g = HG_LOAD(dy + from), none = 0.0f;
                            const hg_ivec at = HG_LOAD_UCHAR(winner + from);
                            const float *x = patch + PIXEL(i, j, 0, 0);
                            beside[v] += g;
                            HG_UNROLL for (int p = 0; p < PLACES; p++) {
                                const hg_vec here_only = at == p ? g : none;
                                HG_UNROLL for (int k = 0; k < TAPS; k++)
                                    HG_UNROLL for (int c = 0; c < CL; c++)
                                        sum[k * CL + c][v] =
                                            HG_SCALED(x[PIXEL(0, 0, p / PKW, p % PKW) + TAP(k) + c], here_only, sum[k * CL + c][v]);
                            }
                        }
                HG_UNROLL for (int k = 0; k < ROWS; k++)
                    HG_UNROLL for (int v = 0; v < NV; v++) all[k * NV + v] = sum[k][v];
                HG_UNROLL for (int v = 0; v < NV; v++) bias[panel * NV + v] = beside[v];
            }
        }
        __global float *sums = partials + split * (ROWS * CS);
        for (int panel = 0; panel < PANELS; panel++)
            for (int v = 0; v < NV; v++) {
                const int own = panel * PANEL, o0 = min(own, CS - PANEL) + v * HG_VEC;
                float part[HG_VEC];
                for (int k = 0; k < ROWS; k++) {
                    HG_STORE(total[(panel * ROWS + k) * NV + v], part);
                    HG_REST for (int lane = max(own - o0, 0); lane < HG_VEC; lane++) put(sums + k * CS + o0 + lane, part[lane], DW_ADD);
                }
#if BIAS
                HG_STORE(bias[panel * NV + v], part);
                HG_REST for (int lane = max(own - o0, 0); lane < HG_VEC; lane++)
                    put(bias_partials + split * CS + o0 + lane, part[lane], DB_ADD);
#endif
            }
    }
}
