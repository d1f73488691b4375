/* F and D of stride 1 for CPU devices (model/conv.h) where few channels are written: vectors go along 16 pixels, so that the
 * arithmetic is as wide as the machine whatever O is.
 *   out[y, x, o] = bias[o] + sum over kh, kw, g of from[y + TAP_H(kh), x + TAP_W(kw), g] w[kh, kw, g, o]
 * A tile of R rows lies turned into planes of channels, with zeros around the picture, in a private patch whose rows are PS pixels
 * apart. A flat index p = row PS + column then serves both the patch and the sums: a tap is one offset, and what falls between two
 * rows is computed and dropped. NP vectors of pixels times O channels are summed in registers; every multiply-add takes its
 * weight as a broadcast. The sums are turned back into rows of channels and stored.
 * Macros: IH IW G (read side), OH OW O (written side, O a power of two), KH KW DH DW PH PW, DATA, R NP BIAS, HG_VEC 16, those of hg_store.
 * Memory traffic: from (R + halo) / R times, out once; the patch stays in the first two levels of cache. */
#include "shuffles.cl"

#ifndef G
#define G 16
#define O 8
#define IH 8
#define IW 8
#define OH 8
#define OW 8
#define KH 3
#define KW 3
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#define R 8
#define NP 2
#endif
#ifndef DATA
#define DATA 0
#endif
#ifndef BIAS
#define BIAS 0
#endif

#if DATA
#define TAP(K, k, D) (((K) - 1 - (k)) * (D))
#define BASE_H (PH - (KH - 1) * DH)
#define BASE_W (PW - (KW - 1) * DW)
#else
#define TAP(K, k, D) ((k) * (D))
#define BASE_H (-PH)
#define BASE_W (-PW)
#endif
#define PR (R + (KH - 1) * DH)
#define PS (OW + (KW - 1) * DW)
#define STEP (16 * NP)
/* sums in a tile, and what is read behind the last of them */
#define FLAT (((R - 1) * PS + OW + STEP - 1) / STEP * STEP)
#define PLANE ((FLAT + (PR - R) * PS + (KW - 1) * DW + 15) / 16 * 16 + 16)


/* pixels [16, GN] at `from`, GN channels of pixels that are G apart -> planes [GN][16] at `to`, PLANE apart; n numbers of a
 * plane, zeros behind */
#define GN (G < 16 ? G : 16)
#define TURNS (G == 1 || G == 2 || G == 4 || G == 8 || G % 16 == 0)
inline void turn(__global const hg_x *restrict from, float *restrict to, int n)
{
    const int16 inside = (int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) < n;
    float16 a[GN], b[GN];
    HG_UNROLL for (int k = 0; k < GN; k++) a[k] = HG_X_LOAD(from + k * (G < 16 ? 16 : G));
    HG_UNROLL for (int round = 1; round < GN; round *= 2) {
        HG_UNROLL for (int k = 0; k < GN / 2; k++) {
            b[k] = HG_EVEN(a[2 * k], a[2 * k + 1]);
            b[k + GN / 2] = HG_ODD(a[2 * k], a[2 * k + 1]);
        }
        HG_UNROLL for (int k = 0; k < GN; k++) a[k] = b[k];
    }
    HG_UNROLL for (int k = 0; k < GN; k++) HG_STORE16(as_float16(as_int16(a[k]) & inside), to + k * PLANE);
}

/* n pixels in a row, of which `left` and more are in memory. Fewer than 16 are turned with their neighbours, in whose place
 * zeros are written: borders, or pixels that are written later. */
inline void turn_row(__global const hg_x *restrict from, float *restrict to, int n, int left)
{
    int j = 0;
#if TURNS
    if (n >= 16 || left >= 16)
        for (; j < n; j += 16) {
            const int at = n < 16 ? 0 : min(j, n - 16);
            HG_UNROLL for (int g = 0; g < G; g += GN) turn(from + at * G + g, to + g * PLANE + at, n);
        }
#endif
    for (; j < n; j++)
        for (int g = 0; g < G; g++) to[g * PLANE + j] = HG_X(from + j * G + g);
}

