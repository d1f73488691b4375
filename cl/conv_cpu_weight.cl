/* W for CPU devices by blocks (weight_sums.cl has what is computed). An item (split, block of scalars, block of vectors) takes its share
 * of the bands: RB rows of a picture, or several whole pictures. The block's channels of a band are first copied together, those of each
 * tile by themselves, so that a tile's numbers lie in a row in memory and no two pixels fight for a place in the cache; the large side
 * with zeros around each picture, so that the loops over taps know no borders; what a tap reads beyond the picture is left out, unless
 * taps are merged. TI scalars times NV vectors are then summed in registers over the band, tile after tile for each tap: ST tiles of
 * scalars, VT of vectors; the next band, or at last where sums go, is asked for from memory meanwhile. MERGED: where the large side has
 * few channels its scalars are those of a whole row of taps, which lie side by side in the patch.
 * Macros: those of weight_sums.cl, TI ST RB MERGED. Traffic: both sides once per block, partials once. */
#include "weight_sums.cl"

#ifndef TI
#define TI 4
#define ST 2
#define RB 8
#endif
#ifndef MERGED
#define MERGED 0
#endif
#if TRANSPOSED
#define TAKE_LARGE hg_take_float
#define TAKE_SMALL hg_take
#else
#define TAKE_LARGE hg_take
#define TAKE_SMALL hg_take_float
#endif
#define ROWS (RB < HS ? RB : HS)
#define PICTURES (RB < HS ? 1 : RB / HS)
#define BANDS ((HS + ROWS - 1) / ROWS)
#define PATCH_H ((ROWS - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((WS - 1) * SW + (KW - 1) * DW + 1)
/* numbers in a tile and in a block, and what they are of: channels, or channels of a row of taps */
#define TILE (TI * NV)
#define TILE_V (NV * HG_VEC)
#define BLOCK_V (VT * TILE_V)
#define TAPS (MERGED ? KH : KH * KW)
/* the first row or column that meets the large side with a tap that lies so far behind the first, and the one behind the last */
#define FIRST(tap, S, P) (max((P) - (tap) + (S) - 1, 0) / (S))
#define BEHIND(tap, S, P, SIZE) (((SIZE) - 1 + (P) - (tap) + (S)) / (S))
/* Products: the pictures of a band are one row of pixels. */
#define FLAT (KH * KW == 1 && HS * WS == 1 && HL * WL == 1)
#define ALL_S (MERGED ? KW * CL : SCALARS)
/* What is copied together of the sides: a panel for each tile, a cache line longer, so that panels do not fight for places in the cache. */
#define WIDTH_L (VEC_LARGE ? TILE_V : MERGED ? CL : TI)
#define WIDTH_C (VEC_LARGE ? TI : TILE_V)
#define PANELS_L (VEC_LARGE ? VT : MERGED ? 1 : ST)
#define PANELS_C (VEC_LARGE ? ST : VT)
#define PANEL_L (PICTURES * PATCH_H * PATCH_W * WIDTH_L + 16)
#define PANEL_C (PICTURES * ROWS * WS * WIDTH_C + 16)

/* The n channels of a block of so many pixels, of `all` channels each, to so many panels; the last one is moved back. (No restrict:
 * inlined, it becomes something that Oclgrind 21 does not know.) */
#define COPY(name, type, TAKE) \
    __attribute__((always_inline)) \
    static inline void name(float *to, int panels, int panel, int width, __global const type *from, int all, int pixels, int n) \
    { \
        if (panels == 1 && width == all) TAKE(to, from, pixels * all); \
        else \
            for (int p = 0; p < pixels; p++, to += width, from += all) \
                for (int i = 0; i < panels; i++) TAKE(to + i * panel, from + min(i * width, n - width), width); \
    }
COPY(copy_large, large_t, TAKE_LARGE)
COPY(copy_small, small_t, TAKE_SMALL)

/* n channels of a picture of the large side, from row `row` on, with zeros around. */
inline void fill_patch(float *patch, int panels, __global const large_t *from, int row, int n)
{
    const int low = min(PW, PATCH_W), high = clamp(WL + PW, low, PATCH_W);
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * WIDTH_L;
        const bool inside = row >= 0 && row < HL;
        for (int p = 0; p < panels; p++) {
            for (int i = 0; i < (inside ? low : PATCH_W) * WIDTH_L; i++) to[p * PANEL_L + i] = 0.0f;
            for (int i = high * WIDTH_L; inside && i < PATCH_W * WIDTH_L; i++) to[p * PANEL_L + i] = 0.0f;
        }
        if (inside) copy_large(to + low * WIDTH_L, panels, PANEL_L, WIDTH_L, from + (row * WL - PW + low) * CL, CL, high - low, n);
    }
}

/* Part `part` of `parts` of what so many pixels, `step` bytes apart, have in their first n bytes is asked for from memory. */
inline void fetch(__global const uchar *from, int step, int pixels, int n, int part, int parts)
{
    for (int p = pixels * part / parts; p < pixels * (part + 1) / parts; p++)
        for (int i = 0; i < n; i += 64) HG_FETCH(from + p * step + i);
}

