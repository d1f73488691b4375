/* F and D for CPU devices where pictures or taps have one pixel (dense layers): a matrix product out [n, O] = from [n, G] w [G, O]; SWAP 1:
 * w [O, G]. An item is BAND tiles of Q rows times PANELS panels of NV vectors of columns; the last tile and the last panel are moved back.
 * KC rows of its panels at a time are copied together, whatever their distance in memory, and serve all its tiles, while the next rows
 * are asked for; in between the sums wait in private memory. Halves are turned once for all panels of an item. Dimension 0: bands of
 * rows, 1: of columns, so that neighbours share weights.
 * Macros: G O Q BAND PANELS NV HG_VEC SWAP BIAS, those of hg_store. Traffic: from once per item of columns, w once per item of rows, out
 * once. */
#include "shuffles.cl"

#ifndef G
#define G 16
#define O 16
#define Q 4
#define NV 1
#define BAND 1
#define PANELS 1
#endif
#ifndef SWAP
#define SWAP 0
#endif
#ifndef BIAS
#define BIAS 0
#endif
/* even parts of the rows of w */
#define BLOCKS ((G + 255) / 256)
#define KC ((G + BLOCKS - 1) / BLOCKS)
#define PANEL (NV * HG_VEC)

/* The rows [k0, k0 + n) of so many panels of w, beginning with column `first`. */
inline void pack(__global const float *restrict w, float *restrict packed, int k0, int n, int first, int panels)
{
#if SWAP
    for (int p = 0; p < panels; p++) {
        float *panel = packed + p * KC * PANEL;
        __global const float *from = w + min(first + p * PANEL, O - PANEL) * G + k0;
        int k = 0;
#if PANEL % 16 == 0
        for (; k + 16 <= n; k += 16)
            for (int o = 0; o < PANEL; o += 16) {
                float16 square[16];
                HG_UNROLL for (int i = 0; i < 16; i++) square[i] = vload16(0, from + (o + i) * G + k);
                hg_turn(square);
                HG_UNROLL for (int i = 0; i < 16; i++) HG_STORE16(square[i], panel + (k + i) * PANEL + o);
            }
#endif
        HG_REST for (; k < n; k++)
            HG_REST for (int o = 0; o < PANEL; o++) panel[k * PANEL + o] = from[o * G + k];
    }
#else
    for (int k = 0; k < n; k++)
        for (int p = 0; p < panels; p++)
            HG_UNROLL for (int v = 0; v < NV; v++)
                HG_STORE(HG_LOAD(w + (k0 + k) * O + min(first + p * PANEL, O - PANEL) + v * HG_VEC), packed + (p * KC + k) * PANEL + v * HG_VEC);
#endif
}

/* Asks for part `part` of `parts` of the rows [k0, k0 + n) of the panel of w that begins with column `first`. */
inline void fetch(__global const float *w, int k0, int n, int first, int part, int parts)
{
#if SWAP
    const int lines = (n + 15) / 16;
    for (int i = PANEL * lines * part / parts; i < PANEL * lines * (part + 1) / parts; i++) {
        const int o = HG_WHOLE(i, lines), k = i - o * lines;
        HG_FETCH(w + (first + o) * G + k0 + k * 16);
    }
#else
    for (int k = n * part / parts; k < n * (part + 1) / parts; k++)
        for (int o = 0; o < PANEL; o += 16) HG_FETCH(w + (k0 + k) * O + first + o);
#endif
}

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void product(__global const hg_x *restrict from, __global const float *restrict w, __global const float *restrict bias,
                      __global hg_y *restrict out, __global const hg_dx_x *out_x, int n, int items, __global int *taken)
{
    const int bands = (n - 1) / (BAND * Q) + 1;
    HG_ITEMS(item, items, taken) {
        const int block = HG_WHOLE(item, bands), first = (item - block * bands) * BAND * Q, first_o = block * PANELS * PANEL;
        const int tiles = (min(BAND * Q, n - first) + Q - 1) / Q, panels = (min(PANELS * PANEL, O - first_o) + PANEL - 1) / PANEL;
        const bool last_band = first + BAND * Q >= n;
        HG_ALIGNED float panel[PANELS * KC * PANEL];
        hg_vec waiting[G > KC ? PANELS * BAND * Q * NV : 1];
        for (int k0 = 0; k0 < G; k0 += KC) {
            const int length = min(KC, G - k0);
            pack(w, panel, k0, length, first_o, panels);
            for (int tile = 0; tile < tiles; tile++) {
#if X_HALF
#define X_STEP KC
                HG_ALIGNED float turned[Q * KC];
                for (int q = 0; q < Q; q++) hg_take(turned + q * KC, from + (min(first + tile * Q, n - Q) + q) * G + k0, length);
#else
#define X_STEP G
#endif
                for (int p = 0; p < panels; p++) {
                    /* meanwhile the panels' next rows come from memory, or the first ones of the next item's */
                    const int next_k = k0 + KC < G ? k0 + KC : 0, next_o = first_o + (next_k > 0 ? p : PANELS + p) * PANEL;
                    if ((next_k > 0 || last_band) && next_o + PANEL <= O) fetch(w, next_k, min(KC, G - next_k), next_o, tile, tiles);
                    const int own_o = first_o + p * PANEL, o0 = min(own_o, O - PANEL), own = first + tile * Q, n0 = min(own, n - Q);
                    hg_vec *saved = waiting + (G > KC ? (p * BAND + tile) * Q * NV : 0), sum[Q][NV];
                    HG_UNROLL for (int v = 0; v < NV; v++) {
#if BIAS
                        const hg_vec start = HG_LOAD(bias + o0 + v * HG_VEC);
#else
                        const hg_vec start = 0.0f;
#endif
                        HG_UNROLL for (int q = 0; q < Q; q++) sum[q][v] = G > KC && k0 > 0 ? saved[q * NV + v] : start;
                    }
#if X_HALF
                    const float *x = turned;
#else
                    __global const float *x = from + n0 * G + k0;
#endif
                    const float *wp = panel + p * KC * PANEL;
                    HG_TURNS(Q * NV) for (int k = 0; k < length; k++, x++, wp += PANEL) {
                        hg_vec weight[NV];
                        HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(wp + v * HG_VEC);
                        HG_UNROLL for (int q = 0; q < Q; q++)
                            HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q * X_STEP], weight[v], sum[q][v]);
                    }
                    if (G > KC && k0 + KC < G) {
                        HG_UNROLL for (int q = 0; q < Q; q++)
                            HG_UNROLL for (int v = 0; v < NV; v++) saved[q * NV + v] = sum[q][v];
                        continue;
                    }
                    HG_UNROLL for (int q = 0; q < Q; q++)
                        if (n0 + q >= own)
                            HG_UNROLL for (int v = 0; v < NV; v++) {
                                const int at = (n0 + q) * O + o0 + v * HG_VEC;
                                if (O % PANEL == 0 || o0 == own_o) hg_store(sum[q][v], out, out_x, at);
                                else hg_store_from(sum[q][v], out, out_x, at, own_o - o0 - v * HG_VEC);
                            }
                }
            }
        }
    }
}
