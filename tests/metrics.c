/* PSNR and SSIM: values of a plain NumPy computation of the formula, and properties. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "hourglass.h"

enum { MOST = 3 * 28 * 28 };

/* Picture m: element i is ((i^2 m + add i) mod 251) / 250. */
static void draw(float *to, int n, int64_t m, int64_t add)
{
    for (int64_t i = 0; i < n; i++)
        to[i] = (float)((i * i * m + add * i) % 251) / 250.0f;
}

static void psnr(void **state)
{
    (void)state;
    assert_true(fabs(hg_psnr(0.01) - 20) < 1e-12);
    assert_true(fabs(hg_psnr(1)) < 1e-12);
    assert_true(fabs(hg_psnr(0.001) - 30) < 1e-12);
    assert_true(isinf(hg_psnr(0)));
}

static void sums(void **state)
{
    (void)state;
    const float p[4] = {0.5f, 0.25f, 1, 0}, t[4] = {1, 0, 1, 1};
    assert_true(fabs(hg_squared_error(4, p, t) - (0.25 + 0.0625 + 0 + 1)) < 1e-12);
    assert_true(fabs(hg_cross_entropy(2, p, t) - (log(2) - log(0.75))) < 1e-12);
    assert_true(fabs(hg_cross_entropy(1, p + 2, t + 2)) < 2e-7);                 /* clipped: not quite 0 */
    assert_true(fabs(hg_cross_entropy(1, p + 3, t + 3) + log(1e-7)) < 1e-9);     /* and not infinite */
    const float grey = 0.3f; /* grey targets have an entropy of their own */
    assert_true(fabs(hg_cross_entropy(1, &grey, &grey) + 0.3 * log(0.3) + 0.7 * log(0.7)) < 1e-7);
}

static void ssim_values(void **state)
{
    (void)state;
    static const struct { int c, h, w; double mixed, unlike; } cases[] = {
        {1, 28, 28, 0.8629424630267352, -0.08255629206577916},
        {3, 16, 13, 0.8732183874570458, -0.04422228394031587},
        {1, 7, 9, 0.8606168887865099, -0.2170645266676062}, /* window 7 */
        {2, 8, 30, 0.8602718879431506, -0.12662693446181786}, /* window 7 */
        {1, 1, 1, 1, 1},
    };
    float a[MOST], b[MOST], mixed[MOST];
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        int c = cases[k].c, h = cases[k].h, w = cases[k].w;
        draw(a, c * h * w, 7, 3);
        draw(b, c * h * w, 11, 5);
        for (int i = 0; i < c * h * w; i++)
            mixed[i] = 0.7f * a[i] + 0.3f * b[i];
        assert_true(fabs(hg_ssim(a, mixed, c, h, w) - cases[k].mixed) < 1e-6); /* inputs are rounded to float */
        assert_true(fabs(hg_ssim(a, b, c, h, w) - cases[k].unlike) < 1e-9);
    }
}

static void ssim_properties(void **state)
{
    (void)state;
    float a[MOST], b[MOST], flat[MOST], lighter[MOST];
    draw(a, MOST, 7, 3);
    draw(b, MOST, 11, 5);
    for (int i = 0; i < MOST; i++) {
        flat[i] = 0.25f;
        lighter[i] = 0.75f;
    }
    assert_true(fabs(hg_ssim(a, a, 3, 28, 28) - 1) < 1e-12);
    assert_true(fabs(hg_ssim(a, b, 3, 28, 28) - hg_ssim(b, a, 3, 28, 28)) < 1e-12);
    assert_true(hg_ssim(a, b, 3, 28, 28) < 0.5);
    double luminance = (2 * 0.25 * 0.75 + 1e-4) / (0.25 * 0.25 + 0.75 * 0.75 + 1e-4); /* flat pictures differ in nothing else */
    assert_true(fabs(hg_ssim(flat, lighter, 1, 20, 20) - luminance) < 1e-9);
    double channels = 0; /* the mean over channels */
    for (int c = 0; c < 3; c++)
        channels += hg_ssim(a + 784 * c, b + 784 * c, 1, 28, 28) / 3;
    assert_true(fabs(channels - hg_ssim(a, b, 3, 28, 28)) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(psnr), cmocka_unit_test(sums), cmocka_unit_test(ssim_values), cmocka_unit_test(ssim_properties)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
