/* F for CPU devices (model/conv.h) with the max pooling behind it (model/conv_pooled.h): what the pooling would read is never stored.
 *   y[i, j, o] = max over the window's places (r, s) of act(conv[i PKH - PPH + r, j PKW - PPW + s, o]), by the rules of cl/max_pool2d.cl
 * A band of BAND rows of windows is read through a patch with zeros around it, as in cl/conv_cpu.cl; all pixels of a window are summed in
 * registers, those beside the picture too, which then do not count.
 *   gather: TILE windows times NV vectors of channels; the weights come in panels as in conv_cpu.cl. What a row of taps reads is broadcast
 *   once for all of them.
 *   gather_pictures: vectors along 16 pictures, whose numbers are turned to [row, column, channel][16 pictures]; a window times Q channels.
 * Macros: IH IW G (read side), OH OW O (the convolution's other side), PKH PKW PPH PPW YH YW (windows), KH KW SH SW DH DW PH PW, BAND,
 * HG_VEC, TILE NV or Q (divides O), BIAS, NOTE (are winners wanted), LATE (the activation is applied to the largest alone), ACT.
 * Memory traffic: from once and its halo for each band, y and winner once. */
#include "shuffles.cl"

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
#define PKH 2
#define PKW 2
#define PPH 0
#define PPW 0
#define YH 4
#define YW 4
#define TILE 4
#define NV 1
#define BAND 1
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef NOTE
#define NOTE 1
#endif
#ifndef LATE
#define LATE 0
#endif

#if HG_VEC == 1
typedef char places;
#define TO_PLACES(m) ((char)(m))
#define STORE_PLACES(v, p) (*(p) = (uchar)(v))
#else
typedef HG_PASTE(char, HG_VEC) places;
#define TO_PLACES(m) HG_PASTE(convert_char, HG_VEC)(m)
#define STORE_PLACES(v, p) HG_STORE(HG_PASTE(as_uchar, HG_VEC)(v), p)
#endif

#define PLACES (PKH * PKW)
#define BASE_H (-PPH * SH - PH)
#define BASE_W (-PPW * SW - PW)
#define PATCH_H ((BAND * PKH - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((YW * PKW - 1) * SW + (KW - 1) * DW + 1)
/* of the patch's columns those that the picture has */
#define LOW (-BASE_W < PATCH_W ? -BASE_W : PATCH_W)
#define HIGH (IW - BASE_W < LOW ? LOW : IW - BASE_W < PATCH_W ? IW - BASE_W : PATCH_W)
/* where the patch has, in pixels, place p of window column q */
#define PIXEL(q, p) ((p) / PKW * SH * PATCH_W + ((q) * PKW + (p) % PKW) * SW)

/* Of a window at column j, whose first row in the picture is r0 and behind-last r1: is place p in the picture? */
#define ALL_WHOLE (PPH == 0 && PPW == 0 && YH * PKH <= OH && YW * PKW <= OW)
#define INSIDE(p) (ALL_WHOLE || ((p) / PKW >= r0 && (p) / PKW < r1 && (p) % PKW >= s0 && (p) % PKW < s1))
#define FIRST_COLUMN(j) max(PPW - (j) * PKW, 0)
#define LAST_COLUMN(j) min(OW + PPW - (j) * PKW, PKW)

/* The largest of a window's values, the first of equal ones, and its place. Added to *sum, values that are NaN show. */
__attribute__((always_inline))
static inline hg_vec largest(const hg_vec *v, int r0, int r1, int s0, int s1, places *at, hg_vec *sum)
{
    hg_vec best = ALL_WHOLE ? v[0] : -INFINITY, all = ALL_WHOLE ? v[0] : 0.0f;
    places from = ALL_WHOLE ? 0 : r0 * PKW + s0;
    HG_UNROLL for (int p = ALL_WHOLE ? 1 : 0; p < PLACES; p++)
        if (INSIDE(p)) {
            const places place = p;
            from = TO_PLACES(v[p] > best) ? place : from;
            best = v[p] > best ? v[p] : best;
            all += v[p];
        }
    *at = from;
    *sum += all;
    return best;
}

/* The same where one may be NaN, which wins. */
static inline hg_vec largest_or_nan(const hg_vec *v, int r0, int r1, int s0, int s1, places *at)
{
    hg_vec best = -INFINITY;
    places from = r0 * PKW + s0;
    HG_REST for (int r = r0; r < r1; r++)
        HG_REST for (int s = s0; s < s1; s++) {
            const hg_vec value = v[r * PKW + s];
            const places place = r * PKW + s;
            const hg_ivec wins = ((value > best) | (value != value)) & (best == best);
            best = wins ? value : best;
            from = TO_PLACES(wins) ? place : from;
        }
    *at = from;
    return best;
}

