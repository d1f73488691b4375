/* The built-in digits: the same bytes everywhere, labels, looks in numbers, the format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "context.h"
#include "files.h"
#include "train/formats/digits.h"

enum { SIDE = 28, AREA = SIDE * SIDE };

static void draw(uint64_t seed, int64_t index, uint8_t *pixels, int *label) { hg_digits_draw(seed, index, SIDE, SIDE, pixels, label); }

/* FNV-1a */
static uint64_t hash(uint64_t h, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

static uint64_t hash_digits(uint64_t seed, int64_t first, int height, int width)
{
    static uint8_t pixels[64 * 64];
    uint64_t h = 14695981039346656037u;
    for (int64_t i = first; i < first + 100; i++) {
        int label;
        hg_digits_draw(seed, i, height, width, pixels, &label);
        h = hash(h, pixels, (size_t)height * (size_t)width);
        h = hash(h, (const uint8_t[]){(uint8_t)label}, 1);
    }
    return h;
}

/* These are what every machine has to draw; they change with the shapes. */
static void same_everywhere(void **state)
{
    (void)state;
    assert_int_equal(hash_digits(1, 0, 28, 28), 0xc3415ad1709103dfu);
    assert_int_equal(hash_digits(1, HG_DIGITS_TEST, 28, 28), 0x18168006ae1ecd7bu);
    assert_int_equal(hash_digits(12345678901234567u, 777, 64, 40), 0xb082e8dad92350bdu);
    assert_int_equal(hash_digits(0, 0, 8, 8), 0x775f67d7ec7db6dbu);
}

/* Labels: each class once in every ten, not always in the same order. */
static void labels(void **state)
{
    (void)state;
    uint8_t pixels[AREA];
    int first[10], differing = 0;
    for (int64_t ten = 0; ten < 50; ten++) {
        int seen = 0, order[10];
        for (int i = 0; i < 10; i++) {
            draw(3, 10 * ten + i, pixels, &order[i]);
            assert_in_range(order[i], 0, 9);
            seen |= 1 << order[i];
        }
        assert_int_equal(seen, 1023);
        if (ten == 0)
            memcpy(first, order, sizeof first);
        differing += memcmp(first, order, sizeof first) != 0;
    }
    assert_true(differing >= 48);
}

/* No two alike: within a part, between the parts, between seeds. */
static void all_different(void **state)
{
    (void)state;
    enum { N = 600 };
    uint64_t *hashes = malloc(N * sizeof *hashes);
    uint8_t pixels[AREA];
    int label;
    for (int i = 0; i < N; i++) {
        draw(i < 400 ? 1 : 2, i < 200 ? i : i < 400 ? HG_DIGITS_TEST + i - 200 : i - 400, pixels, &label);
        hashes[i] = hash(14695981039346656037u, pixels, AREA);
        for (int k = 0; k < i; k++)
            assert_true(hashes[k] != hashes[i]);
    }
    free(hashes);
}

/* Like MNIST: pixel mean about 0.13, nothing at the border, full white reached, soft edges, the centre in the middle. */
static void looks(void **state)
{
    (void)state;
    enum { N = 2000 };
    uint8_t pixels[AREA];
    double sum = 0, grey = 0;
    for (int64_t i = 0; i < N; i++) {
        int label, most = 0;
        double mass = 0, x_mass = 0, y_mass = 0;
        draw(5, i, pixels, &label);
        for (int p = 0; p < AREA; p++) {
            int x = p % SIDE, y = p / SIDE;
            if (x == 0 || y == 0 || x == SIDE - 1 || y == SIDE - 1)
                assert_int_equal(pixels[p], 0);
            most = pixels[p] > most ? pixels[p] : most;
            grey += pixels[p] > 0 && pixels[p] < 255;
            mass += pixels[p];
            x_mass += pixels[p] * x;
            y_mass += pixels[p] * y;
        }
        assert_true(most >= 250);
        assert_true(x_mass / mass > 10 && x_mass / mass < 17 && y_mass / mass > 10 && y_mass / mass < 17);
        sum += mass / 255;
    }
    assert_true(sum / N / AREA > 0.115 && sum / N / AREA < 0.145);
    assert_true(grey / N / AREA > 0.03);
}

/* Ten classes that can be told apart: the nearest of 2,000 digits has the same label for nearly all of 500 others; and
 * enough variety that ten means do not do that. */
static void separable(void **state)
{
    (void)state;
    enum { TRAIN = 2000, TEST = 500 };
    uint8_t *train = malloc(TRAIN * AREA), pixels[AREA];
    int *train_label = malloc(TRAIN * sizeof *train_label), near_right = 0, mean_right = 0;
    static double mean[10][AREA];
    for (int i = 0; i < TRAIN; i++) {
        draw(9, i, train + i * AREA, &train_label[i]);
        for (int p = 0; p < AREA; p++)
            mean[train_label[i]][p] += train[i * AREA + p] / (TRAIN / 10.0);
    }
    for (int i = 0; i < TEST; i++) {
        int label, best = -1, best_mean = -1;
        double best_distance = 1e30, best_mean_distance = 1e30;
        draw(9, HG_DIGITS_TEST + i, pixels, &label);
        for (int k = 0; k < TRAIN; k++) {
            int distance = 0;
            for (int p = 0; p < AREA; p++)
                distance += (pixels[p] - train[k * AREA + p]) * (pixels[p] - train[k * AREA + p]);
            if (distance < best_distance) {
                best_distance = distance;
                best = train_label[k];
            }
        }
        for (int c = 0; c < 10; c++) {
            double distance = 0;
            for (int p = 0; p < AREA; p++)
                distance += (pixels[p] - mean[c][p]) * (pixels[p] - mean[c][p]);
            if (distance < best_mean_distance) {
                best_mean_distance = distance;
                best_mean = c;
            }
        }
        near_right += best == label;
        mean_right += best_mean == label;
    }
    free(train);
    free(train_label);
    if (near_right < TEST * 95 / 100 || mean_right > TEST * 95 / 100 || mean_right < TEST * 6 / 10)
        fail_msg("of %d digits, the nearest other names %d and the nearest mean %d", TEST, near_right, mean_right);
}

/* Any size: something is drawn, all of it inside, nothing beyond the picture. */
static void sizes(void **state)
{
    (void)state;
    static const int shapes[][2] = {{8, 8}, {8, 31}, {9, 8}, {16, 16}, {64, 32}, {33, 100}, {256, 256}};
    for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
        size_t area = (size_t)shapes[k][0] * (size_t)shapes[k][1];
        uint8_t *pixels = malloc(area + 64);
        for (int64_t i = 0; i < 40; i++) {
            int label, most = 0;
            memset(pixels, 77, area + 64);
            hg_digits_draw(2, i, shapes[k][0], shapes[k][1], pixels, &label);
            for (size_t p = 0; p < area; p++)
                most = pixels[p] > most ? pixels[p] : most;
            assert_true(most > 150);
            for (size_t p = area; p < area + 64; p++)
                assert_int_equal(pixels[p], 77);
        }
        free(pixels);
    }
}

