/* F, D and W of 3x3 taps, stride 1, for CPU devices (model/conv.h) by Winograd's minimal filtering F(MxM, 3x3) (Lavin and Gray, CVPR
 * 2016): a tile of M x M results takes T x T = (M + 2)^2 multiplications a pair of channels instead of 9 M^2: 2.25 (M 2) and 4 (M 4)
 * times fewer.
 *   F, D  out tile = A' [ sum over g of (B' x_g B) * (C w_g C') ] A    * number by number; x_g: the T x T numbers around the tile
 *   W     dw = C' [ sum over tiles of (B' x B) * (A dy A') ] C         the same bilinear form, derived by w
 * A, B, C are Toom and Cook's for the points 0, +-P1, (+-P2,) infinity:
 *   row p of A  1, p, p^2, .. p^(M-1);  of C  (1, p, p^2) / N_p with N_p = product of (p - q) over the other finite points q;
 *   of B'  the coefficients of the product of (x - q);  infinity: the highest power alone, and the product over all points.
 * M 2 has P1 = 1; M 4 has sqrt(1/2) and sqrt(2), whose errors are half of those of the usual 1 and 2 and some twice the direct
 * kernel's (tests/winograd.h derives their bound).
 *
 * weights: u [blocks of OB written channels][T T][G][OB] = C w C', once per launch of gather; the last block is moved back.
 * gather: a work-item takes strips of STRIP neighbouring tiles. The transformed tiles v [T T][STRIP][G] stay in the second-level
 *   cache while for each block of channels T T products m = v u are made in registers, Q tiles times NV vectors at a time, and
 *   turned into results.
 * weight_gradient (WEIGHT 1): a work-item (split, block of BI input channels, block of BO output channels) adds strip after strip
 *   T T products of the transformed tiles of both sides, Q input channels times NV vectors at a time, to its partial sums
 *   [splits][blocks of BI][blocks of BO][T T][BI][BO]; with BIAS bias_partials [splits][out].
 * weight_sum: adds the splits up, in order, and transforms the sum into dw [3][3][in][out], added to what is there if DW_ADD.
 * Macros: M, PH PW, Q STRIP NV HG_VEC, BIAS; IH IW G (read side), OH OW O (written side), DATA, those of hg_store; or for W
 *   WEIGHT HL WL CL HS WS CS TRANSPOSED BI BO.
 * Memory traffic: gather: from (M + 2) / M times from a near cache, out once; u once per strip from the second- or third-level cache.
 *   weight_gradient: both sides once per block of the other, partials once per strip from the third-level cache. */
#ifndef M
#define M 4
#endif
#ifndef PH
#define PH 1
#define PW 1
#endif
#ifndef Q
#define Q 2
#define STRIP 4
#define NV 1
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef WEIGHT
#define WEIGHT 0
#endif

#define T (M + 2)
#define POINTS (T * T)
#define OB (NV * HG_VEC)

/* Without `restrict`: where such functions are inlined, Oclgrind 21 does not know the notes that compilers leave. */
#define INLINE __attribute__((always_inline)) static inline

/* ---- the transforms of one line; P1 and P2 as above, S = P1^2 + P2^2, P1 P2 = 1 */
#if M == 2
/* B' d */
INLINE void line_in(const hg_vec *d, hg_vec *to)
{
    to[0] = d[2] - d[0];
    to[1] = d[2] + d[1];
    to[2] = d[2] - d[1];
    to[3] = d[3] - d[1];
}

/* C w */
INLINE void line_weight(const hg_vec *w, hg_vec *to)
{
    const hg_vec even = 0.5f * (w[0] + w[2]);
    to[0] = -w[0];
    to[1] = HG_SCALED(0.5f, w[1], even);
    to[2] = HG_SCALED(-0.5f, w[1], even);
    to[3] = w[2];
}

/* A' m */
INLINE void line_out(const hg_vec *m, hg_vec *to)
{
    to[0] = m[0] + (m[1] + m[2]);
    to[1] = (m[1] - m[2]) + m[3];
}

