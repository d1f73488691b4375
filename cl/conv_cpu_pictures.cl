/* F and D for CPU devices (model/conv.h) where pictures are small and channels are few: vectors go along 16 pictures, so that the arithmetic is as
 * wide as the machine whatever channels, columns and strides are.
 *   F (DATA 0), D (DATA 1): as in conv_cpu.cl
 * What 16 pictures have in the rows that a band reads is turned to [row, column, channel][16 pictures] in a private patch, with columns of zeros
 * where taps reach beside the picture; rows above and below it are left out. TILE pixels of a row times Q channels are summed in registers, every
 * multiply-add takes a weight as a broadcast. The band's results are turned back and stored picture by picture.
 * Macros: IH IW G (read side), OH OW O (written side), KH KW SH SW DH DW PH PW, DATA, TILE Q (divides O) BAND BIAS, HG_VEC 16, those of hg_store.
 * D of what is pooled: as in conv_cpu.cl, with PKH PKW PPH PPW YH YW.
 * BAND: rows, in D rows of each phase. At least 16 pictures; the last group is moved back.
 * Memory traffic: from once and its halo for each band, out once; patch and results stay in the first two levels of cache. */
#include "shuffles.cl"

#ifndef G
#define G 8
#define O 8
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
#define Q 4
#define BAND 8
#endif
#ifndef DATA
#define DATA 0
#endif
#ifndef BIAS
#define BIAS 0
#endif

/* as in conv_cpu.cl: where the patch begins, how large it is, which taps a phase has */
#if DATA
#define TAP_DIL(S, D) ((S) == 1 ? (D) : 1)
#define LOW(K, S, D, P) ((S) == 1 ? (P) - ((K) - 1) * (D) : (P) / (S) - ((K) - 1) / (S))
#define HIGH(S, P) (((S) - 1 + (P)) / (S))
#define STEP_H 1
#define STEP_W 1
#define BASE_H LOW(KH, SH, DH, PH)
#define BASE_W LOW(KW, SW, DW, PW)
#define PATCH_H (BAND + HIGH(SH, PH) - BASE_H)
#define PATCH_W (COLUMNS + HIGH(SW, PW) - BASE_W)
#define PHASES_H SH
#define PHASES_W SW
#else
#define STEP_H SH
#define STEP_W SW
#define BASE_H (-PH)
#define BASE_W (-PW)
#define PATCH_H ((BAND - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((COLUMNS - 1) * SW + (KW - 1) * DW + 1)
#define PHASES_H 1
#define PHASES_W 1
#endif
#define ROWS ((OH + PHASES_H - 1) / PHASES_H)
#define COLUMNS ((OW + PHASES_W - 1) / PHASES_W)

#if HG_VEC == 16 /* else there is no such kernel */
/* n numbers in a row of 16 pictures, `step` apart, to [n][16 pictures] */
#define TURN(NAME, TYPE, LOAD, ONE) \
    inline void NAME(__global const TYPE *from, int step, float *to, int n) \
    { \
        for (int i = 0; n >= 16 && i < n; i += 16) { \
            const int at = min(i, n - 16); \
            float16 square[16]; \
            HG_UNROLL for (int b = 0; b < 16; b++) square[b] = LOAD(from + b * step + at); \
            hg_turn(square); \
            HG_UNROLL for (int k = 0; k < 16; k++) HG_STORE16(square[k], to + (at + k) * 16); \
        } \
        HG_REST for (int b = 0; n < 16 && b < 16; b++) \
            HG_REST for (int i = 0; i < n; i++) to[i * 16 + b] = ONE(from + b * step + i); \
    }
TURN(turn, hg_x, HG_X_LOAD, HG_X)

#ifdef PKH /* model/conv_pooled.h */
#define LOAD_PLACES(p) convert_float16(vload16(0, p))
#define PLACE(p) ((float)*(p))
TURN(turn_places, uchar, LOAD_PLACES, PLACE)

/* The rows of 16 pictures from `top` on, of which only the windows' winners have numbers, to a patch whose other columns are zeros. */
inline void fill_patch(float *patch, __global const hg_x *from, __global const uchar *winner, int top)
{
    HG_ALIGNED float given[YW * G * 16], places[YW * G * 16];
    int turned = -1;
    for (int r = max(-top, 0); r < min(IH - top, PATCH_H); r++) {
        const int i = HG_WHOLE(top + r + PPH, PKH), first = (top + r + PPH - i * PKH) * PKW;
        float *row = patch + (r * PATCH_W - BASE_W) * G * 16;
        if (i >= YH) {
            for (int k = max(BASE_W, 0) * G * 16; k < min(IW, PATCH_W + BASE_W) * G * 16; k++) row[k] = 0.0f;
            continue;
        }
        if (turned != i) {
            turn(from + i * YW * G, YH * YW * G, given, YW * G);
            turn_places(winner + i * YW * G, YH * YW * G, places, YW * G);
            turned = i;
        }
        for (int j = 0; j < YW; j++)
            for (int s = 0; s < PKW; s++) {
                const int column = j * PKW - PPW + s;
                const float16 place = first + s, none = 0.0f;
                if (column < max(BASE_W, 0) || column >= min(IW, PATCH_W + BASE_W)) continue;
                for (int g = 0; g < G; g++)
                    HG_STORE16(vload16(j * G + g, places) == place ? vload16(j * G + g, given) : none, row + (column * G + g) * 16);
            }
    }
}
#define WINNER , __global const uchar *restrict winner
#else
#define WINNER
#endif

