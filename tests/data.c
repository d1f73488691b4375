/* Datasets: IDX, CIFAR-10 batches, splitting, limits, and all their bad inputs. PNG is in png.c, conversions are in convert.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <cmocka.h>
#include "files.h"
#include "train/dataset.h"

static hg_context *ctx;

static hg_dataset *open_folder(hg_dataset_params params)
{
    if (!params.path)
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

static void expect_bad(const char *words)
{
    assert_null(open_folder((hg_dataset_params){0}));
    expect_failure(ctx, HG_BAD_INPUT, words);
}

static int set_up(void **state)
{
    (void)state;
    ctx = hg_context_create(NULL, NULL);
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

/* ---- IDX */

static void big_endian(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Pixel p of picture i is (7 i + p) mod 251; label i mod 10. Files of n x h x w bytes; returns the length. */
static size_t idx_images(uint8_t *to, uint32_t n, uint32_t h, uint32_t w)
{
    const uint8_t magic[4] = {0, 0, 8, 3};
    memcpy(to, magic, 4);
    big_endian(to + 4, n);
    big_endian(to + 8, h);
    big_endian(to + 12, w);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t p = 0; p < h * w; p++)
            to[16 + i * h * w + p] = (uint8_t)((7 * i + p) % 251);
    return 16 + (size_t)n * h * w;
}

static size_t idx_labels(uint8_t *to, uint32_t n)
{
    const uint8_t magic[4] = {0, 0, 8, 1};
    memcpy(to, magic, 4);
    big_endian(to + 4, n);
    for (uint32_t i = 0; i < n; i++)
        to[8 + i] = (uint8_t)(i % 10);
    return 8 + n;
}

static uint8_t bytes[1 << 16];

static void write_images(const char *name, uint32_t n, uint32_t h, uint32_t w) { files_write(name, bytes, idx_images(bytes, n, h, w)); }
static void write_labels(const char *name, uint32_t n) { files_write(name, bytes, idx_labels(bytes, n)); }

static void write_mnist(void)
{
    files_fresh();
    write_images("train-images-idx3-ubyte", 30, 5, 4);
    write_labels("train-labels-idx1-ubyte", 30);
    write_images("t10k-images-idx3-ubyte", 6, 5, 4);
    write_labels("t10k-labels-idx1-ubyte", 6);
}

static void idx_is_read(void **state)
{
    (void)state;
    int c, h, w;
    float picture[20];
    write_mnist();
    hg_dataset *data = open_good((hg_dataset_params){0});
    hg_dataset_shape(data, &c, &h, &w);
    assert_int_equal(c, 1);
    assert_int_equal(h, 5);
    assert_int_equal(w, 4);
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 30);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 6);
    assert_int_equal(hg_dataset_classes(data), 10);
    assert_string_equal(hg_dataset_class_name(data, 7), "7");
    for (int i = 0; i < 30; i++) {
        assert_int_equal(hg_dataset_label(data, HG_TRAIN, i), i % 10);
        hg_dataset_get(data, HG_TRAIN, i, picture);
        for (int p = 0; p < 20; p++) {
            assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, i)[p], (7 * i + p) % 251);
            assert_true(picture[p] == (float)((7 * i + p) % 251) / 255.0f);
        }
    }
    assert_non_null(strstr(hg_dataset_name(data), "30 training and 6 test pictures, 1 x 5 x 4, 10 classes (idx)"));
    hg_dataset_close(data);
}

static void idx_gz_is_read(void **state)
{
    (void)state;
    files_write_gz("train-images-idx3-ubyte.gz", bytes, idx_images(bytes, 30, 5, 4));
    files_write_gz("train-labels-idx1-ubyte.gz", bytes, idx_labels(bytes, 30));
    write_images("t10k-images-idx3-ubyte", 6, 5, 4); /* without labels */
    hg_dataset *data = open_good((hg_dataset_params){.limit = 12});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 12);
    assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, 11)[3], 80);
    assert_int_equal(hg_dataset_label(data, HG_TRAIN, 11), 1);
    assert_int_equal(hg_dataset_label(data, HG_TEST, 1), -1);
    hg_dataset_close(data);
}

