/* Principal components: the covariance matrix in double precision, then its first eigenvectors by subspace iteration with
 * Rayleigh-Ritz (Golub and Van Loan, "Matrix Computations", 4th ed., 7.3 and 8.2).
 *
 * The covariance of n = 10,000 rows of d = 784 takes n d^2 = 6 GFLOP (half of the matrix, the rest is its mirror), which
 * decides the time: it is computed from panels of 4 columns in tiles of 4 x 4 that stay in registers. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

enum { TILE = 4, ROWS = 128, ROUND_LIMIT = 400, STEPS = 4, SWEEP_LIMIT = 40 };

/* ---------------------------------------------------------------- covariance */

static bool find_mean(hg_context *ctx, int64_t n, int d, const float *x, double *mean)
{
    for (int64_t r = 0; r < n; r++)
        for (int i = 0; i < d; i++)
            mean[i] += x[r * d + i];
    for (int i = 0; i < d; i++) {
        mean[i] /= (double)n;
        if (!isfinite(mean[i])) /* sums of floats stay finite in double */
            return hg_fail(ctx, HG_BAD_INPUT, "principal components: column %d of %d has values that are not finite", i, d);
    }
    return true;
}

/* Rows less their mean as panels [panels][ROWS][TILE]; what lies outside x is 0. */
static void pack(const float *x, int64_t rows, int d, const double *mean, int panels, double *out)
{
    for (int p = 0; p < panels; p++)
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < TILE; c++) {
                int i = p * TILE + c;
                *out++ = r < rows && i < d ? (double)x[(int64_t)r * d + i] - mean[i] : 0;
            }
}

/* sum[4][4] = transposed panel a times panel b */
static void tile(const double *restrict a, const double *restrict b, double *restrict sum)
{
    double s[TILE * TILE] = {0};
    for (int r = 0; r < ROWS; r++, a += TILE, b += TILE)
        for (int i = 0; i < TILE; i++)
            for (int k = 0; k < TILE; k++)
                s[i * TILE + k] += a[i] * b[k];
    memcpy(sum, s, sizeof s);
}

/* c [d, d] += transposed(block) block, its upper half. */
static void add_block(const double *packed, int panels, int d, double *c)
{
    double sum[TILE * TILE];
    for (int p = 0; p < panels; p++)
        for (int q = p; q < panels; q++) {
            tile(packed + (size_t)p * ROWS * TILE, packed + (size_t)q * ROWS * TILE, sum);
            for (int i = p * TILE; i < d && i < (p + 1) * TILE; i++)
                for (int k = q * TILE; k < d && k < (q + 1) * TILE; k++)
                    c[(size_t)i * (size_t)d + (size_t)k] += sum[(i % TILE) * TILE + k % TILE];
        }
}

static bool find_covariance(hg_context *ctx, int64_t n, int d, const float *x, const double *mean, double *c)
{
    int panels = (d + TILE - 1) / TILE;
    double *packed = hg_alloc(ctx, (size_t)panels, ROWS * TILE * sizeof *packed);
    if (!packed)
        return false;
    for (int64_t r = 0; r < n; r += ROWS) {
        pack(x + r * d, n - r < ROWS ? n - r : ROWS, d, mean, panels, packed);
        add_block(packed, panels, d, c);
    }
    hg_free(packed);
    for (size_t i = 0, w = (size_t)d; i < w; i++)
        for (size_t k = i; k < w; k++)
            c[k * w + i] = c[i * w + k] /= (double)n;
    return true;
}

/* ---------------------------------------------------------------- eigenvectors */

/* The block: vectors are rows, so that a matrix is multiplied row by row. */
typedef struct subspace {
    hg_context *ctx;
    int d, b;
    const double *c;  /* [d, d] */
    double *q, *y;    /* [b, d]: orthonormal vectors and c times them */
    double *t, *s;    /* [b, b] */
    double *values;   /* [b] */
    int *order;       /* [b]: from the largest value */
    hg_rng rng;
} subspace;

static double dot(const double *a, const double *b, int n)
{
    double s[4] = {0};
    int i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++)
            s[k] += a[i + k] * b[i + k];
    for (; i < n; i++)
        s[0] += a[i] * b[i];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

static void add_scaled(double *to, double factor, const double *from, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += factor * from[i];
}

/* Gram-Schmidt, twice for orthogonality to the last bits; a vector that vanishes is drawn anew. */
static void orthonormalise(subspace *w, double *q)
{
    for (int i = 0; i < w->b; i++) {
        double *v = q + (size_t)i * (size_t)w->d, before = sqrt(dot(v, v, w->d)), after;
        for (;;) {
            for (int pass = 0; pass < 2; pass++)
                for (int k = 0; k < i; k++) {
                    const double *u = q + (size_t)k * (size_t)w->d;
                    add_scaled(v, -dot(u, v, w->d), u, w->d);
                }
            after = sqrt(dot(v, v, w->d));
            if (after > 1e-10 * before && after > 1e-280)
                break;
            for (int k = 0; k < w->d; k++)
                v[k] = hg_rng_uniform(&w->rng) - 0.5;
            before = 1e-3;
        }
        for (int k = 0; k < w->d; k++)
            v[k] /= after;
    }
}

