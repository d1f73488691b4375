/* Charts by what is in them, axes, and a full disk. */
#include "shown.h"

#include "base/rng.h"
#include "show/chart.h"

static float values[2][4000];
static int classes_of[4000];

static hg_scatter cloud(int n, int classes, bool apart)
{
    hg_rng rng = hg_rng_make(1, HG_STREAM_SAMPLE, 0);
    for (int i = 0; i < n; i++) {
        classes_of[i] = i * classes / n; /* the classes one after the other */
        for (int a = 0; a < 2; a++)
            values[a][i] = (float)hg_rng_normal(&rng) + (apart ? 8 * (float)(a ? classes_of[i] % 4 : classes_of[i] / 4) : 0);
    }
    return (hg_scatter){.n = n, .x = values[0], .y = values[1], .labels = classes_of, .classes = classes,
                        .title = "title", .x_label = "x", .y_label = "y"};
}

/* ---- axes */

static void axes(void **state)
{
    (void)state;
    static const double ranges[][2] = {
        {0, 1}, {-3.3, 2.8}, {0.0953, 0.0961}, {0, 60000}, {1e-7, 3e-7}, {-1e9, 1e9}, {35.4, 35.4}, {0, 0}, {-5, -5}, {1e-30, 2e-30},
        {100000, 100001}, {-0.001, 0.4}, {3, 1e30},
    };
    for (size_t k = 0; k < sizeof ranges / sizeof ranges[0]; k++)
        for (int log = 0; log < 2; log++)
            for (int wanted = 1; wanted < 13; wanted++) {
                if (log && ranges[k][0] <= 0)
                    continue;
                hg_axis axis = hg_axis_make(ranges[k][0], ranges[k][1], log, wanted);
                assert_true(axis.low < axis.high && axis.low <= ranges[k][0] && axis.high >= ranges[k][1]);
                assert_in_range(axis.n, wanted > 3, 26);
                for (int i = 0; i < axis.n; i++) {
                    double place = hg_axis_place(&axis, axis.at[i]);
                    if (!(place > -1e-6 && place < 1 + 1e-6))
                        fail_msg("%g to %g%s: a tick at %g", axis.low, axis.high, log ? " (log)" : "", axis.at[i]);
                    assert_true(i == 0 || (axis.at[i] > axis.at[i - 1] && strcmp(axis.text[i], axis.text[i - 1])));
                    char text[24];
                    bool minus = !strncmp(axis.text[i], "\xe2\x88\x92", 3); /* the text says the value */
                    snprintf(text, sizeof text, "%s%s", minus ? "-" : "", axis.text[i] + (minus ? 3 : 0));
                    assert_true(fabs(strtod(text, NULL) - axis.at[i]) <= 1e-3 * (axis.high - axis.low) + 1e-6 * fabs(axis.at[i]));
                }
            }
    hg_axis axis = hg_axis_make(0, 1, false, 5);
    assert_int_equal(axis.n, 6);
    assert_string_equal(axis.text[0], "0");
    assert_string_equal(axis.text[1], "0.2");
    axis = hg_axis_make(0.01, 100, true, 5);
    assert_int_equal(axis.n, 5);
    assert_string_equal(axis.text[0], "0.01");
    assert_string_equal(axis.text[4], "100");
}

/* ---- charts */

/* Pixels that lie on the mix of white and colour (i of n): within `slack` of it. */
static int count_colour(const image *p, int i, int n, int slack)
{
    hg_rgb c = hg_colour(i, n);
    int found = 0;
    for (int k = 0; k < p->h * p->w; k++) {
        const uint8_t *v = p->pixels + 3 * k;
        found += fabs(v[0] - 255 * c.r) < slack && fabs(v[1] - 255 * c.g) < slack && fabs(v[2] - 255 * c.b) < slack;
    }
    return found;
}

static void scatter_colours(void **state)
{
    (void)state;
    hg_scatter s = cloud(4000, 10, true);
    assert_true(hg_plot_scatter(ctx, files_path("s.png"), &s, 1));
    image p = read_image("s.png");
    assert_true(p.h > 1000 && p.w > 1000 && p.c == 3);
    expect_rgb(&p, 2, 2, 255, 255, 255);
    for (int i = 0; i < 10; i++) {
        if (count_colour(&p, i, 10, 12) < 300)
            fail_msg("class %d has %d pixels of its colour", i, count_colour(&p, i, 10, 12));
        for (int k = 0; k < i; k++) { /* ten different colours */
            hg_rgb a = hg_colour(i, 10), b = hg_colour(k, 10);
            assert_true(fabs(a.r - b.r) + fabs(a.g - b.g) + fabs(a.b - b.b) > 0.3);
        }
    }
    hg_free(p.pixels);
}