/* Without a test part, a tenth is set aside by seed; all examples are in exactly one part, in the file's order. */
static void split_is_by_seed(void **state)
{
    (void)state;
    int first[3] = {0};
    write_images("train-images-idx3-ubyte", 30, 5, 4);
    write_labels("train-labels-idx1-ubyte", 30);
    for (int round = 0; round < 3; round++) {
        bool seen[30] = {false};
        hg_dataset *data = open_good((hg_dataset_params){.seed = round == 2 ? 9 : 1});
        assert_int_equal(hg_dataset_count(data, HG_TRAIN), 27);
        assert_int_equal(hg_dataset_count(data, HG_TEST), 3);
        for (int part = 0; part < 2; part++)
            for (int i = 0, before = -1; i < hg_dataset_count(data, (hg_part)part); i++) {
                int which = hg_dataset_pixels(data, (hg_part)part, i)[0] / 7;
                assert_true(which > before && !seen[which]);
                assert_int_equal(hg_dataset_label(data, (hg_part)part, i), which % 10);
                seen[which] = true;
                before = which;
                first[round] = part == 1 ? first[round] * 100 + which : first[round];
            }
        hg_dataset_close(data);
    }
    assert_int_equal(first[0], first[1]);
    assert_int_not_equal(first[0], first[2]);
    hg_dataset *data = open_good((hg_dataset_params){.seed = 1, .limit = 5});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 5);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 3);
    hg_dataset_close(data);
    write_images("train-images-idx3-ubyte", 1, 5, 4);
    write_labels("train-labels-idx1-ubyte", 1);
    expect_bad("only one picture");
}

/* A share of the training part asked for, though there is a test part; some in front and at the end left out. */
static void parts_are_chosen(void **state)
{
    (void)state;
    write_mnist();
    hg_dataset *data = open_good((hg_dataset_params){.split = 0.2, .skip = 4, .limit = 11, .seed = 1});
    hg_dataset *whole = open_good((hg_dataset_params){.split = 0.2, .seed = 1});
    assert_int_equal(hg_dataset_count(whole, HG_TRAIN), 24);
    assert_int_equal(hg_dataset_count(whole, HG_TEST), 6);
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 11);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 6);
    bool seen[30] = {false};
    for (int i = 0; i < 11; i++) {
        assert_memory_equal(hg_dataset_pixels(data, HG_TRAIN, i), hg_dataset_pixels(whole, HG_TRAIN, i + 4), 20);
        seen[hg_dataset_pixels(data, HG_TRAIN, i)[0] / 7] = true;
    }
    for (int i = 0; i < 6; i++) {
        int which = hg_dataset_pixels(data, HG_TEST, i)[0] / 7;
        assert_int_equal(hg_dataset_pixels(whole, HG_TEST, i)[0] / 7, which);
        assert_int_equal(hg_dataset_label(data, HG_TEST, i), which % 10);
        assert_false(seen[which]);
    }
    hg_dataset_close(whole);
    hg_dataset_close(data);

    data = open_good((hg_dataset_params){.skip = 28, .limit = 5});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 2);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 6);
    assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, 1)[0], 29 * 7);
    hg_dataset_close(data);
    data = open_good((hg_dataset_params){.skip = 3, .limit = 5});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 5);
    assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, 4)[0], 7 * 7);
    assert_int_equal(hg_dataset_label(data, HG_TRAIN, 4), 7);
    hg_dataset_close(data);

    assert_null(open_folder((hg_dataset_params){.skip = 30}));
    expect_failure(ctx, HG_BAD_INPUT, "first 30|only 30|--skip");
    assert_null(open_folder((hg_dataset_params){.skip = -1}));
    expect_failure(ctx, HG_USAGE, "negative");
    assert_null(open_folder((hg_dataset_params){.split = 1}));
    expect_failure(ctx, HG_USAGE, "share 1");
}

