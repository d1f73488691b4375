/* W for CPU devices (model/conv.h) where pictures are small and channels are few: vectors go along 16 pictures.
 *   dw[kh, kw, c, s] = sum over pictures and pixels of large[pixel at the tap (kh, kw), c] small[pixel, s];  db = sum over pixels of dy
 * What 16 pictures have in a band of BAND rows of the small side is turned to [row, column, channel][16 pictures]. For each tap the pixels that have
 * it are summed in registers, TI channels of the large side times TJ of the small one, and added to totals; these are folded at the end.
 * Macros: HL WL CL HS WS CS KH KW SH SW DH DW PH PW TRANSPOSED BIAS, TI (divides CL) TJ (divides CS) BAND, HG_VEC 16; VEC_LARGE is not looked at.
 * At least 16 pictures; the last group is moved back, and what it shares counts as zeros.
 * partials [splits][KH, KW, in, out], with BIAS bias_partials [splits][out]; with one split these are dw and db themselves, added to
 * what is there if DW_ADD, DB_ADD. Traffic: both sides once, the large one's halo for each band. */
#include "shuffles.cl"

#ifndef CL
#define CL 8
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
#define TI 4
#define TJ 4
#define BAND 8
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef DB_ADD
#define DB_ADD 0
#endif

/* x, which the layer read, holds values; dy gradients, which are float. */
#if TRANSPOSED
typedef float large_t;
typedef hg_x small_t;
#define TURN_LARGE turn
#define TURN_SMALL turn_x
#define OUT CL
#else
typedef hg_x large_t;
typedef float small_t;
#define TURN_LARGE turn_x
#define TURN_SMALL turn
#define OUT CS
#endif

/* rows of the large side that a band meets, or whose bias it sums */
#define MET ((BAND - 1) * SH + (KH - 1) * DH + 1)
#define SUMMED (PH + BAND * SH + (HL > HS * SH ? HL - HS * SH : 0))
#define ROWS_L (!TRANSPOSED || MET > SUMMED ? MET : SUMMED)
#define PATCH_L (ROWS_L < HL ? ROWS_L : HL)

#if HG_VEC == 16 /* else there is no such kernel */
/* n numbers in a row of 16 pictures, `step` apart, to [n][16 pictures], with zeros for pictures before `own` */
#define TURN(NAME, TYPE, LOAD, ONE) \
    inline void NAME(__global const TYPE *from, int step, float *to, int n, int own) \
    { \
        const int16 mine = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) >= own; \
        int i = 0; \
        for (; i + 16 <= n; i += 16) { \
            float16 square[16]; \
            HG_UNROLL for (int b = 0; b < 16; b++) square[b] = LOAD(from + b * step + i); \
            hg_turn(square); \
            HG_UNROLL for (int k = 0; k < 16; k++) HG_STORE16(as_float16(as_int16(square[k]) & mine), to + (i + k) * 16); \
        } \
        HG_REST for (int b = 0; b < 16; b++) \
            HG_REST for (int k = i; k < n; k++) to[k * 16 + b] = b < own ? 0.0f : ONE(from + b * step + k); \
    }
TURN(turn, float, HG_LOAD, HG_FLOAT)
TURN(turn_x, hg_x, HG_X_LOAD, HG_X)

inline void put(__global float *to, float v, int add)
{
    *to = add ? *to + v : v;
}

#if BIAS
#define TOGETHER (OUT % 8 == 0 ? 8 : OUT % 4 == 0 ? 4 : OUT % 2 == 0 ? 2 : 1)
/* total[o] += dy[p][o] over n pixels */
inline void add_bias(float16 *total, const float *dy, int n)
{
    for (int o = 0; o < OUT; o += TOGETHER) {
        float16 sum[TOGETHER];
        HG_UNROLL for (int k = 0; k < TOGETHER; k++) sum[k] = total[o + k];
        for (int p = 0; p < n; p++)
            HG_UNROLL for (int k = 0; k < TOGETHER; k++) sum[k] += vload16(p * OUT + o + k, dy);
        HG_UNROLL for (int k = 0; k < TOGETHER; k++) total[o + k] = sum[k];
    }
}
#endif

/* the first and the behind-last of n pixels of the small side that meet the large one at an offset */
inline int first_met(int offset, int S) { return offset >= 0 ? 0 : (S - 1 - offset) / S; }
inline int last_met(int offset, int S, int size, int n) { return size > offset ? min(n, (size - offset + S - 1) / S) : 0; }

