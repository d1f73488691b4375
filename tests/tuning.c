/* Tunings: the table, its file, crashes; and the tuner, which must find choices that compute the same, and refuse kernels that do not. */
#include "model/tuning.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/memory.h"
#include "files.h"

static hg_context *ctx;
static char note[1024]; /* the last warning */

static void log_line(void *user, hg_level level, const char *text)
{
    (void)user;
    if (level == HG_LOG_WARNING) snprintf(note, sizeof note, "%s", text);
}

static hg_device *open_device(const char *kernel_dir, const char *variants)
{
    hg_device *dev = hg_device_open(ctx, &(hg_device_params){.kernel_dir = kernel_dir, .variants = variants});
    if (!dev) fail_msg("%s", hg_message(ctx));
    return dev;
}

static hg_tuning *open_file(hg_device *dev, const char *name)
{
    hg_tuning *tuning = hg_tuning_open(dev, name ? files_path(name) : NULL);
    assert_non_null(tuning);
    return tuning;
}

static void test_table(void **unused)
{
    (void)unused;
    files_fresh();
    hg_device *dev = open_device(NULL, NULL);
    hg_tuning *t = open_file(dev, "tuning.json");
    assert_null(hg_tuning_find(t, "a"));
    for (int i = 0; i < 100; i++) {
        char key[16], pick[16];
        snprintf(key, sizeof key, "key %d", i);
        snprintf(pick, sizeof pick, "cpu:%d", i);
        assert_true(hg_tuning_set(t, key, pick, i * 1e-6, 2e-6 * i));
    }
    assert_true(hg_tuning_set(t, "key 7", "plain", 0, 0));
    assert_int_equal(hg_tuning_count(t), 100);
    assert_true(hg_tuning_save(t));
    hg_tuning_close(t);

    t = open_file(dev, "tuning.json");
    assert_int_equal(hg_tuning_count(t), 100);
    assert_string_equal(hg_tuning_find(t, "key 7"), "plain");
    assert_string_equal(hg_tuning_find(t, "key 99"), "cpu:99");
    char *text = hg_tuning_text(t);
    hg_tuning *copy = open_file(dev, NULL);
    bool fits = false;
    assert_true(hg_tuning_add_text(copy, "a copy", text, &fits));
    assert_true(fits);
    assert_string_equal(hg_tuning_find(copy, "key 42"), "cpu:42");
    char *again = hg_tuning_text(copy);
    assert_non_null(again);
    hg_free(again);
    hg_free(text);
    hg_tuning_close(copy);
    hg_tuning_close(t);
    hg_device_close(dev);
}

static void expect_passed_over(hg_device *dev, const char *content, const char *word)
{
    files_write("bad.json", content, strlen(content));
    note[0] = 0;
    hg_tuning *t = open_file(dev, "bad.json");
    assert_int_equal(hg_tuning_count(t), 0);
    assert_false(hg_failed(ctx));
    if (word ? !strstr(note, word) : *note) fail_msg("a file with %s gave the warning '%s'", content, note);
    hg_tuning_close(t);
}

static void test_damaged(void **unused)
{
    (void)unused;
    files_fresh();
    hg_device *dev = open_device(NULL, NULL);
    hg_tuning *t = open_file(dev, NULL);
    char *good = hg_tuning_text(t);
    expect_passed_over(dev, "", "no tuning");
    expect_passed_over(dev, "{\"hourglass\": ", "no tuning");
    expect_passed_over(dev, "[1, 2]", "no tuning");
    expect_passed_over(dev, "{\"hourglass\": \"0.0.1\", \"choices\": {\"a\": {\"pick\": \"plain\"}}}", NULL); /* another version: no fault */
    char text[4096];
    char *place = strstr(good, "\"choices\":{}");
    assert_non_null(place);
    snprintf(text, sizeof text, "%.*s\"choices\":{\"a\":{\"pick\":3},\"b\":7}%s", (int)(place - good), good, place + strlen("\"choices\":{}"));
    expect_passed_over(dev, text, "2 entries");
    hg_free(good);
    hg_tuning_close(t);
    hg_device_close(dev);
}