static void shapes_are_converted_or_refused(void **state)
{
    (void)state;
    write_mnist();
    hg_dataset *data = open_good((hg_dataset_params){.channels = 3, .height = 5, .width = 4});
    static uint8_t rgb[3 * 5 * 4];
    static float planes[3 * 5 * 4];
    hg_dataset_copy(data, HG_TRAIN, 2, rgb);
    hg_dataset_get(data, HG_TRAIN, 2, planes);
    for (int p = 0; p < 5 * 4; p++) /* grey takes a third of the memory */
        for (int c = 0; c < 3; c++) {
            assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, 2)[p], 14 + p);
            assert_int_equal(rgb[3 * p + c], 14 + p);
            assert_true(planes[20 * c + p] == (float)(14 + p) / 255.0f);
        }
    hg_dataset_close(data);
    data = open_good((hg_dataset_params){.height = 10, .width = 2, .resize_height = 10, .resize_width = 2});
    hg_dataset_close(data);
    assert_null(open_folder((hg_dataset_params){.height = 28, .width = 28}));
    expect_failure(ctx, HG_BAD_INPUT, "train-images-idx3-ubyte|5 x 4|28 x 28|--resize 28x28");
    assert_null(open_folder((hg_dataset_params){.height = 28, .width = 28, .resize_height = 8, .resize_width = 8}));
    expect_failure(ctx, HG_BAD_INPUT, "8 x 8 after --resize|28 x 28");
    assert_null(open_folder((hg_dataset_params){.channels = 2}));
    expect_failure(ctx, HG_BAD_INPUT, "2 channels|1 (grey) or 3");
    assert_null(open_folder((hg_dataset_params){.resize_height = 8}));
    expect_failure(ctx, HG_USAGE, "8 x 0");
    assert_null(open_folder((hg_dataset_params){.limit = -1}));
    expect_failure(ctx, HG_USAGE, "negative");
}

/* The training images' file is `length` bytes of `data`, plain and as gzip. */
static void expect_bad_images(const uint8_t *data, size_t length, const char *plain, const char *packed)
{
    write_mnist();
    files_write("train-images-idx3-ubyte", data, length);
    expect_bad(plain);
    remove(files_path("train-images-idx3-ubyte"));
    files_write_gz("train-images-idx3-ubyte.gz", data, length);
    expect_bad(packed);
}

static void bad_idx_is_refused(void **state)
{
    (void)state;
    static uint8_t good[1 << 12], bad[1 << 12];
    const size_t length = idx_images(good, 30, 5, 4);
    expect_bad_images(good, 0, "train-images-idx3-ubyte: empty|4 bytes|found 0", "train-images-idx3-ubyte.gz: empty");
    expect_bad_images(good, 7, "truncated|found 7", "truncated|found 7");
    expect_bad_images(good, length - 1, "truncated|30 pictures of 5 x 4|616 bytes|found 615", "truncated|616 bytes|found 615");
    expect_bad_images(good, length + 1, "over-long|616 bytes|found 617", "over-long|616 bytes|found more");
    memcpy(bad, good, length);
    bad[2] = 13;
    expect_bad_images(bad, length, "type byte is 0x0D|expected 0x08", "0x0D");
    bad[2] = 8;
    bad[3] = 1;
    expect_bad_images(bad, length, "1 dimensions, expected 3|mixed up", "mixed up");
    expect_bad_images((const uint8_t *)"a text that is no data", 22, "not an IDX file|61 20 74 65", "not an IDX file");
    for (int dimension = 0; dimension < 3; dimension++) {
        memcpy(bad, good, length);
        big_endian(bad + 4 + 4 * dimension, 0);
        expect_bad_images(bad, length, "is 0, expected 1 to", "is 0, expected 1 to");
        big_endian(bad + 4 + 4 * dimension, 0xfffffff0);
        expect_bad_images(bad, length, "is 4294967280, expected 1 to", "is 4294967280, expected 1 to");
    }
    memcpy(bad, good, length); /* sizes that are each allowed, together 2^59 bytes */
    big_endian(bad + 4, 0x7fffffff);
    big_endian(bad + 8, 16384);
    big_endian(bad + 12, 16384);
    expect_bad_images(bad, length, "truncated|2147483647 pictures of 16384 x 16384|found 616", "more than a gzip file of");
}

