/* Principal components: against known ones, by their properties, and on real pictures. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "base/rng.h"
#include "context.h"
#include "files.h"

/* Points on an ellipse about (5, -7) whose axes lie at 30 degrees: variances a^2 / 2 and b^2 / 2. */
static void pca_ellipse(void **state)
{
    (void)state;
    enum { N = 360 };
    static float x[N][2], codes[N][2];
    float mean[2], components[2][2], variances[2];
    double c = sqrt(3) / 2, s = 0.5, pi = 3.14159265358979324;
    for (int i = 0; i < N; i++) {
        double u = 4 * cos(2 * pi * i / N), v = 1.5 * sin(2 * pi * i / N);
        x[i][0] = (float)(5 + c * u - s * v);
        x[i][1] = (float)(-7 + s * u + c * v);
    }
    assert_true(hg_pca(ctx, N, 2, x[0], 2, mean, components[0], variances));
    assert_true(fabs(mean[0] - 5) < 1e-6 && fabs(mean[1] + 7) < 1e-6);
    assert_true(fabs(variances[0] - 8) < 1e-5 && fabs(variances[1] - 1.125) < 1e-6);
    assert_true(fabs(components[0][0] - c) < 1e-6 && fabs(components[0][1] - s) < 1e-6);
    assert_true(fabs(components[1][0] + s) < 1e-6 && fabs(components[1][1] - c) < 1e-6); /* the largest entry is positive */
    hg_pca_project(N, 2, x[0], 2, mean, components[0], codes[0]);
    for (int i = 0; i < N; i++)
        assert_true(fabs(codes[i][0] - 4 * cos(2 * pi * i / N)) < 1e-5 && fabs(codes[i][1] - 1.5 * sin(2 * pi * i / N)) < 1e-5);
}

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

/* Mean squared error per row of the projection to k components, and the total variance about the mean. */
static double residual(int64_t n, int d, const float *x, int k, const float *mean, const float *components, double *total)
{
    float *codes = malloc((size_t)n * (size_t)k * sizeof *codes), *restored = malloc((size_t)n * (size_t)d * sizeof *restored);
    double sum = 0;
    *total = 0;
    hg_pca_project(n, d, x, k, mean, components, codes);
    hg_pca_restore(n, d, codes, k, mean, components, restored);
    for (int64_t r = 0; r < n; r++)
        for (int j = 0; j < d; j++) {
            double v = (double)x[r * d + j] - mean[j];
            *total += v * v / (double)n;
            v = (double)x[r * d + j] - restored[r * d + j];
            sum += v * v / (double)n;
        }
    free(codes);
    free(restored);
    return sum;
}

/* Orthonormal, descending, twice the same bits, and the error of the projection is the variance that was left out. */
static void check_pca(int64_t n, int d, const float *x, int k)
{
    float *mean = malloc((size_t)d * 2 * sizeof *mean), *components = malloc((size_t)(2 * k) * (size_t)d * sizeof *components);
    float *variances = malloc((size_t)(2 * k) * sizeof *variances);
    double total, kept = 0;
    assert_true(hg_pca(ctx, n, d, x, k, mean, components, variances));
    assert_true(hg_pca(ctx, n, d, x, k, mean + d, components + k * d, variances + k));
    assert_memory_equal(mean, mean + d, (size_t)d * sizeof *mean);
    assert_memory_equal(components, components + k * d, (size_t)(k * d) * sizeof *components);
    assert_memory_equal(variances, variances + k, (size_t)k * sizeof *variances);
    for (int i = 0; i < k; i++) {
        double largest = 0;
        for (int j = 0; j <= i; j++)
            assert_true(fabs(dot(components + i * d, components + j * d, d) - (i == j)) < 1e-6);
        for (int j = 0; j < d; j++)
            largest = fabs(components[i * d + j]) > fabs(largest) ? components[i * d + j] : largest;
        assert_true(largest > 0);
        assert_true(variances[i] >= 0 && (i == 0 || variances[i] <= variances[i - 1]));
        kept += variances[i];
    }
    double left = residual(n, d, x, k, mean, components, &total);
    if (fabs(left - (total - kept)) > 2e-6 * total + 1e-12)
        fail_msg("%d of %d components: %.9g of %.9g is left, expected %.9g", k, d, left, total, total - kept);
    free(mean);
    free(components);
    free(variances);
}