/* ---- as a dataset */

static void dataset(void **state)
{
    (void)state;
    uint8_t pixels[AREA];
    static float values[3 * AREA];
    int label, c, h, w;
    hg_dataset *data = hg_dataset_open(ctx, NULL);
    assert_non_null(data);
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 10000);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 2000);
    assert_int_equal(hg_dataset_classes(data), 10);
    assert_string_equal(hg_dataset_class_name(data, 7), "7");
    hg_dataset_shape(data, &c, &h, &w);
    assert_true(c == 1 && h == SIDE && w == SIDE);
    for (int part = HG_TRAIN; part <= HG_TEST; part++) {
        draw(0, part == HG_TEST ? HG_DIGITS_TEST + 321 : 321, pixels, &label);
        assert_int_equal(hg_dataset_label(data, (hg_part)part, 321), label);
        assert_memory_equal(hg_dataset_pixels(data, (hg_part)part, 321), pixels, AREA);
    }
    hg_dataset_close(data);

    data = hg_dataset_open(ctx, &(hg_dataset_params){.channels = 3, .height = SIDE, .width = SIDE, .seed = 4, .limit = 7, .builtin_train = 50, .builtin_test = 5});
    assert_non_null(data);
    assert_int_equal(hg_dataset_count(data, HG_TRAIN), 7);
    assert_int_equal(hg_dataset_count(data, HG_TEST), 5);
    hg_dataset_get(data, HG_TRAIN, 6, values);
    draw(4, 6, pixels, &label);
    for (int i = 0; i < 3 * AREA; i++)
        assert_true(values[i] == (float)pixels[i % AREA] / 255.0f);
    hg_dataset_close(data);

    data = hg_dataset_open(ctx, &(hg_dataset_params){.height = 64, .width = 48, .builtin_train = 10, .builtin_test = 10});
    assert_non_null(data);
    hg_dataset_shape(data, &c, &h, &w);
    assert_true(c == 1 && h == 64 && w == 48);
    hg_dataset_close(data);

    /* too many for memory: drawn when asked for, the same as those that are kept */
    hg_dataset_params large = {.channels = 3, .height = 112, .width = 104, .seed = 4};
    hg_dataset *later = hg_dataset_open(ctx, &large);
    large.builtin_train = large.builtin_test = 30;
    data = hg_dataset_open(ctx, &large);
    assert_true(later && data && hg_dataset_count(later, HG_TRAIN) == 10000 && hg_dataset_count(later, HG_TEST) == 2000);
    assert_non_null(strstr(hg_dataset_name(later), "drawn when they are needed"));
    assert_null(hg_dataset_pixels(later, HG_TRAIN, 0));
    static uint8_t bytes[3 * 112 * 104], again[3 * 112 * 104];
    static float kept[3 * 112 * 104], drawn[3 * 112 * 104];
    for (int part = HG_TRAIN; part <= HG_TEST; part++) {
        hg_dataset_copy(later, (hg_part)part, 29, bytes);
        hg_dataset_copy(data, (hg_part)part, 29, again);
        assert_memory_equal(bytes, again, sizeof bytes);
        for (int p = 0; p < 3 * 112 * 104; p++) assert_int_equal(bytes[p], hg_dataset_pixels(data, (hg_part)part, 29)[p / 3]);
        hg_dataset_get(later, (hg_part)part, 28, drawn);
        hg_dataset_get(data, (hg_part)part, 28, kept);
        assert_memory_equal(drawn, kept, sizeof kept);
        assert_int_equal(hg_dataset_label(later, (hg_part)part, 29), hg_dataset_label(data, (hg_part)part, 29));
    }
    hg_dataset_close(later);
    hg_dataset_close(data);

    /* a share of the training part to test on, drawn later as well as kept */
    large.split = 0.2;
    large.skip = 2;
    data = hg_dataset_open(ctx, &large);
    large.builtin_train = 10000;
    later = hg_dataset_open(ctx, &large);
    assert_true(later && data && hg_dataset_count(later, HG_TRAIN) == 7998 && hg_dataset_count(later, HG_TEST) == 2000);
    assert_true(hg_dataset_count(data, HG_TRAIN) == 22 && hg_dataset_count(data, HG_TEST) == 6);
    static uint8_t grey[112 * 104];
    for (int part = HG_TRAIN; part <= HG_TEST; part++)
        for (int i = 0; i < 2; i++) {
            int found = 0;
            hg_dataset_copy(later, (hg_part)part, 5 + i, bytes);
            for (int k = 0; k < 10000 && !found; k++) { /* a digit of the training part, with its label */
                hg_digits_draw(4, k, 112, 104, grey, &label);
                bool same = true;
                for (int p = 0; same && p < 112 * 104; p++) same = bytes[3 * p] == grey[p];
                found = same;
            }
            assert_true(found);
            assert_int_equal(hg_dataset_label(later, (hg_part)part, 5 + i), label);
        }
    hg_dataset_close(later);
    hg_dataset_close(data);
}

static void refused(void **state)
{
    (void)state;
    assert_null(hg_dataset_open(ctx, &(hg_dataset_params){.height = 7, .width = 28}));
    expect_failure(ctx, HG_BAD_INPUT, "built-in digits of 7 x 28|8 to 4096");
    assert_null(hg_dataset_open(ctx, &(hg_dataset_params){.height = 28, .width = 100000}));
    expect_failure(ctx, HG_BAD_INPUT, "built-in digits");
    assert_null(hg_dataset_open(ctx, &(hg_dataset_params){.channels = 2}));
    expect_failure(ctx, HG_BAD_INPUT, "2 channels");
    assert_null(hg_dataset_open(ctx, &(hg_dataset_params){.resize_height = 20, .resize_width = 20, .height = 28, .width = 28}));
    expect_failure(ctx, HG_BAD_INPUT, "20 x 20|28 x 28");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_everywhere), cmocka_unit_test(labels), cmocka_unit_test(all_different), cmocka_unit_test(looks),
        cmocka_unit_test(separable), cmocka_unit_test(sizes), cmocka_unit_test(dataset), cmocka_unit_test(refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
