/* D for CPU devices (model/conv.h) where few channels are written: a product of matrices, whose results overlap and are added.
 *   A pixel of the small side makes the numbers of all taps and channels, as lanes of NV vectors:
 *     made[pixel][kh, kw, o] = sum over g of from[pixel, g] w[kh, kw, g, o]
 *   Written pixel y with y + PH = q SH + r is the sum of tap r + t SH of rows q - t, for t < TH, and in the same way across, for s < TW:
 *     out[q SH + r - PH, q' SW + c - PW, o] = bias[o] + sum over t, s of made[q - t, q' - s][r + t SH, c + s SW, o]
 * The SW O numbers of a group q' (c, o) lie side by side, where they were made and where they are stored, and are added as a vector of
 * LINE. A band of BAND rows of groups goes through the small side row by row, with the last TH rows made in a ring and zeros around
 * them; every work-item packs the weights as [G][lanes], with zeros for taps that are not there.
 * Macros: IH IW G (read side), OH OW O (written side), KH KW SH SW PH PW; TILE (pixels in registers, at most IW), NV (divides a
 * pixel's vectors), BAND, LINE (a power of two beyond 1, at least SW O), HG_VEC; BIAS, those of hg_store.
 * Memory traffic: from (BAND + TH - 1) / BAND times, out once; the weights stay in the first level of cache, the ring in the second. */
#ifndef G
#define G 8
#define O 3
#define IH 8
#define IW 8
#define OH 16
#define OW 16
#define KH 4
#define KW 4
#define SH 2
#define SW 2
#define PH 1
#define PW 1
#define TILE 4
#define NV 3
#define BAND 2
#define LINE 8
#endif
#ifndef BIAS
#define BIAS 0
#endif

#define TH ((KH + SH - 1) / SH)
#define TW ((KW + SW - 1) / SW)
/* the first group, and how many there are */
#define FIRST_H (PH / SH)
#define FIRST_W (PW / SW)
#define GROUPS_H ((OH - 1 + PH) / SH - FIRST_H + 1)
#define GROUPS_W ((OW - 1 + PW) / SW - FIRST_W + 1)
/* numbers that a pixel makes, in blocks of vectors; pixels that a row of groups meets, of which [LOW, HIGH) are in the picture */
#define PANEL (NV * HG_VEC)
#define LANES ((KH * TW * SW * O + PANEL - 1) / PANEL * PANEL)
#define MADE_W (GROUPS_W + TW - 1)
#define COLUMN (FIRST_W - (TW - 1))
#define LOW (COLUMN < 0 ? -COLUMN : 0)
#define HIGH (IW - COLUMN < MADE_W ? IW - COLUMN : MADE_W)
#define MADE (MADE_W * LANES + LINE)
#define ROW (GROUPS_W * SW * O + LINE)
#define TAKE_LINE(p) HG_PASTE(vload, LINE)(0, p)
#define PUT_LINE(v, p) HG_PASTE(HG_STORE, LINE)(v, p)

inline void pack(float *packed, __global const float *restrict w)
{
    for (int i = 0; i < G * LANES; i++) packed[i] = 0.0f;
    for (int kh = 0; kh < KH; kh++)
        for (int kw = 0; kw < KW; kw++)
            for (int g = 0; g < G; g++)
                for (int o = 0; o < O; o++) packed[g * LANES + (kh * TW * SW + kw) * O + o] = w[((kh * KW + kw) * G + g) * O + o];
}

