#include "open.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "base/text.h"
#include "tuning.h"

/* Made from tools/models at build time: the text of a name, and the i-th name; NULL: none. */
const char *cli_model_text(const char *name);
const char *cli_model_text_at(int i);

/* ---- models */

bool cli_builtin_at(cli *c, int i, cli_builtin *out)
{
    const char *name = cli_model_text_at(i), *text = name ? cli_model_text(name) : NULL;
    if (!text) return false;
    const char *start = text + (strncmp(text, "# ", 2) == 0 ? 2 : 0);
    *out = (cli_builtin){name, text, hg_arena_format(c->arena, "%.*s", (int)strcspn(start, "\n"), start)};
    return out->about != NULL;
}

static hg_model *open_builtin(cli *c, const char *name)
{
    const char *text = cli_model_text(name);
    return text ? hg_model_parse(c->ctx, name, text, strlen(text)) : NULL;
}

static void fail_name(cli *c, const char *name)
{
    const char *names[64];
    int n = 0;
    while (n < 64 && (names[n] = cli_model_text_at(n))) n++;
    const char *near = cli_suggest(c, name, names, n);
    hg_fail(c->ctx, HG_USAGE, "'%s' is neither a model file nor a built-in model%s `hourglass models` lists those",
            name, *near ? near : ";");
}

static hg_model *open_run_model(cli *c, const char *path)
{
    hg_checkpoint_info *info = hg_checkpoint_open(c->ctx, path);
    const char *text = info ? hg_checkpoint_get(info, "model") : NULL;
    hg_model *model = text ? hg_model_parse(c->ctx, hg_checkpoint_path(info), text, strlen(text)) : NULL;
    if (info && !text)
        hg_fail(c->ctx, HG_BAD_INPUT, "%s: holds weights but no model: give a run's directory or its checkpoint",
                hg_checkpoint_path(info));
    hg_checkpoint_close(info);
    return model;
}

static bool is_weights(const char *name)
{
    size_t n = strlen(name);
    return n > 12 && strcmp(name + n - 12, ".safetensors") == 0;
}

hg_model *cli_open_model(cli *c, const char *name)
{
    hg_model *model = open_builtin(c, name);
    if (model || hg_failed(c->ctx)) return model;
    if (hg_path_is_dir(name) || is_weights(name)) return open_run_model(c, name);
    bool bare = !strchr(name, '/') && !strchr(name, '.');
    if (bare && !hg_path_exists(name)) {
        fail_name(c, name);
        return NULL;
    }
    return hg_model_load(c->ctx, name);
}

/* ---- device */

hg_device *cli_open_device(cli *c, const char *remembered)
{
    const char *select = c->device, *environment = getenv("HOURGLASS_DEVICE"), *by = "--device";
    if (!select && environment && *environment) select = environment, by = "HOURGLASS_DEVICE";
    if (!select && remembered) select = remembered, by = "the run's --device";
    const hg_device_params params = {.select = select, .kernel_dir = c->kernels, .variants = c->variants};
    hg_device *device = hg_device_open(c->ctx, &params);
    if (!device) return NULL;
    const hg_device_info *info = hg_device_get_info(device);
    cli_say(c, "%sdevice:%s %d, %s (%s %s), by %s%s%s; %s", cli_bold(c), cli_plain(c), info->index, info->name, info->platform,
            info->driver, select ? by : "auto", select ? " " : "", select ? select : "", info->why);
    return device;
}

/* ---- precision */

bool cli_precision(cli *c, const char *remembered, hg_precision *precision)
{
    const char *named = c->precision ? c->precision : remembered, *names[8];
    int n = 0;
    *precision = HG_PRECISION_FULL;
    for (; n < 8 && (names[n] = hg_precision_name((hg_precision)n)); n++)
        if (named && strcmp(named, names[n]) == 0) *precision = (hg_precision)n, named = NULL;
    return !named || hg_fail(c->ctx, HG_USAGE, "--precision %s: expected full or mixed%s", named, cli_suggest(c, named, names, n));
}

/* ---- what a run remembers */

static void read_int(const json_t *object, const char *key, int64_t *to)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value)) *to = json_integer_value(value);
}

