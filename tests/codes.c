/* Codes: slerp, normal quantiles, nearest neighbours. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "base/memory.h"
#include "base/rng.h"
#include "context.h"

static double dot(const float *a, const float *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static void slerp_ends_and_angles(void **state)
{
    (void)state;
    enum { N = 32 };
    float a[N], b[N], out[N];
    hg_rng rng = hg_rng_make(3, HG_STREAM_SAMPLE, 0);
    for (int i = 0; i < N; i++) {
        a[i] = (float)hg_rng_normal(&rng);
        b[i] = 3 * (float)hg_rng_normal(&rng);
    }
    hg_slerp(N, a, b, 0, out);
    assert_memory_equal(out, a, sizeof a);
    hg_slerp(N, a, b, 1, out);
    assert_memory_equal(out, b, sizeof b);
    const double a_length = sqrt(dot(a, a, N)), b_length = sqrt(dot(b, b, N));
    for (int i = 0; i < N; i++) { /* on the unit sphere */
        a[i] /= (float)a_length;
        b[i] /= (float)b_length;
    }
    for (int i = 1; i < 10; i++) {
        hg_slerp(N, a, b, i / 10.0, out);
        assert_true(fabs(sqrt(dot(out, out, N)) - 1) < 1e-6);
        assert_true(fabs(acos(dot(a, out, N)) - i / 10.0 * acos(dot(a, b, N))) < 1e-5);
    }
}

static void slerp_keeps_length(void **state)
{
    (void)state;
    const float a[3] = {2, 0, 0}, b[3] = {0, 0, 2}; /* a quarter of a circle of radius 2 */
    float out[3];
    for (int i = 0; i <= 9; i++) {
        hg_slerp(3, a, b, i / 9.0, out);
        assert_true(fabs(out[0] - 2 * cos(i * M_PI / 18)) < 1e-6 && out[1] == 0 && fabs(out[2] - 2 * sin(i * M_PI / 18)) < 1e-6);
    }
    const float longer[3] = {0, 0, 6}; /* the angle comes from directions, the mix from the vectors themselves */
    hg_slerp(3, a, longer, 0.5, out);
    assert_true(fabs(out[0] - sqrt(2)) < 1e-6 && fabs(out[2] - 3 * sqrt(2)) < 1e-6);
}

static void slerp_without_an_angle_is_straight(void **state)
{
    (void)state;
    const float a[2] = {1, 2}, twice[2] = {2, 4}, opposite[2] = {-1, -2}, zero[2] = {0, 0};
    float out[2];
    hg_slerp(2, a, twice, 0.25, out);
    assert_true(out[0] == 1.25f && out[1] == 2.5f);
    hg_slerp(2, a, opposite, 0.25, out);
    assert_true(out[0] == 0.5f && out[1] == 1);
    hg_slerp(2, a, zero, 0.25, out);
    assert_true(out[0] == 0.75f && out[1] == 1.5f);
}

static void quantiles(void **state)
{
    (void)state;
    static const struct { double p, x; } known[] = {
        {0.5, 0}, {0.05, -1.6448536269514722}, {0.95, 1.6448536269514722}, {0.975, 1.9599639845400545}, {0.9, 1.2815515655446004},
        {1e-12, -7.034483825301132}, {0.25, -0.6744897501960817},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_true(fabs(hg_normal_quantile(known[i].p) - known[i].x) < 1e-12 * (1 + fabs(known[i].x)));
    for (int i = 1; i < 1000; i++)
        assert_true(fabs(erfc(-hg_normal_quantile(i / 1000.0) * M_SQRT1_2) / 2 - i / 1000.0) < 1e-14);
    assert_true(isnan(hg_normal_quantile(0)) && isnan(hg_normal_quantile(1)) && isnan(hg_normal_quantile(NAN)));
}

static void neighbours_by_hand(void **state)
{
    (void)state;
    /* On a line: two groups, one point of class 1 among class 0, one point without a label where it would decide. */
    const float x[8] = {0, 1, 2, 1.25f, 10, 11, 12, 1.5f};
    const int labels[8] = {0, 0, 0, 1, 1, 1, 1, -1};
    double accuracy;
    assert_true(hg_knn_accuracy(ctx, 8, 1, x, labels, 3, &accuracy));
    assert_true(fabs(accuracy - 6 / 7.0) < 1e-12); /* all but the one that lies among the others */
    assert_true(hg_knn_accuracy(ctx, 8, 1, x, labels, 1, &accuracy));
    assert_true(fabs(accuracy - 4 / 7.0) < 1e-12); /* 0 and the far group; 1 and 2 have the stray nearest */
    /* two of each: the nearest one's class wins */
    const float tie[5] = {0, 1, 2, -3, -4};
    const int sides[5] = {1, 1, 1, 0, 0};
    assert_true(hg_knn_accuracy(ctx, 5, 1, tie, sides, 4, &accuracy));
    assert_true(fabs(accuracy - 3 / 5.0) < 1e-12); /* -3 and -4 have three of the others against them */
    assert_false(hg_knn_accuracy(ctx, 5, 1, tie, sides, 5, &accuracy));
    assert_int_equal(hg_context_status(ctx), HG_USAGE);
    hg_context_clear(ctx);
}

/* Two clouds in 20 dimensions, far apart in one of them, or not at all. */
static void neighbours_of_clouds(void **state)
{
    (void)state;
    enum { N = 400, D = 20 };
    float *x = malloc(N * D * sizeof *x);
    int labels[N];
    double accuracy;
    hg_rng rng = hg_rng_make(1, HG_STREAM_SAMPLE, 0);
    for (int i = 0; i < N * D; i++)
        x[i] = (float)hg_rng_normal(&rng);
    for (int i = 0; i < N; i++)
        labels[i] = i % 2;
    assert_true(hg_knn_accuracy(ctx, N, D, x, labels, 5, &accuracy));
    assert_true(accuracy > 0.35 && accuracy < 0.65);
    for (int i = 0; i < N; i++)
        x[i * D + 19] += 20.0f * (float)labels[i];
    assert_true(hg_knn_accuracy(ctx, N, D, x, labels, 5, &accuracy));
    assert_true(accuracy == 1);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slerp_ends_and_angles), cmocka_unit_test(slerp_keeps_length), cmocka_unit_test(slerp_without_an_angle_is_straight),
        cmocka_unit_test(quantiles), cmocka_unit_test(neighbours_by_hand), cmocka_unit_test(neighbours_of_clouds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
