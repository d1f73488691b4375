#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "model/loss.h"
#include "model/tuning.h"
#include "train/safetensors.h"

/* ---- host copies of the arenas */

static float **make_rows(hg_arena *arena, const hg_model *model)
{
    float **rows = hg_arena_alloc(arena, (size_t)model->n_params + 1, sizeof *rows);
    for (int i = 0; rows && i < model->n_params; i++)
        if (!(rows[i] = hg_arena_alloc(arena, model->params[i]->count, sizeof(float)))) return NULL;
    return rows;
}

static hg_safetensor tensor_of(const hg_param *param, const char *name, const float *data)
{
    hg_safetensor t = {.name = name, .rank = param->rank, .data = data};
    for (int k = 0; k < param->rank; k++) t.shape[k] = param->shape[k];
    return t;
}

static bool check_finite(hg_net *net, float *const *rows)
{
    const hg_model *model = hg_net_model(net);
    for (int i = 0; i < model->n_params; i++)
        for (size_t k = 0; k < model->params[i]->count; k++)
            if (!isfinite(rows[i][k]))
                return hg_fail(hg_net_context(net), HG_DIVERGED, "the parameter %s is no longer finite: nothing was saved over the last "
                               "checkpoint; try %s", model->params[i]->name, hg_net_remedy(net));
    return true;
}

static bool is_updated(const hg_param *param, const hg_updater *updater)
{
    return param->offset >= updater->begin && param->offset < updater->end;
}

/* Leaves the rows of the parameters that an updater moves. */
static void keep_updated(float **rows, const hg_model *model, const hg_updater *updater)
{
    for (int i = 0; i < model->n_params; i++)
        if (!is_updated(model->params[i], updater)) rows[i] = NULL;
}

/* "optimizer.exp_avg." or "optimizer.PHASE.exp_avg.", which is returned. */
static const char *moment_prefix(const hg_updater *updater, int m, char text[160])
{
    const hg_optimizer *optimizer = (const hg_optimizer *)updater->optimizer.type;
    snprintf(text, 160, "optimizer.%s%s%s.", updater->phase ? updater->phase : "", updater->phase ? "." : "", optimizer->moment_names[m]);
    return text;
}

static int count_moments(const hg_updater *updater)
{
    return ((const hg_optimizer *)updater->optimizer.type)->moments;
}

/* One moment of an updater; the number of tensors, -1: failed. */
static int gather_moment(hg_net *net, hg_arena *arena, const hg_updater *updater, int m, hg_safetensor *tensors)
{
    const hg_model *model = hg_net_model(net);
    char prefix[160];
    int n = 0;
    float **rows = make_rows(arena, model);
    if (!rows) return -1;
    keep_updated(rows, model, updater);
    if (!hg_net_read_arena(net, hg_arenas_moment(hg_net_arenas(net), updater->slot, m), rows)) return -1;
    for (int i = 0; i < model->n_params; i++) {
        if (!rows[i]) continue;
        const char *name = hg_arena_format(arena, "%s%s", moment_prefix(updater, m, prefix), model->params[i]->name);
        if (!name) return -1;
        tensors[n++] = tensor_of(model->params[i], name, rows[i]);
    }
    return n;
}

/* Reads all parameters, and with `moments` the optimizers' state, into tensors for writing. */
static int gather(hg_net *net, hg_arena *arena, bool moments, hg_safetensor *tensors)
{
    const hg_model *model = hg_net_model(net);
    float **rows = make_rows(arena, model);
    if (!rows || !hg_net_read_arena(net, hg_arenas_params(hg_net_arenas(net)), rows) || !check_finite(net, rows)) return -1;
    int n = 0;
    for (int i = 0; i < model->n_params; i++) tensors[n++] = tensor_of(model->params[i], model->params[i]->name, rows[i]);
    for (int u = 0; moments && u < model->n_updaters; u++)
        for (int m = 0; m < count_moments(&model->updaters[u]); m++) {
            int more = gather_moment(net, arena, &model->updaters[u], m, tensors + n);
            if (more < 0) return -1;
            n += more;
        }
    return n;
}