/* Two classes over one another: neither hides the other. */
static void scatter_interleaved(void **state)
{
    (void)state;
    hg_scatter s = cloud(4000, 2, false);
    for (int i = 0; i < 4000; i++) {
        values[0][i] *= i == 0 || i == 3999 ? 1 : 0.15f; /* dense */
        values[1][i] *= i == 0 || i == 3999 ? 1 : 0.15f;
    }
    assert_true(hg_plot_scatter(ctx, files_path("s.png"), &s, 1));
    image p = read_image("s.png");
    int a = count_colour(&p, 0, 2, 60), b = count_colour(&p, 1, 2, 60);
    if (a < 1000 || b < 1000 || a > 2 * b || b > 2 * a)
        fail_msg("%d pixels of the one and %d of the other", a, b);
    hg_free(p.pixels);
}

static char *read_text(const char *name)
{
    size_t length;
    uint8_t *bytes = files_read(files_path(name), &length);
    bytes[length] = 0;
    return (char *)bytes;
}

static void scatter_svg(void **state)
{
    (void)state;
    hg_scatter s[3] = {cloud(4000, 10, true), cloud(4000, 10, true), cloud(4000, 10, true)};
    assert_true(hg_plot_scatter(ctx, files_path("a.svg"), s, 3));
    char *a = read_text("a.svg");
    assert_non_null(strstr(a, "<svg"));
    assert_non_null(strstr(a, "</svg>"));
    assert_true(strlen(a) < 3000000);
    int dots = 0;
    for (const char *c = strstr(a, "stroke-linecap:round"); c; c = strstr(c, "M ")) /* beginnings of lines */
        dots++, c += 2;
    assert_true(dots > 3 * 4000);
    free(a);
}

static void scatter_twice(void **state)
{
    (void)state;
    hg_scatter s = cloud(1000, 10, true);
    size_t length[2];
    uint8_t *bytes[2];
    for (int i = 0; i < 2; i++) {
        assert_true(hg_plot_scatter(ctx, files_path("s.png"), &s, 1));
        bytes[i] = files_read(files_path("s.png"), &length[i]);
    }
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(bytes[0], bytes[1], length[0]);
    free(bytes[0]);
    free(bytes[1]);
}

static void scatter_odd(void **state)
{
    (void)state;
    const char *names[12] = {"\xff\xfe", "a\nb", "", "a very long name of a class that nobody would want to read in a legend",
                             "\xed\xa0\x80", NULL, "\xc3\xa9", "h", "i", "j", "k", "l"};
    hg_scatter s = cloud(600, 12, true);
    s.class_names = names;
    values[0][0] = NAN;
    values[1][1] = INFINITY;
    classes_of[5] = -1;
    classes_of[6] = 99;
    assert_true(hg_plot_scatter(ctx, files_path("odd.png"), &s, 1));
    assert_true(hg_plot_scatter(ctx, files_path("odd.svg"), &s, 1));
    s.title = names[3];
    s.n = 1;
    assert_true(hg_plot_scatter(ctx, files_path("odd.png"), &s, 1)); /* one point, and it is NaN */
    s.n = 0;
    assert_true(hg_plot_scatter(ctx, files_path("odd.png"), &s, 1));
    s = (hg_scatter){.n = 3, .x = values[0] + 10, .y = values[1] + 10};
    hg_scatter two[2] = {s, cloud(4000, 200, true)}; /* legends that differ; more classes than it shows */
    assert_true(hg_plot_scatter(ctx, files_path("odd.png"), two, 2));
    values[0][0] = -3e38f;
    values[0][1] = 3e38f;
    assert_true(hg_plot_scatter(ctx, files_path("odd.png"), two, 2));
}

