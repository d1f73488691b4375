/* PNG files and folders of them: every kind of file, and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zlib.h>
#include <cmocka.h>
#include "base/memory.h"
#include "files.h"
#include "train/dataset.h"
#include "train/png_file.h"

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };

static hg_context *ctx;
static char logged[512];

static void on_log(void *user, hg_level level, const char *text)
{
    (void)user;
    (void)level;
    snprintf(logged, sizeof logged, "%s", text);
}

static int set_up(void **state)
{
    (void)state;
    ctx = hg_context_create(on_log, NULL);
    logged[0] = 0;
    files_fresh();
    return ctx == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    hg_context_destroy(ctx);
    files_remove();
    return 0;
}

/* Reads a.png and compares it; `expected` is [h, w, c]. */
static void expect_pixels(int h, int w, int c, const uint8_t *expected)
{
    uint8_t *pixels;
    int got[3], probed[3];
    if (!hg_png_read(ctx, files_path("a.png"), &pixels, &got[0], &got[1], &got[2]))
        fail_msg("%s", hg_message(ctx));
    assert_true(hg_png_probe(ctx, files_path("a.png"), &probed[0], &probed[1], &probed[2]));
    assert_memory_equal(got, probed, sizeof got);
    assert_int_equal(got[0], h);
    assert_int_equal(got[1], w);
    assert_int_equal(got[2], c);
    assert_memory_equal(pixels, expected, (size_t)h * (size_t)w * (size_t)c);
    hg_free(pixels);
}

static void greys_are_read(void **state)
{
    (void)state;
    const uint8_t one[2] = {0xa0, 0x40}, two[2] = {0x1b, 0xe4}, four[4] = {0x0f, 0x50, 0x32, 0x10};
    const uint8_t from_one[6] = {255, 0, 255, 0, 255, 0}, from_two[6] = {0, 85, 170, 255, 170, 85}, from_four[6] = {0, 255, 85, 51, 34, 17};
    const uint8_t deep[6] = {0x12, 0x34, 0xff, 0xff, 0x00, 0x80}, from_deep[3] = {0x12, 255, 0}; /* v * 255 / 65535 rounded */
    const uint8_t alpha[4] = {100, 255, 100, 51}, from_alpha[2] = {100, 224};
    files_write_png("a.png", &(files_png){.width = 3, .height = 2, .depth = 1, .colour_type = GREY}, one, 1);
    expect_pixels(2, 3, 1, from_one);
    files_write_png("a.png", &(files_png){.width = 3, .height = 2, .depth = 2, .colour_type = GREY}, two, 1);
    expect_pixels(2, 3, 1, from_two);
    files_write_png("a.png", &(files_png){.width = 3, .height = 2, .depth = 4, .colour_type = GREY}, four, 2);
    expect_pixels(2, 3, 1, from_four);
    files_write_png("a.png", &(files_png){.width = 3, .height = 1, .depth = 16, .colour_type = GREY}, deep, 6);
    expect_pixels(1, 3, 1, from_deep);
    files_write_png("a.png", &(files_png){.width = 2, .height = 1, .depth = 8, .colour_type = GREY_ALPHA}, alpha, 4);
    expect_pixels(1, 2, 1, from_alpha);
}

static void colours_are_read(void **state)
{
    (void)state;
    const uint8_t palette[9] = {10, 20, 30, 40, 50, 60, 255, 0, 100}, alpha[3] = {255, 0, 51};
    const uint8_t indices[3] = {2, 0, 1}, looked_up[9] = {255, 0, 100, 10, 20, 30, 40, 50, 60};
    const uint8_t blended[9] = {255, 204, 224, 10, 20, 30, 255, 255, 255}; /* over white */
    const uint8_t rgba[8] = {9, 8, 7, 255, 9, 8, 7, 0}, over_white[6] = {9, 8, 7, 255, 255, 255};
    const uint8_t deep[6] = {0xff, 0xff, 0x80, 0x80, 0, 0}, from_deep[3] = {255, 128, 0};
    uint8_t large[9 * 7 * 3];
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (uint8_t)(37 * i);
    files_png paletted = {.width = 3, .height = 1, .depth = 8, .colour_type = PALETTE, .palette = palette, .colours = 3};
    files_write_png("a.png", &paletted, indices, 3);
    expect_pixels(1, 3, 3, looked_up);
    paletted.alpha = alpha;
    files_write_png("a.png", &paletted, indices, 3);
    expect_pixels(1, 3, 3, blended);
    files_write_png("a.png", &(files_png){.width = 2, .height = 1, .depth = 8, .colour_type = RGBA}, rgba, 8);
    expect_pixels(1, 2, 3, over_white);
    files_write_png("a.png", &(files_png){.width = 1, .height = 1, .depth = 16, .colour_type = RGB}, deep, 6);
    expect_pixels(1, 1, 3, from_deep);
    files_write_png("a.png", &(files_png){.width = 9, .height = 7, .depth = 8, .colour_type = RGB}, large, 27);
    expect_pixels(7, 9, 3, large);
    files_write_png("a.png", &(files_png){.width = 9, .height = 7, .depth = 8, .colour_type = RGB, .interlaced = true}, large, 27);
    expect_pixels(7, 9, 3, large);
}

