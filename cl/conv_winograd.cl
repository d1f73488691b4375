/* F, D and W of K x K taps, stride S, for CPU devices (model/conv.h) by Winograd's minimal filtering F(MxM, RxR) (Lavin and Gray, CVPR
 * 2016). Row y of the large side, y + P = i S + r, is row i of its phase r; with R = K / S taps, rounded up, a phase of the large side is
 * convolved with the small one at stride 1. A tile of M x M pixels of a phase takes T x T = (M + R - 1)^2 multiplications a pair of
 * channels instead of R^2 M^2: for R 3 2.25 (M 2) and 4 (M 4) times fewer, for R 2 1.78 and 2.56. Where S does not divide K the last phases
 * have a tap fewer: the weights of the last point are 0 there and its products left out.
 *   F     out tile = A' [ sum over phases r, g of (B' x_rg B) * (C w_rg C') ] A     * number by number; x: T x T numbers around the tile
 *   D     the same for each phase that is written, with one that is read
 *   W     dw_r = C' [ sum over tiles of (B' x_r B) * (A dy A') ] C                  the same bilinear form, derived by w
 * A, B, C are Toom and Cook's for the points 0, 1, infinity (M 2, R 2), +-1/2, +-3/2, infinity (M 4, R 2), else 0, +-P1, (+-P2,) infinity:
 *   row p of A  1, p, p^2, .. p^(M-1);  of C  (1, p, .. p^(R-1)) / N_p with N_p = product of (p - q) over the other finite points q;
 *   of B'  the coefficients of the product of (x - q);  infinity: the highest power alone, and the product over all points. (For 0, 1,
 *   infinity the signs of the first rows of B' and C are turned.)
 * M 2, R 3 has P1 = 1; M 4 has sqrt(1/2) and sqrt(2). With these, and with +-1/2, +-3/2, errors are half of those of the usual 0, +-1,
 * (+-)2 and some twice the direct kernel's (tests/winograd.h derives their bound).
 *
 * weights: u [phases written][blocks of OB written channels][T T][phases read][G][OB] = C w C', once per launch of gather; the last
 *   block is moved back.
 * gather: a work-item takes a strip of STRIP neighbouring tiles. The transformed tiles v [T T][STRIP][phases read][G] stay in the
 *   second-level cache while for each block of channels T T products m = v u are made in registers, Q tiles times NV vectors at a time,
 *   and turned into results.
 * weight_gradient (WEIGHT 1): a work-item (split, block of BI input channels, block of BO output channels) transforms strip after strip
 *   of the small side and, for each phase, of the large side; T T products of these, Q input channels times NV vectors at a time, are
 *   added to its partial sums [splits][blocks of BI][blocks of BO][T T][BI][BO], where blocks of the large side are blocks of a phase;
 *   with BIAS bias_partials [splits][out], or [splits][phases][out] where the output is the large side.
 * weight_sum: adds the splits up, in order, and transforms the sum into dw [K][K][in][out], added to what is there if DW_ADD.
 * Macros: M K S, PH PW, Q STRIP NV HG_VEC, BIAS; IH IW G (read side), OH OW O (written side), DATA, those of hg_store; or for W
 *   WEIGHT HL WL CL HS WS CS TRANSPOSED BI BO.
 * Memory traffic: gather: from (M + 2) / M times from a near cache, out once; u once per strip from the second- or third-level cache.
 *   weight_gradient: both sides once per block of the other, partials once per strip from the third-level cache. */
#ifndef M
#define M 4
#endif
#ifndef K
#define K 3
#define S 1
#endif
#ifndef PH
#define PH 1
#define PW 1
#endif
#ifndef NV
#define NV 1
#endif
#ifndef Q
#define Q 2
#define STRIP 4
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef WEIGHT
#define WEIGHT 0
#endif

#define R ((K + S - 1) / S)
#define T (M + R - 1)
#define POINTS (T * T)
#define PHASES (S * S)
#define OB (NV * HG_VEC)