/* units: pictures times tiles of R rows; an item is a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const hg_x *restrict from, __global const float *restrict w, __global const float *restrict bias,
                     __global hg_y *restrict out, __global const hg_dx_x *out_x, int units, int items, __global int *taken)
{
    enum { ROW_TILES = (OH + R - 1) / R, LEFT = -BASE_W > 0 ? -BASE_W : 0, FIRST = BASE_W > 0 ? BASE_W : 0,
           WIDTH = IW - FIRST < PS - LEFT ? IW - FIRST : PS - LEFT };
    const int span = (units - 1) / items + 1, pictures = units / ROW_TILES;
    int item = hg_next_item(-1, items, taken);
    if (item < 0) return;
    HG_ALIGNED float patch[G * PLANE];
    HG_ALIGNED float turned[FLAT * O];
    for (int i = 0; i < G * PLANE; i++) patch[i] = 0.0f;
    for (; item >= 0; item = hg_next_item(item, items, taken)) HG_UNITS(unit, units, span, item) {
        const int b = unit / ROW_TILES, own = (unit - b * ROW_TILES) * R, i0 = min(own, OH - R);
        for (int r = 0; r < PR; r++) {
            const int row = i0 + r + BASE_H;
            if (row >= 0 && row < IH)
                turn_row(from + ((b * IH + row) * IW + FIRST) * G, patch + r * PS + LEFT, WIDTH, ((pictures - b) * IH - row) * IW - FIRST);
            else
                for (int g = 0; g < G; g++)
                    for (int j = 0; j < WIDTH; j++) patch[g * PLANE + r * PS + LEFT + j] = 0.0f;
        }
        for (int p = 0; p < FLAT; p += STEP) {
            float16 sum[O][NP];
            HG_UNROLL for (int o = 0; o < O; o++)
                HG_UNROLL for (int v = 0; v < NP; v++) sum[o][v] = BIAS ? bias[o] : 0.0f;
            __global const float *wp = w;
            for (int kh = 0; kh < KH; kh++)
                for (int kw = 0; kw < KW; kw++) {
                    const float *x = patch + TAP(KH, kh, DH) * PS + TAP(KW, kw, DW) + p;
                    HG_TURNS(O * NP) for (int g = 0; g < G; g++, x += PLANE, wp += O)
                        HG_UNROLL for (int v = 0; v < NP; v++) {
                            const float16 value = vload16(v, x);
                            HG_UNROLL for (int o = 0; o < O; o++) sum[o][v] = HG_SCALED(wp[o], value, sum[o][v]);
                        }
                }
            HG_UNROLL for (int v = 0; v < NP; v++) {
                float16 a[O], c[O];
                HG_UNROLL for (int o = 0; o < O; o++) a[o] = sum[o][v];
                HG_UNROLL for (int n = 1; n < O; n *= 2) {
                    HG_UNROLL for (int k = 0; k < O / 2; k++) {
                        c[2 * k] = HG_LOW(a[k], a[k + O / 2]);
                        c[2 * k + 1] = HG_HIGH(a[k], a[k + O / 2]);
                    }
                    HG_UNROLL for (int k = 0; k < O; k++) a[k] = c[k];
                }
                HG_UNROLL for (int o = 0; o < O; o++) HG_STORE16(a[o], turned + (p + v * 16) * O + o * 16);
            }
        }
        for (int r = own - i0; r < R; r++) { /* the last tile is moved back: what it shares is not stored again */
            const int at = ((b * OH + i0 + r) * OW) * O;
            const float *line = turned + r * PS * O;
            int i = 0;
            for (; i + HG_VEC <= OW * O; i += HG_VEC) hg_store(HG_LOAD(line + i), out, out_x, at + i);
            for (; i < OW * O; i++) hg_store_one(line[i], out, out_x, at + i);
        }
    }
}