static bool save(hg_net *net, const char *path, bool moments, const hg_metadata *metadata, int n_metadata)
{
    const hg_model *model = hg_net_model(net);
    hg_arena *arena = hg_arena_create(hg_net_context(net));
    const size_t most = (size_t)model->n_params * (1 + 2 * (size_t)model->n_updaters);
    hg_safetensor *tensors = arena ? hg_arena_alloc(arena, most + 1, sizeof *tensors) : NULL;
    int n = tensors ? gather(net, arena, moments, tensors) : -1;
    bool ok = n >= 0 && hg_safetensors_write(hg_net_context(net), path, tensors, n, metadata, n_metadata);
    hg_arena_destroy(arena);
    return ok;
}

bool hg_net_save(hg_net *net, const char *path)
{
    const hg_metadata metadata[] = {{"format", "hourglass weights"}, {"version", HG_VERSION}, {"model", hg_model_text(hg_net_model(net))}};
    return save(net, path, false, metadata, 3);
}

bool hg_checkpoint_save(hg_net *net, const char *path, const hg_position *p, const hg_run_settings *s)
{
    char n[11][40];
    snprintf(n[0], 40, "%" PRIu64, s->seed);
    snprintf(n[1], 40, "%" PRId64, p->step);
    snprintf(n[2], 40, "%" PRId64, p->epoch);
    snprintf(n[3], 40, "%" PRId64, p->index);
    snprintf(n[4], 40, "%d", s->batch);
    snprintf(n[5], 40, "%d", s->epochs);
    snprintf(n[6], 40, "%" PRId64, s->steps);
    snprintf(n[7], 40, "%a", s->lr);
    snprintf(n[8], 40, "%" PRId64, s->data_count);
    snprintf(n[9], 40, "%" PRId64, p->examples);
    snprintf(n[10], 40, "%" PRId64, s->optimizer_steps);
    char sums[300];
    int length = snprintf(sums, sizeof sums, "%a %a %a %a", p->sums.loss, p->sums.reconstruction, p->sums.kl, p->sums.penalty);
    if (hg_model_is_adversarial(hg_net_model(net)))
        snprintf(sums + length, sizeof sums - (size_t)length, " %a %a", p->sums.discriminator, p->sums.generator);
    const hg_device_info *info = hg_device_get_info(hg_net_device(net));
    const char *variants = hg_device_variants(hg_net_device(net));
    char *tuning = hg_tuning_text(hg_net_decided(net));
    const hg_metadata metadata[] = {
        {"format", "hourglass checkpoint"}, {"version", HG_VERSION}, {"name", hg_model_name(hg_net_model(net))},
        {"model", hg_model_text(hg_net_model(net))}, {"seed", n[0]}, {"step", n[1]}, {"epoch", n[2]}, {"index", n[3]},
        {"batch", n[4]}, {"epochs", n[5]}, {"steps", n[6]}, {"lr", n[7]}, {"data_count", n[8]}, {"epoch_examples", n[9]},
        {"epoch_sums", sums}, {"optimizer_steps", n[10]}, {"shuffle", s->shuffle ? "true" : "false"},
        {"device", info->name}, {"driver", info->driver}, {"precision", hg_precision_name(hg_net_precision(net))},
        {"variants", variants ? variants : ""}, {"tuning", tuning ? tuning : ""}, {"arguments", s->arguments ? s->arguments : ""}};
    const bool ok = tuning && save(net, path, true, metadata, sizeof metadata / sizeof *metadata);
    hg_free(tuning);
    return ok;
}

