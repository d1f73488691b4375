/* F and D of 3x3 taps, stride 1, for CPU devices (model/conv.h) by Winograd's minimal filtering F(MxM, 3x3) (Lavin and Gray, CVPR
 * 2016): a tile of M x M results takes T x T = (M + 2)^2 multiplications a pair of channels instead of 9 M^2: 2.25 (M 2) and 4 (M 4)
 * times fewer.
 *   out tile = A' [ sum over g of (B' x_g B) * (C w_g C') ] A      * number by number; x_g: T x T numbers around the tile
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
 * Macros: M; IH IW G (read side), OH OW O (written side), PH PW, DATA, Q STRIP NV HG_VEC, BIAS, those of hg_store.
 * Memory traffic: from (M + 2) / M times from a near cache, out once; u once per strip from the second- or third-level cache. */
#ifndef M
#define M 4
#endif
#ifndef G
#define G 16
#define O 16
#define IH 8
#define IW 8
#define OH 8
#define OW 8
#define PH 1
#define PW 1
#define Q 2
#define STRIP 4
#define NV 1
#endif
#ifndef DATA
#define DATA 0
#endif
#ifndef BIAS
#define BIAS 0
#endif

#define T (M + 2)
#define OB (NV * HG_VEC)
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

#define INLINE __attribute__((always_inline)) static inline

/* ---- the transforms of one line; P1 and P2 as above, S = P1^2 + P2^2, P1 P2 = 1 */
#if M == 2
/* B' d */
INLINE void transform_in(const hg_vec *d, hg_vec *to)
{
    to[0] = d[2] - d[0];
    to[1] = d[2] + d[1];
    to[2] = d[2] - d[1];
    to[3] = d[3] - d[1];
}

/* C w */
INLINE void transform_weight(const hg_vec *w, hg_vec *to)
{
    const hg_vec even = 0.5f * (w[0] + w[2]);
    to[0] = -w[0];
    to[1] = HG_SCALED(0.5f, w[1], even);
    to[2] = HG_SCALED(-0.5f, w[1], even);
    to[3] = w[2];
}

/* A' m */
INLINE void transform_out(const hg_vec *m, hg_vec *to)
{
    to[0] = m[0] + (m[1] + m[2]);
    to[1] = (m[1] - m[2]) + m[3];
}
#else
#define P1 0.70710678118654752f
#define P2 1.41421356237309505f
INLINE void transform_in(const hg_vec *d, hg_vec *to)
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

INLINE void transform_weight(const hg_vec *w, hg_vec *to)
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

INLINE void transform_out(const hg_vec *m, hg_vec *to)
{
    const hg_vec even1 = m[1] + m[2], odd1 = m[1] - m[2], even2 = m[3] + m[4], odd2 = m[3] - m[4];
    to[0] = m[0] + (even1 + even2);
    to[1] = HG_SCALED(P2, odd2, P1 * odd1);
    to[2] = HG_SCALED(2.0f, even2, 0.5f * even1);
    to[3] = HG_SCALED(2.0f * P2, odd2, HG_SCALED(0.5f * P1, odd1, m[5]));
}
#endif

/* ---- weights */

/* Items: blocks of written channels times channels read. */
__kernel void weights(__global const float *restrict w, __global float *restrict u)
{
    HG_FOR(item, BLOCKS * G) {
        const int block = item / G, g = item - block * G, o0 = min(block * OB, O - OB);
        for (int v = 0; v < OB; v += HG_VEC) {
            hg_vec half_way[T][3];
            for (int j = 0; j < 3; j++) {
                hg_vec column[3], turned[T];
                for (int i = 0; i < 3; i++) column[i] = HG_LOAD(w + ((TAP(i) * 3 + TAP(j)) * G + g) * O + o0 + v);
                transform_weight(column, turned);
                for (int i = 0; i < T; i++) half_way[i][j] = turned[i];
            }
            for (int i = 0; i < T; i++) {
                hg_vec row[T];
                transform_weight(half_way[i], row);
                for (int j = 0; j < T; j++) HG_STORE(row[j], u + ((block * T * T + i * T + j) * G + g) * OB + v);
            }
        }
    }
}