static void read_text(cli *c, const json_t *object, const char *key, const char **to)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value)) *to = hg_arena_text(c->arena, json_string_value(value));
}

void cli_memory_read(cli *c, const char *text, cli_memory *m)
{
    json_t *object = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (!object) return;
    int64_t height = m->resize[0], width = m->resize[1];
    read_text(c, object, "data", &m->data);
    read_int(object, "resize_height", &height);
    read_int(object, "resize_width", &width);
    if (height > 0 && width > 0 && height <= 16384 && width <= 16384)
        m->resize[0] = (int)height, m->resize[1] = (int)width;
    read_int(object, "skip", &m->skip);
    read_int(object, "limit", &m->limit);
    m->split = json_number_value(json_object_get(object, "split"));
    read_int(object, "seed", &m->seed);
    read_int(object, "batch", &m->batch);
    read_int(object, "log_every", &m->log_every);
    read_int(object, "save_every", &m->save_every);
    read_text(c, object, "device", &m->device);
    read_text(c, object, "variants", &m->variants);
    json_decref(object);
}

const char *cli_memory_write(cli *c, const cli_memory *m)
{
    json_t *object =
        json_pack("{s:s?, s:i, s:i, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:s?}", "data", m->data, "resize_height",
                  m->resize[0], "resize_width", m->resize[1], "split", m->split, "skip", (json_int_t)m->skip, "limit",
                  (json_int_t)m->limit, "seed", (json_int_t)m->seed, "batch", (json_int_t)m->batch, "log_every", (json_int_t)m->log_every,
                  "save_every", (json_int_t)m->save_every, "device", m->device, "variants", m->variants);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    const char *copy = text ? hg_arena_text(c->arena, text) : NULL;
    if (!text)
        hg_fail(c->ctx, HG_INTERNAL, "the command line cannot be remembered: no memory, or a path that is not UTF-8");
    free(text);
    json_decref(object);
    return copy;
}

/* ---- data */

bool cli_data_is_other(cli *c, const cli_memory *m)
{
    char *full = c->data ? realpath(c->data, NULL) : NULL;
    const bool other = c->data && (!full || !m->data || strcmp(full, m->data) != 0);
    free(full);
    return other;
}

/* Other data than the run's has nothing to do with the run's parts and size. */
static hg_dataset *open_data(cli *c, bool other, const char *path, const int resize[2], const int shape[3], const cli_memory *m)
{
    hg_dataset_params params = {.path = path, .seed = (uint64_t)m->seed, .channels = shape[0], .height = shape[1], .width = shape[2],
                                .resize_height = resize[0], .resize_width = resize[1]};
    if (!other) params.split = m->split, params.skip = m->skip, params.limit = m->limit;
    hg_dataset *data = hg_dataset_open(c->ctx, &params);
    if (data) cli_say(c, "%sdata:%s %s", cli_bold(c), cli_plain(c), hg_dataset_name(data));
    return data;
}

hg_dataset *cli_open_data(cli *c, const int shape[3], const cli_memory *m)
{
    const bool other = cli_data_is_other(c, m);
    const int none[2] = {0, 0}, *resize = c->resize[0] ? c->resize : other ? none : m->resize;
    return open_data(c, other, c->data ? c->data : m->data, resize, shape, m);
}

/* ---- runs */

static size_t count_of(const int shape[3])
{
    return hg_mul(hg_mul((size_t)shape[0], (size_t)shape[1]), (size_t)shape[2]);
}

bool cli_run_read(cli *c, const char *path, cli_run *run)
{
    *run = (cli_run){.c = c};
    run->info = hg_checkpoint_open(c->ctx, path);
    if (!run->info) return false;
    const char *file = hg_checkpoint_path(run->info), *text = hg_checkpoint_get(run->info, "model");
    if (!text)
        return hg_fail(c->ctx, HG_BAD_INPUT, "%s: holds weights but no model: give a run's directory or its checkpoint",
                       file);
    run->model = hg_model_parse(c->ctx, file, text, strlen(text));
    if (!run->model) return false;
    cli_memory_read(c, hg_checkpoint_get(run->info, "arguments"), &run->memory);
    hg_model_input(run->model, &run->in[0], &run->in[1], &run->in[2]);
    hg_model_output(run->model, &run->out[0], &run->out[1], &run->out[2]);
    hg_model_code(run->model, &run->code[0], &run->code[1], &run->code[2]);
    run->in_n = count_of(run->in);
    run->out_n = count_of(run->out);
    run->code_n = count_of(run->code);
    return true;
}

