/* hourglass plan: what a model is made of, and what a step of it costs. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include "ahead.h"
#include "open.h"
#include "tuning.h"

static struct { int64_t batch; bool time, json; const char *of; cli_numbers compile; } o;

static const cli_option options[] = {
    {"batch", CLI_INT, &o.batch, 1, 1 << 20, "N", "examples per step; default the model's"},
    {"of", CLI_TEXT, &o.of, 0, 0, "PLAN", "train (default), evaluate, encode, decode or reconstruct"},
    {"time", CLI_FLAG, &o.time, 0, 0, NULL, "run every launch and measure it"},
    {"json", CLI_FLAG, &o.json, 0, 0, NULL, "as JSON"},
    {"compile", CLI_NUMBERS, &o.compile, 1, 64, "K,N",
     "show nothing: make the machine code of every N-th kernel of a training step, beginning with the K-th last, "
     "for the driver's cache; `train` starts this beside itself"},
    {0},
};

static const char *const kinds[] = {"train", "evaluate", "encode", "decode", "reconstruct"}; /* by hg_plan_kind */

/* `seconds`: of the launches; `whole`: with what lies between them. */
typedef struct totals { double flops, bytes, seconds, whole; int64_t parameters; int launches; uint64_t memory; } totals;

static totals sum(const hg_model *model, hg_net *net, hg_plan_kind kind, double whole)
{
    totals t = {.whole = whole};
    hg_layer_row layer;
    hg_launch_row launch;
    hg_memory_row memory;
    for (int i = 0; hg_model_layer(model, i, &layer); i++) t.parameters += layer.parameters;
    for (int i = 0; hg_net_launch(net, kind, i, &launch); i++) {
        t.flops += launch.flops;
        t.bytes += launch.bytes;
        t.seconds += launch.seconds;
        t.launches++;
    }
    for (int i = 0; hg_net_memory(net, i, &memory); i++) t.memory += memory.bytes;
    return t;
}

/* ---- as text */

static const char *shape_text(char buf[48], const int shape[3])
{
    if (shape[0] > 0) snprintf(buf, 48, "%dx%dx%d", shape[0], shape[1], shape[2]);
    else buf[0] = 0; /* a loss has no output */
    return buf;
}

static void print_layers(const hg_model *model, const totals *t)
{
    char in[48], out[48], count[32];
    hg_layer_row row;
    printf("%-22s %-18s %-12s %-12s %12s\n", "layer", "kind", "input", "output", "parameters");
    for (int i = 0; hg_model_layer(model, i, &row); i++)
        printf("%-22s %-18s %-12s %-12s %12s\n", row.name, row.layer, shape_text(in, row.in), shape_text(out, row.out),
               cli_count(count, row.parameters));
    printf("%-22s %-18s %-12s %-12s %12s\n\n", "total", "", "", "", cli_count(count, t->parameters));
}

static void print_memory(const hg_net *net, const totals *t)
{
    char bytes[32];
    hg_memory_row row;
    printf("%-24s %12s\n", "memory", "size");
    for (int i = 0; hg_net_memory(net, i, &row); i++)
        printf("%-24s %12s\n", row.role, cli_bytes(bytes, (double)row.bytes));
    printf("%-24s %12s\n\n", "total", cli_bytes(bytes, (double)t->memory));
}

static void print_rates(double flops, double bytes, double seconds, double all)
{
    printf(" %10.1f %9.1f %8.1f %6.1f%%", 1e6 * seconds, seconds > 0 ? flops / seconds * 1e-9 : 0,
           seconds > 0 ? bytes / seconds * 1e-9 : 0, all > 0 ? 100 * seconds / all : 0);
}

static void print_launches(hg_net *net, hg_plan_kind kind, const totals *t)
{
    hg_launch_row row;
    int label = 6, kernel = 6, variant = 7;
    for (int i = 0; hg_net_launch(net, kind, i, &row); i++) {
        if ((int)strlen(row.label) > label) label = (int)strlen(row.label);
        if ((int)strlen(row.kernel) > kernel) kernel = (int)strlen(row.kernel);
        if (row.variant && (int)strlen(row.variant) > variant) variant = (int)strlen(row.variant);
    }
    printf("%-*s  %-*s  %-*s %10s %9s", label, "launch", kernel, "kernel", variant, "variant", "MFLOP", "MB");
    printf(o.time ? " %10s %9s %8s %7s\n" : "\n", "us", "GFLOP/s", "GB/s", "share");
    for (int i = 0; hg_net_launch(net, kind, i, &row); i++) {
        printf("%-*s  %-*s  %-*s %10.3f %9.3f", label, row.label, kernel, row.kernel, variant,
               row.variant ? row.variant : "", 1e-6 * row.flops, 1e-6 * row.bytes);
        if (o.time) print_rates(row.flops, row.bytes, row.seconds, t->whole);
        putchar('\n');
    }
    if (o.time) {
        printf("%-*s %10s %9s", label + kernel + variant + 4, "between launches", "", "");
        print_rates(0, 0, t->whole - t->seconds, t->whole);
        putchar('\n');
    }
    char total[64];
    snprintf(total, sizeof total, "total of %d launches", t->launches);
    printf("%-*s %10.3f %9.3f", label + kernel + variant + 4, total, 1e-6 * t->flops, 1e-6 * t->bytes);
    if (o.time) print_rates(t->flops, t->bytes, t->whole, t->whole);
    putchar('\n');
}