static void pca_properties(void **state)
{
    (void)state;
    static const struct { int n, d, k; } cases[] = {
        {500, 37, 5}, {500, 37, 37}, {20, 60, 10}, {20, 60, 40}, {1, 5, 3}, {2, 1, 1}, {129, 8, 8}, {1000, 130, 2}, {300, 90, 64},
    };
    for (size_t q = 0; q < sizeof cases / sizeof cases[0]; q++) {
        int n = cases[q].n, d = cases[q].d;
        float *x = malloc((size_t)n * (size_t)d * sizeof *x);
        hg_rng rng = hg_rng_make(q, HG_STREAM_SAMPLE, 1);
        for (int i = 0; i < n * d; i++) /* noise of falling size about a large mean, and a common part */
            x[i] = 10 + (float)hg_rng_normal(&rng) / (float)(1 + i % d % 7) + (i % d && i % 3 == 0 ? 0.3f * (x[i - 1] - 10) : 0);
        check_pca(n, d, x, cases[q].k);
        free(x);
    }
}

/* Known vectors and values in 64 dimensions: rows are +-scale times the rows of a Hadamard matrix. */
static void pca_known(void **state)
{
    (void)state;
    enum { D = 64, K = 6 };
    static float x[2 * D][D];
    float mean[D], components[K][D], variances[K];
    for (int i = 0; i < D; i++)
        for (int j = 0; j < D; j++) {
            float sign = __builtin_parity((unsigned)(i & j)) ? -1.0f : 1.0f;
            x[2 * i][j] = sign * (float)(D - i);
            x[2 * i + 1][j] = -x[2 * i][j];
        }
    assert_true(hg_pca(ctx, 2 * D, D, x[0], K, mean, components[0], variances));
    for (int i = 0; i < K; i++) {
        assert_true(fabs(variances[i] - (D - i) * (D - i)) < 1e-3); /* 2 (D - i)^2 D / (2 D) */
        for (int j = 0; j < D; j++)
            assert_true(fabs(fabs(components[i][j]) - 0.125) < 1e-6 && mean[j] == 0);
        double turned = dot(components[i], x[2 * i], D) / (8 * (D - i));
        assert_true(fabs(fabs(turned) - 1) < 1e-6);
    }
}

static void pca_degenerate(void **state)
{
    (void)state;
    float same[30], mean[3], components[9], variances[3];
    for (int i = 0; i < 30; i++)
        same[i] = 4;
    assert_true(hg_pca(ctx, 10, 3, same, 3, mean, components, variances)); /* no variance at all */
    assert_true(mean[0] == 4 && variances[0] == 0 && fabs(dot(components, components, 3) - 1) < 1e-6 && fabs(dot(components, components + 3, 3)) < 1e-6);
    check_pca(10, 3, same, 2);
    same[7] = NAN;
    assert_false(hg_pca(ctx, 10, 3, same, 3, mean, components, variances));
    expect_failure(ctx, HG_BAD_INPUT, "column 1 of 3|finite");
    same[7] = -INFINITY;
    assert_false(hg_pca(ctx, 10, 3, same, 3, mean, components, variances));
    expect_failure(ctx, HG_BAD_INPUT, "finite");
    assert_false(hg_pca(ctx, 10, 3, same, 4, mean, components, variances));
    expect_failure(ctx, HG_USAGE, "4 of 10 rows of 3");
    assert_false(hg_pca(ctx, 0, 3, same, 1, mean, components, variances));
    expect_failure(ctx, HG_USAGE, "0 rows");
}

/* MNIST's test part. Expected values: NumPy's eigvalsh(cov(x, bias)). */
static void pca_mnist(void **state)
{
    (void)state;
    const char *path = files_data("mnist");
    if (!path) {
        print_message("skipped: no MNIST data\n");
        skip();
    }
    enum { N = 10000, D = 784 };
    hg_dataset *data = hg_dataset_open(ctx, &(hg_dataset_params){.path = path, .limit = 1});
    float *x = malloc((size_t)N * D * sizeof *x), mean[D], components[2 * D], variances[2];
    double total;
    assert_non_null(data);
    for (int i = 0; i < N; i++)
        hg_dataset_get(data, HG_TEST, i, x + (size_t)i * D);
    hg_dataset_close(data);
    assert_true(hg_pca(ctx, N, D, x, 2, mean, components, variances));
    assert_true(fabs(variances[0] - 5.3100141) < 1e-5 && fabs(variances[1] - 3.98712905) < 1e-5);
    assert_true(fabs(residual(N, D, x, 2, mean, components, &total) - 43.55110552) < 1e-3);
    assert_true(fabs(total - 52.84824867) < 1e-3);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pca_ellipse), cmocka_unit_test(pca_properties), cmocka_unit_test(pca_known), cmocka_unit_test(pca_degenerate),
        cmocka_unit_test(pca_mnist),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