static void expect_refused(const char *words)
{
    uint8_t *pixels;
    int h, w, c;
    assert_false(hg_png_read(ctx, files_path("a.png"), &pixels, &h, &w, &c));
    assert_null(pixels);
    expect_failure(ctx, HG_BAD_INPUT, words);
}

/* A chunk: length, type, data, check sum. */
static size_t put_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t n)
{
    uint32_t fields[2] = {(uint32_t)n, 0};
    memcpy(to + 4, type, 4);
    memcpy(to + 8, data, n);
    fields[1] = (uint32_t)crc32(0, to + 4, (unsigned)n + 4);
    for (int i = 0; i < 4; i++) {
        to[i] = (uint8_t)(fields[0] >> (24 - 8 * i));
        to[8 + n + (size_t)i] = (uint8_t)(fields[1] >> (24 - 8 * i));
    }
    return n + 12;
}

/* A PNG of w x h grey pixels whose data is n bytes of deflated zeros. */
static void write_claim(uint32_t w, uint32_t h, size_t n)
{
    static uint8_t file[1 << 18], packed[1 << 17];
    uint8_t *zeros = calloc(1, n), head[13] = {[8] = 8};
    uLongf length = sizeof packed;
    size_t at = 8;
    assert_non_null(zeros);
    assert_int_equal(compress2(packed, &length, zeros, n, 9), Z_OK);
    free(zeros);
    memcpy(file, "\x89PNG\r\n\x1a\n", 8);
    for (int i = 0; i < 4; i++) {
        head[i] = (uint8_t)(w >> (24 - 8 * i));
        head[4 + i] = (uint8_t)(h >> (24 - 8 * i));
    }
    at += put_chunk(file + at, "IHDR", head, 13);
    at += put_chunk(file + at, "IDAT", packed, length);
    at += put_chunk(file + at, "IEND", head, 0);
    files_write("a.png", file, at);
}

static void absurd_sizes_are_refused(void **state)
{
    (void)state;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    write_claim(30000, 30000, 1 << 20);
    expect_refused("a.png: 30000 x 30000 pixels|at most 16384");
    write_claim(16384, 16384, 1 << 20);
    expect_refused("16384 x 16384|67108864 in all");
    write_claim(8000, 8000, 1 << 12);
    expect_refused("8000 x 8000|cannot be in a file of");
    write_claim(0, 5, 10);
    expect_refused("0 x 5");
    write_claim(0xffffffff, 0xffffffff, 10);
    expect_refused("4294967295");
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10); /* KiB */
    write_claim(1000, 1000, 1001 * 1000); /* the same file with an honest claim */
    uint8_t *pixels;
    int h, w, c;
    assert_true(hg_png_read(ctx, files_path("a.png"), &pixels, &h, &w, &c));
    hg_free(pixels);
}

static void damaged_files_are_refused(void **state)
{
    (void)state;
    uint8_t pixels[300];
    size_t length;
    for (int i = 0; i < 300; i++)
        pixels[i] = (uint8_t)(i * i);
    files_write_png("a.png", &(files_png){.width = 10, .height = 10, .depth = 8, .colour_type = RGB}, pixels, 30);
    uint8_t *good = files_read(files_path("a.png"), &length);
    for (size_t n = 0; n < length; n++) { /* every truncation */
        files_write("a.png", good, n);
        expect_refused(n == 0 ? "a.png: empty" : n < 8 ? "not a PNG" : n < 33 ? "truncated" : "a.png");
    }
    files_write("a.png", good, length - 20);
    expect_refused("damaged PNG: truncated");
    uint8_t *more = calloc(1, length + 1);
    memcpy(more, good, length);
    files_write("a.png", more, length + 1);
    expect_refused("over-long");
    more[60] ^= 4;
    files_write("a.png", more, length);
    expect_refused("damaged PNG");
    files_write("a.png", "\xff\xd8\xff\xe0 a jpeg", 11);
    expect_refused("not a PNG|JPEG");
    remove(files_path("a.png"));
    expect_refused("cannot be opened");
    files_folder("a.png");
    expect_refused("folder");
    free(more);
    free(good);
}

/* ---- folders */

static void write_flat(const char *name, int h, int w, int colour_type, uint8_t value)
{
    uint8_t pixels[3 * 64 * 64];
    memset(pixels, value, sizeof pixels);
    const files_png file = {.width = w, .height = h, .depth = 8, .colour_type = colour_type};
    files_write_png(name, &file, pixels, (size_t)w * (colour_type == RGB ? 3 : 1));
}

static hg_dataset *open_folder(hg_dataset_params params)
{
    params.path = files_path(".");
    return hg_dataset_open(ctx, &params);
}

