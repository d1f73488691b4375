/* Batches: orders, the last batch, resuming, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "files.h"
#include "train/batch.h"

enum { N = 53, AREA = 6 };

static hg_context *ctx;
static hg_dataset *data;

/* 53 training and 2 test pictures of 2 x 3: every pixel of picture i is i, its label i mod 10. */
static int set_up(void **state)
{
    uint8_t images[16 + N * AREA] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, 2, 0, 0, 0, 3}, labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N};
    (void)state;
    files_fresh();
    for (int i = 0; i < N; i++) {
        memset(images + 16 + i * AREA, i, AREA);
        labels[8 + i] = (uint8_t)(i % 10);
    }
    files_write("train-images-idx3-ubyte", images, sizeof images);
    files_write("train-labels-idx1-ubyte", labels, sizeof labels);
    images[7] = 2;
    files_write("t10k-images-idx3-ubyte", images, 16 + 2 * AREA);
    ctx = hg_context_create(NULL, NULL);
    data = hg_dataset_open(ctx, &(hg_dataset_params){.path = files_path(".")});
    return data == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    hg_dataset_close(data);
    hg_context_destroy(ctx);
    files_remove();
    return 0;
}

static void expect_batch(const hg_batch *batch, int64_t epoch, int64_t index, int count)
{
    assert_int_equal(batch->epoch, epoch);
    assert_int_equal(batch->index, index);
    assert_int_equal(batch->count, count);
    for (int i = 0; i < count; i++) {
        uint32_t example = batch->indices[i];
        for (int p = 0; p < AREA; p++)
            assert_int_equal(batch->pixels[i * AREA + p], example);
        assert_int_equal(batch->labels[i], example % 10);
    }
}

static void file_order(void **state)
{
    (void)state;
    hg_batch batch;
    hg_batches *it = hg_batches_open(data, &(hg_batches_params){.batch = 10, .epochs = 2});
    assert_int_equal(hg_batches_per_epoch(it), 6);
    for (int k = 0; k < 12; k++) {
        assert_true(hg_batches_next(it, &batch));
        expect_batch(&batch, k / 6, k % 6, k % 6 == 5 ? 3 : 10);
        for (int i = 0; i < batch.count; i++)
            assert_int_equal(batch.indices[i], k % 6 * 10 + i);
    }
    for (int k = 0; k < 3; k++) {
        assert_true(hg_batches_next(it, &batch));
        assert_int_equal(batch.count, 0);
    }
    hg_batches_close(it);
    it = hg_batches_open(data, &(hg_batches_params){.part = HG_TEST, .batch = 100, .epochs = 1});
    assert_true(hg_batches_next(it, &batch));
    assert_int_equal(batch.count, 2);
    assert_null(batch.labels);
    hg_batches_close(it);
}

static void last_batch_left_out(void **state)
{
    (void)state;
    hg_batch batch;
    hg_batches *it = hg_batches_open(data, &(hg_batches_params){.batch = 10, .drop_last = true, .epochs = 2});
    assert_int_equal(hg_batches_per_epoch(it), 5);
    for (int k = 0; k < 10; k++) {
        assert_true(hg_batches_next(it, &batch));
        expect_batch(&batch, k / 5, k % 5, 10);
    }
    assert_true(hg_batches_next(it, &batch));
    assert_int_equal(batch.count, 0);
    hg_batches_close(it);
    assert_null(hg_batches_open(data, &(hg_batches_params){.batch = N + 1, .drop_last = true}));
    expect_failure(ctx, HG_USAGE, "fewer than a batch of 54");
}