/* A y */
INLINE void line_back(const hg_vec *y, hg_vec *to)
{
    to[0] = y[0];
    to[1] = y[0] + y[1];
    to[2] = y[0] - y[1];
    to[3] = y[1];
}

/* C' u */
INLINE void line_taps(const hg_vec *u, hg_vec *to)
{
    const hg_vec even = 0.5f * (u[1] + u[2]);
    to[0] = even - u[0];
    to[1] = 0.5f * (u[1] - u[2]);
    to[2] = even + u[3];
}
#else
#define P1 0.70710678118654752f
#define P2 1.41421356237309505f
INLINE void line_in(const hg_vec *d, hg_vec *to)
{
    const hg_vec even1 = HG_SCALED(-2.0f, d[2], d[4]), odd1 = HG_SCALED(-2.0f, d[1], d[3]);
    const hg_vec even2 = HG_SCALED(-0.5f, d[2], d[4]), odd2 = HG_SCALED(-0.5f, d[1], d[3]);
    to[0] = HG_SCALED(-2.5f, d[2], d[0] + d[4]);
    to[1] = HG_SCALED(P1, odd1, even1);
    to[2] = HG_SCALED(-P1, odd1, even1);
    to[3] = HG_SCALED(P2, odd2, even2);
    to[4] = HG_SCALED(-P2, odd2, even2);
    to[5] = HG_SCALED(-2.5f, d[3], d[1] + d[5]);
}

INLINE void line_weight(const hg_vec *w, hg_vec *to)
{
    const hg_vec even1 = (-2.0f / 3.0f) * HG_SCALED(0.5f, w[2], w[0]), odd1 = (-2.0f / 3.0f * P1) * w[1];
    const hg_vec even2 = (1.0f / 6.0f) * HG_SCALED(2.0f, w[2], w[0]), odd2 = (1.0f / 6.0f * P2) * w[1];
    to[0] = w[0];
    to[1] = even1 + odd1;
    to[2] = even1 - odd1;
    to[3] = even2 + odd2;
    to[4] = even2 - odd2;
    to[5] = w[2];
}

INLINE void line_out(const hg_vec *m, hg_vec *to)
{
    const hg_vec even1 = m[1] + m[2], odd1 = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
    to[0] = m[0] + (even1 + even2);
    to[1] = HG_SCALED(P2, odd2, P1 * odd1);
    to[2] = HG_SCALED(2.0f, even2, 0.5f * even1);
    to[3] = HG_SCALED(2.0f * P2, odd2, HG_SCALED(0.5f * P1, odd1, m[5]));
}

INLINE void line_back(const hg_vec *y, hg_vec *to)
{
    const hg_vec even1 = HG_SCALED(0.5f, y[2], y[0]), odd1 = HG_SCALED(0.5f, y[3], y[1]);
    const hg_vec even2 = HG_SCALED(2.0f, y[2], y[0]), odd2 = HG_SCALED(2.0f, y[3], y[1]);
    to[0] = y[0];
    to[1] = HG_SCALED(P1, odd1, even1);
    to[2] = HG_SCALED(-P1, odd1, even1);
    to[3] = HG_SCALED(P2, odd2, even2);
    to[4] = HG_SCALED(-P2, odd2, even2);
    to[5] = y[3];
}

INLINE void line_taps(const hg_vec *u, hg_vec *to)
{
    const hg_vec even1 = (-2.0f / 3.0f) * (u[1] + u[2]), odd1 = (-2.0f / 3.0f) * (u[1] - u[2]);
    const hg_vec even2 = (1.0f / 6.0f) * (u[3] + u[4]), odd2 = (1.0f / 6.0f) * (u[3] - u[4]);
    to[0] = u[0] + (even1 + even2);
    to[1] = HG_SCALED(P2, odd2, P1 * odd1);
    to[2] = HG_SCALED(2.0f, even2, HG_SCALED(0.5f, even1, u[5]));
}
#endif