static hg_dataset *open_good(hg_dataset_params params)
{
    hg_dataset *data = open_folder(params);
    if (!data)
        fail_msg("%s", hg_message(ctx));
    return data;
}

static void classes_and_parts_are_folders(void **state)
{
    (void)state;
    const char *const folders[] = {"train", "test", "train/b", "train/a", "test/a"};
    for (int i = 0; i < 5; i++)
        files_folder(folders[i]);
    write_flat("train/b/2.png", 4, 5, RGB, 20);
    write_flat("train/b/1.PNG", 4, 5, RGB, 10);
    write_flat("train/a/x.png", 4, 5, GREY, 30);
    write_flat("test/a/y.png", 4, 5, RGB, 40);
    files_write("train/readme.txt", "x", 1);
    hg_dataset *data = open_good((hg_dataset_params){0});
    int c, h, w;
    hg_dataset_shape(data, &c, &h, &w);
    assert_int_equal(c, 3); /* as one has colour */
    assert_int_equal(h, 4);
    assert_int_equal(w, 5);
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 3);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 1);
    assert_int_equal(hg_dataset_classes(data), 2);
    assert_string_equal(hg_dataset_class_name(data, 1), "b");
    const int expected[3][2] = {{30, 0}, {10, 1}, {20, 1}};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, i)[7], expected[i][0]);
        assert_int_equal(hg_dataset_label(data, HG_TRAIN, i), expected[i][1]);
    }
    assert_int_equal(hg_dataset_pixels(data, HG_TEST, 0)[0], 40);
    assert_non_null(strstr(logged, "1 entries that are not PNG files"));
    hg_dataset_close(data);
    data = open_good((hg_dataset_params){.channels = 1, .limit = 2});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 2);
    assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, 1)[19], 10);
    hg_dataset_close(data);
    files_folder("test/c");
    write_flat("test/c/y.png", 4, 5, RGB, 40);
    assert_null(open_folder((hg_dataset_params){0}));
    expect_failure(ctx, HG_BAD_INPUT, "test/c|the training part does not have");
}

static void files_without_classes(void **state)
{
    (void)state;
    char name[16];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%02d.png", i);
        write_flat(name, 3, 3, GREY, (uint8_t)i);
    }
    hg_dataset *data = open_good((hg_dataset_params){.channels = 3});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 18);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 2);
    assert_int_equal(hg_dataset_classes(data), 0);
    assert_int_equal(hg_dataset_label(data, HG_TRAIN, 0), -1);
    hg_dataset_close(data);
}

/* `train` beside other classes is a class like them. */
static void train_can_be_a_class(void **state)
{
    (void)state;
    files_folder("train");
    files_folder("plane");
    write_flat("train/1.png", 3, 3, GREY, 1);
    write_flat("plane/1.png", 3, 3, GREY, 1);
    hg_dataset *data = open_good((hg_dataset_params){0});
    assert_int_equal(hg_dataset_classes(data), 2);
    assert_string_equal(hg_dataset_class_name(data, 1), "train");
    hg_dataset_close(data);
}

static void sizes_must_agree(void **state)
{
    (void)state;
    write_flat("a.png", 4, 6, GREY, 60);
    write_flat("b.png", 8, 8, GREY, 70);
    assert_null(open_folder((hg_dataset_params){0}));
    expect_failure(ctx, HG_BAD_INPUT, "b.png is 8 x 8|a.png is 4 x 6|--resize 4x6");
    assert_null(open_folder((hg_dataset_params){.height = 16, .width = 16}));
    expect_failure(ctx, HG_BAD_INPUT, "--resize 16x16");
    hg_dataset *data = open_good((hg_dataset_params){.height = 16, .width = 16, .resize_height = 16, .resize_width = 16});
    for (int i = 0; i < 256; i++)
        assert_true(hg_dataset_pixels(data, HG_TRAIN, 0)[i] == 60 || hg_dataset_pixels(data, HG_TRAIN, 0)[i] == 70);
    hg_dataset_close(data);
    files_write("c.png", "no picture", 10);
    assert_null(open_folder((hg_dataset_params){.resize_height = 16, .resize_width = 16}));
    expect_failure(ctx, HG_BAD_INPUT, "c.png: not a PNG file");
}

static void real_pngs(void **state)
{
    (void)state;
    const char *path = files_data("cifar10/png");
    if (!path)
        skip();
    hg_dataset *data = hg_dataset_open(ctx, &(hg_dataset_params){.path = path, .channels = 3, .height = 32, .width = 32});
    assert_non_null(data);
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 360);
    assert_string_equal(hg_dataset_class_name(data, 9), "truck");
    hg_dataset_close(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(greys_are_read), TEST(colours_are_read), TEST(absurd_sizes_are_refused), TEST(damaged_files_are_refused),
        TEST(classes_and_parts_are_folders), TEST(files_without_classes), TEST(train_can_be_a_class), TEST(sizes_must_agree),
        TEST(real_pngs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