static void shuffled_order(void **state)
{
    (void)state;
    hg_batch batch;
    uint32_t orders[3][N], expected[N];
    hg_batches *it = hg_batches_open(data, &(hg_batches_params){.batch = 8, .shuffle = true, .seed = 5, .ring = 2});
    for (int epoch = 0; epoch < 3; epoch++) {
        bool seen[N] = {false};
        for (int k = 0; k < 7; k++) {
            assert_true(hg_batches_next(it, &batch));
            expect_batch(&batch, epoch, k, k == 6 ? 5 : 8);
            memcpy(orders[epoch] + 8 * k, batch.indices, (size_t)batch.count * sizeof(uint32_t));
        }
        for (int i = 0; i < N; i++) {
            assert_false(seen[orders[epoch][i]]);
            seen[orders[epoch][i]] = true;
        }
        hg_batches_order(5, epoch, expected, N);
        assert_memory_equal(orders[epoch], expected, sizeof expected);
    }
    hg_batches_close(it);
    assert_memory_not_equal(orders[0], orders[1], sizeof orders[0]);
    assert_memory_not_equal(orders[1], orders[2], sizeof orders[0]);
    hg_batches_order(6, 0, expected, N);
    assert_memory_not_equal(orders[0], expected, sizeof expected);
}

/* From every place, the same batches follow as in a run from the start. */
static void resuming(void **state)
{
    (void)state;
    hg_batch batch, other;
    for (int start = 0; start < 14; start++) {
        hg_batches *whole = hg_batches_open(data, &(hg_batches_params){.batch = 8, .shuffle = true, .seed = 5, .epochs = 3});
        hg_batches *rest = hg_batches_open(data, &(hg_batches_params){.batch = 8, .shuffle = true, .seed = 5, .epochs = 3,
                                                                    .epoch = start / 7, .index = start % 7});
        for (int k = 0; k < start; k++)
            assert_true(hg_batches_next(whole, &batch));
        do {
            assert_true(hg_batches_next(whole, &batch) && hg_batches_next(rest, &other));
            assert_int_equal(batch.count, other.count);
            assert_true(batch.epoch == other.epoch && batch.index == other.index);
            if (batch.count)
                assert_memory_equal(batch.indices, other.indices, (size_t)batch.count * sizeof(uint32_t));
        } while (batch.count);
        hg_batches_close(whole);
        hg_batches_close(rest);
    }
    hg_batches *done = hg_batches_open(data, &(hg_batches_params){.batch = 8, .epoch = 3, .epochs = 3});
    assert_true(hg_batches_next(done, &batch));
    assert_int_equal(batch.count, 0);
    hg_batches_close(done);
}

/* A held batch keeps its bytes while the loader fills the rest of the ring. */
static void held_batches_stay(void **state)
{
    (void)state;
    hg_batch batch;
    hg_batches *it = hg_batches_open(data, &(hg_batches_params){.batch = 8, .shuffle = true, .seed = 1, .ring = 2});
    for (int k = 0; k < 5; k++) {
        assert_true(hg_batches_next(it, &batch));
        usleep(2000);
        expect_batch(&batch, 0, k, 8);
    }
    hg_batches_close(it);
}

static void stopping_at_any_time(void **state)
{
    (void)state;
    hg_batch batch;
    for (int taken = 0; taken < 40; taken++) {
        hg_batches *it = hg_batches_open(data, &(hg_batches_params){.batch = 3, .shuffle = true, .ring = 3});
        for (int k = 0; k < taken; k++)
            assert_true(hg_batches_next(it, &batch));
        hg_batches_close(it);
    }
    hg_batches_close(NULL);
}

static void wrong_calls(void **state)
{
    (void)state;
    assert_null(hg_batches_open(data, &(hg_batches_params){.batch = 0}));
    expect_failure(ctx, HG_USAGE, "batch of at least 1");
    assert_null(hg_batches_open(data, &(hg_batches_params){.batch = 8, .index = 7}));
    expect_failure(ctx, HG_USAGE, "batch 7|7 batches of 8");
    assert_null(hg_batches_open(data, &(hg_batches_params){.batch = 8, .epoch = 4, .epochs = 3}));
    expect_failure(ctx, HG_USAGE, "epoch 4");
    assert_null(hg_batches_open(data, &(hg_batches_params){.batch = 8, .epoch = -1}));
    expect_failure(ctx, HG_USAGE, "negative");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(file_order), cmocka_unit_test(last_batch_left_out), cmocka_unit_test(shuffled_order), cmocka_unit_test(resuming),
        cmocka_unit_test(held_batches_stay), cmocka_unit_test(stopping_at_any_time), cmocka_unit_test(wrong_calls),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
