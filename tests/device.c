/* The device room, on whichever device is the best one here: listing, choice, buffers, staging, probes. */
#include "on_device.h"

/* ---- finding */

static void listing(void **state)
{
    (void)state;
    need_device();
    hg_device_list *list = hg_devices(ctx);
    assert_non_null(list);
    int n = hg_devices_count(list), best = 0;
    assert_true(n >= 1);
    assert_null(hg_devices_at(list, n));
    assert_null(hg_devices_at(list, -1));
    for (int i = 0; i < n; i++) {
        const hg_device_info *info = hg_devices_at(list, i);
        assert_int_equal(info->index, i);
        assert_true(*info->name && *info->platform && *info->driver && strncmp(info->version, "OpenCL", 6) == 0 &&
                    *info->why);
        assert_true(info->compute_units > 0 && info->memory >= info->max_alloc && info->max_alloc > 0 &&
                    info->max_work_group > 0);
        assert_true(info->base_align >= 4 && info->vector_width >= 1);
        if (info->usable) assert_true(info->score > 0);
        if (info->score > hg_devices_at(list, best)->score) best = i;
    }
    assert_int_equal(hg_device_get_info(dev)->index, best);
    assert_ptr_equal(hg_device_context(dev), ctx);
    assert_string_equal(hg_device_variants(dev), "plain");
    /* a CPU driver that does not say a vector width leaves vectors to luck: it must not win over one that does */
    for (int i = 0; i < n; i++)
        for (int k = 0; k < n; k++) {
            const hg_device_info *a = hg_devices_at(list, i), *b = hg_devices_at(list, k);
            if (a->type == HG_DEVICE_CPU && b->type == HG_DEVICE_CPU && a->usable && b->usable &&
                a->vector_width == 1 && b->vector_width > 1)
                assert_true(a->score < b->score);
        }
    hg_devices_destroy(list);
    hg_devices_destroy(NULL);
}

static void choose_wrong(const char *select, const char *part)
{
    assert_null(hg_device_open(ctx, &(hg_device_params){.select = select}));
    expect_failure(HG_NO_DEVICE, part);
}

static void choosing(void **state)
{
    (void)state;
    need_device();
    const hg_device_info *info = hg_device_get_info(dev);
    char number[32];
    snprintf(number, sizeof number, "%d", info->index);
    const char *fit[] = {"auto", number, info->name};
    for (size_t i = 0; i < sizeof fit / sizeof *fit; i++) {
        hg_device *other = hg_device_open(ctx, &(hg_device_params){.select = fit[i]});
        check(other != NULL);
        assert_int_equal(hg_device_get_info(other)->index, info->index);
        hg_device_close(other);
    }
    choose_wrong("no such device", info->name);
    choose_wrong("4711", "no device 4711");
    choose_wrong("-1", "no device -1");
    hg_device_list *list = hg_devices(ctx);
    int kinds[3] = {0};
    for (int i = 0; i < hg_devices_count(list); i++)
        kinds[hg_devices_at(list, i)->type] += hg_devices_at(list, i)->usable;
    if (!kinds[HG_DEVICE_GPU]) choose_wrong("gpu", "gpu");
    if (!kinds[HG_DEVICE_CPU]) choose_wrong("cpu", "cpu");
    if (hg_devices_count(list) > 1 && hg_contains(hg_devices_at(list, 0)->name, "m") &&
        hg_contains(hg_devices_at(list, 1)->name, "m"))
        choose_wrong("m", hg_devices_at(list, 1)->name); /* fits several: all are listed */
    hg_devices_destroy(list);
}

/* ---- buffers */

static void expect_bytes(hg_buffer *buffer, size_t offset, const char *bytes, size_t n)
{
    char found[256];
    assert_true(n <= sizeof found);
    check(hg_buffer_read(buffer, offset, found, n));
    assert_memory_equal(found, bytes, n);
}

