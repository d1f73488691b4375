/* Nets. One model at several sizes: which fit, what the messages say of those that do not, and that the weights compute the same.
 * Labels: who must give them, and that each example is computed with its own. Losses: from logits, and of many penalties. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "context.h"
#include "files.h"

static hg_model *load(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, HG_SOURCE_ROOT "/tools/models/%s.yaml", name);
    hg_model *model = hg_model_load(ctx, path);
    if (!model) fail_msg("%s", hg_message(ctx));
    return model;
}

static hg_model *parse(const char *text)
{
    hg_model *model = hg_model_parse(ctx, "m.yaml", text, strlen(text));
    if (!model) fail_msg("%s", hg_message(ctx));
    return model;
}

static void expect_size(void get(const hg_model *, int *, int *, int *), const hg_model *model, int height, int width)
{
    int c, h, w;
    get(model, &c, &h, &w);
    assert_int_equal(h, height);
    assert_int_equal(w, width);
}

static void expect_refused(const hg_model *model, int height, int width, hg_status status, const char *words)
{
    assert_null(hg_model_resize(model, height, width));
    expect_failure(ctx, status, words);
}

static void test_sizes(void **unused)
{
    (void)unused;
    hg_model *small = load("conv-ae"), *large = hg_model_resize(small, 36, 100);
    if (!large) fail_msg("%s", hg_message(ctx));
    expect_size(hg_model_input, large, 36, 100);
    expect_size(hg_model_output, large, 36, 100);
    expect_size(hg_model_code, large, 5, 13);
    assert_int_equal(hg_model_parameters(large), hg_model_parameters(small));
    expect_refused(small, 30, 28, HG_BAD_INPUT, "30x28|of heights, 36, 44 and so on fit, 8 more each time");
    expect_refused(large, 28, 29, HG_BAD_INPUT, "28x29|of widths, 36, 44");
    expect_refused(small, 0, 28, HG_USAGE, "height of 0");
    expect_refused(small, 28, 65537, HG_USAGE, "width of 65537");
    int h = 29, w = 36;
    assert_true(hg_model_fit(small, &h, &w));
    assert_int_equal(h * 1000 + w, 36036);
    hg_model_destroy(large);
    hg_model_destroy(small);
}

static void test_kinds(void **unused)
{
    (void)unused;
    hg_model *strided = parse("input: {channels: 3, height: 8, width: 8}\n"
                              "encoder: [{conv2d: {filters: 4, kernel: 3, stride: 4, padding: same}}]\n"
                              "decoder: [{conv2d_transpose: {filters: 3, kernel: 3, stride: 4, padding: same}}]\n");
    expect_refused(strided, 30, 40, HG_BAD_INPUT, "of heights, multiples of 4 fit, the next is 32");
    hg_model_destroy(strided);

    hg_model *larger = load("m5"), *odd = hg_model_resize(larger, 31, 77); /* an input half the picture's size */
    if (!odd) fail_msg("%s", hg_message(ctx));
    expect_size(hg_model_input, odd, 31, 77);
    expect_size(hg_model_target, odd, 62, 154);
    hg_model_destroy(odd);
    hg_model_destroy(larger);

    hg_model *fixed = load("conv-vae");
    expect_refused(fixed, 32, 28, HG_BAD_INPUT, "encoder.2|flatten|28x28");
    int h = 32, w = 28;
    assert_false(hg_model_fit(fixed, &h, &w));
    expect_failure(ctx, HG_BAD_INPUT, "encoder.2|flatten");
    hg_model *same = hg_model_resize(fixed, 28, 28);
    assert_non_null(same);
    hg_model_destroy(same);
    hg_model_destroy(fixed);

    hg_model *shaped = parse("input: {channels: 2, height: 4, width: 4}\n"
                             "encoder: [{conv2d: {filters: 2, kernel: 1}}]\ndecoder: [{reshape: [2, 4, 4]}]\n");
    expect_refused(shaped, 8, 8, HG_BAD_INPUT, "decoder.0|reshape|m.yaml:3|4x4");
    hg_model_destroy(shaped);
}

static hg_device *open_device(void)
{
    hg_device *dev = hg_device_open(ctx, NULL);
    if (dev) return dev;
    print_message("no device: %s\n", hg_message(ctx));
    hg_context_clear(ctx);
    skip();
    return NULL;
}