/* [n][16 pictures] to n numbers in a row of each picture from `own` on */
inline void turn_back(const float *from, __global hg_y *out, __global const hg_dx_x *out_x, int to, int step, int n, int own)
{
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        float16 square[16];
        HG_UNROLL for (int k = 0; k < 16; k++) square[k] = vload16(i + k, from);
        hg_turn(square);
        HG_REST for (int b = own; b < 16; b++) hg_store(square[b], out, out_x, to + b * step + i);
    }
    HG_REST for (int b = own; b < 16; b++)
        HG_REST for (int k = i; k < n; k++) hg_store_one(from[k * 16 + b], out, out_x, to + b * step + k);
}

/* units: groups of 16 pictures times bands; an item is a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const hg_x *restrict from, __global const float *restrict w, __global const float *restrict bias,
                     __global hg_y *restrict out, __global const hg_dx_x *out_x, int pictures, int units WINNER,
                     int items, __global int *taken)
{
    enum { BANDS = (ROWS + BAND - 1) / BAND, LEFT = BASE_W > 0 ? BASE_W : 0, RIGHT = BASE_W + PATCH_W < IW ? BASE_W + PATCH_W : IW };
    const int span = (units - 1) / items + 1;
    int item = hg_next_item(-1, items, taken);
    if (item < 0) return;
    HG_ALIGNED float patch[PATCH_H * PATCH_W * G * 16];
    HG_ALIGNED float results[BAND * PHASES_H * OW * O * 16];
    for (int i = 0; i < PATCH_H * PATCH_W * G * 16; i++) patch[i] = 0.0f;
    for (; item >= 0; item = hg_next_item(item, items, taken)) HG_UNITS(unit, units, span, item) {
        const int group = unit / BANDS, band = (unit - group * BANDS) * BAND, b0 = min(group * 16, pictures - 16);
        const int top = band * STEP_H + BASE_H, y0 = band * PHASES_H, y1 = min((band + BAND) * PHASES_H, OH);
#ifdef PKH
        fill_patch(patch, from + b0 * YH * YW * G, winner + b0 * YH * YW * G, top);
#else
        for (int r = max(-top, 0); r < min(IH - top, PATCH_H); r++)
            turn(from + ((b0 * IH + top + r) * IW + LEFT) * G, IH * IW * G, patch + (r * PATCH_W + LEFT - BASE_W) * G * 16, (RIGHT - LEFT) * G);
#endif
        for (int y = y0; y < y1; y++)
            for (int px = 0; px < PHASES_W; px++) {
                const int q = HG_WHOLE(y, PHASES_H);
#if DATA
                const int py = y - q * PHASES_H, down = HG_WHOLE(py + PH, SH), across = HG_WHOLE(px + PW, SW);
                const int kh0 = py + PH - down * SH, kw0 = px + PW - across * SW, kh_step = SH, kw_step = SW;
#else
                const int kh0 = 0, kw0 = 0, kh_step = 1, kw_step = 1;
#endif
                for (int own_j = 0; own_j < COLUMNS; own_j += TILE) {
                    const int j0 = min(own_j, COLUMNS - TILE);
                    for (int o0 = 0; o0 < O; o0 += Q) {
                        float16 sum[TILE][Q];
                        HG_UNROLL for (int p = 0; p < TILE; p++)
                            HG_UNROLL for (int o = 0; o < Q; o++) sum[p][o] = BIAS ? bias[o0 + o] : 0.0f;
                        for (int kh = kh0; kh < KH; kh += kh_step) {
#if DATA
                            const int row = q + down - kh / SH * TAP_DIL(SH, DH);
#else
                            const int row = q * SH - PH + kh * DH;
#endif
                            if (row < 0 || row >= IH) continue;
                            for (int kw = kw0; kw < KW; kw += kw_step) {
#if DATA
                                const int column = across - kw / SW * TAP_DIL(SW, DW) - BASE_W;
#else
                                const int column = kw * DW;
#endif
                                const float *x = patch + ((row - top) * PATCH_W + j0 * STEP_W + column) * G * 16;
                                __global const float *wp = w + (kh * KW + kw) * G * O + o0;
                                HG_TURNS(TILE * Q) for (int g = 0; g < G; g++, x += 16, wp += O)
                                    HG_UNROLL for (int p = 0; p < TILE; p++) {
                                        const float16 value = vload16(p * STEP_W * G, x);
                                        HG_UNROLL for (int o = 0; o < Q; o++) sum[p][o] = HG_SCALED(wp[o], value, sum[p][o]);
                                    }
                            }
                        }
                        HG_UNROLL for (int p = 0; p < TILE; p++) {
                            const int column = (j0 + p) * PHASES_W + px;
                            if (column >= OW) continue;
                            HG_UNROLL for (int o = 0; o < Q; o++) HG_STORE16(sum[p][o], results + (((y - y0) * OW + column) * O + o0 + o) * 16);
                        }
                    }
                }
            }
        turn_back(results, out, out_x, (b0 * OH + y0) * OW * O, OH * OW * O, (y1 - y0) * OW * O, group * 16 - b0);
    }
}
#endif