/* What the pixels of a row make. */
inline void make(float *made, __global const hg_x *from, const float *packed)
{
    for (int own = LOW; own < HIGH; own += TILE) {
        const int j = min(own, HIGH - TILE); /* the last tile is moved back */
        HG_ALIGNED float x[TILE * G];
        hg_take(x, from + (COLUMN + j) * G, TILE * G);
        for (int panel = 0; panel < LANES; panel += PANEL) {
            const float *wp = packed + panel;
            hg_vec sum[TILE][NV];
            HG_UNROLL for (int q = 0; q < TILE; q++)
                HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = 0.0f;
            HG_TURNS(TILE * NV) for (int g = 0; g < G; g++, wp += LANES) {
                hg_vec weight[NV];
                HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(wp + v * HG_VEC);
                HG_UNROLL for (int q = 0; q < TILE; q++)
                    HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q * G + g], weight[v], sum[q][v]);
            }
            HG_UNROLL for (int q = 0; q < TILE; q++)
                HG_UNROLL for (int v = 0; v < NV; v++) HG_STORE(sum[q][v], made + (j + q) * LANES + panel + v * HG_VEC);
        }
    }
}

/* units: pictures times bands of groups' rows; an item is a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const hg_x *restrict from, __global const float *restrict w, __global const float *restrict bias,
                     __global hg_y *restrict out, __global const hg_dx_x *out_x, int units, int items, __global int *taken)
{
    enum { BANDS = (GROUPS_H + BAND - 1) / BAND };
    typedef HG_PASTE(float, LINE) line;
    const int span = (units - 1) / items + 1;
    int item = hg_next_item(-1, items, taken);
    if (item < 0) return;
    HG_ALIGNED float packed[G * LANES];
    HG_ALIGNED float ring[TH * MADE];
    HG_ALIGNED float row[ROW];
    HG_ALIGNED float starts[LINE];
    int inside[LINE]; /* numbers of the last column of groups that have a tap: the others are 0 times what may be NaN */
    pack(packed, w);
    for (int i = 0; i < TH * MADE; i++) ring[i] = 0.0f;
    for (int k = 0; k < LINE; k++) {
        starts[k] = BIAS && k < SW * O ? bias[HG_MOD(k, O)] : 0.0f;
        inside[k] = k < (KW - (TW - 1) * SW) * O ? -1 : 0;
    }
    const line start = TAKE_LINE(starts), none = 0.0f;
    const HG_PASTE(int, LINE) taps = TAKE_LINE(inside);
    for (; item >= 0; item = hg_next_item(item, items, taken)) HG_UNITS(unit, units, span, item) {
        const int b = unit / BANDS, begin = (unit - b * BANDS) * BAND, end = min(begin + BAND, GROUPS_H);
        int newest = 0; /* place in the ring */
        for (int i = begin - (TH - 1); i < end; i++) {
            const int from_row = i + FIRST_H;
            newest = newest + 1 < TH ? newest + 1 : 0;
            if (from_row >= 0 && from_row < IH) {
                make(ring + newest * MADE, from + (b * IH + from_row) * IW * G, packed);
            } else {
                for (int k = 0; k < MADE; k++) ring[newest * MADE + k] = 0.0f;
            }
            if (i < begin) continue;
            for (int r = 0; r < SH; r++) {
                const int y = from_row * SH + r - PH, to = (b * OH + y) * OW * O;
                if (y < 0 || y >= OH) continue;
                for (int j = 0; j < GROUPS_W; j++) {
                    line sum = start;
                    HG_UNROLL for (int t = 0; t < TH; t++) {
                        const int place = newest - t < 0 ? newest - t + TH : newest - t;
                        HG_UNROLL for (int s = 0; s < TW; s++)
                            if (r + t * SH < KH) {
                                const line more = TAKE_LINE(ring + place * MADE + (j + TW - 1 - s) * LANES + ((r + t * SH) * TW + s) * SW * O);
                                sum += (s + 1) * SW <= KW ? more : taps ? more : none;
                            }
                    }
                    PUT_LINE(sum, row + j * SW * O); /* the next group takes the place of unused lanes */
                }
                const float *numbers = row + (PW - FIRST_W * SW) * O;
                int k = 0;
                for (; k + HG_VEC <= OW * O; k += HG_VEC) hg_store(HG_LOAD(numbers + k), out, out_x, to + k);
                for (; k < OW * O; k++) hg_store_one(numbers[k], out, out_x, to + k);
            }
        }
    }
}