/* y = c q for all vectors: each row of c is read once for four of them. */
static void multiply(const subspace *w, const double *q, double *y)
{
    size_t d = (size_t)w->d;
    for (size_t i = 0; i < d; i++)
        for (int v = 0; v < w->b; v++)
            y[(size_t)v * d + i] = dot(w->c + i * d, q + (size_t)v * d, w->d);
}

/* Cyclic Jacobi: t [b, b] becomes diagonal, the rows of s its eigenvectors. */
static void jacobi(int b, double *t, double *s)
{
    for (int i = 0; i < b * b; i++)
        s[i] = i / b == i % b;
    for (int sweep = 0; sweep < SWEEP_LIMIT; sweep++) {
        double off = 0, all = 0;
        for (int i = 0; i < b * b; i++) {
            all += t[i] * t[i];
            off += i / b == i % b ? 0 : t[i] * t[i];
        }
        if (off <= 1e-30 * all)
            return;
        for (int p = 0; p < b; p++)
            for (int q = p + 1; q < b; q++) {
                double tpq = t[p * b + q];
                if (tpq == 0)
                    continue;
                double theta = (t[q * b + q] - t[p * b + p]) / (2 * tpq);
                double tangent = copysign(1, theta) / (fabs(theta) + hypot(1, theta));
                double cosine = 1 / hypot(1, tangent), sine = tangent * cosine;
                for (int k = 0; k < b; k++) { /* columns */
                    double tp = t[k * b + p], tq = t[k * b + q];
                    t[k * b + p] = cosine * tp - sine * tq;
                    t[k * b + q] = sine * tp + cosine * tq;
                }
                for (int k = 0; k < b; k++) { /* rows, and the vectors with them */
                    double tp = t[p * b + k], tq = t[q * b + k], sp = s[p * b + k], sq = s[q * b + k];
                    t[p * b + k] = cosine * tp - sine * tq;
                    t[q * b + k] = sine * tp + cosine * tq;
                    s[p * b + k] = cosine * sp - sine * sq;
                    s[q * b + k] = sine * sp + cosine * sq;
                }
            }
    }
}

/* vectors[i] = sum over k of s[order[i]][k] vectors[k]; `room` is [b, d] and trades places with `vectors`. */
static void rotate(const subspace *w, double **vectors, double **room)
{
    size_t d = (size_t)w->d;
    memset(*room, 0, (size_t)w->b * d * sizeof **room);
    for (int i = 0; i < w->b; i++)
        for (int k = 0; k < w->b; k++)
            add_scaled(*room + (size_t)i * d, w->s[w->order[i] * w->b + k], *vectors + (size_t)k * d, w->d);
    double *swap = *vectors;
    *vectors = *room;
    *room = swap;
}

/* Within the subspace of q, where y = c q: the best approximations to eigenvectors, largest first, as q and y. */
static void rayleigh_ritz(subspace *w, double **room)
{
    size_t d = (size_t)w->d;
    int b = w->b;
    for (int i = 0; i < b; i++)
        for (int k = i; k < b; k++)
            w->t[i * b + k] = w->t[k * b + i] = dot(w->q + (size_t)i * d, w->y + (size_t)k * d, w->d);
    jacobi(b, w->t, w->s);
    for (int i = 0; i < b; i++) { /* insertion sort */
        int k = i;
        for (; k > 0 && w->t[w->order[k - 1] * b + w->order[k - 1]] < w->t[i * b + i]; k--)
            w->order[k] = w->order[k - 1];
        w->order[k] = i;
    }
    for (int i = 0; i < b; i++)
        w->values[i] = w->t[w->order[i] * b + w->order[i]];
    rotate(w, &w->q, room);
    rotate(w, &w->y, room);
}

/* Are the first k vectors eigenvectors: |c q - value q| <= 1e-9 of the largest value? */
static bool converged(const subspace *w, int k)
{
    for (int i = 0; i < k; i++) {
        const double *q = w->q + (size_t)i * (size_t)w->d, *y = w->y + (size_t)i * (size_t)w->d;
        double square = 0;
        for (int j = 0; j < w->d; j++)
            square += (y[j] - w->values[i] * q[j]) * (y[j] - w->values[i] * q[j]);
        if (sqrt(square) > 1e-9 * fabs(w->values[0]))
            return false;
    }
    return true;
}