inline void fill_patch(float *patch, __global const hg_x *restrict from, int row)
{
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * G;
        const bool inside = row >= 0 && row < IH;
        for (int i = 0; i < (inside ? LOW : PATCH_W) * G; i++) to[i] = 0.0f;
        if (!inside) continue;
        hg_take(to + LOW * G, from + (row * IW + BASE_W + LOW) * G, (HIGH - LOW) * G);
        for (int i = HIGH * G; i < PATCH_W * G; i++) to[i] = 0.0f;
    }
}

#ifdef TILE
#define PANEL (NV * HG_VEC)
/* columns of the patch that a tile reads */
#define TILE_W ((TILE * PKW - 1) * SW + (KW - 1) * DW + 1)

/* A window's values once more, one by one: x is what its first pixel reads at the first tap. */
static inline void compute_again(hg_vec *v, const float *x, __global const float *w, hg_vec start)
{
    HG_REST for (int r = 0; r < PKH; r++)
        HG_REST for (int s = 0; s < PKW; s++) {
            hg_vec sum = start;
            HG_REST for (int kh = 0; kh < KH; kh++)
                HG_REST for (int g = 0; g < G; g++)
                    HG_REST for (int kw = 0; kw < KW; kw++)
                        sum = HG_SCALED(x[((r * SH + kh * DH) * PATCH_W + s * SW + kw * DW) * G + g],
                                        HG_LOAD(w + ((kh * KW + kw) * G + g) * PANEL), sum);
            v[r * PKW + s] = LATE ? sum : HG_ACT(sum);
        }
}

static inline void store_window(hg_vec best, places at, __global hg_y *out, __global uchar *winner)
{
    best = LATE ? HG_ACT(best) : best;
    HG_Y_STORE(best, out);
#if NOTE
    STORE_PLACES(at, winner);
#endif
}

/* units: pictures times bands; an item is a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const hg_x *restrict from, __global const float *restrict w, __global const float *restrict bias,
                     __global hg_y *restrict out, __global uchar *restrict winner, int units, int items, __global int *taken)
{
    enum { BANDS = (YH + BAND - 1) / BAND };
    const int span = (units - 1) / items + 1;
    HG_ALIGNED float patch[PATCH_H * PATCH_W * G];
    HG_ITEMS(item, items, taken) HG_UNITS(unit, units, span, item) {
        const int b = unit / BANDS, band = (unit - b * BANDS) * BAND, here = min(BAND, YH - band);
        fill_patch(patch, from + b * IH * IW * G, band * PKH * SH + BASE_H);
        for (int own_o = 0; own_o < O; own_o += PANEL) {
            const int o0 = min(own_o, O - PANEL); /* the last panel is moved back, and stores again what it shares */
            __global const float *panel = w + own_o * (KH * KW * G);
            hg_vec start[NV];
            HG_UNROLL for (int v = 0; v < NV; v++)
#if BIAS
                start[v] = HG_LOAD(bias + o0 + v * HG_VEC);
#else
                start[v] = 0.0f;
