/* W for CPU devices by blocks (weight_sums.cl has what is computed). A work-item (split, block of scalars, block of vectors) takes its share
 * of the bands: RB rows of a picture, or several whole pictures. The block's channels of a band are first copied together: those of the
 * large side into a patch with zeros around each picture, so that the loops over taps know no borders, and no two pixels fight for a
 * place in the cache; what a tap reads beyond the picture is left out, unless taps are merged. TI scalars times NV vectors are then summed
 * in registers over the band, tile after tile for each tap: ST tiles of scalars, VT of vectors; the next band is asked for from memory
 * meanwhile. MERGED: where the large side has few channels its scalars are those of a whole row of taps, which lie side by side in the patch.
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
#define COPY_LARGE copy
#define COPY_SMALL COPY_X
#else
#define COPY_LARGE COPY_X
#define COPY_SMALL copy
#endif
#define ROWS (RB < HS ? RB : HS)
#define PICTURES (RB < HS ? 1 : RB / HS)
#define BANDS ((HS + ROWS - 1) / ROWS)
#define PATCH_H ((ROWS - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((WS - 1) * SW + (KW - 1) * DW + 1)
/* numbers in a tile and in a block, and what they are of: channels, or channels of a row of taps */
#define TILE (TI * NV)
#define TILE_V (NV * HG_VEC)
#define BLOCK_S (MERGED ? CL : ST * TI)
#define BLOCK_V (VT * TILE_V)
#define TAPS (MERGED ? KH : KH * KW)
/* the first row or column that meets the large side with a tap that lies so far behind the first, and the one behind the last */
#define FIRST(tap, S, P) (max((P) - (tap) + (S) - 1, 0) / (S))
#define BEHIND(tap, S, P, SIZE) (((SIZE) - 1 + (P) - (tap) + (S)) / (S))
#define ALL_S (MERGED ? KW * CL : SCALARS)
#define BLOCK_L (VEC_LARGE ? BLOCK_V : BLOCK_S)
#define BLOCK_C (VEC_LARGE ? BLOCK_S : BLOCK_V)

/* n numbers of each of so many pixels, `step` apart, to pixels of `block` numbers, mostly n. (No restrict: inlined, it becomes something
 * that Oclgrind 21 does not know.) */
__attribute__((always_inline))
static inline void copy(float *to, int block, __global const float *from, int step, int pixels, int n)
{
    if (n == step && n == block)
        for (int i = 0; i < pixels * step; i++) to[i] = from[i];
    else if (n == block)
        for (int p = 0; p < pixels; p++, to += block, from += step)
            for (int i = 0; i < block; i++) to[i] = from[i];
    else
        for (int p = 0; p < pixels; p++, to += block, from += step)
            for (int i = 0; i < n; i++) to[i] = from[i];
}

#if X_HALF
static inline void copy_halves(float *to, int block, __global const hg_x *from, int step, int pixels, int n)
{
    if (n == step && n == block) hg_take(to, from, pixels * step);
    else
        for (int p = 0; p < pixels; p++, to += block, from += step) hg_take(to, from, n);
}
#define COPY_X copy_halves
#else
#define COPY_X copy
#endif

