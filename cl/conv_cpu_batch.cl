/* F and D for CPU devices (model/conv.h): a tile in registers is the same pixel of TILE pictures times NV vectors of written channels, so
 * that taps beyond the picture, a tenth of all where it has 7 rows, are left out for the whole tile, and nothing is copied. What is computed, and the panels of weights: cl/conv_cpu.cl.
 * Macros: IH IW G (read side), OH OW O (written side), KH KW SH SW DH DW PH PW, DATA, TILE ROWS NV HG_VEC, BIAS, those of hg_store.
 * Memory traffic: from, out once; a panel for each tile from the second-level cache. */
#ifndef G
#define G 8
#define O 16
#define IH 8
#define IW 8
#define OH 8
#define OW 8
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#define TILE 4
#define ROWS 1
#define NV 1
#endif
#ifndef DATA
#define DATA 0
#endif
#ifndef BIAS
#define BIAS 0
#endif

/* In one dimension: taps FIRST, FIRST + STEP .. below BEHIND lie in the picture for pixel `at`, tap k at place PLACE. */
#if DATA
#define STEP(S) (S)
#define PLACE(at, k, S, D, P) ((S) == 1 ? (at) + (P) - (k) * (D) : ((at) + (P) - (k)) / (S))
/* at + P - (SIZE - 1) S <= k D <= at + P, with D 1 where S is not */
#define FIRST(at, S, D, P, SIZE) \
    ((S) == 1 ? max((at) + (P) - (SIZE) + (D), 0) / (D) : max((at) + (P) - ((SIZE) - 1) * (S), ((at) + (P)) % (S)))
#define BEHIND(at, K, S, D, P, SIZE) min((K), ((at) + (P)) / ((S) == 1 ? (D) : 1) + 1)
#else
#define STEP(S) 1
#define PLACE(at, k, S, D, P) ((at) * (S) - (P) + (k) * (D))
#define FIRST(at, S, D, P, SIZE) (max((P) - (at) * (S) + (D) - 1, 0) / (D))
#define BEHIND(at, K, S, D, P, SIZE) min((K), ((SIZE) - 1 + (P) - (at) * (S) + (D)) / (D))
#endif
#define PANEL (NV * HG_VEC)
/* taps of a row that lie side by side in the picture and in the panel: one loop goes over their channels */
#define ROW_TAPS (!DATA && DW == 1)
/* so many products of a pixel leave time to fetch what its gradient will be multiplied by */
#define FETCH_AHEAD (!HG_DX_IS_LINEAR && KH * KW * G / (STEP(SH) * STEP(SW)) >= 128)

/* units: groups of pictures times bands of ROWS rows; an item is a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const float *restrict from, __global const float *restrict w, __global const float *restrict bias,
                     __global hg_y *restrict out, __global const hg_dx_x *out_x, int pictures, int units, int items, __global int *taken)
{
    enum { BANDS = (OH + ROWS - 1) / ROWS, PICTURE = IH * IW * G, WRITTEN = OH * OW * O };
    const int span = (units - 1) / items + 1;
    HG_ITEMS(item, items, taken) HG_UNITS(unit, units, span, item) {
        const int group = unit / BANDS, y0 = (unit - group * BANDS) * ROWS, y1 = min(y0 + ROWS, OH);
        const int own = group * TILE, b0 = min(own, pictures - TILE); /* moved back at the end: what it shares is not stored again */
        for (int y = y0; y < y1; y++) {
            const int kh0 = FIRST(y, SH, DH, PH, IH), kh1 = BEHIND(y, KH, SH, DH, PH, IH);
            for (int x = 0; x < OW; x++) {
                const int kw0 = FIRST(x, SW, DW, PW, IW), kw1 = BEHIND(x, KW, SW, DW, PW, IW);
                __global const float *panel = w;
                for (int own_o = 0; own_o < O; own_o += PANEL, panel += KH * KW * G * PANEL) {
                    const int o0 = min(own_o, O - PANEL), to = (b0 * OH * OW + y * OW + x) * O + o0;
                    hg_vec sum[TILE][NV];
                    HG_UNROLL for (int q = 0; q < TILE; q++)
                        HG_UNROLL for (int v = 0; v < NV; v++)
                            sum[q][v] = BIAS ? HG_LOAD(bias + o0 + v * HG_VEC) : (hg_vec)0.0f;
#if FETCH_AHEAD
                    HG_UNROLL for (int q = 0; q < TILE; q++)
                        HG_UNROLL for (int v = 0; v < PANEL; v += 16) HG_FETCH(out_x + to + q * WRITTEN + v);
#endif
                    for (int kh = kh0; kh < kh1; kh += STEP(SH))
                        for (int kw = kw0; kw < kw1; kw += ROW_TAPS ? KW : STEP(SW)) {
                            __global const float *at = from + b0 * PICTURE + (PLACE(y, kh, SH, DH, PH) * IW + PLACE(x, kw, SW, DW, PW)) * G;
                            __global const float *wp = panel + (kh * KW + kw) * G * PANEL;
                            HG_TURNS(TILE * NV) for (int g = 0; g < (ROW_TAPS ? kw1 - kw0 : 1) * G; g++, wp += PANEL) {
                                hg_vec weight[NV];
                                HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(wp + v * HG_VEC);
                                HG_UNROLL for (int q = 0; q < TILE; q++)
                                    HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(at[q * PICTURE + g], weight[v], sum[q][v]);
                            }
                        }
                    HG_UNROLL for (int q = 0; q < TILE; q++) {
                        if (b0 + q < own) continue;
                        HG_UNROLL for (int v = 0; v < NV; v++) {
                            const int at = to + q * WRITTEN + v * HG_VEC;
                            if (O % PANEL == 0 || o0 == own_o) hg_store(sum[q][v], out, out_x, at);
                            else hg_store_from(sum[q][v], out, out_x, at, own_o - o0 - v * HG_VEC);
                        }
                    }
                }
            }
        }
    }
}
