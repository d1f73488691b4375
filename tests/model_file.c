/* Model files: what is read, and every kind of mistake with its place and remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "hourglass.h"

static const char VAE[] =
    "name: tiny\n"
    "input: {channels: 1, height: 28, width: 28}\n"
    "encoder:\n"
    "  - conv2d: {filters: 32, kernel: 3, stride: 2, padding: same, activation: relu}\n"
    "  - conv2d: {filters: 64, kernel: 3, stride: 2, padding: same, activation: relu}\n"
    "  - flatten\n"
    "  - dense: {units: 16, activation: relu}\n"
    "latent: {gaussian: {units: 2}}\n"
    "decoder:\n"
    "  - dense: {units: 3136, activation: relu}\n"
    "  - reshape: [64, 7, 7]\n"
    "  - conv2d_transpose: {filters: 64, kernel: 3, stride: 2, padding: same, activation: relu}\n"
    "  - conv2d_transpose: {filters: 32, kernel: 3, stride: 2, padding: same, activation: relu}\n"
    "  - conv2d_transpose: {filters: 1, kernel: 3, padding: same, activation: sigmoid}\n"
    "loss: {bce: {reduction: sum}}\n"
    "optimizer: {adam: {lr: 0.001}}\n"
    "train: {batch: 128, epochs: 30}\n";

static void test_contract_example(void **state)
{
    (void)state;
    hg_context *ctx = hg_context_create(NULL, NULL);
    hg_model *model = hg_model_parse(ctx, "vae.yaml", VAE, strlen(VAE));
    if (!model) fail_msg("%s", hg_message(ctx));
    int c, h, w;
    hg_model_code(model, &c, &h, &w);
    assert_int_equal(c, 2);
    hg_model_output(model, &c, &h, &w);
    assert_int_equal(c * 10000 + h * 100 + w, 1 * 10000 + 28 * 100 + 28);
    assert_true(hg_model_is_variational(model));
    assert_int_equal(hg_model_parameters(model), 320 + 18496 + 50192 + 2 * 34 + 9408 + 36928 + 18464 + 289);
    assert_int_equal(hg_model_batch(model), 128);
    assert_int_equal(hg_model_epochs(model), 30);
    assert_string_equal(hg_model_name(model), "tiny");
    hg_layer_row row;
    assert_true(hg_model_layer(model, 0, &row));
    assert_string_equal(row.name, "encoder.0");
    assert_int_equal(row.out[0] * 10000 + row.out[1] * 100 + row.out[2], 32 * 10000 + 14 * 100 + 14);
    hg_model_destroy(model);
    hg_context_destroy(ctx);
}

/* A wrong file must give HG_BAD_INPUT and a message with every one of `parts`. */
static void refuse(const char *text, size_t length, const char *const *parts)
{
    hg_context *ctx = hg_context_create(NULL, NULL);
    hg_model *model = hg_model_parse(ctx, "m.yaml", text, length);
    if (model) fail_msg("accepted:\n%s", text);
    assert_int_equal(hg_context_status(ctx), HG_BAD_INPUT);
    for (; *parts; parts++)
        if (!strstr(hg_message(ctx), *parts)) fail_msg("'%s' is not in the message:\n%s\nfor\n%.300s", *parts, hg_message(ctx), text);
    hg_context_destroy(ctx);
}