/* The same of what band `unit` copies together: nl and nc channels of the sides. */
inline void fetch_band(__global const large_t *large, __global const small_t *small, int unit, int pictures, int nl, int nc, int part, int parts)
{
    const int group = unit / BANDS, b0 = group * PICTURES, here = min(PICTURES, pictures - b0), begin = (unit - group * BANDS) * ROWS;
    const int row = max(begin * SH - PH, 0), rows = PICTURES > 1 ? here * HL : min(begin * SH - PH + PATCH_H, HL) - row;
    const int rows_small = PICTURES > 1 ? here * HS : min(begin + ROWS, HS) - begin;
    fetch((__global const uchar *)(large + (b0 * HL + row) * WL * CL), CL * sizeof(large_t), rows * WL, nl * sizeof(large_t), part, parts);
    fetch((__global const uchar *)(small + (b0 * HS + begin) * WS * CS), CS * sizeof(small_t), rows_small * WS, nc * sizeof(small_t), part, parts);
}

/* The sums of a tile of scalars s and vectors from v on, for tap k (MERGED: row k of taps), of which those before s_new and v_new are
 * others' to store. */
inline void store_tile(const hg_vec *sums, __global float *partials, int k, int s, int s_new, int v, int v_new)
{
#if VEC_OUT
    for (int t = s_new - s; t < TI; t++) {
        const int tap = MERGED ? k * KW + (s + t) / CL : k, in = MERGED ? HG_MOD(s + t, CL) : s + t;
        __global float *to = partials + (tap * IN_CHANNELS + in) * OUT_CHANNELS + v;
        for (int n = 0; n < NV; n++) put_vector(to + n * HG_VEC, sums[t * NV + n], v_new - v - n * HG_VEC);
    }
#else
    float part[TI * TILE_V];
    for (int t = 0; t < TILE; t++) HG_STORE(sums[t], part + t * HG_VEC);
    for (int lane = v_new - v; lane < TILE_V; lane++)
        for (int t = s_new - s; t < TI; t++) {
            const int tap = MERGED ? k * KW + (s + t) / CL : k, o = MERGED ? HG_MOD(s + t, CL) : s + t;
            put(partials + (tap * IN_CHANNELS + v + lane) * OUT_CHANNELS + o, part[t * TILE_V + lane], DW_ADD);
        }
#endif
}

/* The rows that store_tile writes, which a line's first store would else wait for: memory gives it before it takes it. */
inline void fetch_stored(__global const float *partials, int k, int s, int v)
{
#if VEC_OUT
    for (int t = 0; t < TI; t++) {
        const int tap = MERGED ? k * KW + (s + t) / CL : k, in = MERGED ? HG_MOD(s + t, CL) : s + t;
        for (int i = 0; i < TILE_V; i += 16) HG_FETCH(partials + (tap * IN_CHANNELS + in) * OUT_CHANNELS + v + i);
    }
#endif
}

