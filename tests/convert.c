/* Pictures from one size to another. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "context.h"
#include "train/convert.h"

static void sizes_are_converted(void **state)
{
    (void)state;
    const uint8_t from[12] = {0, 30, 60, 90, 120, 150, 180, 210, 240, 100, 50, 0}; /* 2 x 6 */
    uint8_t to[64];
    assert_true(hg_convert_size(ctx, from, 2, 6, 1, to, 1, 3)); /* averages of 2 x 2 */
    assert_int_equal(to[0], (0 + 30 + 180 + 210) / 4);
    assert_int_equal(to[1], 123); /* 122.5 */
    assert_int_equal(to[2], (120 + 150 + 50 + 0) / 4);
    assert_true(hg_convert_size(ctx, from, 1, 6, 1, to, 1, 4)); /* 1.5 samples each */
    assert_int_equal(to[0], 10);
    assert_int_equal(to[1], 50);
    assert_int_equal(to[3], 140);
    assert_true(hg_convert_size(ctx, from, 1, 2, 1, to, 2, 4)); /* bilinear: 0, 7.5, 22.5, 30 */
    const uint8_t wide[4] = {0, 8, 23, 30};
    assert_memory_equal(to, wide, 4);
    assert_memory_equal(to + 4, wide, 4);
    assert_true(hg_convert_size(ctx, from, 2, 2, 3, to, 2, 2)); /* the same size: the same bytes */
    assert_memory_equal(to, from, 12);
    uint8_t flat[49];
    memset(flat, 255, sizeof flat);
    assert_true(hg_convert_size(ctx, flat, 7, 7, 1, to, 3, 5)); /* weights sum to 1 */
    for (int i = 0; i < 15; i++)
        assert_int_equal(to[i], 255);
}

static void pictures_are_enlarged(void **state)
{
    (void)state;
    const float from[2 * 2 * 2] = {0, 1, 2, 3, 8, 8, 8, 8}; /* two channels of 2 x 2 */
    float to[2 * 4 * 4];
    hg_enlarge(HG_NEAREST, 2, 2, 2, from, 4, 4, to);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++) {
            assert_true(to[y * 4 + x] == (float)(y / 2 * 2 + x / 2));
            assert_true(to[16 + y * 4 + x] == 8);
        }
    hg_enlarge(HG_BILINEAR, 2, 2, 2, from, 4, 4, to); /* of the plane 2 y + x, whose steps become quarters between the centres */
    static const float steps[4] = {0, 0.25f, 0.75f, 1};
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++) {
            assert_true(fabsf(to[y * 4 + x] - (2 * steps[y] + steps[x])) < 1e-6f);
            assert_true(fabsf(to[16 + y * 4 + x] - 8) < 1e-5f);
        }
    hg_enlarge(HG_BILINEAR, 1, 2, 4, from, 2, 4, to); /* the same size: the same values */
    assert_memory_equal(to, from, sizeof from);
    hg_enlarge(HG_NEAREST, 1, 1, 2, from, 1, 3, to); /* no whole factor */
    assert_true(to[0] == 0 && to[1] == 0 && to[2] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_are_converted), cmocka_unit_test(pictures_are_enlarged)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