#define HEAD "input: {channels: 1, height: 8, width: 8}\n"
#define TAIL "decoder:\n  - dense: 64\n"
#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void test_mistakes(void **state)
{
    (void)state;
    static const struct { const char *text; const char *parts[6]; } cases[] = {
        {"", {"m.yaml", "empty"}},
        {"- a\n- b\n", {"m.yaml:1:1", "mapping"}},
        {"input: {channels: 1, height: 8, width: 8}\n", {"m.yaml", "'encoder'", "missing"}},
        {HEAD "encodr:\n  - flatten\n" TAIL, {"m.yaml:2:1", "encodr", "'encoder'"}},
        {HEAD "encoder:\n  - conv2: {filters: 3}\n" TAIL, {"m.yaml:3:5", "conv2", "conv2d"}},
        {HEAD "encoder:\n  - conv2d: {filtres: 3}\n" TAIL, {"m.yaml:3:14", "filtres", "'filters'"}},
        {HEAD "encoder:\n  - conv2d: {filters: three}\n" TAIL, {"m.yaml:3:23", "filters", "three"}},
        {HEAD "encoder:\n  - conv2d: {filters: 10abc}\n" TAIL, {"m.yaml:3:23", "10abc"}},
        {HEAD "encoder:\n  - conv2d: {filters: -1}\n" TAIL, {"m.yaml:3:23", "filters", "-1"}},
        {HEAD "encoder:\n  - conv2d: {filters: 99999999999999999999}\n" TAIL, {"m.yaml:3:23", "filters"}},
        {HEAD "encoder:\n  - conv2d: {filters: 3, filters: 4}\n" TAIL, {"m.yaml:3:", "filters", "twice"}},
        {HEAD "encoder:\n  - conv2d: {filters: 3, activation: rellu}\n" TAIL, {"m.yaml:3:", "rellu", "relu"}},
        {HEAD "encoder:\n  - conv2d: {filters: 3, kernel: 9}\n" TAIL, {"m.yaml:3:5", "encoder.0", "conv2d", "8"}},
        {HEAD "encoder:\n  - conv2d: {filters: 3, kernel: 3, bias: maybe}\n" TAIL, {"m.yaml:3:", "bias", "maybe"}},
        {HEAD "encoder:\n  - conv2d\n" TAIL, {"m.yaml:3:5", "filters"}},
        {HEAD "encoder:\n  - dense: 3\n" TAIL, {"m.yaml:3:5", "encoder.0", "flatten", "1x8x8"}},
        {HEAD "encoder:\n  - flatten\n  - dense: 3\ndecoder:\n  - dense: 65\n", {"m.yaml", "decoder.0", "65", "1x8x8"}},
        {HEAD "encoder:\n  - flatten\n  - reshape: [3, 5, 5]\n" TAIL, {"m.yaml:4:5", "encoder.1", "64"}},
        {HEAD "encoder:\n  - flatten\n  - dense: 2147483647\n  - dense: 2147483647\n" TAIL, {"m.yaml:"}},
        {HEAD "encoder:\n  - dropout: 1.5\n  - flatten\n" TAIL, {"m.yaml:3:14", "rate", "1.5"}},
        {HEAD "encoder:\n  - flatten\n" TAIL "loss: bse\n", {"m.yaml:6:7", "bse", "bce"}},
        {HEAD "encoder:\n  - flatten\n" TAIL "loss: {mse: {reduction: max}}\n", {"m.yaml:6:", "reduction", "max"}},
        {HEAD "encoder:\n  - flatten\n" TAIL "optimizer: {adm: {lr: 1}}\n", {"m.yaml:6:", "adm", "adam"}},
        {HEAD "encoder:\n  - flatten\n" TAIL "optimizer: {adam: {lr: fast}}\n", {"m.yaml:6:", "lr", "fast"}},
        {HEAD "encoder:\n  - flatten\n" TAIL "optimizer: {adam: {lr: nan}}\n", {"m.yaml:6:", "lr", "nan"}},
        {HEAD "encoder:\n  - flatten\n" TAIL "train: {batch: 0}\n", {"m.yaml:6:", "batch", "0"}},
        {HEAD "encoder:\n  - flatten\n  - conv2d: {filters: 3}\n" TAIL, {"m.yaml:4:5", "encoder.1"}},
        {HEAD "encoder:\n  - conv2d: {filters: 2}\nlatent: {gaussian: {units: 2}}\n" TAIL, {"m.yaml:4:", "latent", "flatten"}},
        {HEAD "encoder:\n  - flatten: {x: 1}\n" TAIL, {"m.yaml:3:", "flatten", "x"}},
        {HEAD "encoder:\n  - conv2d: {filters: 3}\n    dense: 4\n" TAIL, {"m.yaml:3:5", "one name"}},
        {HEAD "encoder: [*a]\n" TAIL, {"m.yaml:2:", "alias"}},
        {HEAD "encoder: [\n" TAIL, {"m.yaml:", "not valid YAML"}},
        {"input: {channels: 1, height: 65536, width: 65536}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:1:", "2^31"}},
        {"input: {channels: 1, width: 8}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:1:", "height"}},
        {HEAD "encoder:\n  - flatten\ndecoder:\n  - activation: relu\n", {"m.yaml", "weights"}},
        {HEAD "corrupt: nois\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:10", "nois", "'noise'"}},
        {HEAD "corrupt: {noise: {sdt: 1}}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:19", "sdt", "'std'"}},
        {HEAD "corrupt: {noise: {std: -1}}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:24", "std", "-1"}},
        {HEAD "corrupt: {downscale: 2, noise: {clip: 2}}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:39", "clip", "2"}},
        {HEAD "corrupt: [{downscale: {method: cubic}}]\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:32", "method", "cubic", "bilinear"}},
        {HEAD "corrupt: {noise: {per: place}}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:11", "per: place", "once: true"}},
        {HEAD "corrupt: [[noise]]\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:11", "corrupt", "name"}},
        {HEAD "corrupt: [noise, noise, noise, noise, noise, noise, noise, noise, noise]\nencoder:\n  - flatten\n" TAIL,
         {"m.yaml:2:67", "more than 8"}},
        {HEAD "corrupt: {downscale: [2, 1]}\nencoder:\n  - flatten\n" TAIL, {"decoder.0", "64", "1x16x8", "input 1x8x8"}},
        {HEAD "conditoin: 10\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:1", "conditoin", "'condition'"}},
        {HEAD "condition: {label: 10}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:13", "label", "'labels'"}},
        {HEAD "condition: {labels: 0}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:21", "labels", "0"}},
        {HEAD "condition: digits\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:12", "labels", "digits"}},
        {HEAD "condition: {}\nencoder:\n  - flatten\n" TAIL, {"m.yaml:2:12", "condition", "labels"}},
        {HEAD "condition: 3\nencoder:\n  - flatten\n  - dense: 64\ndecoder:\n  - reshape: [67, 1, 1]\n", {"m.yaml:7:5", "decoder.0", "64"}},
        {"input: {channels: 1, height: 60000, width: 1}\ncorrupt: [downscale: 64, downscale: 64]\nencoder:\n  - flatten\n" TAIL,
         {"m.yaml:2:11", "downscale", "2^31"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *parts[7] = {0};
        memcpy(parts, cases[i].parts, sizeof cases[i].parts);
        refuse(cases[i].text, strlen(cases[i].text), parts);
    }
}