uint64_t hg_checkpoint_bytes(const hg_net *net)
{
    const hg_model *model = hg_net_model(net);
    uint64_t floats = model->total;
    for (int u = 0; u < model->n_updaters; u++)
        floats += (model->updaters[u].end - model->updaters[u].begin) * (uint64_t)count_moments(&model->updaters[u]);
    return floats * sizeof(float) + (1 << 16);
}

/* ---- reading */

static bool same_shape(const hg_param *param, const hg_safetensor *t)
{
    if (t->rank != param->rank) return false;
    for (int k = 0; k < param->rank; k++)
        if (t->shape[k] != param->shape[k]) return false;
    return true;
}

static void add_shape(hg_text *text, int rank, const int64_t *shape)
{
    hg_text_add(text, "[");
    for (int k = 0; k < rank; k++) hg_text_add(text, "%s%" PRId64, k ? ", " : "", shape[k]);
    hg_text_add(text, "]");
}

static bool is_known(const hg_model *model, const char *name)
{
    for (int i = 0; i < model->n_params; i++)
        if (strcmp(model->params[i]->name, name) == 0) return true;
    size_t n = strlen(name);
    return strncmp(name, "optimizer.", 10) == 0 || (n > 20 && strcmp(name + n - 20, ".num_batches_tracked") == 0);
}

/* Everything in which file and model differ, in one message. */
static bool compare(hg_net *net, hg_safetensors *file, const char *path)
{
    const hg_model *model = hg_net_model(net);
    hg_text text = {.ctx = hg_net_context(net)};
    for (int i = 0; i < model->n_params; i++) {
        const hg_param *param = model->params[i];
        const hg_safetensor *t = hg_safetensors_find(file, param->name);
        if (t && same_shape(param, t)) continue;
        int64_t shape[4] = {param->shape[0], param->shape[1], param->shape[2], param->shape[3]};
        hg_text_add(&text, "\n  %s: the model has ", param->name);
        add_shape(&text, param->rank, shape);
        hg_text_add(&text, t ? ", the file " : ", the file has no such tensor");
        if (t) add_shape(&text, t->rank, t->shape);
    }
    for (int i = 0; i < hg_safetensors_count(file); i++) {
        const hg_safetensor *t = hg_safetensors_at(file, i);
        if (!is_known(model, t->name)) hg_text_add(&text, "\n  %s: in the file, but not in the model", t->name);
    }
    bool ok = !text.length;
    if (!ok) hg_fail(text.ctx, HG_BAD_INPUT, "%s: does not fit the model %s:%s", path, model->name, text.data ? text.data : "");
    hg_text_free(&text);
    return ok;
}

/* All parameters, or those that `updater` moves, with `prefix` before their names. */
static bool read_rows(hg_net *net, hg_safetensors *file, const char *prefix, const hg_updater *updater, hg_buffer *to)
{
    const hg_model *model = hg_net_model(net);
    hg_arena *arena = hg_arena_create(hg_net_context(net));
    float **rows = arena ? make_rows(arena, model) : NULL;
    bool ok = rows != NULL;
    if (ok && updater) keep_updated(rows, model, updater);
    for (int i = 0; ok && i < model->n_params; i++) {
        char name[320];
        snprintf(name, sizeof name, "%s%s", prefix, model->params[i]->name);
        const hg_safetensor *t = hg_safetensors_find(file, name);
        if (!rows[i]) continue;
        if (t && same_shape(model->params[i], t)) ok = hg_safetensors_read(file, t, rows[i]);
        else ok = hg_fail(hg_net_context(net), HG_BAD_INPUT, "checkpoint: the tensor %s is missing or has another shape", name);
    }
    ok = ok && hg_net_write_arena(net, to, (const float *const *)rows);
    hg_arena_destroy(arena);
    return ok;
}

/* A run's directory stands for its checkpoint. NULL on failure; a fresh block. */
static char *file_of(hg_context *ctx, const char *path)
{
    return hg_path_is_dir(path) ? hg_path_join(ctx, path, "checkpoint.safetensors") : hg_copy_text(ctx, path);
}