/* The taps of a phase in one dimension, and whether point `point` of a phase has products. */
#define TAPS(r) ((K - (r) + S - 1) / S)
#define USED(phase, point) ((TAPS((phase) / S) == R || (point) / T < T - 1) && (TAPS(HG_MOD(phase, S)) == R || HG_MOD(point, T) < T - 1))

/* Without `restrict`: where such functions are inlined, Oclgrind 21 does not know the notes that compilers leave. */
#define INLINE __attribute__((always_inline)) static inline
#if HG_VEC == 1
#define AS_INT(v) as_int(v)
#define AS_FLOAT(v) as_float(v)
#else
#define AS_INT(v) HG_PASTE(as_int, HG_VEC)(v)
#define AS_FLOAT(v) HG_PASTE(as_float, HG_VEC)(v)
#endif

/* ---- the transforms of one line; P1 and P2 as above, P1 P2 = 1 */
#if R == 2 && M == 2
/* B' d */
INLINE void line_in(const hg_vec *d, hg_vec *to)
{
    to[0] = d[0] - d[1];
    to[1] = d[1];
    to[2] = d[2] - d[1];
}

/* C w */
INLINE void line_weight(const hg_vec *w, hg_vec *to)
{
    to[0] = w[0];
    to[1] = w[0] + w[1];
    to[2] = w[1];
}

/* A' m */
INLINE void line_out(const hg_vec *m, hg_vec *to)
{
    to[0] = m[0] + m[1];
    to[1] = m[1] + m[2];
}

/* A y */
INLINE void line_back(const hg_vec *y, hg_vec *to)
{
    to[0] = y[0];
    to[1] = y[0] + y[1];
    to[2] = y[1];
}

/* C' u */
INLINE void line_taps(const hg_vec *u, hg_vec *to)
{
    to[0] = u[0] + u[1];
    to[1] = u[1] + u[2];
}
#elif R == 2
INLINE void line_in(const hg_vec *d, hg_vec *to)
{
    const hg_vec even1 = HG_SCALED(-2.25f, d[0], d[2]), odd1 = HG_SCALED(-2.25f, d[1], d[3]);
    const hg_vec even2 = HG_SCALED(-0.25f, d[0], d[2]), odd2 = HG_SCALED(-0.25f, d[1], d[3]);
    to[0] = HG_SCALED(0.5f, even1, odd1);
    to[1] = HG_SCALED(-0.5f, even1, odd1);
    to[2] = HG_SCALED(1.5f, even2, odd2);
    to[3] = HG_SCALED(-1.5f, even2, odd2);
    to[4] = HG_SCALED(-2.25f, even2, HG_SCALED(-0.25f, d[2], d[4]));
}

INLINE void line_weight(const hg_vec *w, hg_vec *to)
{
    const hg_vec half_one = 0.5f * w[0], sixth = (1.0f / 6.0f) * w[0];
    to[0] = HG_SCALED(-0.25f, w[1], -half_one);
    to[1] = HG_SCALED(-0.25f, w[1], half_one);
    to[2] = HG_SCALED(0.25f, w[1], sixth);
    to[3] = HG_SCALED(0.25f, w[1], -sixth);
    to[4] = w[1];
}

INLINE void line_out(const hg_vec *m, hg_vec *to)
{
    const hg_vec even1 = m[0] + m[1], odd1 = m[0] - m[1], even2 = m[2] + m[3], odd2 = m[2] - m[3];
    to[0] = even1 + even2;
    to[1] = HG_SCALED(1.5f, odd2, 0.5f * odd1);
    to[2] = HG_SCALED(2.25f, even2, 0.25f * even1);
    to[3] = HG_SCALED(3.375f, odd2, HG_SCALED(0.125f, odd1, m[4]));
}