#endif
            for (int i = 0; i < here; i++) {
                const int top = (band + i) * PKH - PPH, r0 = max(-top, 0), r1 = min(OH - top, PKH);
                for (int own_j = 0; own_j < YW; own_j += TILE) {
                    const int j0 = min(own_j, YW - TILE), at0 = ((b * YH + band + i) * YW + j0) * O + o0;
                    const float *first = patch + (i * PKH * SH * PATCH_W + j0 * PKW * SW) * G;
                    hg_vec sum[TILE][NV][PLACES], all = 0.0f;
                    HG_UNROLL for (int q = 0; q < TILE; q++)
                        HG_UNROLL for (int v = 0; v < NV; v++)
                            HG_UNROLL for (int p = 0; p < PLACES; p++) sum[q][v][p] = start[v];
                    for (int kh = 0; kh < KH; kh++) {
                        const float *x = first + kh * DH * PATCH_W * G;
                        __global const float *wp = panel + kh * KW * G * PANEL;
                        for (int g = 0; g < G; g++, wp += PANEL, x++) {
                            hg_vec weight[KW][NV];
                            HG_UNROLL for (int kw = 0; kw < KW; kw++)
                                HG_UNROLL for (int v = 0; v < NV; v++) weight[kw][v] = HG_LOAD(wp + kw * G * PANEL + v * HG_VEC);
                            /* a pixel is read once for all taps of the row that meet it, each in another sum */
                            HG_UNROLL for (int c = 0; c < TILE_W; c++)
                                HG_UNROLL for (int r = 0; r < PKH; r++) {
                                    const float value = x[(r * SH * PATCH_W + c) * G];
                                    HG_UNROLL for (int kw = 0; kw < KW; kw++) {
                                        const int column = (c - kw * DW) / SW, q = column / PKW, p = r * PKW + column % PKW;
                                        if (c < kw * DW || (c - kw * DW) % SW || q >= TILE) continue;
                                        HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v][p] = HG_SCALED(value, weight[kw][v], sum[q][v][p]);
                                    }
                                }
                        }
                    }
                    HG_UNROLL for (int q = 0; q < TILE; q++)
                        HG_UNROLL for (int v = 0; v < NV; v++) {
                            const int to = at0 + q * O + v * HG_VEC;
                            places at;
#if !LATE
                            HG_UNROLL for (int p = 0; p < PLACES; p++) sum[q][v][p] = HG_ACT(sum[q][v][p]);
#endif
                            const hg_vec best = largest(sum[q][v], r0, r1, FIRST_COLUMN(j0 + q), LAST_COLUMN(j0 + q), &at, &all);
                            store_window(best, at, out + to, winner + to);
                        }
                    const float total = hg_lanes(all);
                    if (total == total) continue;
                    HG_REST for (int q = 0; q < TILE; q++)
                        HG_REST for (int v = 0; v < NV; v++) {
                            const int to = at0 + q * O + v * HG_VEC;
                            hg_vec again[PLACES];
                            places at;
                            compute_again(again, first + q * PKW * SW * G, panel + v * HG_VEC, start[v]);
                            const hg_vec best = largest_or_nan(again, r0, r1, FIRST_COLUMN(j0 + q), LAST_COLUMN(j0 + q), &at);
                            store_window(best, at, out + to, winner + to);
                        }
                }
            }
        }
    }
}
#endif

/* ---- along pictures */

#if defined Q && HG_VEC == 16
/* n numbers in a row of 16 pictures, `step` apart, to [n][16 pictures] */
inline void turn(__global const hg_x *restrict from, int step, float *to, int n)
{
    if (n >= 16) {
        for (int i = 0; i < n; i += 16) {
            const int at = min(i, n - 16);
            float16 square[16];
            HG_UNROLL for (int b = 0; b < 16; b++) square[b] = HG_X_LOAD(from + b * step + at);
            hg_turn(square);
            HG_UNROLL for (int k = 0; k < 16; k++) HG_STORE16(square[k], to + (at + k) * 16);
        }
        return;
    }
    HG_REST for (int b = 0; b < 16; b++)
        HG_REST for (int i = 0; i < n; i++) to[i * 16 + b] = HG_X(from + b * step + i);
}

inline void fill_patch_turned(float *patch, __global const hg_x *restrict from, int row)
{
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * G * 16;
        const bool inside = row >= 0 && row < IH;
        for (int i = 0; i < (inside ? LOW : PATCH_W) * G * 16; i++) to[i] = 0.0f;
        if (!inside) continue;
        turn(from + (row * IW + BASE_W + LOW) * G, IH * IW * G, to + LOW * G * 16, (HIGH - LOW) * G);
        for (int i = HIGH * G * 16; i < PATCH_W * G * 16; i++) to[i] = 0.0f;
    }
}

static inline void compute_again_turned(float16 *v, const float *x, __global const float *w, float start)
{
    HG_REST for (int r = 0; r < PKH; r++)
        HG_REST for (int s = 0; s < PKW; s++) {
            __global const float *wp = w;
            float16 sum = start;
            HG_REST for (int kh = 0; kh < KH; kh++)
                HG_REST for (int kw = 0; kw < KW; kw++)
                    HG_REST for (int g = 0; g < G; g++, wp += O)
                        sum = HG_SCALED(*wp, vload16(((r * SH + kh * DH) * PATCH_W + s * SW + kw * DW) * G + g, x), sum);
            v[r * PKW + s] = LATE ? sum : HG_ACT(sum);
        }
}

static inline void keep_window(float16 best, places at, float *results, float *winners)
{
    best = LATE ? HG_ACT(best) : best;
    HG_STORE16(best, results);
    HG_STORE16(convert_float16(at), winners);
}