/* Where values hardly differ (noise), vectors between them are as good, and the rounds end at their limit. */
static bool iterate(subspace *w, int k)
{
    double *room = hg_alloc(w->ctx, hg_mul((size_t)w->b, (size_t)w->d), sizeof *room);
    if (!room)
        return false;
    orthonormalise(w, w->q); /* from zeros: random vectors */
    for (int round = 0; round < ROUND_LIMIT; round++) {
        multiply(w, w->q, w->y);
        rayleigh_ritz(w, &room);
        if (converged(w, k))
            break;
        for (int step = 1; step < STEPS; step++) {
            memcpy(w->q, w->y, (size_t)w->b * (size_t)w->d * sizeof *w->q);
            orthonormalise(w, w->q);
            multiply(w, w->q, w->y);
        }
        memcpy(w->q, w->y, (size_t)w->b * (size_t)w->d * sizeof *w->q);
        orthonormalise(w, w->q);
    }
    hg_free(room);
    return true;
}

/* ---------------------------------------------------------------- public */

static void give(const subspace *w, int k, float *components, float *variances)
{
    for (int i = 0; i < k; i++) {
        const double *q = w->q + (size_t)i * (size_t)w->d;
        int largest = 0;
        for (int j = 1; j < w->d; j++)
            if (fabs(q[j]) > fabs(q[largest]))
                largest = j;
        for (int j = 0; j < w->d; j++)
            components[(size_t)i * (size_t)w->d + (size_t)j] = (float)(q[largest] < 0 ? -q[j] : q[j]);
        variances[i] = (float)fmax(w->values[i], 0);
    }
}

bool hg_pca(hg_context *ctx, int64_t n, int d, const float *x, int k, float *mean, float *components, float *variances)
{
    enum { D_LIMIT = 16384 };
    if (n < 1 || d < 1 || d > D_LIMIT || k < 1 || k > d)
        return hg_fail(ctx, HG_USAGE,
                       "principal components: %d of %lld rows of %d numbers; expected at least one row of 1 to %d numbers and as many "
                       "components at most", k, (long long)n, d, D_LIMIT);
    int b = 2 * k + 8 < d ? 2 * k + 8 : d;
    bool done = false;
    subspace w = {.ctx = ctx, .d = d, .b = b, .rng = hg_rng_make(0, HG_STREAM_INIT, 0)};
    double *mean_wide = hg_alloc(ctx, (size_t)d, sizeof *mean_wide), *c = hg_alloc(ctx, hg_mul((size_t)d, (size_t)d), sizeof *c);
    w.c = c;
    w.q = hg_alloc(ctx, hg_mul((size_t)b, (size_t)d), sizeof *w.q);
    w.y = hg_alloc(ctx, hg_mul((size_t)b, (size_t)d), sizeof *w.y);
    w.t = hg_alloc(ctx, hg_mul((size_t)b, (size_t)b), sizeof *w.t);
    w.s = hg_alloc(ctx, hg_mul((size_t)b, (size_t)b), sizeof *w.s);
    w.values = hg_alloc(ctx, (size_t)b, sizeof *w.values);
    w.order = hg_alloc(ctx, (size_t)b, sizeof *w.order);
    if (!mean_wide || !c || !w.q || !w.y || !w.t || !w.s || !w.values || !w.order)
        goto fail;
    if (!find_mean(ctx, n, d, x, mean_wide) || !find_covariance(ctx, n, d, x, mean_wide, c) || !iterate(&w, k))
        goto fail;
    for (int i = 0; i < d; i++)
        mean[i] = (float)mean_wide[i];
    give(&w, k, components, variances);
    done = true;
fail:
    hg_free(mean_wide);
    hg_free(c);
    hg_free(w.q);
    hg_free(w.y);
    hg_free(w.t);
    hg_free(w.s);
    hg_free(w.values);
    hg_free(w.order);
    return done;
}

void hg_pca_project(int64_t n, int d, const float *x, int k, const float *mean, const float *components, float *out)
{
    for (int64_t r = 0; r < n; r++)
        for (int i = 0; i < k; i++) {
            const float *row = x + r * d, *component = components + (size_t)i * (size_t)d;
            double sum[4] = {0};
            for (int j = 0; j < d; j++)
                sum[j % 4] += ((double)row[j] - mean[j]) * component[j];
            out[r * k + i] = (float)((sum[0] + sum[1]) + (sum[2] + sum[3]));
        }
}

void hg_pca_restore(int64_t n, int d, const float *codes, int k, const float *mean, const float *components, float *out)
{
    for (int64_t r = 0; r < n; r++) {
        float *row = out + r * d;
        memcpy(row, mean, (size_t)d * sizeof *row);
        for (int i = 0; i < k; i++)
            for (int j = 0; j < d; j++)
                row[j] += codes[r * k + i] * components[(size_t)i * (size_t)d + (size_t)j];
    }
}