INLINE void line_back(const hg_vec *y, hg_vec *to)
{
    const hg_vec even1 = HG_SCALED(0.25f, y[2], y[0]), odd1 = HG_SCALED(0.25f, y[3], y[1]);
    const hg_vec even2 = HG_SCALED(2.25f, y[2], y[0]), odd2 = HG_SCALED(2.25f, y[3], y[1]);
    to[0] = HG_SCALED(0.5f, odd1, even1);
    to[1] = HG_SCALED(-0.5f, odd1, even1);
    to[2] = HG_SCALED(1.5f, odd2, even2);
    to[3] = HG_SCALED(-1.5f, odd2, even2);
    to[4] = y[3];
}

INLINE void line_taps(const hg_vec *u, hg_vec *to)
{
    to[0] = HG_SCALED(0.5f, u[1] - u[0], (1.0f / 6.0f) * (u[2] - u[3]));
    to[1] = HG_SCALED(0.25f, (u[2] + u[3]) - (u[0] + u[1]), u[4]);
}
#elif M == 2
INLINE void line_in(const hg_vec *d, hg_vec *to)
{
    to[0] = d[2] - d[0];
    to[1] = d[2] + d[1];
    to[2] = d[2] - d[1];
    to[3] = d[3] - d[1];
}

INLINE void line_weight(const hg_vec *w, hg_vec *to)
{
    const hg_vec even = 0.5f * (w[0] + w[2]);
    to[0] = -w[0];
    to[1] = HG_SCALED(0.5f, w[1], even);
    to[2] = HG_SCALED(-0.5f, w[1], even);
    to[3] = w[2];
}

INLINE void line_out(const hg_vec *m, hg_vec *to)
{
    to[0] = m[0] + (m[1] + m[2]);
    to[1] = (m[1] - m[2]) + m[3];
}

INLINE void line_back(const hg_vec *y, hg_vec *to)
{
    to[0] = y[0];
    to[1] = y[0] + y[1];
    to[2] = y[0] - y[1];
    to[3] = y[1];
}

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
BOTH_WAYS(transform_weight, line_weight, R, T)
BOTH_WAYS(transform_out, line_out, T, M)
BOTH_WAYS(transform_back, line_back, M, T)
BOTH_WAYS(transform_taps, line_taps, T, R)

/* A square of n x n pixels of a picture [height][width][channels], every `step`-th from (y0, x0) on: where they lie, and 0 for those
 * outside the picture, else -1. */
INLINE void find_square(int height, int width, int channels, int y0, int x0, int step, int n, int *place, int *inside)
{
    HG_UNROLL for (int i = 0; i < n; i++)
        HG_UNROLL for (int j = 0; j < n; j++) {
            const int y = y0 + i * step, x = x0 + j * step;
            inside[i * n + j] = y >= 0 && y < height && x >= 0 && x < width ? -1 : 0;
            place[i * n + j] = inside[i * n + j] & (y * width + x) * channels;
        }
}

/* Its numbers of a vector of channels, zeros around the picture. From memory come meanwhile those that the next square of its row, `step`
 * times M pixels on, has and this one has not: rows are too far from each other for a device to foresee it. */
INLINE void load_square(__global const float *picture, int channels, int step, const int *place, const int *inside, int n, hg_vec *square)
{
    HG_UNROLL for (int k = 0; k < n * n; k++) {
        square[k] = AS_FLOAT(AS_INT(HG_LOAD(picture + place[k])) & inside[k]);
        if (k % n >= n - M) HG_FETCH(picture + place[k] + (inside[k] & M * step * channels));
    }
}

#if !WEIGHT
/* ---- F and D */

#ifndef G
#define G 16
#define O 16
#endif
#ifndef IH
#define IH 8
#define IW 8
#define OH 8
#define OW 8
#endif
#ifndef DATA
#define DATA 0
#endif
#define BLOCKS ((O + OB - 1) / OB)
/* F reads all phases of the large side. D writes them, and takes the taps from behind: pixel i of those with p = y mod S is one of
 * phase r = (p + P) mod S and begins to read at row i + (p + P) / S - (TAPS(r) - 1). */