/* The same for columns, then rows: from [N][N] to [K][K]. */
#define BOTH_WAYS(name, line, N, K) \
INLINE void name(const hg_vec *from, hg_vec *to) \
{ \
    hg_vec half_way[K * N]; \
    HG_UNROLL for (int j = 0; j < N; j++) { \
        hg_vec column[N], turned[K]; \
        HG_UNROLL for (int i = 0; i < N; i++) column[i] = from[i * N + j]; \
        line(column, turned); \
        HG_UNROLL for (int i = 0; i < K; i++) half_way[i * N + j] = turned[i]; \
    } \
    HG_UNROLL for (int i = 0; i < K; i++) line(half_way + i * N, to + i * K); \
}
BOTH_WAYS(transform_in, line_in, T, T)
BOTH_WAYS(transform_weight, line_weight, 3, T)
BOTH_WAYS(transform_out, line_out, T, M)
BOTH_WAYS(transform_back, line_back, M, T)
BOTH_WAYS(transform_taps, line_taps, T, 3)

/* square [n][n] of a picture [height][width][channels] whose first pixel is (y0, x0), with zeros around the picture; `whole`: none is
 * needed */
INLINE void load_square(__global const float *picture, int height, int width, int channels, int y0, int x0, int n, const bool whole,
                        hg_vec *square)
{
    HG_UNROLL for (int j = 0; j < n; j++)
        HG_UNROLL for (int i = 0; i < n; i++) {
            square[i * n + j] = 0.0f;
            if (whole || (y0 + i >= 0 && y0 + i < height && x0 + j >= 0 && x0 + j < width))
                square[i * n + j] = HG_LOAD(picture + ((y0 + i) * width + x0 + j) * channels);
        }
}

INLINE bool is_whole(int height, int width, int y0, int x0, int n)
{
    return y0 >= 0 && y0 + n <= height && x0 >= 0 && x0 + n <= width;
}

#if !WEIGHT
/* ---- F and D */

#ifndef G
#define G 16
#define O 16
#define IH 8
#define IW 8
#define OH 8
#define OW 8
#endif
#ifndef DATA
#define DATA 0
#endif
#define BLOCKS ((O + OB - 1) / OB)
/* D is F with turned taps and the zeros in front that are left of the full correlation's two. */
#if DATA
#define TOP (PH - 2)
#define LEFT (PW - 2)
#define TAP(k) (2 - (k))
#else
#define TOP (-PH)
#define LEFT (-PW)
#define TAP(k) (k)
#endif
#define TILES_H ((OH + M - 1) / M)
#define TILES_W ((OW + M - 1) / M)
/* Numbers from one point of a transformed tile to the next: a cache line more than there are, for powers of two would share a set. */
#define STEP_V (STRIP * G + 16)
#define STEP_M (STRIP * OB + 16)

/* ---- weights */

/* Items: blocks of written channels times channels read. */
__kernel void weights(__global const float *restrict w, __global float *restrict u)
{
    HG_FOR(item, BLOCKS * G) {
        const int block = item / G, g = item - block * G, o0 = min(block * OB, O - OB);
        for (int v = 0; v < OB; v += HG_VEC) {
            hg_vec taps[9], turned[POINTS];
            HG_UNROLL for (int k = 0; k < 9; k++) taps[k] = HG_LOAD(w + ((TAP(k / 3) * 3 + TAP(k % 3)) * G + g) * O + o0 + v);
            transform_weight(taps, turned);
            HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], u + ((block * POINTS + k) * G + g) * OB + v);
        }
    }
}

/* to [T T][G], STEP_V apart, = B' x B for the tile whose patch begins at (y0, x0) */
INLINE void read_tile(__global const float *picture, int y0, int x0, const bool whole, float *to)
{
    for (int own = 0; own < G; own += HG_VEC) {
        const int g = min(own, G - HG_VEC);
        hg_vec patch[POINTS], turned[POINTS];
        load_square(picture + g, IH, IW, G, y0, x0, T, whole, patch);
        transform_in(patch, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * STEP_V + g);
    }
}

