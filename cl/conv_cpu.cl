/* F and D for CPU devices (model/conv.h): one work-item a work-group, no local memory, no barriers. A tile of R x Q pixels times
 * NV vectors of channels lies in registers; every tap adds a broadcast of the read channel times a vector of weights to it.
 *   F (DATA 0): out[i, j, o] = sum over kh, kw, g of from[i SH - PH + kh DH, j SW - PW + kw DW, g] w[kh, kw, g, o]
 *   D (DATA 1): by phase (y mod SH, x mod SW): a dense correlation of stride 1 with the taps that meet the phase
 * What a band of BAND tiles reads is first copied into a patch with zeros around the picture, so that the loops over taps know no
 * borders: the copy costs about 2 SW / (KW KH O) of the arithmetic, more for few rows, and stays in the first two levels of cache.
 * THIN 1: few channels are written (up to 4): vectors then go along the channels read, and each sum is folded at the end.
 * Macros: IH IW G (read side), OH OW O (written side), KH KW SH SW DH DW PH PW, DATA, R Q BAND NV HG_VEC, THIN, BIAS, those of hg_store.
 * Memory traffic: from, out once; weights once per tile, from the second-level cache. */
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
#define R 1
#define Q 4
#define NV 1
#endif
#ifndef DATA
#define DATA 0
#endif
#ifndef BAND
#define BAND 1
#endif
#ifndef THIN
#define THIN 0
#endif
#ifndef BIAS
#define BIAS 0
#endif

/* ---- the tile's geometry in one dimension: where its patch begins, how large it is, which taps a phase has */
#if DATA
/* tap k meets phase p if k = (p + P) mod S + t S; it reads row q + (p + P) / S - t (times the dilation where S is 1) */
#define TAP_DIL(S, D) ((S) == 1 ? (D) : 1)
#define LOW(K, S, D, P) ((S) == 1 ? (P) - ((K) - 1) * (D) : (P) / (S) - ((K) - 1) / (S))
#define HIGH(S, P) (((S) - 1 + (P)) / (S))
#define STEP_H 1
#define STEP_W 1
#define BASE_H LOW(KH, SH, DH, PH)
#define BASE_W LOW(KW, SW, DW, PW)
#define PATCH_H (BAND * R + HIGH(SH, PH) - BASE_H)
#define PATCH_W (Q + HIGH(SW, PW) - BASE_W)
#define ROWS ((OH + SH - 1) / SH)
#define COLUMNS ((OW + SW - 1) / SW)
#define PHASES_H SH
#define PHASES_W SW
#else
#define STEP_H SH
#define STEP_W SW
#define BASE_H (-PH)
#define BASE_W (-PW)
#define PATCH_H ((BAND * R - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((Q - 1) * SW + (KW - 1) * DW + 1)
#define ROWS OH
#define COLUMNS OW
#define PHASES_H 1
#define PHASES_W 1
#endif
#define TILE (R * Q)
/* channels in the patch: rounded up to whole vectors where vectors go along them */
#if THIN
#define GP ((G + HG_VEC - 1) / HG_VEC * HG_VEC)
#else
#define GP G
#endif

inline void fill_patch(float *patch, __global const float *restrict from, int row, int column)
{
    const int low = clamp(-column, 0, PATCH_W), high = clamp(IW - column, low, PATCH_W);
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * GP;
        if (row < 0 || row >= IH) {
            for (int i = 0; i < PATCH_W * GP; i++) to[i] = 0.0f;
            continue;
        }
        __global const float *source = from + (row * IW + column) * G;
        for (int i = 0; i < low * GP; i++) to[i] = 0.0f;
#if GP == G
        for (int i = low * G; i < high * G; i++) to[i] = source[i];
#else
        for (int c = low; c < high; c++) {
            for (int g = 0; g < G; g++) to[c * GP + g] = source[c * G + g];
            for (int g = G; g < GP; g++) to[c * GP + g] = 0.0f;
        }
#endif
        for (int i = high * GP; i < PATCH_W * GP; i++) to[i] = 0.0f;
    }
}

#if THIN && HG_VEC == 16
/* Sums over the lanes of n <= 16 vectors, in order: each round adds the even and the odd lanes of two vectors, so that 15 additions
 * do for all. */
__attribute__((always_inline))
static inline void fold(const float16 *sum, int n, float *folded)
{
    float16 a[16];
    HG_UNROLL for (int k = 0; k < 16; k++) a[k] = k < n ? sum[k] : 0.0f;
    HG_UNROLL for (int left = 8; left > 0; left /= 2)
        HG_UNROLL for (int k = 0; k < left; k++) a[k] = HG_EVEN(a[2 * k], a[2 * k + 1]) + HG_ODD(a[2 * k], a[2 * k + 1]);
    vstore16(a[0], 0, folded);
}
#endif

/* units: pictures times bands of BAND tiles' rows, which share a patch; a work-item takes a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const float *restrict from, __global const float *restrict w, __global const float *restrict bias,
                     __global float *restrict out, __global const float *out_x, int units)
{
    enum { BANDS = (ROWS + BAND * R - 1) / (BAND * R) };
    const int span = (units + (int)get_global_size(0) - 1) / (int)get_global_size(0), first = (int)get_global_id(0) * span;
    const int last = min(first + span, units);
    float patch[PATCH_H * PATCH_W * GP];
#if THIN
    float packed[KH * KW * O * GP]; /* [KH, KW, O, GP] */
    for (int k = 0; k < KH * KW; k++)
        for (int o = 0; o < O; o++)
            for (int g = 0; g < GP; g++) packed[(k * O + o) * GP + g] = g < G ? w[(k * G + g) * O + o] : 0.0f;