#if DATA
#define PHASES_IN 1
#define PHASES_OUT PHASES
#define STEP_IN 1
#define STEP_OUT S
#define PHASE_OF(p, P) HG_MOD((p) + (P), S)
#define FIRST(p, P) (((p) + (P)) / S - (TAPS(PHASE_OF(p, P)) - 1))
#define TAP(r, k) ((TAPS(r) - 1 - (k)) * S + (r))
#define ROWS ((OH + S - 1) / S)
#define COLUMNS ((OW + S - 1) / S)
#else
#define PHASES_IN PHASES
#define PHASES_OUT 1
#define STEP_IN S
#define STEP_OUT 1
#define PHASE_OF(p, P) (p)
#define FIRST(p, P) ((p) - (P))
#define TAP(r, k) ((k) * S + (r))
#define ROWS OH
#define COLUMNS OW
#endif
#define TILES_H ((ROWS + M - 1) / M)
#define TILES_W ((COLUMNS + M - 1) / M)
#define GP (PHASES_IN * G)
/* Numbers from one tile, and from one point of it, to the next: a cache line more than there are, for powers of two would share a set. */
#define STEP_T (GP + (S > 1 ? 16 : 0))
#define STEP_V (STRIP * STEP_T + 16)
#define STEP_M (STRIP * OB + 16)

/* ---- weights */

/* Items: written phases, blocks of written channels, phases and channels read. */
__kernel void weights(__global const float *restrict w, __global float *restrict u)
{
    HG_FOR(item, PHASES_OUT * BLOCKS * GP) {
        const int group = item / GP, out = group / BLOCKS, block = group - out * BLOCKS, o0 = min(block * OB, O - OB);
        const int from = item - group * GP, in = from / G, g = from - in * G, phase = DATA ? out : in;
        const int rh = PHASE_OF(phase / S, PH), rw = PHASE_OF(HG_MOD(phase, S), PW);
        for (int v = 0; v < OB; v += HG_VEC) {
            hg_vec taps[R * R], turned[POINTS];
            HG_UNROLL for (int k = 0; k < R * R; k++) {
                const int kh = TAP(rh, k / R), kw = TAP(rw, k % R);
                taps[k] = 0.0f;
                if (K % S == 0 || (kh >= 0 && kh < K && kw >= 0 && kw < K)) taps[k] = HG_LOAD(w + ((kh * K + kw) * G + g) * O + o0 + v);
            }
            transform_weight(taps, turned);
            HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], u + ((group * POINTS + k) * GP + from) * OB + v);
        }
    }
}

/* to [T T][G], STEP_V apart, = B' x B for the tile whose patch begins at (y0, x0) */
INLINE void read_tile(__global const float *picture, int y0, int x0, float *to)
{
    int place[POINTS], inside[POINTS];
    find_square(IH, IW, G, y0, x0, STEP_IN, T, place, inside);
    for (int own = 0; own < G; own += HG_VEC) {
        const int g = min(own, G - HG_VEC);
        hg_vec patch[POINTS], turned[POINTS];
        load_square(picture + g, G, STEP_IN, place, inside, T, patch);
        transform_in(patch, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * STEP_V + g);
    }
}

/* to [Q][OB] = x [Q][GP] u [GP][OB] for a point, without the phases that it does not have */
INLINE void multiply(const float *x, __global const float *u, float *to, int point)
{
    hg_vec sum[Q][NV];
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = 0.0f;
    for (int phase = 0; phase < (K % S ? PHASES_IN : 1); phase++) {
        if (PHASES_IN > 1 && !USED(phase, point)) continue;
        const int first = phase * G, end = K % S ? first + G : GP;
        __global const float *row = u + first * OB;
        for (int g = first; g < end; g++, row += OB) {
            hg_vec weight[NV];
            HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(row + v * HG_VEC);
            HG_UNROLL for (int q = 0; q < Q; q++)
                HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q * STEP_T + g], weight[v], sum[q][v]);
        }
    }
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) HG_STORE(sum[q][v], to + q * OB + v * HG_VEC);
}