/* Weights of a net at 6 x 6 and at 9 x 14: where no pixel beyond the small picture is seen, the outputs agree. */
static void test_weights(void **unused)
{
    (void)unused;
    enum { N = 6, H = 9, W = 14, SEEN = 2 };
    static const char text[] = "input: {channels: 2, height: 6, width: 6}\n"
                               "encoder: [{conv2d: {filters: 5, kernel: 3, padding: same, activation: tanh}}, batch_norm]\n"
                               "decoder: [{conv2d: {filters: 2, kernel: 3, padding: same, activation: sigmoid}}]\n";
    hg_device *dev = open_device();
    hg_model *small = parse(text), *large = hg_model_resize(small, H, W), *other = load("conv-ae");
    hg_net *a = hg_net_create(dev, small, &(hg_net_params){.batch = 1, .seed = 1, .inference = true});
    hg_net *b = hg_net_create(dev, large, &(hg_net_params){.batch = 1, .seed = 2, .inference = true});
    hg_net *c = hg_net_create(dev, other, &(hg_net_params){.batch = 1, .inference = true});
    if (!a || !b || !c) fail_msg("%s", hg_message(ctx));
    assert_true(hg_net_copy(b, a));
    assert_false(hg_net_copy(c, a));
    expect_failure(ctx, HG_USAGE, "not the same model");
    float x[2][H][W], y[2][H][W], in[2][N][N], out[2][N][N];
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < H; i++)
            for (int j = 0; j < W; j++) x[k][i][j] = (float)((k * 131 + i * 17 + j * 29) % 31) / 31;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) in[k][i][j] = x[k][i][j];
    assert_true(hg_reconstruct(a, 1, &in[0][0][0], NULL, &out[0][0][0]) && hg_reconstruct(b, 1, &x[0][0][0], NULL, &y[0][0][0]));
    double beyond = 0;
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                const double off = fabs((double)out[k][i][j] - (double)y[k][i][j]);
                if (i < N - SEEN && j < N - SEEN) assert_true(off < 1e-6);
                else beyond = fmax(beyond, off);
            }
    assert_true(beyond > 1e-3); /* at the small picture's border the large one sees more */
    hg_net_destroy(a);
    hg_net_destroy(b);
    hg_net_destroy(c);
    hg_model_destroy(small);
    hg_model_destroy(large);
    hg_model_destroy(other);
    hg_device_close(dev);
}

/* With linear 1x1 convolutions a label shifts every pixel of its example by a number of its own. */
static void test_labels(void **unused)
{
    (void)unused;
    enum { N = 5, PIXELS = 6 * 4, LABELS = 3 };
    static const char text[] = "input: {channels: 1, height: 6, width: 4}\ncondition: {labels: 3}\n"
                               "encoder: [{conv2d: {filters: 1, kernel: 1}}]\ndecoder: [{conv2d: {filters: 1, kernel: 1}}]\n";
    static bool (*const calls[])(hg_net *, int64_t, const float *, const int *, float *) = {hg_encode, hg_decode, hg_reconstruct};
    static const int labels[N] = {2, 0, 1, 1, 2}, none[N] = {0}, beyond[N] = {0, 1, 2, 3, 0}, negative[N] = {0, 0, 0, 0, -1};
    hg_device *dev = open_device();
    hg_model *model = parse(text), *other = hg_model_resize(model, 4, 6);
    assert_non_null(other);
    assert_int_equal(hg_model_labels(model), LABELS);
    hg_net *net = hg_net_create(dev, model, &(hg_net_params){.batch = 2, .seed = 1, .inference = true});
    hg_net *turned = hg_net_create(dev, other, &(hg_net_params){.batch = 3, .inference = true});
    if (!net || !turned) fail_msg("%s", hg_message(ctx));
    assert_true(hg_net_copy(turned, net));
    float x[N * PIXELS], y[N * PIXELS], plain[N * PIXELS], same[N * PIXELS];
    for (int i = 0; i < N * PIXELS; i++) x[i] = (float)(i * 37 % 31) / 31;
    for (int c = 0; c < 3; c++) {
        float shift[LABELS] = {0};
        assert_true(calls[c](net, N, x, labels, y) && calls[c](net, N, x, none, plain) && calls[c](turned, N, x, labels, same));
        for (int b = 0; b < N; b++) shift[labels[b]] = y[b * PIXELS] - plain[b * PIXELS];
        for (int i = 0; i < N * PIXELS; i++) assert_float_equal(y[i] - plain[i], shift[labels[i / PIXELS]], 1e-5);
        for (int i = 0; i < N * PIXELS; i++) assert_float_equal(same[i], y[i], 1e-5);
        assert_float_equal(shift[0], 0, 0);
        assert_true(fabsf(shift[1]) > 1e-3f && fabsf(shift[2]) > 1e-3f && fabsf(shift[1] - shift[2]) > 1e-3f);
        assert_false(calls[c](net, N, x, NULL, y));
        expect_failure(ctx, HG_USAGE, "label of every example|0 to 2");
        assert_false(calls[c](net, N, x, beyond, y));
        expect_failure(ctx, HG_USAGE, "label 3|0 to 2");
        assert_false(calls[c](net, N, x, negative, y));
        expect_failure(ctx, HG_USAGE, "label -1|0 to 2");
    }
    hg_net_destroy(net);
    hg_net_destroy(turned);
    hg_model_destroy(model);
    hg_model_destroy(other);
    hg_device_close(dev);
}

