/* W for CPU devices (model/conv.h): partial sums of the weight and bias gradients; cl/conv_reduce.cl adds the splits.
 *   dw[kh, kw, c, s] = sum over pixels of large[pixel at the tap (kh, kw), c] small[pixel, s];  db = sum over pixels of dy
 * One side is read as vectors along its channels, the other as scalars; VEC_LARGE says which. A work-item (split, block of scalars,
 * block of vectors) takes its share of the bands: RB rows of a picture, or several whole pictures.
 *   weight_gradient: the block's channels of a band are first copied together: those of the large side into a patch with zeros around
 *   each picture, so that the loops over taps know no borders, and no two pixels fight for a place in the cache. TI scalars times NV
 *   vectors are then summed in registers over the band, tile after tile for each tap: ST tiles of scalars, VT of vectors; the next band
 *   is asked for from memory meanwhile. MERGED:
 *   where the large side has few channels its scalars are those of a whole row of taps, which lie side by side in the patch.
 *   weight_taps (macro KG): for few scalar channels C. The vector side is read once for KG rows of taps; what a band meets on the
 *   scalar side lies in a private patch with zeros around the picture. VEC_LARGE then needs stride 1, and the taps run backwards.
 * Macros: HL WL CL HS WS CS KH KW SH SW DH DW PH PW TRANSPOSED VEC_LARGE HG_VEC NV RB BIAS; TI ST VT MERGED, or KG (divides KH).
 * partials [splits][KH, KW, in, out], with BIAS bias_partials [splits][out]; with one split these are dw and db themselves, added to
 * what is there if DW_ADD, DB_ADD. Traffic: both sides once per block, partials once. */
#ifndef CL
#define CL 8
#define CS 16
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
#define NV 1
#define ST 2
#define VT 1
#define RB 8
#endif
#ifndef MERGED
#define MERGED 0
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef VEC_LARGE
#define VEC_LARGE 0
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef DB_ADD
#define DB_ADD 0
#endif

#if VEC_LARGE
#define SCALARS CS
#define VECTORS CL
#else
#define SCALARS CL
#define VECTORS CS
#endif
#define IN_CHANNELS (TRANSPOSED ? CS : CL)
#define OUT_CHANNELS (TRANSPOSED ? CL : CS)
#define VEC_OUT (VEC_LARGE == TRANSPOSED)
#define WEIGHTS (KH * KW * CL * CS)
#ifdef KG
#undef VT
#define VT ((VECTORS + NV * HG_VEC - 1) / (NV * HG_VEC))
#endif

/* x, which the layer read, holds values; dy gradients, which are float. */
#if VEC_OUT
typedef hg_x scalar_t;
typedef float vector_t;
#define LOAD_VECTOR(p) HG_LOAD(p)
#else
typedef float scalar_t;
typedef hg_x vector_t;
#define LOAD_VECTOR(p) HG_X_LOAD(p)
#endif
#if TRANSPOSED
typedef float large_t;
typedef hg_x small_t;
#define DY large
#define COPY_LARGE copy
#define COPY_SMALL COPY_X
#else
typedef hg_x large_t;
typedef float small_t;
#define DY small
#define COPY_LARGE COPY_X
#define COPY_SMALL copy
#endif

inline void put(__global float *to, float v, int add)
{
    *to = add ? *to + v : v;
}

/* The same for a vector's lanes from `first` on. */
inline void put_vector(__global float *to, hg_vec v, int first)
{
    if (first <= 0) {
        HG_STORE(DW_ADD ? HG_LOAD(to) + v : v, to);
        return;
    }
    float part[HG_VEC];
    HG_STORE(v, part);
    HG_REST for (int lane = first; lane < HG_VEC; lane++) put(to + lane, part[lane], DW_ADD);
}

#if BIAS
#if VEC_OUT
/* A tile of vectors sums its own outputs: bias += dy[p, v0..] over n pixels. */
#define BIAS_HERE (own_s == 0)
#define BIAS_SUMS hg_vec bias[VT * NV]; for (int v = 0; v < VT * NV; v++) bias[v] = 0.0f
inline void add_bias(hg_vec *bias, __global const float *dy, int n)
{
    hg_vec sum[NV];
    HG_UNROLL for (int v = 0; v < NV; v++) sum[v] = bias[v];
    for (int p = 0; p < n; p++)
        HG_UNROLL for (int v = 0; v < NV; v++) sum[v] += HG_LOAD(dy + p * OUT_CHANNELS + v * HG_VEC);
    HG_UNROLL for (int v = 0; v < NV; v++) bias[v] = sum[v];
}
#else
/* The first block sums all outputs. Whole groups of pixels are so many vectors of 16 numbers that lanes always meet the same
 * channels. */