static void charts_refused(void **state)
{
    (void)state;
    hg_scatter s = cloud(10, 2, false), many[40];
    const double x[2] = {0, 1};
    hg_curve c = {"c", 2, x, x};
    assert_false(hg_plot_scatter(ctx, files_path("a.jpg"), &s, 1));
    expect_failure(ctx, HG_USAGE, "a.jpg|.png or .svg");
    assert_false(hg_plot_curves(ctx, files_path("png"), &c, 1, NULL));
    expect_failure(ctx, HG_USAGE, ".png or .svg");
    for (int svg = 0; svg < 2; svg++) {
        const char *path = files_path(svg ? "none/a.svg" : "none/a.png");
        assert_false(hg_plot_scatter(ctx, path, &s, 1));
        expect_failure(ctx, HG_OUTPUT, "none/a.");
        assert_false(hg_plot_curves(ctx, path, &c, 1, NULL));
        expect_failure(ctx, HG_OUTPUT, "none/a.");
    }
    for (int i = 0; i < 40; i++)
        many[i] = s;
    assert_false(hg_plot_scatter(ctx, files_path("many.png"), many, 40));
    expect_failure(ctx, HG_USAGE, "many.png|points");
    assert_false(hg_plot_scatter(ctx, files_path("no.png"), &s, 0));
    expect_failure(ctx, HG_USAGE, "0 panels");
    s.classes = 0;
    assert_false(hg_plot_scatter(ctx, files_path("no.png"), &s, 1));
    expect_failure(ctx, HG_USAGE, "panel 0");
    assert_false(hg_plot_curves(ctx, files_path("no.png"), &c, 0, NULL));
    expect_failure(ctx, HG_USAGE, "0 curves");
    c.n = -1;
    assert_false(hg_plot_curves(ctx, files_path("no.png"), &c, 1, NULL));
    expect_failure(ctx, HG_USAGE, "curve 0");
    expect_none("no.png");
    expect_none("many.png");
}

/* A straight line with a gap: its colour is left of the gap and right of it, and not in it. */
static void curves_gap(void **state)
{
    (void)state;
    double x[101], y[101];
    for (int i = 0; i <= 100; i++) {
        x[i] = i;
        y[i] = i >= 40 && i <= 60 ? NAN : 1 + i;
    }
    for (int log_y = 0; log_y < 2; log_y++) {
        hg_curve c = {"loss", 101, x, y};
        assert_true(hg_plot_curves(ctx, files_path("c.png"), &c, 1, &(hg_curves_params){"title", "x", "y", log_y}));
        image p = read_image("c.png");
        hg_rgb blue = hg_colour(0, 1);
        int first = -1, last = -1, longest = 0, before = -1;
        for (int k = 0; k < p.w; k++) {
            bool here = false;
            for (int j = 100; j < p.h - 130 && k < p.w - 280; j++) {
                const uint8_t *v = at(&p, j, k);
                here |= fabs(v[0] - 255 * blue.r) < 10 && fabs(v[1] - 255 * blue.g) < 10 && fabs(v[2] - 255 * blue.b) < 10;
            }
            if (!here)
                continue;
            longest = before >= 0 && k - before > longest ? k - before : longest;
            before = last = k;
            first = first < 0 ? k : first;
        }
        double share = (double)longest / (last - first);
        if (!(share > 0.17 && share < 0.27)) /* 22 of 100, less what the frame's crossings take off the ends */
            fail_msg("a gap of %d pixels in a curve from %d to %d", longest, first, last);
        hg_free(p.pixels);
    }
}

static void curves_odd(void **state)
{
    (void)state;
    const double x[4] = {0, 1, 2, 3};
    const double none[4] = {NAN, NAN, INFINITY, NAN}, low[4] = {-1, 0, 1e-12, -5}, flat[4] = {2, 2, 2, 2};
    const double wide[4] = {1e-300, 1e300, 1, NAN}, far[4] = {-1e149, 1e-149, 1e149, 1};
    const double *shapes[5] = {none, low, flat, wide, far};
    hg_curve many[60];
    for (int log_y = 0; log_y < 2; log_y++)
        for (int k = 0; k < 5; k++)
            for (int n = 0; n <= 4; n++) {
                hg_curve c = {k ? "\xff" : NULL, n, x, shapes[k]};
                assert_true(hg_plot_curves(ctx, files_path(k % 2 ? "o.png" : "o.svg"), &c, 1, &(hg_curves_params){NULL, NULL, "y", log_y}));
            }
    for (int i = 0; i < 60; i++)
        many[i] = (hg_curve){"curve", 4, x, flat};
    assert_true(hg_plot_curves(ctx, files_path("many.png"), many, 60, NULL));
}

/* Pixels of a bar's colour in each column of the picture; returns the highest column. */
static int bar_heights(const image *p, int series, int n_series, int *heights)
{
    hg_rgb c = hg_colour(series, n_series);
    int highest = 0;
    for (int k = 0; k < p->w; k++) {
        heights[k] = 0;
        for (int j = 0; j < p->h - 60 * n_series; j++) { /* without the legend */
            const uint8_t *v = at(p, j, k);
            const double off[3] = {v[0] - (25.5 + 229.5 * c.r), v[1] - (25.5 + 229.5 * c.g), v[2] - (25.5 + 229.5 * c.b)};
            heights[k] += fabs(off[0]) < 6 && fabs(off[1]) < 6 && fabs(off[2]) < 6;
        }
        highest = heights[k] > highest ? heights[k] : highest;
    }
    return highest;
}