static hg_dataset *open_digits(int channels)
{
    const hg_dataset_params params = {.channels = channels, .height = 8, .width = 8, .builtin_train = 50, .builtin_test = 10};
    hg_dataset *data = hg_dataset_open(ctx, &params);
    if (!data) fail_msg("%s", hg_message(ctx));
    return data;
}

static hg_losses losses_of(hg_device *dev, const hg_dataset *data, const char *text, double *trained)
{
    hg_losses losses;
    double seconds;
    hg_model *model = parse(text);
    hg_net *net = hg_net_create(dev, model, &(hg_net_params){.seed = 3});
    if (!net || !hg_evaluate(net, data, HG_TEST, &losses)) fail_msg("%s", hg_message(ctx));
    hg_bench *bench = hg_bench_create(net, data, HG_BENCH_TRAIN);
    if (!bench || !hg_bench_run(bench, 6, &seconds) || !hg_bench_loss(bench, 6, trained)) fail_msg("%s", hg_message(ctx));
    hg_bench_destroy(bench);
    hg_net_destroy(net);
    hg_model_destroy(model);
    return losses;
}

/* A sigmoid reaches the loss as logits, whether it stands behind a reshape or before it: the same numbers, bit by bit, after steps so
 * long that it is saturated. */
static void test_logits(void **unused)
{
    (void)unused;
    static const char head[] = "input: {channels: 3, height: 8, width: 8}\nencoder: [flatten, {dense: {units: 6, activation: relu}}]\n";
    static const char *const decoders[] = {"[{dense: {units: 192}}, {reshape: [3, 8, 8]}, {activation: sigmoid}]",
                                           "[{dense: {units: 192, activation: sigmoid}}, {reshape: [3, 8, 8]}]",
                                           "[{dense: {units: 192, activation: sigmoid}}, {reshape: [192]}, {reshape: [3, 8, 8]}]"};
    hg_device *dev = open_device();
    hg_dataset *data = open_digits(3);
    hg_losses losses[3];
    double trained[3];
    for (int i = 0; i < 3; i++) {
        char text[512];
        snprintf(text, sizeof text, "%sdecoder: %s\nloss: bce\noptimizer: {adam: {lr: 5}}\ntrain: {batch: 10}\n", head, decoders[i]);
        losses[i] = losses_of(dev, data, text, &trained[i]);
        assert_true(isfinite(losses[i].loss) && isfinite(trained[i]));
        assert_true(losses[i].loss == losses[0].loss && trained[i] == trained[0]);
    }
    hg_dataset_close(data);
    hg_device_close(dev);
}

/* An activation behind a layer that could do it is done there, to the same bits, with what else reads the layer, and not where the loss
 * takes what it reads for logits. */