hg_net_params cli_run_net_params(const cli_run *run)
{
    return (hg_net_params){.seed = (uint64_t)run->memory.seed, .inference = true, .tuning = run->tuning, .precision = run->precision};
}

bool cli_run_open(cli_run *run, bool data)
{
    cli *c = run->c;
    if (data && !(run->data = cli_open_data(c, run->as_input ? run->in : run->out, &run->memory))) return false;
    if (data && !hg_dataset_labels_suit(run->data, run->model)) return false;
    run->device = cli_open_device(c, NULL);
    if (!run->device) return false;
    if (!(run->tuning = cli_open_tuning(c, run->device))) return false;
    const char *decided = hg_checkpoint_get(run->info, "tuning"); /* as it was trained and validated */
    if (decided && *decided && !hg_tuning_add_text(run->tuning, hg_checkpoint_path(run->info), decided, NULL)) return false;
    if (!cli_precision(c, hg_checkpoint_get(run->info, "precision"), &run->precision)) return false;
    const hg_net_params params = cli_run_net_params(run);
    run->net = hg_net_create(run->device, run->model, &params);
    return run->net && hg_net_load(run->net, hg_checkpoint_path(run->info));
}

void cli_run_close(cli_run *run)
{
    hg_net_destroy(run->net);
    hg_tuning_close(run->tuning);
    hg_dataset_close(run->data);
    hg_device_close(run->device);
    hg_model_destroy(run->model);
    hg_checkpoint_close(run->info);
}

hg_dataset *cli_run_own_data(cli_run *run)
{
    cli *c = run->c;
    const cli_memory *m = &run->memory;
    if (!cli_data_is_other(c, m)) return NULL;
    hg_dataset *data = open_data(c, false, m->data, m->resize, run->as_input ? run->in : run->out, m);
    if (data || hg_context_status(c->ctx) != HG_BAD_INPUT) return data;
    cli_say(c, "hourglass: warning: what the run was trained on is not shown beside it: %s", hg_message(c->ctx));
    hg_context_clear(c->ctx);
    return NULL;
}

int64_t cli_run_piece(const cli_run *run, int64_t most)
{
    int64_t fits = ((int64_t)1 << 24) / (int64_t)run->out_n;
    return fits < 1 ? 1 : fits < most ? fits : most;
}

float *cli_run_pictures(cli_run *run, hg_part part, int64_t first, int64_t n)
{
    size_t each = run->as_input ? run->in_n : run->out_n;
    float *x = hg_alloc(run->c->ctx, hg_mul((size_t)n, each), sizeof *x);
    for (int64_t i = 0; x && i < n; i++) hg_dataset_get(run->data, part, first + i, x + (size_t)i * each);
    return x;
}

float *cli_run_inputs(cli_run *run, hg_part part, int64_t first, int64_t n)
{
    float *pictures = cli_run_pictures(run, part, first, n);
    if (!pictures || run->as_input || !hg_model_is_corrupted(run->model)) return pictures;
    float *x = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->in_n), sizeof *x);
    bool ok = x && hg_corrupt(run->net, first, n, pictures, x);
    hg_free(pictures);
    if (ok) return x;
    hg_free(x);
    return NULL;
}

bool cli_run_labels(cli_run *run, hg_part part, int64_t first, int64_t n, int **labels)
{
    *labels = NULL;
    if (!hg_model_labels(run->model)) return true;
    int *row = *labels = hg_alloc(run->c->ctx, (size_t)n, sizeof *row);
    for (int64_t i = 0; row && i < n; i++) row[i] = hg_dataset_label(run->data, part, first + i);
    return row != NULL;
}