/* Stores the M x M results of the vector of channels from o on whose corner is pixel (y, x) of picture b, STEP_OUT pixels apart; those
 * before own_o belong to another block, those beyond the picture to nobody. */
INLINE void store_tile(const hg_vec *result, __global float *out, __global const float *out_x, int b, int y, int x, int o, int own_o)
{
    const int rows = min(M * STEP_OUT, OH - y), columns = min(M * STEP_OUT, OW - x);
    for (int i = 0; i * STEP_OUT < rows; i++)
        for (int j = 0; j * STEP_OUT < columns; j++) {
            const int at = ((b * OH + y + i * STEP_OUT) * OW + x + j * STEP_OUT) * O + o;
            if (O % OB == 0 || o >= own_o) {
                hg_store(result[i * M + j], out, out_x, at);
            } else {
                float part[HG_VEC];
                HG_STORE(result[i * M + j], part);
                for (int k = max(own_o - o, 0); k < HG_VEC; k++) hg_store_one(part[k], out, out_x, at + k);
            }
        }
}

/* ---- tiles: of all pictures; a work-item takes a strip, the last of which is moved back */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const float *restrict from, __global const float *restrict u, __global const float *restrict bias,
                     __global float *restrict out, __global const float *out_x, int tiles)
{
    const int own = (int)get_global_id(0) * STRIP, first = min(own, tiles - STRIP), last = tiles / (TILES_H * TILES_W) * (OH * OW * O) - OB;
    float v[POINTS * STEP_V], m[POINTS * STEP_M];
    int picture[STRIP], top[STRIP], left[STRIP];
    for (int t = 0; t < STRIP; t++) {
        const int row = (first + t) / TILES_W;
        picture[t] = row / TILES_H, top[t] = (row - picture[t] * TILES_H) * M, left[t] = (first + t - row * TILES_W) * M;
    }
    for (int out_phase = 0; out_phase < PHASES_OUT; out_phase++) {
        const int py = out_phase / S, px = out_phase - py * S, phase = PHASE_OF(py, PH) * S + PHASE_OF(px, PW);
        for (int t = 0; t < STRIP; t++)
            for (int in = 0; in < PHASES_IN; in++) {
                const int y0 = top[t] * STEP_IN + FIRST(DATA ? py : in / S, PH), x0 = left[t] * STEP_IN + FIRST(DATA ? px : HG_MOD(in, S), PW);
                read_tile(from + picture[t] * IH * IW * G, y0, x0, v + t * STEP_T + in * G);
            }
        for (int block = 0; block < BLOCKS; block++) {
            const int own_o = block * OB, o0 = min(own_o, O - OB);
            for (int k = 0; k < POINTS; k++) {
                /* meanwhile what gradients will be multiplied by comes from memory, a pixel of each tile at a time */
                for (int t = 0; t < (HG_DX_IS_LINEAR || k >= M * M ? 0 : STRIP); t++) {
                    const int y = (top[t] + k / M) * STEP_OUT + (DATA ? py : 0), x = (left[t] + HG_MOD(k, M)) * STEP_OUT + (DATA ? px : 0);
                    for (int c = 0; c < OB; c += 16) HG_FETCH(out_x + min(((picture[t] * OH + y) * OW + x) * O + o0 + c, last));
                }
                for (int t = 0; t < STRIP && (!DATA || USED(phase, k)); t += Q)
                    multiply(v + k * STEP_V + t * STEP_T, u + ((out_phase * BLOCKS + block) * POINTS + k) * GP * OB,
                             m + k * STEP_M + t * OB, k);
            }
            for (int t = own - first; t < STRIP; t++)
                for (int c = 0; c < OB; c += HG_VEC) {
                    hg_vec product[POINTS], result[M * M];
                    HG_UNROLL for (int k = 0; k < POINTS; k++) {
                        product[k] = 0.0f;
                        if (!DATA || USED(phase, k)) product[k] = HG_LOAD(m + k * STEP_M + t * OB + c);
                    }
                    transform_out(product, result);
#if BIAS
                    HG_UNROLL for (int k = 0; k < M * M; k++) result[k] += HG_LOAD(bias + o0 + c);
#endif
                    store_tile(result, out, out_x, picture[t], top[t] * STEP_OUT + (DATA ? py : 0), left[t] * STEP_OUT + (DATA ? px : 0), o0 + c, own_o);
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
/* blocks of the large side are blocks of a phase */
#define PHASES_I (TRANSPOSED ? 1 : PHASES)
#define PHASES_O (TRANSPOSED ? PHASES : 1)
#define EACH_I ((IN + BI - 1) / BI)
#define EACH_O ((OUT + BO - 1) / BO)
#define BLOCKS_I (PHASES_I * EACH_I)
#define BLOCKS_O (PHASES_O * EACH_O)
#define BLOCK_I(own, phase) (TRANSPOSED ? (own) : (phase) * EACH_I + (own))
#define BLOCK_O(own, phase) (TRANSPOSED ? (phase) * EACH_O + (own) : (own))
#define PHASE_OF(block_i, block_o) (TRANSPOSED ? (block_o) / EACH_O : (block_i) / EACH_I)
#define STEP_I (STRIP * BI + 16)
#define STEP_O (STRIP * BO + 16)

/* to [T T][channels], `step` apart: what the tile whose corner on the small side is pixel (y, x) has there, A y A' of M x M numbers, or
 * in a phase of the large side, B' x B of T x T numbers. The output side also adds up its numbers in sum [channels], on the large side
 * those of M x M or what no further tile has. */
INLINE void read_small(__global const float *picture, int y, int x, int channels, int step, float *to, hg_vec *sum)
{
    int place[M * M], inside[M * M];
    find_square(HS, WS, CS, y, x, 1, M, place, inside);
    for (int own = 0; own < channels; own += HG_VEC) {
        const int c = min(own, channels - HG_VEC);
        hg_vec square[M * M], turned[POINTS];
        load_square(picture + c, CS, 1, place, inside, M, square);
        transform_back(square, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * step + c);
        if (BIAS && !TRANSPOSED)
            HG_UNROLL for (int k = 0; k < M * M; k++) sum[own / HG_VEC] += square[k];
    }
}

INLINE void read_large(__global const float *picture, int y, int x, int phase, int channels, int step, float *to, hg_vec *sum)
{
    int place[POINTS], inside[POINTS];
    find_square(HL, WL, CL, y * S + phase / S - PH, x * S + HG_MOD(phase, S) - PW, S, T, place, inside);
    const int rows = y + M < HS ? M : T, columns = x + M < WS ? M : T;
    for (int own = 0; own < channels; own += HG_VEC) {
        const int c = min(own, channels - HG_VEC);
        hg_vec square[POINTS], turned[POINTS];
        load_square(picture + c, CL, S, place, inside, T, square);
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

/* tiles: of all pictures; a split takes `span` strips. Dimension 0: blocks of output channels, 1: of input channels, 2: splits. */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_gradient(__global const float *restrict large, __global const float *restrict small, __global float *restrict partials,
                              __global float *restrict bias_partials, int tiles, int span)
{
    enum { BLOCK = POINTS * BI * BO, BIASES = (BO + HG_VEC - 1) / HG_VEC };
    const int block_o = (int)get_global_id(0), block_i = (int)get_global_id(1), split = (int)get_global_id(2);
    const int own_o = block_o * BO, i0 = min(block_i * BI, IN - BI), o0 = min(own_o, OUT - BO);
    const int begin = split * span * STRIP, end = min(begin + span * STRIP, tiles);
    float in[POINTS * STEP_I], out[POINTS * STEP_O];
    hg_vec bias[PHASES_O * BIASES];
    for (int v = 0; v < PHASES_O * BIASES; v++) bias[v] = 0.0f;
    for (int first = begin; first < end; first += STRIP) {
        const int n = min(STRIP, end - first);
        for (int phase = 0; phase < PHASES; phase++) {
            for (int t = 0; t < n; t++) {
                const int row = (first + t) / TILES_W, b = row / TILES_H, y = (row - b * TILES_H) * M, x = (first + t - row * TILES_W) * M;
                __global const float *of_small = small + b * HS * WS * CS, *of_large = large + b * HL * WL * CL;
#if TRANSPOSED
                if (phase == 0) read_small(of_small + i0, y, x, BI, STEP_I, in + t * BI, bias);
                read_large(of_large + o0, y, x, phase, BO, STEP_O, out + t * BO, bias + phase * BIASES);
#else
                if (phase == 0) read_small(of_small + o0, y, x, BO, STEP_O, out + t * BO, bias);
                read_large(of_large + i0, y, x, phase, BI, STEP_I, in + t * BI, bias);
#endif
            }
            __global float *sums = partials + ((split * BLOCKS_I + BLOCK_I(block_i, phase)) * BLOCKS_O + BLOCK_O(block_o, phase)) * BLOCK;
            for (int k = 0; k < POINTS; k++)
                for (int own = 0; own < BI && USED(phase, k); own += Q) {
                    const int i = min(own, BI - Q);
                    for (int o = 0; o < BO; o += OB)
                        multiply(in + k * STEP_I + i, out + k * STEP_O + o, n, sums + (k * BI + i) * BO + o, own - i, first == begin);
                }
        }
    }
#if BIAS
    if (block_i == 0)
        for (int phase = 0; phase < PHASES_O; phase++)
            for (int v = 0; v < BO; v += HG_VEC) {
                float part[HG_VEC];
                HG_STORE(bias[phase * BIASES + v / HG_VEC], part);
                for (int k = max(own_o - o0 - v, 0); k < HG_VEC; k++) bias_partials[(split * PHASES_O + phase) * OUT + o0 + v + k] = part[k];
            }
#endif
}

/* Items: input channels of all blocks. */
__kernel void weight_sum(__global const float *restrict partials, int splits, __global float *restrict dw)
{
    enum { NUMBERS = BLOCKS_I * BLOCKS_O * POINTS * BI * BO, VECTORS = BO / HG_VEC };
    hg_vec sum[POINTS * VECTORS];
    HG_FOR(item, BLOCKS_I * BLOCKS_O * BI) {
        const int block = item / BI, r = item - block * BI, block_i = block / BLOCKS_O, block_o = block - block_i * BLOCKS_O;
        const int own_i = HG_MOD(block_i, EACH_I) * BI, own_o = HG_MOD(block_o, EACH_O) * BO, phase = PHASE_OF(block_i, block_o);
        const int i = min(own_i, IN - BI) + r, o0 = min(own_o, OUT - BO), rh = phase / S, rw = phase - rh * S;
        for (int k = 0; k < POINTS * VECTORS; k++) sum[k] = 0.0f;
        for (int s = 0; s < splits; s++)
            for (int k = 0; k < POINTS; k++) {
                if (!USED(phase, k)) continue;
                __global const float *row = partials + (long)s * NUMBERS + ((block * POINTS + k) * BI + r) * BO;
                for (int v = 0; v < VECTORS; v++) sum[k * VECTORS + v] += HG_LOAD(row + v * HG_VEC);
            }
        for (int v = 0; v < VECTORS && i >= own_i; v++) {
            hg_vec points[POINTS], taps[R * R];
            HG_UNROLL for (int k = 0; k < POINTS; k++) points[k] = sum[k * VECTORS + v];
            transform_taps(points, taps);
            for (int k = 0; k < R * R; k++) {
                const int first = o0 + v * HG_VEC, kh = k / R * S + rh, kw = k % R * S + rw;
                if (kh >= K || kw >= K) continue;
                __global float *to = dw + ((kh * K + kw) * IN + i) * OUT + first;
                float part[HG_VEC];
                HG_STORE(taps[k], part);
                for (int lane = max(own_o - first, 0); lane < HG_VEC; lane++) to[lane] = DW_ADD ? to[lane] + part[lane] : part[lane];
            }
        }
    }
}
#endif