static bool print_text(hg_net *net, hg_plan_kind kind, hg_precision precision, const totals *t)
{
    const hg_model *model = hg_net_model(net);
    char count[32];
    int in[3], target[3];
    char a[48], b[48];
    hg_model_input(model, &in[0], &in[1], &in[2]);
    hg_model_target(model, &target[0], &target[1], &target[2]);
    printf("%s: %s parameters, plan to %s with batch %d, %s precision\n", hg_model_name(model),
           cli_count(count, hg_model_parameters(model)), kinds[kind], hg_net_batch(net), hg_precision_name(precision));
    printf(hg_model_is_corrupted(model) ? "pictures %s, corrupted to the input %s\n\n" : "pictures %s\n\n", shape_text(a, target), shape_text(b, in));
    print_layers(model, t);
    print_memory(net, t);
    print_launches(net, kind, t);
    return true;
}

/* ---- as JSON */

static json_t *json_shape(const int shape[3])
{
    return json_pack("[i, i, i]", shape[0], shape[1], shape[2]);
}

static json_t *json_launches(hg_net *net, hg_plan_kind kind)
{
    json_t *array = json_array();
    hg_launch_row row;
    for (int i = 0; hg_net_launch(net, kind, i, &row); i++) {
        json_t *object = json_pack("{s:s, s:s, s:s, s:f, s:f}", "label", row.label, "kernel", row.kernel, "variant",
                                   row.variant ? row.variant : "", "flops", row.flops, "bytes", row.bytes);
        if (o.time) json_object_set_new(object, "seconds", json_real(row.seconds));
        json_array_append_new(array, object);
    }
    return array;
}

static bool print_json(cli *c, hg_device *device, hg_net *net, hg_plan_kind kind, hg_precision precision, const totals *t)
{
    const hg_model *model = hg_net_model(net);
    const hg_device_info *info = hg_device_get_info(device);
    json_t *layers = json_array(), *memory = json_array();
    int in[3], target[3];
    hg_model_input(model, &in[0], &in[1], &in[2]);
    hg_model_target(model, &target[0], &target[1], &target[2]);
    hg_layer_row layer;
    hg_memory_row role;
    for (int i = 0; hg_model_layer(model, i, &layer); i++)
        json_array_append_new(layers, json_pack("{s:s, s:s, s:o, s:o, s:I}", "name", layer.name, "layer", layer.layer,
                                                "input", json_shape(layer.in), "output", json_shape(layer.out),
                                                "parameters", (json_int_t)layer.parameters));
    for (int i = 0; hg_net_memory(net, i, &role); i++)
        json_array_append_new(memory, json_pack("{s:s, s:I}", "role", role.role, "bytes", (json_int_t)role.bytes));
    json_t *root =
        json_pack("{s:s, s:I, s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", hg_model_name(model), "parameters",
                  (json_int_t)t->parameters, "plan", kinds[kind], "batch", hg_net_batch(net), "precision",
                  hg_precision_name(precision), "device", info->name, "driver", info->driver, "input", json_shape(in), "target", json_shape(target), "layers", layers, "memory", memory, "launches", json_launches(net, kind));
    json_t *all = json_pack("{s:i, s:f, s:f, s:I}", "launches", t->launches, "flops", t->flops, "bytes", t->bytes,
                            "memory", (json_int_t)t->memory);
    if (all && o.time) json_object_set_new(all, "seconds", json_real(t->whole));
    if (!root || !all || json_object_set_new(root, "total", all) != 0)
        hg_fail(c->ctx, HG_INTERNAL, "no memory for JSON, or a name is not UTF-8");
    else if (json_dumpf(root, stdout, JSON_INDENT(2)) == 0)
        putchar('\n');
    json_decref(root);
    return !hg_failed(c->ctx);
}

static bool find_kind(cli *c, hg_plan_kind *kind)
{
    for (int k = 0; k < 5; k++)
        if (!o.of || strcmp(o.of, kinds[k]) == 0) {
            *kind = (hg_plan_kind)k;
            return true;
        }
    const char *near = cli_suggest(c, o.of, kinds, 5);
    return hg_fail(c->ctx, HG_USAGE, "--of %s: expected train, evaluate, encode, decode or reconstruct%s", o.of, near);
}

static bool run(cli *c)
{
    hg_plan_kind kind = HG_PLAN_TRAIN;
    if (!find_kind(c, &kind)) return false;
    if (o.compile.n && (o.compile.n != 2 || o.compile.at[0] > o.compile.at[1]))
        return hg_fail(c->ctx, HG_USAGE, "--compile takes two numbers, which process of how many: --compile 1,3");
    hg_device *device = NULL;
    hg_tuning *tuning = NULL;
    hg_net *net = NULL;
    hg_net_params params = {.batch = (int)o.batch};
    if (!cli_precision(c, NULL, &params.precision)) return false;
    hg_model *model = cli_open_model(c, c->args[0]);
    bool ok = model && (device = cli_open_device(c, NULL)) != NULL;
    ok = ok && (tuning = cli_open_tuning(c, device)) != NULL;
    params.tuning = tuning;
    ok = ok && (net = hg_net_create(device, model, &params)) != NULL;
    double whole = 0;
    ok = ok && (!o.time || hg_net_time(net, kind, 20, &whole));
    if (ok && o.compile.n) {
        ok = ahead_work(net, (int)o.compile.at[0], (int)o.compile.at[1]);
    } else if (ok) {
        totals t = sum(model, net, kind, whole);
        ok = o.json ? print_json(c, device, net, kind, params.precision, &t) : print_text(net, kind, params.precision, &t);
    }
    hg_net_destroy(net);
    hg_tuning_close(tuning);
    hg_device_close(device);
    hg_model_destroy(model);
    return ok;
}

const cli_verb cli_verb_plan = {
    .name = "plan", .arguments = "MODEL",
    .help = "Shows a model's layers, memory and launches, and with --time where the time goes.",
    .options = options, .groups = CLI_DEVICE, .min_args = 1, .max_args = 1, .run = run,
};