bool cli_run_encode(cli_run *run, hg_part part, int64_t first, int64_t n, const float *x, float *codes)
{
    int *labels;
    const bool ok = cli_run_labels(run, part, first, n, &labels) && hg_encode(run->net, n, x, labels, codes);
    hg_free(labels);
    return ok;
}

bool cli_run_reconstruct(cli_run *run, hg_part part, int64_t first, int64_t n, const float *x, float *y)
{
    int *labels;
    const bool ok = cli_run_labels(run, part, first, n, &labels) && hg_reconstruct(run->net, n, x, labels, y);
    hg_free(labels);
    return ok;
}

bool cli_run_need_label(cli_run *run, int64_t label)
{
    hg_context *ctx = run->c->ctx;
    const char *verb = run->c->verb->name, *name = hg_model_name(run->model);
    const int labels = hg_model_labels(run->model);
    if (!labels && label < 0) return true;
    if (!labels)
        return hg_fail(ctx, HG_USAGE, "%s: --label %lld: the model %s has no `condition`: it cannot be asked for a class",
                       verb, (long long)label, name);
    if (label < 0)
        return hg_fail(ctx, HG_USAGE, "%s: the model %s is told labels: say with --label L (0 to %d) which class is asked for",
                       verb, name, labels - 1);
    if (label < labels) return true;
    return hg_fail(ctx, HG_USAGE, "%s: --label %lld: the labels of the model %s are 0 to %d", verb, (long long)label, name, labels - 1);
}

bool cli_run_decode(cli_run *run, int64_t label, int64_t n, const float *codes, float *y)
{
    int *labels = hg_alloc(run->c->ctx, (size_t)n, sizeof *labels);
    for (int64_t i = 0; labels && i < n; i++) labels[i] = (int)label;
    const bool ok = labels && hg_decode(run->net, n, codes, labels, y);
    hg_free(labels);
    return ok;
}

float *cli_run_codes(cli_run *run, hg_part part, int64_t n)
{
    const int64_t piece = cli_run_piece(run, 1024);
    float *codes = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->code_n), sizeof *codes);
    for (int64_t first = 0; codes && first < n; first += piece) {
        int64_t m = n - first < piece ? n - first : piece;
        float *x = cli_run_inputs(run, part, first, m);
        bool ok = x && cli_run_encode(run, part, first, m, x, codes + (size_t)first * run->code_n);
        hg_free(x);
        if (ok) continue;
        hg_free(codes);
        return NULL;
    }
    return codes;
}

bool cli_run_need_latent(cli_run *run, const char *why)
{
    if (hg_model_prior(run->model) > 0) return true;
    return hg_fail(
        run->c->ctx, HG_USAGE,
        "%s: the model %s is a plain autoencoder: nothing says how its codes are distributed, so %s. Use a model "
        "with `latent: {gaussian: ...}` or a discriminator, such as the built-in conv-vae and aae",
        run->c->verb->name, hg_model_name(run->model), why);
}

bool cli_run_need_pictures(cli_run *run)
{
    if (run->out[0] == 1 || run->out[0] == 3) return true;
    return hg_fail(run->c->ctx, HG_USAGE, "%s: the model's output has %d channels; pictures have 1 or 3",
                   run->c->verb->name, run->out[0]);
}

bool cli_run_draw(cli_run *run, const float *pictures, int64_t n, int64_t columns, const char *path)
{
    if (columns < 1) {
        for (columns = 1; columns * columns < n; columns++) {}
        for (int64_t full = columns; full <= columns * 3 / 2; full++) /* rows without gaps, if that stays near a square */
            if (n % full == 0) {
                columns = full;
                break;
            }
    }
    if (columns > n) columns = n;
    hg_picture *grid = hg_picture_grid(run->c->ctx, (int)((n + columns - 1) / columns), (int)columns, run->out[0],
                                       run->out[1], run->out[2], 0, 2);
    for (int64_t i = 0; grid && i < n; i++)
        hg_picture_put(grid, (int)(i / columns), (int)(i % columns), pictures + (size_t)i * run->out_n);
    bool ok = grid && hg_picture_save(grid, path);
    hg_picture_destroy(grid);
    if (ok) cli_say(run->c, "%swrote %s%s", cli_bold(run->c), path, cli_plain(run->c));
    return ok;
}