static void damaged_gzip_is_refused(void **state)
{
    (void)state;
    size_t length;
    write_mnist();
    remove(files_path("train-images-idx3-ubyte"));
    files_write_gz("train-images-idx3-ubyte.gz", bytes, idx_images(bytes, 30, 5, 4));
    uint8_t *packed = files_read(files_path("train-images-idx3-ubyte.gz"), &length);
    packed[length - 6] ^= 1; /* the check sum */
    files_write("train-images-idx3-ubyte.gz", packed, length);
    expect_bad("train-images-idx3-ubyte.gz: damaged|data check");
    packed[length - 6] ^= 1;
    files_write("train-images-idx3-ubyte.gz", packed, length - 4);
    expect_bad("train-images-idx3-ubyte.gz: damaged");
    files_write("train-images-idx3-ubyte.gz", packed, length / 2);
    expect_bad("train-images-idx3-ubyte.gz");
    free(packed);
}

static void labels_must_fit(void **state)
{
    (void)state;
    write_mnist();
    write_labels("train-labels-idx1-ubyte", 29);
    expect_bad("train-labels-idx1-ubyte: 29 labels|train-images-idx3-ubyte has 30 pictures");
    write_labels("train-labels-idx1-ubyte", 31);
    expect_bad("31 labels|30 pictures");
    files_write("train-labels-idx1-ubyte", bytes, idx_labels(bytes, 30) - 2);
    expect_bad("truncated|30 labels are 38 bytes, found 36");
    write_images("train-labels-idx1-ubyte", 30, 5, 4);
    expect_bad("3 dimensions, expected 1");
    write_mnist();
    write_images("t10k-images-idx3-ubyte", 6, 4, 5);
    expect_bad("t10k-images-idx3-ubyte: pictures of 4 x 5|5 x 4");
    write_mnist();
    remove(files_path("train-images-idx3-ubyte"));
    expect_bad("neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz");
}

/* ---- CIFAR-10 */

enum { RECORD = 3073 };

/* Record i: label (i + 3) mod 10; plane c, pixel p: (i + 50 c + p) mod 256. */
static size_t cifar(uint8_t *to, int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < RECORD; k++)
            to[i * RECORD + k] = (uint8_t)(k == 0 ? (i + 3) % 10 : i + 50 * ((k - 1) / 1024) + (k - 1) % 1024);
    return (size_t)n * RECORD;
}

static void cifar_is_read(void **state)
{
    (void)state;
    files_write("data_batch_1.bin", bytes, cifar(bytes, 4));
    files_write_gz("data_batch_2.bin.gz", bytes, cifar(bytes, 3));
    files_write("data_batch_2.bin", bytes, cifar(bytes, 3)); /* plain goes before packed */
    files_write_gz("test_batch.bin.gz", bytes, cifar(bytes, 2));
    hg_dataset *data = open_good((hg_dataset_params){0});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 7);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 2);
    assert_string_equal(hg_dataset_class_name(data, hg_dataset_label(data, HG_TRAIN, 5)), "deer");
    const uint8_t *pixels = hg_dataset_pixels(data, HG_TRAIN, 5);
    float planes[3 * 1024];
    hg_dataset_get(data, HG_TRAIN, 5, planes);
    for (int p = 0; p < 1024; p++)
        for (int c = 0; c < 3; c++) {
            assert_int_equal(pixels[3 * p + c], (1 + 50 * c + p) & 255);
            assert_true(planes[1024 * c + p] == (float)((1 + 50 * c + p) & 255) / 255.0f);
        }
    hg_dataset_close(data);
    data = open_good((hg_dataset_params){.channels = 1, .limit = 5});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 5);
    assert_int_equal(hg_dataset_pixels(data, HG_TRAIN, 4)[10], (299 * 10 + 587 * 60 + 114 * 110 + 500) / 1000);
    hg_dataset_close(data);
}