#define AAE HEAD "encoder:\n  - flatten\n  - dense: 3\n" TAIL
#define JUDGE "discriminator:\n  - dense: 4\n  - dense: {units: 1, activation: sigmoid}\n"
#define FIRST "phases:\n  - {name: one, loss: bce, update: {encoder: adam, decoder: adam}}\n"

static void test_wrong_phases(void **state)
{
    (void)state;
    static const struct { const char *text; const char *parts[6]; } cases[] = {
        {AAE JUDGE, {"m.yaml:8:3", "discriminator", "phases"}},
        {AAE "prior: {std: 2}\n", {"m.yaml:7:8", "prior", "discriminator"}},
        {AAE "prior: {std: -1}\n" JUDGE FIRST, {"m.yaml:7:14", "std", "-1"}},
        {AAE "loss: mse\n" FIRST, {"m.yaml:7:7", "'loss'", "phases"}},
        {AAE "optimizer: adam\n" FIRST, {"m.yaml:7:12", "'optimizer'", "phases"}},
        {AAE "phases: []\n", {"m.yaml:7:9", "list of phases"}},
        {AAE "phases: [one]\n", {"m.yaml:7:10", "name, loss and update"}},
        {AAE "phases: [{loss: mse, update: {encoder: adam}}]\n", {"m.yaml:7:10", "'name'"}},
        {AAE "phases: [{name: one, update: {encoder: adam}}]\n", {"m.yaml:7:10", "'loss'"}},
        {AAE "phases: [{name: one, loss: mse}]\n", {"m.yaml:7:10", "'update'", "updates nothing"}},
        {AAE "phases: [{name: one, loss: mse, update: {}}]\n", {"m.yaml:7:10", "'one'", "updates nothing"}},
        {AAE "phases: [{name: one, loss: mse, update: adam}]\n", {"m.yaml:7:41", "update", "mapping"}},
        {AAE "phases: [{name: one two, loss: mse, update: {encoder: adam}}]\n", {"m.yaml:7:17", "one two", "letters"}},
        {AAE "phases: [{name: one, loss: mse, updates: {encoder: adam}}]\n", {"m.yaml:7:33", "'updates'", "'update'", "detach"}},
        {AAE "phases: [{name: one, loss: mse, update: {encodr: adam}}]\n", {"m.yaml:7:42", "'encodr'", "'encoder'"}},
        {AAE "phases: [{name: one, loss: mse, update: {encoder: adm}}]\n", {"m.yaml:7:51", "adm", "adam"}},
        {AAE "phases: [{name: one, loss: mse, update: {encoder: adam, encoder: sgd}}]\n", {"m.yaml:7:57", "'encoder'", "twice"}},
        {AAE "phases: [{name: one, loss: mse, detach: output, update: {encoder: adam}}]\n", {"m.yaml:7:41", "detach", "output"}},
        {AAE "phases: [{name: one, loss: mse, detach: code, update: {encoder: adam}}]\n",
         {"m.yaml:7:56", "'one'", "encoder", "no gradient"}},
        {AAE "phases: [{name: one, loss: mse, keep_gradients: true, update: {encoder: adam}}]\n",
         {"m.yaml:7:10", "keep_gradients", "first"}},
        {AAE "phases: [{name: one, loss: mse, update: {discriminator: adam}}]\n", {"m.yaml:7:42", "'one'", "discriminator"}},
        {AAE "phases: [{name: one, loss: {mse: , bce: }, update: {decoder: adam}}]\n", {"m.yaml:7:36", "second loss", "m.yaml:7:29"}},
        {AAE "phases: [{name: one, loss: {adversarial: {real: code}}, update: {encoder: adam}}]\n",
         {"m.yaml:7:29", "adversarial", "discriminator"}},
        {AAE JUDGE FIRST "  - {name: one, loss: {adversarial: {real: code}}, update: {encoder: adam}}\n",
         {"m.yaml:12:5", "'one'", "already"}},
        {AAE JUDGE FIRST "  - {name: two, loss: {adversarial: {}}, update: {encoder: adam}}\n", {"m.yaml:12:24", "`real`", "`fake`"}},
        {AAE JUDGE FIRST "  - {name: two, loss: {adversarial: {real: cod}}, update: {encoder: adam}}\n",
         {"m.yaml:12:44", "real", "cod", "code"}},
        {AAE JUDGE FIRST "  - {name: two, loss: {adversarial: {real: code}}, update: {decoder: adam}}\n",
         {"m.yaml:12:61", "'two'", "decoder", "no gradient"}},
        {AAE JUDGE FIRST "  - {name: two, loss: {adversarial: {real: prior}}, update: {encoder: adam}}\n",
         {"m.yaml:12:62", "'two'", "encoder", "no gradient"}},
        {AAE JUDGE FIRST "  - {name: two, loss: {adversarial: {real: code}}, update: {encoder: {again: oen}}}\n",
         {"m.yaml:12:61", "'oen'", "'one'"}},
        {AAE JUDGE FIRST "  - {name: two, loss: {adversarial: {real: code}}, update: {discriminator: {again: one}}}\n",
         {"m.yaml:12:61", "'one'", "discriminator"}},
        {AAE JUDGE FIRST "  - {name: two, loss: {adversarial: {real: code}}, update: {encoder: {again: two}}}\n",
         {"m.yaml:12:61", "'two'"}},
        {AAE JUDGE "phases: [{name: d, loss: {adversarial: {real: code}}, update: {encoder: adam}}]\n",
         {"m.yaml:10:9", "reconstruction", "mse", "bce"}},
        {AAE "discriminator: [dense: 1]\n" FIRST, {"m.yaml:7:16", "sigmoid"}},
        {AAE "discriminator: []\n" FIRST, {"m.yaml:7:16", "sigmoid"}},
        {AAE "discriminator: [dense: {units: 1, activation: sigmoid, activity_l1: 1}]\n" FIRST, {"m.yaml:7:16", "sigmoid", "penalty"}},
        {HEAD "encoder: [flatten, dense: 3, dense: {units: 3, share: 2}]\n" TAIL, {"m.yaml:2:30", "encoder.2", "share: 2"}},
        {HEAD "encoder: [flatten, dense: 3, dense: {units: 3, share: 0}]\n" TAIL, {"m.yaml:2:30", "encoder.2", "flatten"}},
        {HEAD "encoder: [flatten, dense: 3, dense: {units: 3, share: 1}]\n" TAIL, {"m.yaml:2:30", "encoder.2", "encoder.1", "shape"}},
        {HEAD "encoder: [flatten, dense: {units: 64, bias: false}, dense: {units: 64, share: 1}]\n" TAIL,
         {"m.yaml:2:53", "`bias`", "missing"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *parts[7] = {0};
        memcpy(parts, cases[i].parts, sizeof cases[i].parts);
        refuse(cases[i].text, strlen(cases[i].text), parts);
    }
    char text[2048];
    int n = snprintf(text, sizeof text, AAE JUDGE FIRST);
    for (int i = 0; i < 8; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "  - {name: more%d, loss: {adversarial: {real: code}}, update: {encoder: sgd}}\n", i);
    refuse(text, (size_t)n, PARTS("m.yaml:19:5", "more than 8"));
}

/* Weights are counted once, however often they are used; the prior and what is drawn from it belong to adversarial models. */
static void test_phases(void **state)
{
    (void)state;
    static const char text[] = AAE
        "prior: {std: 3}\n"
        "discriminator:\n"
        "  - dense: {units: 5, activation: relu}\n"
        "  - dense: {units: 5, activation: relu}\n"
        "  - dense: {units: 5, activation: sigmoid, share: 1}\n" FIRST
        "  - {name: two, loss: {adversarial: {real: prior, fake: code}}, detach: code, update: {discriminator: adam}}\n"
        "  - name: three\n"
        "    loss: {adversarial: {real: code, weight: 2}}\n"
        "    keep_gradients: true\n"
        "    update: {encoder: adam, discriminator: {again: two}}\n";
    hg_context *ctx = hg_context_create(NULL, NULL);
    hg_model *model = hg_model_parse(ctx, "m.yaml", text, strlen(text));
    if (!model) fail_msg("%s", hg_message(ctx));
    assert_int_equal(hg_model_parameters(model), 64 * 3 + 3 + 3 * 64 + 64 + 3 * 5 + 5 + 5 * 5 + 5);
    hg_layer_row row;
    int64_t sum = 0;
    for (int i = 0; hg_model_layer(model, i, &row); i++) sum += row.parameters;
    assert_int_equal(sum, hg_model_parameters(model));
    assert_true(hg_model_is_adversarial(model) && !hg_model_is_variational(model) && hg_model_prior(model) == 3);
    hg_model_destroy(model);
    model = hg_model_parse(ctx, "m.yaml", VAE, strlen(VAE));
    assert_true(!hg_model_is_adversarial(model) && hg_model_prior(model) == 1);
    hg_model_destroy(model);
    hg_context_destroy(ctx);
}

static void test_deep_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 100000 };
    char *text = malloc(DEPTH + 8);
    memcpy(text, "input: ", 7);
    memset(text + 7, '[', DEPTH);
    refuse(text, DEPTH + 7, PARTS("m.yaml:1:", "deep"));
    free(text);
}