static void test_crashes(void **unused)
{
    (void)unused;
    files_fresh();
    hg_device *dev = open_device(NULL, NULL);
    hg_tuning *t = open_file(dev, "tuning.json");
    assert_true(hg_tuning_take(t));
    hg_tuning *other = open_file(dev, "tuning.json");
    assert_false(hg_tuning_take(other));
    expect_failure(ctx, HG_BUSY, "another process");
    assert_true(hg_tuning_trying(t, "key", "cpu:1"));
    hg_tuning_survived(t);
    assert_true(hg_tuning_trying(t, "key", "cpu:2"));
    hg_tuning_close(t); /* as if the process had ended while it tried */

    assert_true(hg_tuning_take(other));
    assert_non_null(strstr(note, "cpu:2"));
    assert_false(hg_tuning_has_crashed(other, "key", "cpu:1"));
    assert_true(hg_tuning_has_crashed(other, "key", "cpu:2"));
    hg_tuning_close(other);
    assert_false(hg_path_exists(files_path("tuning.json.trying")));
    t = open_file(dev, "tuning.json");
    assert_true(hg_tuning_has_crashed(t, "key", "cpu:2"));
    hg_tuning_close(t);
    hg_device_close(dev);
}

/* ---- the tuner */

static const char MODEL[] =
    "name: small\ninput: {channels: 3, height: 10, width: 10}\n"
    "encoder: [{conv2d: {filters: 16, kernel: 3, padding: same, activation: relu}}, {conv2d: {filters: 8, kernel: 3, stride: 2, padding: same}}, flatten]\n"
    "latent: {gaussian: {units: 4}}\n"
    "decoder: [{dense: {units: 200, activation: tanh}}, {reshape: [8, 5, 5]}, {conv2d_transpose: {filters: 3, kernel: 3, stride: 2, padding: same, activation: sigmoid}}]\n"
    "loss: mse\noptimizer: adam\ntrain: {batch: 6}\n";

/* with a pooling that is computed with its convolution (model/conv_pooled.h) */
static const char POOLED[] =
    "name: pooled\ninput: {channels: 3, height: 10, width: 10}\n"
    "encoder: [{conv2d: {filters: 16, kernel: 1}}, {conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}}, {max_pool2d: {size: 2}}]\n"
    "decoder: [{conv2d_transpose: {filters: 3, kernel: 3, stride: 2, padding: same, activation: sigmoid}}]\n"
    "loss: mse\noptimizer: adam\ntrain: {batch: 6}\n";

/* with few operations */
static const char FEW[] =
    "name: few\ninput: {channels: 3, height: 10, width: 10}\n"
    "encoder: [{conv2d: {filters: 16, kernel: 3, padding: same, activation: relu}}]\ndecoder: [{conv2d: {filters: 3, kernel: 1}}]\n"
    "loss: mse\noptimizer: sgd\ntrain: {batch: 6}\n";

static hg_model *parse_text(const char *text)
{
    hg_model *model = hg_model_parse(ctx, "small", text, strlen(text));
    if (!model) fail_msg("%s", hg_message(ctx));
    return model;
}

static hg_model *parse(void) { return parse_text(MODEL); }

static bool count_done(void *user, const hg_tune_progress *p)
{
    if (!*p->pick) ++*(int *)user;
    return true;
}

static void read_all(hg_device *dev, hg_model *model, const hg_tuning *tuning, float *out, int *untuned)
{
    float x[6 * 300];
    for (int i = 0; i < 6 * 300; i++) x[i] = (float)((i * 37) % 101) / 100.0f;
    hg_net *net = hg_net_create(dev, model, &(hg_net_params){.seed = 3, .tuning = tuning});
    if (!net || !hg_reconstruct(net, 6, x, NULL, out)) fail_msg("%s", hg_message(ctx));
    *untuned = hg_net_untuned(net);
    hg_net_destroy(net);
}

static void test_tune(void **unused)
{
    (void)unused;
    files_fresh();
    hg_device *dev = open_device(NULL, NULL);
    hg_model *model = parse();
    hg_tuning *t = open_file(dev, "tuning.json");
    float before[6 * 300], after[6 * 300];
    int new_before, new_after, done = 0;
    read_all(dev, model, t, before, &new_before);
    const hg_tune_params params = {.seconds = 20, .progress = count_done, .user = &done};
    if (!hg_tune(dev, model, t, &params)) fail_msg("%s", hg_message(ctx));
    assert_true(new_before >= 12); /* 6 layers with weights, forward and weight gradient at least */
    assert_true(done > 0);
    assert_true(hg_tuning_count(t) > 0);
    hg_tuning_close(t);

    t = open_file(dev, "tuning.json"); /* what the file says is what is used */
    read_all(dev, model, t, after, &new_after);
    assert_int_equal(new_after, 0);
    for (int i = 0; i < 6 * 300; i++) assert_true(fabsf(before[i] - after[i]) <= 1e-5f);
    done = 0;
    assert_true(hg_tune(dev, model, t, &params)); /* nothing is new */
    assert_int_equal(done, 0);
    hg_tuning_close(t);
    hg_model_destroy(model);
    hg_device_close(dev);
}