/* n channels of a picture of the large side, from row `row` on, with zeros around. */
inline void fill_patch(float *patch, __global const large_t *from, int row, int n)
{
    const int low = min(PW, PATCH_W), high = clamp(WL + PW, low, PATCH_W);
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * BLOCK_L;
        const bool inside = row >= 0 && row < HL;
        for (int i = 0; i < (inside ? low : PATCH_W) * BLOCK_L; i++) to[i] = 0.0f;
        if (!inside) continue;
        COPY_LARGE(to + low * BLOCK_L, BLOCK_L, from + (row * WL - PW + low) * CL, CL, high - low, n);
        for (int i = high * BLOCK_L; i < PATCH_W * BLOCK_L; i++) to[i] = 0.0f;
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

/* units: groups of pictures times bands of rows of the small side */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_gradient(__global const large_t *restrict large, __global const small_t *restrict small, __global float *restrict partials,
                              __global float *restrict bias_partials, int units, int span, int pictures)
{
    const int split = (int)get_global_id(0), own_s = (int)get_global_id(1) * ST * TI, own_v = (int)get_global_id(2) * BLOCK_V;
    const int first = split * span, last = min(first + span, units);
    /* the block: where it begins, its numbers, its tiles; the last tile is moved back, and with it a block of one */
    const int s0 = min(own_s, ALL_S - TI), ns = min(ST * TI, ALL_S - s0), tiles_s = (ns + TI - 1) / TI;
    const int v0 = min(own_v, VECTORS - TILE_V), nv = min(BLOCK_V, VECTORS - v0), tiles_v = (nv + TILE_V - 1) / TILE_V;
    const int l0 = VEC_LARGE ? v0 : MERGED ? 0 : s0, nl = VEC_LARGE ? nv : MERGED ? CL : ns, c0 = VEC_LARGE ? s0 : v0, nc = VEC_LARGE ? ns : nv;
    HG_ALIGNED float patch[PICTURES * PATCH_H * PATCH_W * BLOCK_L];
    HG_ALIGNED float pixels[PICTURES * ROWS * WS * BLOCK_C];
    hg_vec total[TAPS * ST * VT * TILE];
#if BIAS
    BIAS_SUMS;
#endif
    partials += split * WEIGHTS;
    for (int unit = first; unit < last; unit++) {
        const int group = unit / BANDS, b0 = group * PICTURES, here = min(PICTURES, pictures - b0);
        const int begin = (unit - group * BANDS) * ROWS, end = min(begin + ROWS, HS);
        for (int b = 0; b < here; b++) {
            fill_patch(patch + b * PATCH_H * PATCH_W * BLOCK_L, large + (b0 + b) * HL * WL * CL + l0, begin * SH - PH, nl);
            COPY_SMALL(pixels + b * ROWS * WS * BLOCK_C, BLOCK_C, small + ((b0 + b) * HS + begin) * WS * CS + c0, CS, (end - begin) * WS, nc);
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
            const float *tap = patch + (kh * DH * PATCH_W + kw * DW) * BLOCK_L;
            /* the pixels of the band for which the tap lies in the picture */
            const int i0 = max(FIRST(kh * DH, SH, PH) - begin, 0), i1 = min(BEHIND(kh * DH, SH, PH, HL), end) - begin;
            const int j0 = MERGED ? 0 : FIRST(kw * DW, SW, PW), j1 = MERGED ? WS : min(BEHIND(kw * DW, SW, PW, WL), WS);
            for (int st = 0; st < tiles_s; st++)
                for (int vt = 0; vt < tiles_v; vt++) {
                    if (unit + 1 < last) fetch_band(large + l0, small + c0, unit + 1, pictures, nl, nc, (k * tiles_s + st) * tiles_v + vt, TAPS * tiles_s * tiles_v);
                    const int s = min(st * TI, ns - TI) + (MERGED ? s0 : 0), v = min(vt * TILE_V, nv - TILE_V);
                    hg_vec sum[TI][NV];
                    HG_UNROLL for (int t = 0; t < TI; t++)
                        HG_UNROLL for (int n = 0; n < NV; n++) sum[t][n] = 0.0f;
#if VEC_LARGE
#define STEP_S BLOCK_C
#define STEP_V (SW * BLOCK_L)
#else
#define STEP_S (SW * BLOCK_L)
#define STEP_V BLOCK_C
#endif
                    for (int b = 0; b < here; b++)
                        for (int i = i0; i < i1; i++) {
                            const float *l = tap + ((b * PATCH_H + i * SH) * PATCH_W + j0 * SW) * BLOCK_L, *c = pixels + ((b * ROWS + i) * WS + j0) * BLOCK_C;
                            const float *x = (VEC_LARGE ? c : l) + s, *y = (VEC_LARGE ? l : c) + v;
                            for (int j = j0; j < j1; j++, x += STEP_S, y += STEP_V) {
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
                        store_tile(done, partials, k, s0 + min(st * TI, ns - TI), own_s + st * TI, v0 + v, own_v + vt * TILE_V);
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