bool hg_net_load(hg_net *net, const char *path)
{
    char *name = file_of(hg_net_context(net), path);
    hg_safetensors *file = name ? hg_safetensors_open(hg_net_context(net), name) : NULL;
    bool ok = file && compare(net, file, name) && read_rows(net, file, "", NULL, hg_arenas_params(hg_net_arenas(net)));
    hg_safetensors_close(file);
    hg_free(name);
    return ok;
}

static bool get_int(hg_context *ctx, const hg_safetensors *file, const char *path, const char *key, int64_t *value)
{
    const char *text = hg_safetensors_meta(file, key);
    return (text && hg_parse_int(text, value)) || hg_fail(ctx, HG_BAD_INPUT, "%s: the checkpoint has no valid '%s': it cannot be resumed "
                                                          "(as weights it may still serve: --init)", path, key);
}

static bool get_settings(hg_context *ctx, const hg_safetensors *file, const char *path, hg_position *p, hg_run_settings *s)
{
    int64_t batch, epochs;
    const char *seed = hg_safetensors_meta(file, "seed"), *sums = hg_safetensors_meta(file, "epoch_sums");
    const char *lr = hg_safetensors_meta(file, "lr"), *shuffle = hg_safetensors_meta(file, "shuffle");
    const char *arguments = hg_safetensors_meta(file, "arguments");
    if (!get_int(ctx, file, path, "step", &p->step) || !get_int(ctx, file, path, "epoch", &p->epoch) ||
        !get_int(ctx, file, path, "index", &p->index) || !get_int(ctx, file, path, "batch", &batch) ||
        !get_int(ctx, file, path, "epochs", &epochs) || !get_int(ctx, file, path, "steps", &s->steps) ||
        !get_int(ctx, file, path, "data_count", &s->data_count) || !get_int(ctx, file, path, "epoch_examples", &p->examples))
        return false;
    if (hg_safetensors_meta(file, "optimizer_steps") && !get_int(ctx, file, path, "optimizer_steps", &s->optimizer_steps)) return false;
    hg_losses *l = &p->sums;
    if (!seed || !lr || !shuffle || !sums ||
        sscanf(sums, "%la %la %la %la %la %la", &l->loss, &l->reconstruction, &l->kl, &l->penalty, &l->discriminator, &l->generator) < 4 ||
        batch < 1 || batch > INT32_MAX || epochs < 0 || epochs > INT32_MAX || p->step < 0 || p->epoch < 0 || p->index < 0 ||
        s->optimizer_steps < 0)
        return hg_fail(ctx, HG_BAD_INPUT, "%s: the checkpoint's counters make no sense: it cannot be resumed", path);
    s->seed = strtoull(seed, NULL, 10);
    s->batch = (int)batch;
    s->epochs = (int)epochs;
    s->lr = strtod(lr, NULL);
    s->shuffle = strcmp(shuffle, "true") == 0;
    if (arguments && *arguments) s->arguments = hg_copy_text(ctx, arguments);
    return !hg_failed(ctx);
}

static bool same_precision(hg_net *net, const hg_safetensors *file, const char *path)
{
    const char *text = hg_safetensors_meta(file, "precision"), *trained = text ? text : "full";
    const char *now = hg_precision_name(hg_net_precision(net));
    if (strcmp(trained, now) == 0) return true;
    return hg_fail(hg_net_context(net), HG_USAGE,
                   "%s: the run was trained with precision %s, not %s: resume it with --precision %s, or start another "
                   "from its weights with --init", path, trained, now, trained);
}

static bool read_optimizers(hg_net *net, hg_safetensors *file)
{
    const hg_model *model = hg_net_model(net);
    bool ok = true;
    for (int u = 0; ok && u < model->n_updaters; u++)
        for (int m = 0; ok && m < count_moments(&model->updaters[u]); m++) {
            const hg_updater *updater = &model->updaters[u];
            char prefix[160];
            ok = read_rows(net, file, moment_prefix(updater, m, prefix), updater, hg_arenas_moment(hg_net_arenas(net), updater->slot, m));
        }
    return ok;
}