static void buffers(void **state)
{
    (void)state;
    need_device();
    size_t align = hg_device_get_info(dev)->base_align, size = 4 * align;
    hg_buffer *a = hg_buffer_create(dev, size, "a"), *b = hg_buffer_create(dev, size, "b");
    check(a && b);
    assert_int_equal(hg_buffer_size(a), size);
    expect_bytes(a, size - 8, "\0\0\0\0\0\0\0\0", 8);
    check(hg_buffer_write(a, 3, "abcdef", 6) && hg_buffer_write(a, 0, "", 0));
    expect_bytes(a, 2, "\0abcdef\0", 8);
    /* a view in the middle, filled with a word and a bit: its neighbours stay */
    hg_buffer *view = hg_buffer_view(a, align, align + 2), *inner = hg_buffer_view(view, align, 2);
    check(view && inner);
    assert_int_equal(hg_buffer_size(inner), 2);
    check(hg_buffer_fill(view, 0x44434241));
    expect_bytes(a, align - 2, "\0\0ABCDABCD", 10);
    expect_bytes(a, 2 * align - 4, "ABCDAB\0\0", 8);
    expect_bytes(inner, 0, "AB", 2);
    check(hg_buffer_write(inner, 1, "!", 1));
    check(hg_buffer_copy(b, 5, view, align - 2, 4));
    expect_bytes(b, 4, "\0CDA!\0", 6);
    assert_false(hg_buffer_write(view, align, "xyz", 3));
    expect_failure(HG_INTERNAL, "a: 3 bytes");
    assert_false(hg_buffer_read(a, SIZE_MAX, &size, 2));
    expect_failure(HG_INTERNAL, "a");
    assert_null(hg_buffer_view(a, 1, 4));
    expect_failure(HG_INTERNAL, "a");
    assert_null(hg_buffer_view(a, align, size));
    expect_failure(HG_INTERNAL, "a");
    hg_buffer_destroy(inner);
    hg_buffer_destroy(view);
    hg_buffer_destroy(b);
    hg_buffer_destroy(a);
    hg_buffer_destroy(NULL);
}

static void too_large(void **state)
{
    (void)state;
    need_device();
    const hg_device_info *info = hg_device_get_info(dev);
    assert_null(hg_buffer_create(dev, SIZE_MAX, "activations"));
    expect_failure(HG_DEVICE_MEMORY, "activations");
    assert_null(hg_buffer_create(dev, info->max_alloc + 4096, "activations"));
    expect_failure(HG_DEVICE_MEMORY, info->name);
    hg_buffer *small = hg_buffer_create(dev, 0, "nothing"); /* the device is not lost by it */
    check(small && hg_device_finish(dev));
    hg_buffer_destroy(small);
}

static void staging(void **state)
{
    (void)state;
    need_device();
    enum { N = 100, WORDS = 64 };
    hg_buffer *to = hg_buffer_create(dev, N * WORDS * sizeof(int), "to");
    hg_stage *stage = hg_stage_create(dev, WORDS * sizeof(int), 3);
    check(to && stage);
    for (int i = 0; i < N; i++) {
        int *block = hg_stage_next(stage);
        check(block != NULL);
        for (int k = 0; k < WORDS; k++) block[k] = i * 1000 + k;
        check(hg_stage_upload(stage, to, (size_t)i * WORDS * sizeof(int), WORDS * sizeof(int)));
    }
    static int found[N * WORDS];
    check(hg_buffer_read(to, 0, found, sizeof found));
    for (int i = 0; i < N * WORDS; i++) assert_int_equal(found[i], i / WORDS * 1000 + i % WORDS);
    check(hg_stage_next(stage) != NULL);
    assert_false(hg_stage_upload(stage, to, hg_buffer_size(to) - 4, 8));
    expect_failure(HG_INTERNAL, "to");
    hg_stage_destroy(stage);
    hg_stage_destroy(NULL);
    hg_buffer_destroy(to);
}

/* ---- probes */

/* The device of the other tests has its kernels from a folder; the probes are built in. */
static void probing(void **state)
{
    (void)state;
    need_device();
    if (hg_contains(hg_device_get_info(dev)->platform, "oclgrind"))
        skip(); /* it would copy 64 MiB number by number, and report our failure */
    hg_roofs roofs = {0};
    hg_device *own = hg_device_open(ctx, NULL);
    check(own != NULL);
    for (int i = 0; i < 2; i++) { /* the second time the programs are there */
        check(hg_device_probe(own, &roofs));
        assert_true(isfinite(roofs.flops) && roofs.flops > 1e3 && roofs.flops < 1e18);
        assert_true(isfinite(roofs.bytes) && roofs.bytes > 1e3 && roofs.bytes < 1e18);
    }
    hg_device_close(own);
    assert_false(hg_device_probe(dev, &roofs)); /* no probe.cl in its folder */
    expect_failure(HG_BAD_INPUT, "probe.cl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(listing),   cmocka_unit_test(choosing), cmocka_unit_test(buffers),
                                       cmocka_unit_test(too_large), cmocka_unit_test(staging),  cmocka_unit_test(probing)};
    return cmocka_run_group_tests(tests, begin, end);
}