/* [n][16 pictures] to n numbers in a row of each picture from `own` on */
inline void turn_back(const float *results, const float *winners, __global hg_y *out, __global uchar *winner, int step, int n, int own)
{
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        float16 square[16], at[16];
        HG_UNROLL for (int k = 0; k < 16; k++) square[k] = vload16(i + k, results);
        hg_turn(square);
        HG_REST for (int b = own; b < 16; b++) HG_Y_STORE(square[b], out + b * step + i);
#if NOTE
        HG_UNROLL for (int k = 0; k < 16; k++) at[k] = vload16(i + k, winners);
        hg_turn(at);
        HG_REST for (int b = own; b < 16; b++) HG_STORE_UCHAR(at[b], winner + b * step + i);
#endif
    }
    HG_REST for (int b = own; b < 16; b++)
        HG_REST for (int k = i; k < n; k++) {
            HG_Y(results[k * 16 + b], out + b * step + k);
            if (NOTE) winner[b * step + k] = (uchar)winners[k * 16 + b];
        }
}

/* units: groups of 16 pictures times bands, the last group moved back; an item is a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather_pictures(__global const hg_x *restrict from, __global const float *restrict w, __global const float *restrict bias,
                              __global hg_y *restrict out, __global uchar *restrict winner, int units, int pictures,
                              int items, __global int *taken)
{
    enum { BANDS = (YH + BAND - 1) / BAND };
    const int span = (units - 1) / items + 1;
    HG_ALIGNED float patch[PATCH_H * PATCH_W * G * 16], results[BAND * YW * O * 16], winners[BAND * YW * O * 16];
    HG_ITEMS(item, items, taken) HG_UNITS(unit, units, span, item) {
        const int group = unit / BANDS, band = (unit - group * BANDS) * BAND, here = min(BAND, YH - band);
        const int b0 = min(group * 16, pictures - 16);
        fill_patch_turned(patch, from + b0 * IH * IW * G, band * PKH * SH + BASE_H);
        for (int i = 0; i < here; i++) {
            const int top = (band + i) * PKH - PPH, r0 = max(-top, 0), r1 = min(OH - top, PKH);
            for (int j = 0; j < YW; j++) {
                const float *first = patch + (i * PKH * SH * PATCH_W + j * PKW * SW) * G * 16;
                const int s0 = FIRST_COLUMN(j), s1 = LAST_COLUMN(j), at0 = (i * YW + j) * O * 16;
                for (int o0 = 0; o0 < O; o0 += Q) {
                    float16 sum[Q][PLACES], all = 0.0f;
                    HG_UNROLL for (int o = 0; o < Q; o++)
                        HG_UNROLL for (int p = 0; p < PLACES; p++) sum[o][p] = BIAS ? bias[o0 + o] : 0.0f;
                    for (int kh = 0; kh < KH; kh++)
                        for (int kw = 0; kw < KW; kw++) {
                            const float *x = first + (kh * DH * PATCH_W + kw * DW) * G * 16;
                            __global const float *wp = w + (kh * KW + kw) * G * O + o0;
                            for (int g = 0; g < G; g++, x += 16, wp += O)
                                HG_UNROLL for (int p = 0; p < PLACES; p++) {
                                    const float16 value = vload16(PIXEL(0, p) * G, x);
                                    HG_UNROLL for (int o = 0; o < Q; o++) sum[o][p] = HG_SCALED(wp[o], value, sum[o][p]);
                                }
                        }
                    HG_UNROLL for (int o = 0; o < Q; o++) {
                        places at;
#if !LATE
                        HG_UNROLL for (int p = 0; p < PLACES; p++) sum[o][p] = HG_ACT(sum[o][p]);
#endif
                        const float16 best = largest(sum[o], r0, r1, s0, s1, &at, &all);
                        keep_window(best, at, results + at0 + (o0 + o) * 16, winners + at0 + (o0 + o) * 16);
                    }
                    const float total = hg_lanes(all);
                    if (total == total) continue;
                    HG_REST for (int o = o0; o < o0 + Q; o++) {
                        float16 again[PLACES];
                        places at;
                        compute_again_turned(again, first, w + o, BIAS ? bias[o] : 0.0f);
                        const float16 best = largest_or_nan(again, r0, r1, s0, s1, &at);
                        keep_window(best, at, results + at0 + o * 16, winners + at0 + o * 16);
                    }
                }
            }
        }
        const int to = (b0 * YH + band) * YW * O;
        turn_back(results, winners, out + to, winner + to, YH * YW * O, here * YW * O, group * 16 - b0);
    }
}
#endif