static void test_not_text(void **state)
{
    (void)state;
    const char bytes[] = "input: \0\xff\xfe{}";
    refuse(bytes, sizeof bytes - 1, PARTS("m.yaml:"));
}

static void test_second_document(void **state)
{
    (void)state;
    char text[2 * sizeof VAE + 8];
    snprintf(text, sizeof text, "%s---\n%s", VAE, VAE);
    refuse(text, strlen(text), PARTS("second document"));
}

/* Other spellings that mean the same. */
static void test_spellings(void **state)
{
    (void)state;
    static const char text[] =
        "input: {channels: 1, height: 8, width: 8}\n"
        "encoder:\n"
        "  - conv2d: {filters: 2, kernel: [3, 1], padding: [1, 0], activation: {elu: {alpha: 0.5}}}\n"
        "  - activation: {leaky_relu: {slope: 0.1}}\n"
        "  - activation: {function: tanh}\n"
        "  - max_pool2d: {kernel: 2}\n"
        "  - upsample2d: 2\n"
        "  - upsample2d: {scale: 1, method: bilinear}\n"
        "decoder:\n"
        "  - conv2d: {filters: 1, kernel: 1}\n"
        "optimizer: sgd\n";
    hg_context *ctx = hg_context_create(NULL, NULL);
    hg_model *model = hg_model_parse(ctx, "m.yaml", text, strlen(text));
    if (!model) fail_msg("%s", hg_message(ctx));
    assert_int_equal(hg_model_parameters(model), 2 * 3 + 2 + 2 + 1);
    hg_model_destroy(model);
    hg_context_destroy(ctx);
}