/* to [Q][OB] = x [Q][G] u [G][OB] */
INLINE void multiply(const float *x, __global const float *u, float *to)
{
    hg_vec sum[Q][NV];
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = 0.0f;
    for (int g = 0; g < G; g++, x++, u += OB) {
        hg_vec weight[NV];
        HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(u + v * HG_VEC);
        HG_UNROLL for (int q = 0; q < Q; q++)
            HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q * G], weight[v], sum[q][v]);
    }
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) HG_STORE(sum[q][v], to + q * OB + v * HG_VEC);
}

/* Stores the M x M results of the vector of channels from o on whose corner is pixel (y, x) of picture b; those before own_o belong to
 * another block, those beyond the picture to nobody. */
INLINE void store_tile(const hg_vec *result, __global float *out, __global const float *out_x, int b, int y, int x, int o, int own_o)
{
    const int rows = min(M, OH - y), columns = min(M, OW - x);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const int at = ((b * OH + y + i) * OW + x + j) * O + o;
            if (o >= own_o) {
                hg_store(result[i * M + j], out, out_x, at);
            } else {
                float part[HG_VEC];
                HG_STORE(result[i * M + j], part);
                for (int k = max(own_o - o, 0); k < HG_VEC; k++) hg_store_one(part[k], out, out_x, at + k);
            }
        }
}

/* ---- tiles: of all pictures; a work-item takes a contiguous span of strips, the last of which is moved back */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const float *restrict from, __global const float *restrict u, __global const float *restrict bias,
                     __global float *restrict out, __global const float *out_x, int tiles)
{
    const int strips = (tiles + STRIP - 1) / STRIP, span = (strips + (int)get_global_size(0) - 1) / (int)get_global_size(0);
    const int begin = (int)get_global_id(0) * span, end = min(begin + span, strips);
    float v[POINTS * STEP_V], m[POINTS * STEP_M];
    for (int strip = begin; strip < end; strip++) {
        const int own = strip * STRIP, first = min(own, tiles - STRIP);
        for (int t = 0; t < STRIP; t++) {
            const int row = (first + t) / TILES_W, b = row / TILES_H, y0 = (row - b * TILES_H) * M + TOP, x0 = (first + t - row * TILES_W) * M + LEFT;
            __global const float *picture = from + b * IH * IW * G;
            if (is_whole(IH, IW, y0, x0, T)) read_tile(picture, y0, x0, true, v + t * G);
            else read_tile(picture, y0, x0, false, v + t * G);
        }
        for (int block = 0; block < BLOCKS; block++) {
            const int own_o = block * OB, o0 = min(own_o, O - OB);
            for (int k = 0; k < POINTS; k++)
                for (int t = 0; t < STRIP; t += Q)
                    multiply(v + k * STEP_V + t * G, u + (block * POINTS + k) * G * OB, m + k * STEP_M + t * OB);
            for (int t = own - first; t < STRIP; t++) {
                const int row = (first + t) / TILES_W, b = row / TILES_H, y = (row - b * TILES_H) * M, x = (first + t - row * TILES_W) * M;
                for (int c = 0; c < OB; c += HG_VEC) {
                    hg_vec product[POINTS], result[M * M];
                    HG_UNROLL for (int k = 0; k < POINTS; k++) product[k] = HG_LOAD(m + k * STEP_M + t * OB + c);
                    transform_out(product, result);
#if BIAS
                    HG_UNROLL for (int k = 0; k < M * M; k++) result[k] += HG_LOAD(bias + o0 + c);
#endif
                    store_tile(result, out, out_x, b, y, x, o0 + c, own_o);
                }
            }
        }
    }
}
#else
/* ---- W */