/* ---- the parts of gather */

/* to [T T][G], STEP_V apart, = B' x B for the tile whose patch begins at (y0, x0); `whole`: all of it lies inside the picture. */
INLINE void read_tile(__global const float *restrict picture, int y0, int x0, float *to, const bool whole)
{
    for (int own = 0; own < G; own += HG_VEC) {
        const int g = min(own, G - HG_VEC);
        __global const float *x = picture + (y0 * IW + x0) * G + g;
        hg_vec half_way[T][T];
        HG_UNROLL for (int j = 0; j < T; j++) {
            hg_vec column[T], turned[T];
            HG_UNROLL for (int i = 0; i < T; i++) {
                column[i] = 0.0f;
                if (whole || (y0 + i >= 0 && y0 + i < IH && x0 + j >= 0 && x0 + j < IW)) column[i] = HG_LOAD(x + (i * IW + j) * G);
            }
            transform_in(column, turned);
            HG_UNROLL for (int i = 0; i < T; i++) half_way[i][j] = turned[i];
        }
        HG_UNROLL for (int i = 0; i < T; i++) {
            hg_vec row[T];
            transform_in(half_way[i], row);
            HG_UNROLL for (int j = 0; j < T; j++) HG_STORE(row[j], to + (i * T + j) * STEP_V + g);
        }
    }
}

/* to [Q][OB] = x [Q][G] u [G][OB] */
INLINE void multiply(const float *restrict x, __global const float *restrict u, float *restrict to)
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

/* result [M M] = A' m A of one vector of channels; m [T T], STEP_M apart */
INLINE void results(const float *m, hg_vec start, hg_vec *result)
{
    hg_vec half_way[M][T];
    HG_UNROLL for (int j = 0; j < T; j++) {
        hg_vec column[T], turned[M];
        HG_UNROLL for (int i = 0; i < T; i++) column[i] = HG_LOAD(m + (i * T + j) * STEP_M);
        transform_out(column, turned);
        HG_UNROLL for (int i = 0; i < M; i++) half_way[i][j] = turned[i];
    }
    HG_UNROLL for (int i = 0; i < M; i++) {
        hg_vec row[M];
        transform_out(half_way[i], row);
        HG_UNROLL for (int j = 0; j < M; j++) result[i * M + j] = row[j] + start;
    }
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
    float v[T * T * STEP_V], m[T * T * STEP_M];
    for (int strip = begin; strip < end; strip++) {
        const int own = strip * STRIP, first = min(own, tiles - STRIP);
        for (int t = 0; t < STRIP; t++) {
            const int row = (first + t) / TILES_W, b = row / TILES_H, y0 = (row - b * TILES_H) * M + TOP, x0 = (first + t - row * TILES_W) * M + LEFT;
            __global const float *picture = from + b * IH * IW * G;
            if (y0 >= 0 && y0 + T <= IH && x0 >= 0 && x0 + T <= IW) read_tile(picture, y0, x0, v + t * G, true);
            else read_tile(picture, y0, x0, v + t * G, false);
        }
        for (int block = 0; block < BLOCKS; block++) {
            const int own_o = block * OB, o0 = min(own_o, O - OB);
            for (int k = 0; k < T * T; k++)
                for (int t = 0; t < STRIP; t += Q)
                    multiply(v + k * STEP_V + t * G, u + (block * T * T + k) * G * OB, m + k * STEP_M + t * OB);
            for (int t = own - first; t < STRIP; t++) {
                const int row = (first + t) / TILES_W, b = row / TILES_H, y = (row - b * TILES_H) * M, x = (first + t - row * TILES_W) * M;
                for (int c = 0; c < OB; c += HG_VEC) {
                    hg_vec start = 0.0f, result[M * M];
#if BIAS
                    start = HG_LOAD(bias + o0 + c);
#endif
                    results(m + t * OB + c, start, result);
                    store_tile(result, out, out_x, b, y, x, o0 + c, own_o);
                }
            }
        }
    }
}