/* Bars are as high as their values are large; one without a value is missing. */
static void bars_heights(void **state)
{
    (void)state;
    const char *const groups[3] = {"m1", "m2", "m3"}, *const series[2] = {"one", "other"};
    const hg_bar bars[6] = {{30, 0, 0, NULL}, {NAN, 0, 0, "none"}, {10, 0, 0, NULL},
                            {NAN, 0, 0, NULL}, {20, 0, 0, NULL}, {NAN, 0, 0, NULL}};
    const hg_bars panel = {"title", "GFLOP/s", 3, 2, groups, series, bars, false};
    assert_true(hg_plot_bars(ctx, files_path("b.png"), &panel, 1));
    image p = read_image("b.png");
    int *heights = calloc((size_t)p.w, sizeof *heights), tops[3] = {0}, n = 0, before = 0;
    assert_int_equal(bar_heights(&p, 1, 2, heights), 0);
    int highest = bar_heights(&p, 0, 2, heights);
    for (int k = 0; k < p.w; before = heights[k++]) {
        if (heights[k] && !before) assert_true(n++ < 3);
        if (n && heights[k] > tops[n - 1]) tops[n - 1] = heights[k];
    }
    assert_int_equal(n, 3);
    assert_true(highest == tops[0] && highest > 300);
    assert_true(abs(3 * tops[1] - highest) < 12 && abs(3 * tops[2] - 2 * highest) < 12);
    free(heights);
    free(p.pixels);
}

static void bars_odd(void **state)
{
    (void)state;
    const char *const groups[2] = {"\xff", "a name that is much longer than what the axis keeps"}, *const series[1] = {""};
    const hg_bar shapes[4][2] = {{{NAN, 0, 0, "x"}, {-1, 0, 0, "x"}},
                                 {{0, 0, 0, "0"}, {0, 0, 0, NULL}},
                                 {{1e-9, 0, 1e9, "x"}, {1e9, NAN, INFINITY, "x"}},
                                 {{INFINITY, 0, 0, "x"}, {1e300, 1, 2, "x"}}};
    for (int k = 0; k < 8; k++) {
        hg_bars panels[2] = {{NULL, NULL, 2, 1, groups, series, shapes[k / 2], k % 2},
                             {"t", "y", 2, 1, groups, series, shapes[k / 2], k % 2}};
        assert_true(hg_plot_bars(ctx, files_path(k % 2 ? "o.png" : "o.svg"), panels, 2));
    }
    hg_bars wrong = {NULL, NULL, 33, 1, groups, series, shapes[0], false};
    assert_false(hg_plot_bars(ctx, files_path("no.png"), &wrong, 1));
    expect_failure(ctx, HG_USAGE, "33 groups");
    expect_none("no.png");
}

/* A disk that is full: the message comes, and the old file stays. */
static void disk_full(void **state)
{
    (void)state;
    float zero[4] = {0};
    if (access("/dev/full", F_OK)) {
        print_message("skipped: no /dev/full\n");
        skip();
    }
    assert_true(hg_picture_write(ctx, files_path("full.png"), zero, 1, 2, 2));
    assert_int_equal(symlink("/dev/full", files_path("full.png.partial")), 0);
    assert_false(hg_picture_write(ctx, files_path("full.png"), zero, 1, 2, 2));
    expect_failure(ctx, HG_OUTPUT, "full.png");
    hg_scatter s = cloud(10, 2, false);
    for (int svg = 0; svg < 2; svg++) {
        const char *name = svg ? "full.svg" : "full.png";
        assert_int_equal(symlink("/dev/full", files_path(svg ? "full.svg.partial" : "full.png.partial")), 0);
        assert_false(hg_plot_scatter(ctx, files_path(name), &s, 1));
        expect_failure(ctx, HG_OUTPUT, name);
    }
    expect_none("full.svg");
    image p = read_image("full.png");
    hg_free(p.pixels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(axes), cmocka_unit_test(scatter_colours), cmocka_unit_test(scatter_interleaved), cmocka_unit_test(scatter_svg),
        cmocka_unit_test(scatter_twice), cmocka_unit_test(scatter_odd), cmocka_unit_test(charts_refused), cmocka_unit_test(curves_gap),
        cmocka_unit_test(curves_odd), cmocka_unit_test(bars_heights), cmocka_unit_test(bars_odd), cmocka_unit_test(disk_full),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