/* What corrupts the input: the target is as much larger as all factors say, in every spelling. */
static void test_corrupt(void **state)
{
    (void)state;
    static const char rest[] =
        "encoder:\n  - conv2d: {filters: 2, kernel: 1}\ndecoder:\n  - upsample2d: [6, 4]\n  - conv2d: {filters: 1, kernel: 1}\n";
    static const char *const spellings[] = {
        "corrupt:\n  downscale: {factor: [3, 2]}\n  noise:\n  downscale: 2\n",
        "corrupt:\n  - downscale: [3, 2]\n  - noise\n  - {downscale: {factor: 2, method: bilinear}}\n",
        "corrupt: [{downscale: [3, 2], noise: {mean: 0.5}}, downscale]\n"};
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD "%s%s", spellings[i], rest);
        hg_context *ctx = hg_context_create(NULL, NULL);
        hg_model *model = hg_model_parse(ctx, "m.yaml", text, strlen(text));
        if (!model) fail_msg("%s\n%s", hg_message(ctx), text);
        int c, h, w;
        hg_model_target(model, &c, &h, &w);
        assert_true(c == 1 && h == 48 && w == 32 && hg_model_is_corrupted(model));
        hg_model_output(model, &c, &h, &w);
        assert_true(c == 1 && h == 48 && w == 32);
        hg_model_input(model, &c, &h, &w);
        assert_true(c == 1 && h == 8 && w == 8);
        hg_layer_row row;
        assert_true(hg_model_layer(model, 2, &row));
        assert_string_equal(row.name, "corrupt.2");
        assert_string_equal(row.layer, "downscale");
        assert_true(row.in[1] == 16 && row.in[2] == 16 && row.out[1] == 8 && row.out[2] == 8);
        hg_model_destroy(model);
        hg_context_destroy(ctx);
    }
}