#define BIAS_HERE (own_s == 0 && own_v == 0)
#define BIAS_SUMS float bias[OUT_CHANNELS]; for (int o = 0; o < OUT_CHANNELS; o++) bias[o] = 0.0f
#define GROUP (OUT_CHANNELS % 16 == 0 ? 1 : OUT_CHANNELS % 8 == 0 ? 2 : OUT_CHANNELS % 4 == 0 ? 4 : OUT_CHANNELS % 2 == 0 ? 8 : 16)
#define PERIOD (OUT_CHANNELS * GROUP / 16)
inline void add_bias(float *bias, __global const float *dy, int n)
{
    const int whole = n / GROUP * GROUP;
    float16 sum[PERIOD];
    for (int v = 0; v < PERIOD; v++) sum[v] = 0.0f;
    for (int p = 0; p < whole; p += GROUP)
        for (int v = 0; v < PERIOD; v++) sum[v] += vload16(v, dy + p * OUT_CHANNELS);
    float part[PERIOD * 16];
    for (int v = 0; v < PERIOD; v++) vstore16(sum[v], v, part);
    for (int i = 0; i < GROUP; i++)
        for (int o = 0; o < OUT_CHANNELS; o++) bias[o] += part[i * OUT_CHANNELS + o];
    HG_REST for (int p = whole; p < n; p++)
        HG_REST for (int o = 0; o < OUT_CHANNELS; o++) bias[o] += dy[p * OUT_CHANNELS + o];
}
#endif

#if VEC_OUT
inline void store_bias(const hg_vec *bias, __global float *to, int own_v, int v0)
{
    for (int v = 0; v < NV; v++) {
        float part[HG_VEC];
        HG_STORE(bias[v], part);
        HG_REST for (int lane = max(own_v - v0 - v * HG_VEC, 0); lane < HG_VEC; lane++) put(to + v0 + v * HG_VEC + lane, part[lane], DB_ADD);
    }
}
#else
inline void store_bias(const float *bias, __global float *to, int own_v, int v0)
{
    HG_REST for (int o = 0; o < OUT_CHANNELS; o++) put(to + o, bias[o], DB_ADD);
}
#endif

/* The rows of dy that go with the rows [begin, end) of the `rows` that bands are made of: `step` each, the last ones also the rest. */
#define ADD_BIAS_ROWS(sums, rows, step, b, v0) do { \
        const int h = TRANSPOSED ? HL : HS, w = TRANSPOSED ? WL : WS, from = min(begin * (step), h), to = end == (rows) ? h : min(end * (step), h); \
        add_bias(sums, DY + ((b) * h + from) * w * OUT_CHANNELS + (VEC_OUT ? (v0) : 0), (to - from) * w); \
    } while (0)
#endif

