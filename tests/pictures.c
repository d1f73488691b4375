/* Pictures read back from their files. */
#include "shown.h"

static void grid(void **state)
{
    (void)state;
    const float grey[6] = {0, 0.5f, 1, -3, 7, NAN}, red[18] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0.2f, 0.2f, 0.2f, 0.2f, 0.2f, NAN};
    const int expected[6] = {0, 128, 255, 0, 255, -1};
    hg_picture *p = hg_picture_grid(ctx, 2, 3, 1, 2, 3, 5, 4); /* 2 x 3 pictures of 2 x 3, five times, 4 apart */
    assert_non_null(p);
    hg_picture_put(p, 1, 2, grey);
    assert_true(hg_picture_save(p, files_path("grid.png")));
    image g = read_image("grid.png");
    assert_true(g.h == 2 * 14 + 4 && g.w == 3 * 19 + 4 && g.c == 3);
    for (int y = 0; y < g.h; y++)
        for (int x = 0; x < g.w; x++) {
            int row = y - 18, column = x - 42, v = row < 0 || column < 0 || row >= 10 || column >= 15 ? 0xc8 : expected[row / 5 * 3 + column / 5];
            if (v < 0)
                expect_rgb(&g, y, x, 255, 0, 255);
            else
                expect_rgb(&g, y, x, v, v, v);
        }
    hg_free(g.pixels);
    hg_picture_destroy(p);

    p = hg_picture_grid(ctx, 1, 1, 3, 2, 3, 0, 0);
    assert_non_null(p);
    hg_picture_put(p, 0, 0, red);
    assert_true(hg_picture_save(p, files_path("colour.PNG")));
    g = read_image("colour.PNG");
    assert_true(g.w >= 64 && g.w < 70 && g.h == g.w / 3 * 2);
    expect_rgb(&g, 0, 0, 255, 0, 51);
    expect_rgb(&g, g.h - 1, g.w - 1, 255, 0, 255);
    hg_free(g.pixels);
    hg_picture_destroy(p);
}

static void labels(void **state)
{
    (void)state;
    float white[64], ink = 0;
    for (int i = 0; i < 64; i++)
        white[i] = 1;
    hg_picture *p = hg_picture_grid(ctx, 2, 4, 1, 8, 8, 0, 2);
    assert_non_null(p);
    for (int i = 0; i < 8; i++)
        hg_picture_put(p, i / 4, i % 4, white);
    assert_true(hg_picture_save(p, files_path("plain.png")));
    hg_picture_label(p, 0, "input");
    hg_picture_label(p, 1, "output \xff\x01");
    hg_picture_label(p, 0, "in");
    assert_true(hg_picture_save(p, files_path("labels.png")));
    image plain = read_image("plain.png"), with = read_image("labels.png");
    int strip = with.w - plain.w;
    assert_true(strip > 30 && strip < 150 && with.h == plain.h);
    for (int y = 0; y < plain.h; y++)
        assert_memory_equal(at(&plain, y, 0), at(&with, y, strip), 3 * (size_t)plain.w);
    for (int row = 0; row < 2; row++, ink = 0) {
        for (int y = 0; y < 66; y++)
            for (int x = 0; x < strip; x++)
                ink += at(&with, row * 66 + y, x)[0] < 100;
        assert_true(ink > 10);
    }
    hg_free(plain.pixels);
    hg_free(with.pixels);
    hg_picture_destroy(p);
}

static void single(void **state)
{
    (void)state;
    float grey[6] = {0, 0.25f, 0.5f, 0.75f, 1, 2}, rgb[12] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1};
    assert_true(hg_picture_write(ctx, files_path("grey.png"), grey, 1, 2, 3));
    image p = read_image("grey.png");
    assert_true(p.c == 1 && p.h == 2 && p.w == 3);
    assert_memory_equal(p.pixels, ((uint8_t[]){0, 64, 128, 191, 255, 255}), 6);
    hg_free(p.pixels);
    grey[2] = NAN;
    assert_true(hg_picture_write(ctx, files_path("grey.png"), grey, 1, 2, 3));
    p = read_image("grey.png");
    assert_int_equal(p.c, 3);
    expect_rgb(&p, 0, 2, 255, 0, 255);
    hg_free(p.pixels);
    assert_true(hg_picture_write(ctx, files_path("rgb.png"), rgb, 3, 2, 2));
    p = read_image("rgb.png");
    assert_memory_equal(p.pixels, ((uint8_t[]){255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255}), 12);
    hg_free(p.pixels);
}

static void picture_refused(void **state)
{
    (void)state;
    float zero[4] = {0};
    assert_null(hg_picture_grid(ctx, 0, 1, 1, 2, 2, 1, 1));
    expect_failure(ctx, HG_USAGE, "grid of 0 x 1");
    assert_null(hg_picture_grid(ctx, 1000, 1000, 1, 2, 2, 100, 1));
    expect_failure(ctx, HG_USAGE, "1000 x 1000|32767|draw fewer");
    assert_null(hg_picture_grid(ctx, 1, 1, 2, 2, 2, 1, 1));
    expect_failure(ctx, HG_USAGE, "2 channels");
    assert_false(hg_picture_write(ctx, files_path("x.jpg"), zero, 1, 2, 2));
    expect_failure(ctx, HG_USAGE, "x.jpg|.png");
    assert_false(hg_picture_write(ctx, files_path("none/x.png"), zero, 1, 2, 2));
    expect_failure(ctx, HG_OUTPUT, "none/x.png");
    files_folder("taken.png");
    assert_false(hg_picture_write(ctx, files_path("taken.png"), zero, 1, 2, 2));
    expect_failure(ctx, HG_OUTPUT, "taken.png");
    hg_picture *p = hg_picture_grid(ctx, 1, 1, 1, 2, 2, 1, 1);
    assert_non_null(p);
    hg_picture_put(p, 1, 0, zero);
    expect_failure(ctx, HG_USAGE, "row 1, column 0|1 x 1");
    assert_false(hg_picture_save(p, files_path("bad.png")));
    expect_none("bad.png");
    hg_picture_destroy(p);
    hg_picture_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(grid), cmocka_unit_test(labels), cmocka_unit_test(single), cmocka_unit_test(picture_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