/* Where the label comes in: before the first layer that does more than order numbers. */
static void test_condition(void **state)
{
    (void)state;
    static const struct { const char *layers; int encoder[2], decoder[2]; } cases[] = {
        {"encoder: [flatten, dense: 5]\nlatent: {gaussian: 2}\ndecoder: [dense: 64]\n", {64, 67}, {2, 5}},
        {"encoder: [flatten]\nlatent: {gaussian: 2}\ndecoder: [dense: 64]\n", {64, 67}, {2, 5}},
        {"encoder: [{conv2d: {filters: 2, kernel: 1}}]\ndecoder: [{conv2d: {filters: 1, kernel: 1}}]\n", {1, 4}, {2, 5}},
        {"encoder: [flatten, dense: 32]\ndecoder: [reshape: [2, 4, 4], upsample2d, {conv2d: {filters: 1, kernel: 1}}]\n", {64, 67}, {2, 5}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, HEAD "%s%s", i % 2 ? "condition: 3\n" : "condition: {labels: 3}\n", cases[i].layers);
        hg_context *ctx = hg_context_create(NULL, NULL);
        hg_model *model = hg_model_parse(ctx, "m.yaml", text, strlen(text));
        if (!model) fail_msg("%s\n%s", hg_message(ctx), text);
        assert_int_equal(hg_model_labels(model), 3);
        hg_layer_row row;
        int found = 0;
        for (int k = 0; hg_model_layer(model, k, &row); k++) {
            if (strcmp(row.layer, "condition") != 0) continue;
            const int *sizes = found ? cases[i].decoder : cases[i].encoder;
            assert_string_equal(row.name, found++ ? "decoder.condition" : "encoder.condition");
            assert_int_equal(row.in[0], sizes[0]);
            assert_int_equal(row.out[0], sizes[1]);
        }
        assert_int_equal(found, 2);
        hg_model_destroy(model);
        hg_context_destroy(ctx);
    }
}

/* Cutting a good file anywhere gives a model or a message, never anything else (run under the sanitizers too). */
static void test_truncated(void **state)
{
    (void)state;
    for (size_t n = 0; n < strlen(VAE); n++) {
        hg_context *ctx = hg_context_create(NULL, NULL);
        hg_model *model = hg_model_parse(ctx, "cut.yaml", VAE, n);
        if (!model) {
            assert_int_equal(hg_context_status(ctx), HG_BAD_INPUT);
            assert_non_null(strstr(hg_message(ctx), "cut.yaml"));
        }
        hg_model_destroy(model);
        hg_context_destroy(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract_example), cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_mistakes),         cmocka_unit_test(test_phases),
        cmocka_unit_test(test_wrong_phases),     cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_not_text),         cmocka_unit_test(test_second_document),
        cmocka_unit_test(test_corrupt),          cmocka_unit_test(test_condition),
        cmocka_unit_test(test_truncated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
