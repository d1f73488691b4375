/* The tiles of conv_winograd.cl and conv_winograd_weight.cl, which include this file: F, D and W (model/conv.h) of K x K taps, stride S,
 * by Winograd's minimal filtering F(MxM, RxR) (Lavin and Gray, CVPR 2016). Row y of the large side, y + P = i S + r, is row i of its
 * phase r; with R = K / S taps, rounded up, a phase of the large side is convolved with the small one at stride 1. A tile of M x M pixels
 * of a phase takes T x T = (M + R - 1)^2 multiplications a pair of channels instead of R^2 M^2: for R 3 2.25 (M 2) and 4 (M 4) times
 * fewer, for R 2 1.78 and 2.56. Where S does not divide K some phases have a tap fewer: the weights of one point are 0 there and its
 * products left out.
 *   F     out tile = A' [ sum over phases r, g of (B' x_rg B) * (C w_rg C') ] A     * number by number; x: T x T numbers around the tile
 *   D     the same for each phase that is written, with one that is read
 *   W     dw_r = C' [ sum over tiles of (B' x_r B) * (A dy A') ] C                  the same bilinear form, derived by w
 * A, B, C are Toom and Cook's for the points 0, 1, infinity (M 2, R 2), +-1/2, +-3/2, infinity (M 4, R 2), else 0, +-P1, (+-P2,) infinity:
 *   row p of A  1, p, p^2, .. p^(M-1);  of C  (1, p, .. p^(R-1)) / N_p with N_p = product of (p - q) over the other finite points q;
 *   of B'  the coefficients of the product of (x - q);  infinity: the highest power alone, and the product over all points. (For 0, 1,
 *   infinity the signs of the first rows of B' and C are turned.)
 * M 2, R 3 has P1 = 1; M 4 has sqrt(1/2) and sqrt(2). With these, and with +-1/2, +-3/2, errors are half of those of the usual 0, +-1,
 * (+-)2 and some twice the direct kernel's (tests/winograd.h derives their bound).
 * The including file defines TAP(phase, P, j): the tap that a phase's tiles meet j-th in one dimension; there is none outside 0 to K - 1.
 * Macros: M K S, PH PW, Q STRIP NV HG_VEC, BIAS. */
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

#define R ((K + S - 1) / S)
#define T (M + R - 1)
#define POINTS (T * T)
#define PHASES (S * S)
#define OB (NV * HG_VEC)

/* Whether point `point` of a phase has products: that at 0 (M 2, R 2) is made of the first tap alone, that at infinity of the last. */
#define HAS_TAP(k) ((k) >= 0 && (k) < K)
#define LINE_USED(phase, P, point) \
    ((HAS_TAP(TAP(phase, P, 0)) || M > 2 || (point) > 0) && (HAS_TAP(TAP(phase, P, R - 1)) || (point) < T - 1))
#define USED(phase, point) (LINE_USED((phase) / S, PH, (point) / T) && LINE_USED(HG_MOD(phase, S), PW, HG_MOD(point, T)))

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

/* Its numbers of a vector of channels, by HG_LOAD or HG_X_LOAD, zeros around the picture. */
#define LOAD_SQUARE(load, picture, place, inside, n, square) \
    HG_UNROLL for (int k = 0; k < (n) * (n); k++) (square)[k] = AS_FLOAT(AS_INT(load((picture) + (place)[k])) & (inside)[k])

/* Asks for the n x n pixels of a picture of height x width, every `step`-th from (y, x) on, the first `used` of a pixel's bytes, which are
 * needed later: rows are too far from each other for a device to foresee it. */
INLINE void fetch_square(__global const void *picture, int height, int width, int pixel, int y, int x, int step, int n, int used)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            const int row = clamp(y + i * step, 0, height - 1), column = clamp(x + j * step, 0, width - 1);
            __global const uchar *from = (__global const uchar *)picture + (row * width + column) * pixel;
            for (int c = 0; c < used; c += 64) HG_FETCH(from + c);
        }
}

/* A tile of all pictures' [rows][columns], and the pixel of its corner. */
typedef struct { int picture, y, x; } corner;

INLINE corner corner_of(int tile, int rows, int columns)
{
    const int row = tile / columns, picture = row / rows;
    return (corner){picture, (row - picture * rows) * M, (tile - row * columns) * M};
}