/* units: groups of 16 pictures times bands; an item is `span` of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_pictures(__global const large_t *restrict large, __global const small_t *restrict small, __global float *restrict partials,
                              __global float *restrict bias_partials, int units, int span, int pictures, int items, __global int *taken)
{
    enum { BANDS = (HS + BAND - 1) / BAND };
    HG_ITEMS(split, items, taken) {
        const int last = min((split + 1) * span, units);
        HG_ALIGNED float patch[PATCH_L * WL * CL * 16], pixels[BAND * WS * CS * 16];
        float16 total[KH * KW * CL * CS];
        for (int k = 0; k < KH * KW * CL * CS; k++) total[k] = 0.0f;
#if BIAS
        float16 bias[OUT];
        for (int o = 0; o < OUT; o++) bias[o] = 0.0f;
#endif
        for (int unit = split * span; unit < last; unit++) {
            const int group = unit / BANDS, b0 = min(group * 16, pictures - 16), own = group * 16 - b0;
            const int begin = (unit - group * BANDS) * BAND, end = min(begin + BAND, HS), top = max(begin * SH - PH, 0), bottom = min(begin * SH - PH + ROWS_L, HL);
            TURN_LARGE(large + (b0 * HL + top) * WL * CL, HL * WL * CL, patch, max(bottom - top, 0) * WL * CL, own);
            TURN_SMALL(small + (b0 * HS + begin) * WS * CS, HS * WS * CS, pixels, (end - begin) * WS * CS, own);
#if BIAS && TRANSPOSED
            const int bias_begin = min(begin * SH, HL), bias_end = end == HS ? HL : min(end * SH, HL);
            add_bias(bias, patch + (bias_begin - top) * WL * CL * 16, (bias_end - bias_begin) * WL);
#elif BIAS
            add_bias(bias, pixels, (end - begin) * WS);
#endif
            for (int kh = 0; kh < KH; kh++) {
                const int down = kh * DH - PH, i0 = max(begin, first_met(down, SH)), i1 = min(end, last_met(down, SH, HL, HS));
                for (int kw = 0; kw < KW; kw++) {
                    const int across = kw * DW - PW, j0 = first_met(across, SW), j1 = last_met(across, SW, WL, WS);
                    for (int c = 0; c < CL; c += TI)
                        for (int s = 0; s < CS; s += TJ) {
                            float16 sum[TI][TJ];
                            HG_UNROLL for (int t = 0; t < TI; t++)
                                HG_UNROLL for (int u = 0; u < TJ; u++) sum[t][u] = 0.0f;
                            for (int i = i0; i < i1; i++) {
                                const float *x = patch + (((i * SH + down - top) * WL + j0 * SW + across) * CL + c) * 16;
                                const float *y = pixels + (((i - begin) * WS + j0) * CS + s) * 16;
                                HG_TURNS(TI * TJ) for (int j = j0; j < j1; j++, x += SW * CL * 16, y += CS * 16) {
                                    float16 value[TJ];
                                    HG_UNROLL for (int u = 0; u < TJ; u++) value[u] = vload16(u, y);
                                    HG_UNROLL for (int t = 0; t < TI; t++) {
                                        const float16 other = vload16(t, x);
                                        HG_UNROLL for (int u = 0; u < TJ; u++) sum[t][u] = fma(other, value[u], sum[t][u]);
                                    }
                                }
                            }
                            float16 *all = total + ((kh * KW + kw) * CL + c) * CS + s;
                            HG_UNROLL for (int t = 0; t < TI; t++)
                                HG_UNROLL for (int u = 0; u < TJ; u++) all[t * CS + u] += sum[t][u];
                        }
                }
            }
        }
        __global float *sums = partials + split * (KH * KW * CL * CS);
        HG_REST for (int k = 0; k < KH * KW; k++)
            HG_REST for (int c = 0; c < CL; c++)
                HG_REST for (int s = 0; s < CS; s++)
                    put(sums + k * CL * CS + (TRANSPOSED ? s * OUT + c : c * OUT + s), hg_lanes(total[(k * CL + c) * CS + s]), DW_ADD);
#if BIAS
        HG_REST for (int o = 0; o < OUT; o++) put(bias_partials + split * OUT + o, hg_lanes(bias[o]), DB_ADD);
#endif
    }
}
#endif