#ifndef CL
#define HL 8
#define WL 8
#define CL 16
#define HS 8
#define WS 8
#define CS 16
#define BI 16
#define BO 16
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#if TRANSPOSED
#define IN CS
#define OUT CL
#else
#define IN CL
#define OUT CS
#endif
#define TILES_H ((HS + M - 1) / M)
#define TILES_W ((WS + M - 1) / M)
#define BLOCKS_I ((IN + BI - 1) / BI)
#define BLOCKS_O ((OUT + BO - 1) / BO)
#define STEP_I (STRIP * BI + 16)
#define STEP_O (STRIP * BO + 16)

/* to [T T][channels], `step` apart: what the tile whose corner on the small side is pixel (y, x) has there, A y A' of M x M numbers, or
 * on the large side, B' x B of T x T numbers. The output side also adds up its numbers in sum [channels], on the large side those
 * of M x M or what no further tile has. */
INLINE void read_small(__global const float *picture, int y, int x, const bool whole, int channels, int step, float *to, hg_vec *sum)
{
    for (int own = 0; own < channels; own += HG_VEC) {
        const int c = min(own, channels - HG_VEC);
        hg_vec square[M * M], turned[POINTS];
        load_square(picture + c, HS, WS, CS, y, x, M, whole, square);
        transform_back(square, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * step + c);
        if (BIAS && !TRANSPOSED)
            HG_UNROLL for (int k = 0; k < M * M; k++) sum[own / HG_VEC] += square[k];
    }
}

INLINE void read_large(__global const float *picture, int y, int x, const bool whole, int channels, int step, float *to, hg_vec *sum)
{
    const int rows = y + M < HS ? M : T, columns = x + M < WS ? M : T;
    for (int own = 0; own < channels; own += HG_VEC) {
        const int c = min(own, channels - HG_VEC);
        hg_vec square[POINTS], turned[POINTS];
        load_square(picture + c, HL, WL, CL, y - PH, x - PW, T, whole, square);
        transform_in(square, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * step + c);
        if (BIAS && TRANSPOSED)
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++) sum[own / HG_VEC] += square[i * T + j];
    }
}

/* to [Q][OB], rows BO apart, += x' y with x [n][Q], rows BI apart, y [n][OB], rows BO apart; its first `skip` rows are another's.
 * `begin`: = instead of += */
INLINE void multiply(const float *x, const float *y, int n, __global float *to, int skip, bool begin)
{
    hg_vec sum[Q][NV];
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = 0.0f;
    for (int t = 0; t < n; t++, x += BI, y += BO) {
        hg_vec value[NV];
        HG_UNROLL for (int v = 0; v < NV; v++) value[v] = HG_LOAD(y + v * HG_VEC);
        HG_UNROLL for (int q = 0; q < Q; q++)
            HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q], value[v], sum[q][v]);
    }
    HG_UNROLL for (int q = 0; q < Q; q++)
        if (q >= skip)
            HG_UNROLL for (int v = 0; v < NV; v++) {
                __global float *at = to + q * BO + v * HG_VEC;
                HG_STORE(begin ? sum[q][v] : HG_LOAD(at) + sum[q][v], at);
            }
}