/* units: groups of pictures times bands of rows of the small side */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_gradient(__global const large_t *restrict large, __global const small_t *restrict small, __global float *restrict partials,
                              __global float *restrict bias_partials, int units, int span, int pictures, int items, __global int *taken)
{
    enum { BLOCKS_S = (ALL_S + ST * TI - 1) / (ST * TI) };
    const int splits = (units - 1) / span + 1;
    HG_ITEMS(item, items, taken) {
        const int block = HG_WHOLE(item, splits), block_v = HG_WHOLE(block, BLOCKS_S);
        const int split = item - block * splits, own_s = (block - block_v * BLOCKS_S) * ST * TI, own_v = block_v * BLOCK_V;
        const int first = split * span, last = min(first + span, units);
        /* the block: where it begins, its numbers, its tiles; the last tile is moved back, and with it a block of one */
        const int s0 = min(own_s, ALL_S - TI), ns = min(ST * TI, ALL_S - s0), tiles_s = (ns + TI - 1) / TI;
        const int v0 = min(own_v, VECTORS - TILE_V), nv = min(BLOCK_V, VECTORS - v0), tiles_v = (nv + TILE_V - 1) / TILE_V;
        const int l0 = VEC_LARGE ? v0 : MERGED ? 0 : s0, nl = VEC_LARGE ? nv : MERGED ? CL : ns, c0 = VEC_LARGE ? s0 : v0, nc = VEC_LARGE ? ns : nv;
        const int panels_l = VEC_LARGE ? tiles_v : MERGED ? 1 : tiles_s, panels_c = VEC_LARGE ? tiles_s : tiles_v;
        HG_ALIGNED float patch[PANELS_L * PANEL_L];
        HG_ALIGNED float pixels[PANELS_C * PANEL_C];
        hg_vec total[TAPS * ST * VT * TILE];
#if BIAS
        BIAS_SUMS;
#endif
        __global float *sums = partials + split * WEIGHTS;
        for (int unit = first; unit < last; unit++) {
            const int group = unit / BANDS, b0 = group * PICTURES, here = min(PICTURES, pictures - b0);
            const int begin = (unit - group * BANDS) * ROWS, end = min(begin + ROWS, HS);
            for (int b = 0; b < here; b++) {
                fill_patch(patch + b * PATCH_H * PATCH_W * WIDTH_L, panels_l, large + (b0 + b) * HL * WL * CL + l0, begin * SH - PH, nl);
                copy_small(pixels + b * ROWS * WS * WIDTH_C, panels_c, PANEL_C, WIDTH_C, small + ((b0 + b) * HS + begin) * WS * CS + c0, CS,
                           (end - begin) * WS, nc);
#if BIAS
                if (BIAS_HERE)
#if VEC_OUT
                    for (int vt = 0; vt < tiles_v; vt++) ADD_BIAS_ROWS(bias + vt * NV, HS, TRANSPOSED ? SH : 1, b0 + b, v0 + min(vt * TILE_V, nv - TILE_V));
#else
                    ADD_BIAS_ROWS(bias, HS, TRANSPOSED ? SH : 1, b0 + b, 0);
#endif
#endif
            }
            for (int k = 0; k < TAPS; k++) {
                const int kh = MERGED ? k : k / KW, kw = MERGED ? 0 : k - kh * KW;
                /* the pixels of the band for which the tap lies in the picture */
                const int i0 = max(FIRST(kh * DH, SH, PH) - begin, 0), i1 = min(BEHIND(kh * DH, SH, PH, HL), end) - begin;
                const int j0 = MERGED ? 0 : FIRST(kw * DW, SW, PW), j1 = MERGED ? WS : min(BEHIND(kw * DW, SW, PW, WL), WS);
                for (int st = 0; st < tiles_s; st++)
                    for (int vt = 0; vt < tiles_v; vt++) {
                        const int tile_s = min(st * TI, ns - TI), tile_v = min(vt * TILE_V, nv - TILE_V);
                        if (unit + 1 < last)
                            fetch_band(large + l0, small + c0, unit + 1, pictures, nl, nc, (k * tiles_s + st) * tiles_v + vt, TAPS * tiles_s * tiles_v);
                        else
                            fetch_stored(sums, k, s0 + tile_s, v0 + tile_v);
                        const float *tap = patch + (VEC_LARGE ? vt : MERGED ? 0 : st) * PANEL_L + (kh * DH * PATCH_W + kw * DW) * WIDTH_L;
                        const float *other = pixels + (VEC_LARGE ? st : vt) * PANEL_C;
                        const int s = MERGED ? s0 + tile_s : 0;
                        hg_vec sum[TI][NV];
                        HG_UNROLL for (int t = 0; t < TI; t++)
                            HG_UNROLL for (int n = 0; n < NV; n++) sum[t][n] = 0.0f;
#if VEC_LARGE
#define STEP_S WIDTH_C
#define STEP_V (SW * WIDTH_L)
#else
#define STEP_S (SW * WIDTH_L)
#define STEP_V WIDTH_C
#endif
                        for (int b = 0; b < (FLAT ? 1 : here); b++)
                            for (int i = i0; i < i1; i++) {
                                const float *l = tap + ((b * PATCH_H + i * SH) * PATCH_W + j0 * SW) * WIDTH_L;
                                const float *c = other + ((b * ROWS + i) * WS + j0) * WIDTH_C;
                                const float *x = (VEC_LARGE ? c : l) + s, *y = VEC_LARGE ? l : c;
                                HG_TURNS(TILE) for (int j = j0; j < (FLAT ? here : j1); j++, x += STEP_S, y += STEP_V) {
                                    hg_vec value[NV];
                                    HG_UNROLL for (int n = 0; n < NV; n++) value[n] = HG_LOAD(y + n * HG_VEC);
                                    HG_UNROLL for (int t = 0; t < TI; t++)
                                        HG_UNROLL for (int n = 0; n < NV; n++) sum[t][n] = HG_SCALED(x[t], value[n], sum[t][n]);
                                }
                            }
                        hg_vec *all = total + ((k * ST + st) * VT + vt) * TILE, done[TILE], *to = unit + 1 < last ? all : done;
                        HG_UNROLL for (int t = 0; t < TI; t++)
                            HG_UNROLL for (int n = 0; n < NV; n++) to[t * NV + n] = unit > first ? all[t * NV + n] + sum[t][n] : sum[t][n];
                        if (unit + 1 == last)
                            store_tile(done, sums, k, s0 + tile_s, own_s + st * TI, v0 + tile_v, own_v + vt * TILE_V);
                    }
            }
        }
#if BIAS
        if (BIAS_HERE) {
#if VEC_OUT
            for (int vt = 0; vt < tiles_v; vt++) store_bias(bias + vt * NV, bias_partials + split * OUT_CHANNELS, own_v + vt * TILE_V, v0 + min(vt * TILE_V, nv - TILE_V));
#else
            store_bias(bias, bias_partials + split * OUT_CHANNELS, 0, 0);
#endif
        }
#endif
    }
}