static void test_joined(void **unused)
{
    (void)unused;
    static const char model[] = "input: {channels: 3, height: 8, width: 8}\n"
                                "encoder: [{conv2d: {filters: 4%s}}, {activation: %s}, {batch_norm: {momentum: 0.2%s}}, {activation: %s}, flatten, "
                                "{dense: {units: 6, activity_l1: 0.1}}, {activation: tanh}]\n"
                                "decoder: [{dense: {units: 192}}, {activation: sigmoid}, {reshape: [3, 8, 8]}, {conv2d: {filters: 3, padding: same}}, "
                                "{activation: sigmoid}]\nloss: bce\noptimizer: adam\ntrain: {batch: 10}\n";
    static const char *const words[2][4] = {{"", "relu", "", "{leaky_relu: 0.2}"},
                                            {", activation: relu", "linear", ", activation: {leaky_relu: 0.2}", "linear"}};
    hg_device *dev = open_device();
    hg_dataset *data = open_digits(3);
    hg_losses losses[2];
    double trained[2];
    for (int i = 0; i < 2; i++) {
        char text[1024];
        snprintf(text, sizeof text, model, words[i][0], words[i][1], words[i][2], words[i][3]);
        losses[i] = losses_of(dev, data, text, &trained[i]);
        hg_model *parsed = parse(text);
        hg_net *net = hg_net_create(dev, parsed, &(hg_net_params){.seed = 3});
        hg_launch_row row;
        int alone = 0, of_tanh = 0;
        for (int k = 0; hg_net_launch(net, HG_PLAN_TRAIN, k, &row); k++) {
            alone += strncmp(row.label, "encoder.1 ", 10) == 0 || strncmp(row.label, "encoder.3 ", 10) == 0 || strncmp(row.label, "decoder.1 ", 10) == 0;
            of_tanh += strncmp(row.label, "encoder.6 ", 10) == 0;
        }
        assert_int_equal(alone, i == 0 ? 0 : 4);
        assert_int_equal(of_tanh, 2); /* the penalty reads the same */
        hg_net_destroy(net);
        hg_model_destroy(parsed);
    }
    assert_true(isfinite(trained[0]) && losses[0].loss == losses[1].loss && trained[0] == trained[1]);
    hg_dataset_close(data);
    hg_device_close(dev);
}

/* More penalties than one launch adds up: all together are those of each alone. */
static void test_penalties(void **unused)
{
    (void)unused;
    enum { LAYERS = 6 };
    hg_device *dev = open_device();
    hg_dataset *data = open_digits(1);
    double each = 0, all = 0, trained;
    for (int k = 0; k <= LAYERS; k++) { /* at last all of them */
        char text[1024];
        int n = snprintf(text, sizeof text, "input: {channels: 1, height: 8, width: 8}\nencoder: [flatten");
        for (int i = 0; i < LAYERS; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, ", {dense: {units: %d, activation: relu, activity_l1: %g}}", 5 + i,
                          k == i || k == LAYERS ? 0.25 * (i + 1) : 0);
        snprintf(text + n, sizeof text - (size_t)n, "]\ndecoder: [{dense: 64}, {reshape: [1, 8, 8]}]\nloss: mse\ntrain: {batch: 10}\n");
        const hg_losses losses = losses_of(dev, data, text, &trained);
        assert_true(losses.penalty > 0 && isfinite(trained));
        *(k < LAYERS ? &each : &all) += losses.penalty;
    }
    assert_true(fabs(all - each) <= 1e-6 * each);
    hg_dataset_close(data);
    hg_device_close(dev);
}

/* A benchmark needs no labels that suit: any will do for its time. */
static void test_bench(void **unused)
{
    (void)unused;
    static const char text[] = "input: {channels: 1, height: 8, width: 8}\ncondition: {labels: 3}\n"
                               "encoder: [flatten, dense: 4]\ndecoder: [dense: 64]\ntrain: {batch: 10}\n";
    hg_device *dev = open_device();
    hg_model *model = parse(text);
    hg_dataset *data = open_digits(1);
    hg_net *net = hg_net_create(dev, model, NULL);
    if (!net) fail_msg("%s", hg_message(ctx));
    hg_losses losses;
    assert_false(hg_evaluate(net, data, HG_TEST, &losses));
    expect_failure(ctx, HG_BAD_INPUT, "labels up to 9|0 to 2|labels: 10");
    for (hg_bench_mode mode = HG_BENCH_TRAIN; mode <= HG_BENCH_INFER; mode++) {
        double seconds, loss;
        hg_bench *bench = hg_bench_create(net, data, mode);
        if (!bench) fail_msg("%s", hg_message(ctx));
        assert_true(hg_bench_run(bench, 2, &seconds) && hg_bench_loss(bench, 1, &loss));
        hg_bench_destroy(bench);
    }
    hg_net_destroy(net);
    hg_model_destroy(model);
    hg_dataset_close(data);
    hg_device_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes), cmocka_unit_test(test_kinds), cmocka_unit_test(test_weights), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_logits), cmocka_unit_test(test_joined), cmocka_unit_test(test_penalties), cmocka_unit_test(test_bench),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