#endif
    for (int unit = first; unit < last; unit++) {
        const int b = unit / BANDS, band = (unit - b * BANDS) * BAND * R;
        for (int own = 0; own < COLUMNS; own += Q) {
            const int j0 = min(own, COLUMNS - Q); /* the last tile is moved back: what it shares with the one before is not stored again */
            fill_patch(patch, from + b * IH * IW * G, band * STEP_H + BASE_H, j0 * STEP_W + BASE_W);
            for (int i0 = band; i0 < min(band + BAND * R, ROWS); i0 += R)
            for (int phase = 0; phase < PHASES_H * PHASES_W; phase++) {
                const int py = phase / PHASES_W, px = phase - py * PHASES_W;
#if DATA
                const int kh0 = (py + PH) % SH, kw0 = (px + PW) % SW, kh_step = SH, kw_step = SW;
#else
                const int kh0 = 0, kw0 = 0, kh_step = 1, kw_step = 1;
#endif
#if THIN
                hg_vec sum[TILE * O];
                HG_UNROLL for (int t = 0; t < TILE; t++)
                    HG_UNROLL for (int o = 0; o < O; o++) sum[t * O + o] = 0.0f;
#else
                for (int own_o = 0; own_o < O; own_o += NV * HG_VEC) {
                const int o0 = min(own_o, O - NV * HG_VEC);
                hg_vec sum[TILE][NV];
                HG_UNROLL for (int v = 0; v < NV; v++) {
#if BIAS
                    const hg_vec start = HG_LOAD(bias + o0 + v * HG_VEC);
#else
                    const hg_vec start = 0.0f;
#endif
                    HG_UNROLL for (int t = 0; t < TILE; t++) sum[t][v] = start;
                }
#endif
                for (int kh = kh0; kh < KH; kh += kh_step)
                    for (int kw = kw0; kw < KW; kw += kw_step) {
#if DATA
                        const int row = (py + PH) / SH - kh / SH * TAP_DIL(SH, DH) - BASE_H, column = (px + PW) / SW - kw / SW * TAP_DIL(SW, DW) - BASE_W;
#else
                        const int row = kh * DH, column = kw * DW;
#endif
                        const float *x = patch + (((i0 - band) * STEP_H + row) * PATCH_W + column) * GP;
#if THIN
                        const float *wp = packed + (kh * KW + kw) * O * GP;
                        for (int g = 0; g < GP; g += HG_VEC) {
                            hg_vec weight[O];
                            HG_UNROLL for (int o = 0; o < O; o++) weight[o] = HG_LOAD(wp + o * GP + g);
                            HG_UNROLL for (int r = 0; r < R; r++)
                                HG_UNROLL for (int q = 0; q < Q; q++) {
                                    const hg_vec value = HG_LOAD(x + (r * STEP_H * PATCH_W + q * STEP_W) * GP + g);
                                    HG_UNROLL for (int o = 0; o < O; o++) sum[(r * Q + q) * O + o] = fma(value, weight[o], sum[(r * Q + q) * O + o]);
                                }
                        }
#else
                        __global const float *wp = w + (kh * KW + kw) * G * O + o0;
                        for (int g = 0; g < G; g++, x++, wp += O) {
                            hg_vec weight[NV];
                            HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(wp + v * HG_VEC);
                            HG_UNROLL for (int r = 0; r < R; r++)
                                HG_UNROLL for (int q = 0; q < Q; q++)
                                    HG_UNROLL for (int v = 0; v < NV; v++)
                                        sum[r * Q + q][v] = HG_SCALED(x[(r * STEP_H * PATCH_W + q * STEP_W) * G], weight[v], sum[r * Q + q][v]);
                        }
#endif
                    }
                /* store; what lies beyond the picture or belongs to another tile is dropped */
#if THIN
                float folded[TILE * O + HG_VEC];
#if HG_VEC == 16
                HG_UNROLL for (int k = 0; k < TILE * O; k += 16) fold(sum + k, min(TILE * O - k, 16), folded + k);
#else
                HG_UNROLL for (int k = 0; k < TILE * O; k++) folded[k] = hg_lanes(sum[k]);
#endif
                for (int r = 0; r < R; r++)
                    for (int q = own - j0; q < Q; q++) {
                        const int y = (i0 + r) * PHASES_H + py, xx = (j0 + q) * PHASES_W + px;
                        for (int o = 0; o < O && y < OH && xx < OW; o++)
                            hg_store_one(folded[(r * Q + q) * O + o] + (BIAS ? bias[o] : 0.0f), out, out_x, ((b * OH + y) * OW + xx) * O + o);
                    }
#else
                HG_UNROLL for (int r = 0; r < R; r++)
                    HG_UNROLL for (int q = 0; q < Q; q++) {
                        const int y = (i0 + r) * PHASES_H + py, xx = (j0 + q) * PHASES_W + px, at = ((b * OH + y) * OW + xx) * O + o0;
                        if (y < OH && xx < OW && j0 + q >= own)
                            HG_UNROLL for (int v = 0; v < NV; v++) {
                                if (o0 == own_o) {
                                    hg_store(sum[r * Q + q][v], out, out_x, at + v * HG_VEC);
                                } else {
                                    float part[HG_VEC];
                                    HG_STORE(sum[r * Q + q][v], part);
                                    for (int k = 0; k < HG_VEC; k++)
                                        if (o0 + v * HG_VEC + k >= own_o) hg_store_one(part[k], out, out_x, at + v * HG_VEC + k);
                                }
                            }
                    }
                }
#endif
            }
        }
    }
}