static void bad_cifar_is_refused(void **state)
{
    (void)state;
    files_write("test_batch.bin", bytes, cifar(bytes, 2));
    expect_bad("no data_batch_*.bin");
    files_write("data_batch_1.bin", bytes, cifar(bytes, 4) - 1);
    expect_bad("data_batch_1.bin: truncated|12291 bytes|3073");
    files_write("data_batch_1.bin", bytes, 0);
    expect_bad("data_batch_1.bin: empty");
    cifar(bytes, 4);
    bytes[2 * RECORD] = 10;
    files_write("data_batch_1.bin", bytes, 4 * RECORD);
    expect_bad("data_batch_1.bin: record 2 has label 10, expected 0 to 9");
    remove(files_path("data_batch_1.bin"));
    files_write_gz("data_batch_1.bin.gz", bytes, cifar(bytes, 4) + 5);
    expect_bad("data_batch_1.bin.gz|12297 bytes unpacked");
    size_t length;
    files_write_gz("data_batch_1.bin.gz", bytes, cifar(bytes, 4));
    uint8_t *packed = files_read(files_path("data_batch_1.bin.gz"), &length);
    files_write("data_batch_1.bin.gz", packed, length - 9);
    expect_bad("data_batch_1.bin.gz");
    big_endian(packed + length - 4, 0x010c0000); /* the trailer, little-endian, states 3073 bytes: one record of four */
    files_write("data_batch_1.bin.gz", packed, length);
    expect_bad("data_batch_1.bin.gz: damaged|length check");
    free(packed);
}

/* ---- folders */

static void strange_folders_are_explained(void **state)
{
    (void)state;
    expect_bad("no data found|an empty folder|train-images-idx3-ubyte|data_batch_|.png");
    files_write("notes.txt", "x", 1);
    expect_bad("Found notes.txt");
    files_write("train-images.idx3-ubyte", "x", 1);
    expect_bad("should 'train-images.idx3-ubyte' be named 'train-images-idx3-ubyte'?");
    remove(files_path("train-images.idx3-ubyte"));
    files_folder("digits");
    write_images("digits/train-images-idx3-ubyte", 3, 2, 2);
    expect_bad("its sub-folder has idx data: try --data |digits");
    assert_null(open_folder((hg_dataset_params){.path = files_path("digit")}));
    expect_failure(ctx, HG_BAD_INPUT, "digit: no such folder|nearest|digits");
    assert_null(open_folder((hg_dataset_params){.path = files_path("notes.txt")}));
    expect_failure(ctx, HG_BAD_INPUT, "notes.txt: is a file");
}

/* ---- the real files */

static void real_mnist(void **state)
{
    (void)state;
    const char *path = files_data("mnist");
    if (!path)
        skip();
    hg_dataset *data = open_good((hg_dataset_params){.path = path, .channels = 1, .height = 28, .width = 28});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 60000);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 10000);
    assert_int_equal(crc32(0, hg_dataset_pixels(data, HG_TRAIN, 0), 60000 * 784), 0xf3639b56);
    assert_int_equal(crc32(0, hg_dataset_pixels(data, HG_TEST, 0), 10000 * 784), 0xe4ca5f57);
    assert_int_equal(hg_dataset_label(data, HG_TRAIN, 0), 5);
    assert_int_equal(hg_dataset_label(data, HG_TEST, 0), 7);
    hg_dataset_close(data);
}

static void real_cifar(void **state)
{
    (void)state;
    const char *path = files_data("cifar10");
    if (!path)
        skip();
    hg_dataset *data = open_good((hg_dataset_params){.path = path, .limit = 2000});
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 2000);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 2000);
    assert_int_equal(crc32(0, hg_dataset_pixels(data, HG_TEST, 0), 2000 * 3072), 0x5abd6488);
    hg_dataset_close(data);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(idx_is_read), TEST(idx_gz_is_read), TEST(split_is_by_seed), TEST(parts_are_chosen), TEST(shapes_are_converted_or_refused),
        TEST(bad_idx_is_refused), TEST(damaged_gzip_is_refused), TEST(labels_must_fit), TEST(cifar_is_read),
        TEST(bad_cifar_is_refused), TEST(strange_folders_are_explained), TEST(real_mnist), TEST(real_cifar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