static void test_tune_pooled(void **unused)
{
    (void)unused;
    hg_device *dev = open_device(NULL, NULL);
    hg_model *model = parse_text(POOLED);
    hg_tuning *t = open_file(dev, NULL);
    float before[6 * 300], after[6 * 300];
    int untuned;
    read_all(dev, model, t, before, &untuned);
    if (!hg_tune(dev, model, t, &(hg_tune_params){.seconds = 10})) fail_msg("%s", hg_message(ctx));
    const char *const keys[] = {"forward 16x10x10 8x10x10 k3x3 s1x1 p1x1 b6 pool 5x5 k2x2 p0x0 bias", "weight 16x10x10 8x10x10 k3x3 s1x1 p1x1 b6 pool 5x5 k2x2 p0x0 bias",
        "data 16x10x10 8x10x10 k3x3 s1x1 p1x1 b6 pool 5x5 k2x2 p0x0 gradient"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        char key[128];
        snprintf(key, sizeof key, "conv_%s", keys[i]);
        if (!hg_tuning_find(t, key)) fail_msg("there is no choice for %s", key);
    }
    read_all(dev, model, t, after, &untuned);
    assert_int_equal(untuned, 0);
    for (int i = 0; i < 6 * 300; i++) assert_true(fabsf(before[i] - after[i]) <= 1e-5f);
    hg_tuning_close(t);
    hg_model_destroy(model);
    hg_device_close(dev);
}

/* A choice that does not fit the problem, or names what does not exist, is passed over. */
static void test_unfit_choices(void **unused)
{
    (void)unused;
    hg_device *dev = open_device(NULL, NULL);
    hg_model *model = parse();
    const char *const bad[] = {"nothing:1:2", "cpu", "cpu:0:0:0:0:0", "cpu:3:1:1:1:1", "cpu:16:1:1:4:1:9", "cpu:-4:1:1:1:1", "plain:1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        hg_tuning *t = open_file(dev, NULL);
        float y[6 * 300];
        int untuned;
        assert_true(hg_tuning_set(t, "conv_forward 3x10x10 16x10x10 k3x3 s1x1 p1x1 b6 bias", bad[i], 0, 0));
        read_all(dev, model, t, y, &untuned);
        assert_true(untuned >= 12);
        hg_tuning_close(t);
    }
    hg_model_destroy(model);
    hg_device_close(dev);
}

/* A copy of the kernels in which every multiply-add of the convolutions is 0.1 % too large, but not in the plain ones. */
static const char *spoiled_kernels(void)
{
    char command[1200];
    const char *folder = files_fresh();
    snprintf(command, sizeof command,
             "cp %s/cl/*.cl '%s' && cd '%s' && for f in conv_*.cl; do case $f in conv_plain*|conv_pack*|conv_reduce*) ;; *) "
             "{ echo '#define fma(a, b, c) (1.001f * mad(a, b, c))'; cat $f; } >copy && mv copy $f;; esac; done",
             HG_SOURCE_ROOT, folder, folder);
    assert_int_equal(system(command), 0);
    return files_path(".");
}

/* No wrong kernel may win, nor keep its place because there is no time to find a right one. */
static void test_wrong_kernels(void **unused)
{
    (void)unused;
    const double seconds[] = {20, 0.005}; /* the second ends while the first operation is at hand */
    hg_device *dev = open_device(spoiled_kernels(), NULL);
    hg_model *model = parse_text(FEW);
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        hg_tuning *t = open_file(dev, NULL);
        if (!hg_tune(dev, model, t, &(hg_tune_params){.seconds = seconds[i]})) fail_msg("%s", hg_message(ctx));
        const char *pick = hg_tuning_find(t, "conv_forward 3x10x10 16x10x10 k3x3 s1x1 p1x1 b6 bias");
        assert_non_null(pick);
        if (i == 0) assert_string_equal(pick, "plain");
        char *text = hg_tuning_text(t);
        assert_non_null(strstr(text, "\"plain\""));
        hg_free(text);
        hg_tuning_close(t);
    }
    hg_model_destroy(model);
    hg_device_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),         cmocka_unit_test(test_damaged), cmocka_unit_test(test_crashes), cmocka_unit_test(test_tune),
        cmocka_unit_test(test_tune_pooled),
        cmocka_unit_test(test_unfit_choices), cmocka_unit_test(test_wrong_kernels),
    };
    ctx = hg_context_create(log_line, NULL);
    hg_device *dev = hg_device_open(ctx, NULL);
    if (!dev) {
        printf("skipped: %s\n", hg_message(ctx));
        return 77;
    }
    hg_device_close(dev);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    files_remove();
    hg_context_destroy(ctx);
    return failed;
}