/* tiles: of all pictures; a split takes `span` strips */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_gradient(__global const float *restrict large, __global const float *restrict small, __global float *restrict partials,
                              __global float *restrict bias_partials, int tiles, int span)
{
    const int split = (int)get_global_id(0), block_i = (int)get_global_id(1), block_o = (int)get_global_id(2);
    const int i0 = min(block_i * BI, IN - BI), o0 = min(block_o * BO, OUT - BO), begin = split * span * STRIP, end = min(begin + span * STRIP, tiles);
    float in[POINTS * STEP_I], out[POINTS * STEP_O];
    hg_vec bias[(BO + HG_VEC - 1) / HG_VEC];
    for (int v = 0; v < (BO + HG_VEC - 1) / HG_VEC; v++) bias[v] = 0.0f;
    partials += ((split * BLOCKS_I + block_i) * BLOCKS_O + block_o) * POINTS * BI * BO;
    for (int first = begin; first < end; first += STRIP) {
        const int n = min(STRIP, end - first);
        for (int t = 0; t < n; t++) {
            const int row = (first + t) / TILES_W, b = row / TILES_H, y = (row - b * TILES_H) * M, x = (first + t - row * TILES_W) * M;
#if TRANSPOSED
#define SMALL_SIDE(whole) read_small(small + b * HS * WS * CS + i0, y, x, whole, BI, STEP_I, in + t * BI, bias)
#define LARGE_SIDE(whole) read_large(large + b * HL * WL * CL + o0, y, x, whole, BO, STEP_O, out + t * BO, bias)
#else
#define SMALL_SIDE(whole) read_small(small + b * HS * WS * CS + o0, y, x, whole, BO, STEP_O, out + t * BO, bias)
#define LARGE_SIDE(whole) read_large(large + b * HL * WL * CL + i0, y, x, whole, BI, STEP_I, in + t * BI, bias)
#endif
            if (is_whole(HS, WS, y, x, M)) SMALL_SIDE(true);
            else SMALL_SIDE(false);
            if (is_whole(HL, WL, y - PH, x - PW, T)) LARGE_SIDE(true);
            else LARGE_SIDE(false);
        }
        for (int k = 0; k < POINTS; k++)
            for (int own = 0; own < BI; own += Q) {
                const int i = min(own, BI - Q);
                for (int o = 0; o < BO; o += OB)
                    multiply(in + k * STEP_I + i, out + k * STEP_O + o, n, partials + (k * BI + i) * BO + o, own - i, first == begin);
            }
    }
#if BIAS
    if (block_i == 0)
        for (int v = 0; v < BO; v += HG_VEC) {
            float part[HG_VEC];
            HG_STORE(bias[v / HG_VEC], part);
            for (int k = max(block_o * BO - o0 - v, 0); k < HG_VEC; k++) bias_partials[split * OUT + o0 + v + k] = part[k];
        }
#endif
}

/* Items: input channels of all blocks. */
__kernel void weight_sum(__global const float *restrict partials, int splits, __global float *restrict dw)
{
    enum { NUMBERS = BLOCKS_I * BLOCKS_O * POINTS * BI * BO, VECTORS = BO / HG_VEC };
    hg_vec sum[POINTS * VECTORS];
    HG_FOR(item, BLOCKS_I * BLOCKS_O * BI) {
        const int block = item / BI, r = item - block * BI, own_i = block / BLOCKS_O * BI, own_o = HG_MOD(block, BLOCKS_O) * BO;
        const int i = min(own_i, IN - BI) + r, o0 = min(own_o, OUT - BO);
        for (int k = 0; k < POINTS * VECTORS; k++) sum[k] = 0.0f;
        for (int s = 0; s < splits; s++)
            for (int k = 0; k < POINTS; k++) {
                __global const float *row = partials + (long)s * NUMBERS + ((block * POINTS + k) * BI + r) * BO;
                for (int v = 0; v < VECTORS; v++) sum[k * VECTORS + v] += HG_LOAD(row + v * HG_VEC);
            }
        for (int v = 0; v < VECTORS && i >= own_i; v++) {
            hg_vec points[POINTS], taps[9];
            HG_UNROLL for (int k = 0; k < POINTS; k++) points[k] = sum[k * VECTORS + v];
            transform_taps(points, taps);
            for (int k = 0; k < 9; k++) {
                const int first = o0 + v * HG_VEC;
                __global float *to = dw + (k * IN + i) * OUT + first;
                float part[HG_VEC];
                HG_STORE(taps[k], part);
                for (int lane = max(own_o - first, 0); lane < HG_VEC; lane++) to[lane] = DW_ADD ? to[lane] + part[lane] : part[lane];
            }
        }
    }
}
#endif