/* Has the file the state of the net's optimizers, and not others'? */
static bool has_optimizers(hg_net *net, const hg_safetensors *file)
{
    const hg_model *model = hg_net_model(net);
    int wanted = 0, all = 0;
    for (int u = 0; u < model->n_updaters; u++)
        for (int m = 0; m < count_moments(&model->updaters[u]); m++)
            for (int i = 0; i < model->n_params; i++) {
                char name[320], prefix[160];
                if (!is_updated(model->params[i], &model->updaters[u])) continue;
                snprintf(name, sizeof name, "%s%s", moment_prefix(&model->updaters[u], m, prefix), model->params[i]->name);
                if (!hg_safetensors_find(file, name)) return false;
                wanted++;
            }
    for (int i = 0; i < hg_safetensors_count(file); i++) all += strncmp(hg_safetensors_at(file, i)->name, "optimizer.", 10) == 0;
    return all == wanted;
}

bool hg_checkpoint_load_optimizer(hg_net *net, const char *path, int64_t *steps)
{
    hg_context *ctx = hg_net_context(net);
    char *name = file_of(ctx, path);
    hg_safetensors *file = name ? hg_safetensors_open(ctx, name) : NULL;
    bool ok = file && compare(net, file, name);
    if (ok && !has_optimizers(net, file))
        ok = hg_fail(ctx, HG_BAD_INPUT, "%s: has no state of the optimizer %s to go on with: give a run that was trained with it, or leave "
                     "--keep-optimizer out", name, hg_net_model(net)->updaters[0].optimizer.type->name);
    hg_position position = {0};
    hg_run_settings settings = {0};
    ok = ok && read_optimizers(net, file) && get_settings(ctx, file, name, &position, &settings);
    *steps = settings.optimizer_steps + position.step;
    hg_free((char *)settings.arguments);
    hg_safetensors_close(file);
    hg_free(name);
    return ok;
}

bool hg_checkpoint_load(hg_net *net, const char *path, hg_position *position, hg_run_settings *settings)
{
    hg_context *ctx = hg_net_context(net);
    hg_safetensors *file = hg_safetensors_open(ctx, path);
    bool ok = file && same_precision(net, file, path) && compare(net, file, path) &&
              read_rows(net, file, "", NULL, hg_arenas_params(hg_net_arenas(net))) && read_optimizers(net, file);
    ok = ok && get_settings(ctx, file, path, position, settings);
    const char *tuning = ok ? hg_safetensors_meta(file, "tuning") : NULL;
    if (tuning && *tuning) ok = hg_tuning_add_text(hg_net_decided(net), path, tuning, NULL);
    hg_safetensors_close(file);
    return ok;
}

/* ---- what a file says about itself */

struct hg_checkpoint_info { hg_safetensors *file; char *path; };

hg_checkpoint_info *hg_checkpoint_open(hg_context *ctx, const char *path)
{
    hg_checkpoint_info *info = HG_NEW(ctx, hg_checkpoint_info);
    if (!info) return NULL;
    info->path = file_of(ctx, path);
    info->file = info->path ? hg_safetensors_open(ctx, info->path) : NULL;
    if (info->file) return info;
    hg_checkpoint_close(info);
    return NULL;
}

const char *hg_checkpoint_get(const hg_checkpoint_info *info, const char *key) { return hg_safetensors_meta(info->file, key); }
const char *hg_checkpoint_path(const hg_checkpoint_info *info) { return info->path; }

void hg_checkpoint_close(hg_checkpoint_info *info)
{
    if (!info) return;
    hg_safetensors_close(info->file);
    hg_free(info->path);
    hg_free(info);
}