#ifndef KG
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
    float patch[PICTURES * PATCH_H * PATCH_W * BLOCK_L];
    float pixels[PICTURES * ROWS * WS * BLOCK_C];
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
                        for (int i = 0; i < end - begin; i++) {
                            const float *l = tap + (b * PATCH_H + i * SH) * PATCH_W * BLOCK_L, *c = pixels + (b * ROWS + i) * WS * BLOCK_C;
                            const float *x = (VEC_LARGE ? c : l) + s, *y = (VEC_LARGE ? l : c) + v;
                            for (int j = 0; j < WS; j++, x += STEP_S, y += STEP_V) {
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
#else

/* ---- few scalar channels */

#define C SCALARS
#if VEC_LARGE
#define IH HS
#define IW WS
#define VH HL
#define VW WL
#define TAP(K, k, D) (((K) - 1 - (k)) * (D))
#define BASE_H (PH - (KH - 1) * DH)
#define BASE_W (PW - (KW - 1) * DW)
#else
#define IH HL
#define IW WL
#define VH HS
#define VW WS
#define TAP(K, k, D) ((k) * (D))
#define BASE_H (-PH)
#define BASE_W (-PW)
#endif
#define PATCH_H ((RB - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((VW - 1) * SW + (KW - 1) * DW + 1)

inline void fill_patch(float *patch, __global const scalar_t *from, int row)
{
    const int low = clamp(-BASE_W, 0, PATCH_W), high = clamp(IW - BASE_W, low, PATCH_W);
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * C;
        if (row < 0 || row >= IH) {
            for (int i = 0; i < PATCH_W * C; i++) to[i] = 0.0f;
            continue;
        }
        __global const scalar_t *source = from + (row * IW + BASE_W) * C;
        for (int i = 0; i < low * C; i++) to[i] = 0.0f;
#if VEC_OUT
        hg_take(to + low * C, source + low * C, (high - low) * C);
#else
        for (int i = low * C; i < high * C; i++) to[i] = source[i];
#endif
        for (int i = high * C; i < PATCH_W * C; i++) to[i] = 0.0f;
    }
}

#if BIAS && VEC_OUT
/* The bias of all panels, pixel by pixel: a panel alone would fetch its part of every pixel of the band from memory. */
inline void add_bias_panels(hg_vec *bias, __global const float *dy, int n)
{
    hg_vec sum[VT * NV];
    HG_UNROLL for (int v = 0; v < VT * NV; v++) sum[v] = bias[v];
    for (int p = 0; p < n; p++, dy += VECTORS)
        HG_UNROLL for (int v = 0; v < VT * NV; v++) sum[v] += HG_LOAD(dy + min(v / NV * NV * HG_VEC, VECTORS - NV * HG_VEC) + v % NV * HG_VEC);
    HG_UNROLL for (int v = 0; v < VT * NV; v++) bias[v] = sum[v];
}
#endif

/* units: pictures times bands of RB rows of the vector side, whose panels of NV vectors follow each other while the band is near */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_taps(__global const large_t *restrict large, __global const small_t *restrict small, __global float *restrict partials,
                          __global float *restrict bias_partials, int units, int span)
{
    enum { BANDS = (VH + RB - 1) / RB, TAPS = KG * KW, PANEL = NV * HG_VEC, PANELS = (VECTORS + PANEL - 1) / PANEL };
    const int split = (int)get_global_id(0), last = min((split + 1) * span, units), own_s = 0, own_v = 0;
#if VEC_LARGE
    __global const scalar_t *scalars = small;
    __global const vector_t *vectors = large;
#else
    __global const scalar_t *scalars = large;
    __global const vector_t *vectors = small;
#endif
    float patch[PATCH_H * PATCH_W * C];
    hg_vec total[PANELS * KH * KW * C * NV];
    for (int k = 0; k < PANELS * KH * KW * C * NV; k++) total[k] = 0.0f;
#if BIAS
    BIAS_SUMS;
#endif
    for (int unit = split * span; unit < last; unit++) {
        const int b = unit / BANDS, begin = (unit - b * BANDS) * RB, end = min(begin + RB, VH);
        fill_patch(patch, scalars + b * IH * IW * C, begin * SH + BASE_H);
#if BIAS && VEC_OUT
        add_bias_panels(bias, vectors + (b * VH + begin) * VW * VECTORS, (end - begin) * VW);
#elif BIAS
        if (BIAS_HERE) ADD_BIAS_ROWS(bias, VH, TRANSPOSED && !VEC_LARGE ? SH : 1, b, 0);
#endif
        for (int panel = 0; panel < PANELS; panel++) {
            const int v0 = min(panel * PANEL, VECTORS - PANEL); /* the last panel is moved back */
            for (int kh0 = 0; kh0 < KH; kh0 += KG) {
                hg_vec sum[TAPS][C][NV], *all = total + (panel * KH + kh0) * KW * C * NV;
                HG_UNROLL for (int k = 0; k < TAPS; k++)
                    HG_UNROLL for (int c = 0; c < C; c++)
                        HG_UNROLL for (int v = 0; v < NV; v++) sum[k][c][v] = 0.0f;
                for (int i = begin; i < end; i++) {
                    __global const vector_t *y = vectors + ((b * VH + i) * VW) * VECTORS + v0;
                    const float *x = patch + ((i - begin) * SH + (VEC_LARGE ? TAP(KH, kh0 + KG - 1, DH) : TAP(KH, kh0, DH))) * PATCH_W * C;
                    for (int j = 0; j < VW; j++, y += VECTORS, x += SW * C)
                        HG_UNROLL for (int v = 0; v < NV; v++) {
                            const hg_vec value = LOAD_VECTOR(y + v * HG_VEC);
                            HG_UNROLL for (int k = 0; k < TAPS; k++) {
                                const int kh = k / KW, kw = k % KW;
                                HG_UNROLL for (int c = 0; c < C; c++)
                                    sum[k][c][v] = HG_SCALED(x[(TAP(KG, kh, DH) * PATCH_W + TAP(KW, kw, DW)) * C + c], value, sum[k][c][v]);
                            }
                        }
                }
                HG_UNROLL for (int k = 0; k < TAPS; k++)
                    HG_UNROLL for (int c = 0; c < C; c++)
                        HG_UNROLL for (int v = 0; v < NV; v++) all[(k * C + c) * NV + v] += sum[k][c][v];
            }
        }
    }
    partials += split * WEIGHTS;
#if BIAS
#if VEC_OUT
    for (int panel = 0; panel < PANELS; panel++)
        store_bias(bias + panel * NV, bias_partials + split * OUT_CHANNELS, panel * PANEL, min(panel * PANEL, VECTORS - PANEL));
#else
    if (BIAS_HERE) store_bias(bias, bias_partials + split * OUT_CHANNELS, 0, 0);
#endif
#endif
    for (int panel = 0; panel < PANELS; panel++)
        for (int v = 0; v < NV; v++) {
            const int own = panel * PANEL, v0 = min(own, VECTORS - PANEL) + v * HG_VEC;
            float part[HG_VEC];
            for (int k = 0; k < KH * KW; k++)
                for (int c = 0; c < C; c++) {
                    HG_STORE(total[((panel * KH * KW + k) * C + c) * NV + v], part);
                    HG_REST for (int lane = max(own - v0, 0); lane < HG_VEC; lane++) {
                        const int vector = v0 + lane, in = VEC_OUT ? c : vector, o = VEC_OUT ? vector : c;
                        put(partials + (k * IN_CHANNELS + in) * OUT_CHANNELS + o, part[lane], DW_ADD);
                    }
                }
        }
}
#endif
