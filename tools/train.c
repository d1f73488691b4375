/* hourglass train: prepares a run, trains, and says how to go on. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/file.h"
#include "ahead.h"
#include "open.h"
#include "progress.h"
#include "tuning.h"

static struct {
    const char *out, *init;
    int64_t epochs, steps, batch, seed, skip, limit, log_every, save_every;
    double lr, split, tune;
    bool resume, force, no_shuffle, keep_optimizer;
} o = {.seed = -1, .tune = -1};

static const cli_option options[] = {
    {"out", CLI_TEXT, &o.out, 0, 0, "DIR", "where the run is kept; default runs/NAME with the next free number"},
    {"epochs", CLI_INT, &o.epochs, 1, 1e9, "N", "passes over the data; default the model's"},
    {"steps", CLI_INT, &o.steps, 1, 1e15, "N", "stop after this many steps"},
    {"batch", CLI_INT, &o.batch, 1, 1 << 20, "N", "examples per step; default the model's"},
    {"lr", CLI_FLOAT, &o.lr, 1e-12, 1e6, "X", "learning rate; default the optimizer's"},
    {"seed", CLI_INT, &o.seed, 0, 9e18, "N", "initial weights, shuffling, noise, built-in digits; default 0"},
    {"split", CLI_FLOAT, &o.split, 1e-6, 0.999, "X", "test on this share of the training examples, drawn at random, and not on the data's test part"},
    {"skip", CLI_INT, &o.skip, 1, 1e12, "N", "leave out the first N training examples"},
    {"limit", CLI_INT, &o.limit, 1, 1e12, "N", "only the first N training examples (of those that are left)"},
    {"no-shuffle", CLI_FLAG, &o.no_shuffle, 0, 0, NULL, "examples in the files' order"},
    {"init", CLI_TEXT, &o.init, 0, 0, "FILE", "start from these weights: safetensors file, checkpoint or run"},
    {"keep-optimizer", CLI_FLAG, &o.keep_optimizer, 0, 0, NULL, "with --init: go on with the state of its optimizer, too, as if training had not ended"},
    {"resume", CLI_FLAG, &o.resume, 0, 0, NULL, "go on with the run in --out (MODEL may be the run itself)"},
    {"force", CLI_FLAG, &o.force, 0, 0, NULL, "begin anew in an existing directory"},
    {"log-every", CLI_INT, &o.log_every, 1, 1e9, "N", "steps between records in log.jsonl; default 50"},
    {"tune", CLI_FLOAT, &o.tune, 0, 1e6, "S", "before a first training on a device, time kernel variants for S seconds; 0: never; default a "
     "twentieth of the time that the training is expected to take, at most 10, where that is a second or more"},
    {"save-every", CLI_INT, &o.save_every, 1, 1e12, "N", "steps between checkpoints, beside those of every epoch"},
    {0},
};

/* ---- where the run lives */

/* runs/NAME, runs/NAME-2 ...: the first that is free, or with `last` the last that exists. */
static const char *default_dir(cli *c, const char *model_name, bool last)
{
    char *name = hg_arena_text(c->arena, model_name);
    for (char *p = name; p && *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *p) ||
            (p == name && *p == '.'))
            *p = '-';
    const char *path = NULL, *found = NULL;
    for (int i = 1; name && (path = hg_arena_format(c->arena, i > 1 ? "runs/%s-%d" : "runs/%s", name, i)); i++) {
        if (!hg_path_exists(path)) break;
        found = path;
    }
    if (last && path && !found)
        hg_fail(c->ctx, HG_BAD_INPUT, "%s: there is no run to resume; name it with --out DIR", path);
    return last ? found : path;
}

/* The first folder upwards that exists must be writable: found out before anything costs time. */
static bool check_dir(cli *c, const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && !o.resume && !o.force)
        return hg_fail(c->ctx, HG_OUTPUT,
                       "%s: exists already: continue it with --resume, begin anew with --force, or choose another "
                       "directory with --out",
                       path);
    char *up = hg_arena_text(c->arena, path);
    while (up && stat(up, &st) != 0) {
        if (errno != ENOENT)
            return hg_fail(c->ctx, HG_OUTPUT, "%s: %s: choose another place with --out", up, strerror(errno));
        char *slash = strrchr(up, '/');
        if (!slash) strcpy(up, ".");
        else if (slash == up) up[1] = 0;
        else *slash = 0;
    }
    if (!up) return false;
    if (!S_ISDIR(st.st_mode))
        return hg_fail(c->ctx, HG_OUTPUT, "%s: is a file, not a directory: choose another place with --out", up);
    if (access(up, W_OK | X_OK) != 0)
        return hg_fail(c->ctx, HG_OUTPUT, "%s: not writable: %s: choose another place with --out", up, strerror(errno));
    return true;
}

/* ---- preparing */

typedef struct job {
    cli *c;
    const char *out;
    const char *source; /* what the model was opened by: file, built-in name, or the run that is resumed */
    cli_memory memory;
    const char *decided, *trained; /* tuning and precision of the run that is resumed */
    hg_precision precision;
    hg_model *model;
    hg_device *device;
    hg_tuning *tuning;
    hg_net *net;
    hg_dataset *data;
    hg_trainer *trainer;
    int64_t started; /* steps that a resumed run has behind it */
    progress progress;
    bool cold;       /* the driver had to build the first net's programs, and will make their machine code in the first step */
    ahead ahead;
} job;

static bool has_run(cli *c, const char *dir)
{
    const char *path = hg_arena_format(c->arena, "%s/checkpoint.safetensors", dir);
    return path && hg_path_exists(path);
}

/* A resumed run goes on with the model and the settings that it was started with. */
static bool remember(job *j, const char *named)
{
    cli *c = j->c;
    hg_checkpoint_info *info = hg_checkpoint_open(c->ctx, j->out);
    const char *text = info ? hg_checkpoint_get(info, "model") : NULL;
    if (text && j->model && strcmp(text, hg_model_text(j->model)) != 0) {
        cli_say(c, "hourglass: warning: %s differs from the model of the run: the run goes on with its own", named);
        hg_model_destroy(j->model);
        j->model = NULL;
    }
    if (text && !j->model) j->model = hg_model_parse(c->ctx, hg_checkpoint_path(info), text, strlen(text));
    if (info && !text) hg_fail(c->ctx, HG_BAD_INPUT, "%s: is no checkpoint of a run", hg_checkpoint_path(info));
    const char *step = info ? hg_checkpoint_get(info, "step") : NULL;
    if (step) j->started = strtoll(step, NULL, 10);
    if (j->model) cli_memory_read(c, hg_checkpoint_get(info, "arguments"), &j->memory);
    const char *decided = j->model ? hg_checkpoint_get(info, "tuning") : NULL;
    if (decided && *decided) j->decided = hg_arena_text(c->arena, decided);
    const char *trained = j->model ? hg_checkpoint_get(info, "precision") : NULL;
    if (trained) j->trained = hg_arena_text(c->arena, trained);
    hg_checkpoint_close(info);
    return j->model != NULL;
}

static bool find_model(job *j)
{
    cli *c = j->c;
    const char *named = c->n_args ? c->args[0] : NULL;
    bool named_run = named && hg_path_is_dir(named);
    if (o.resume && named_run && !o.out) o.out = named;
    if (o.resume && o.out && has_run(c, o.out) && (!named || named_run))
        named = NULL;
    else if (!named)
        return hg_fail(c->ctx, HG_USAGE, "train needs %s; see `hourglass help train`",
                       o.resume ? "MODEL, or --out DIR with a run to resume" : "MODEL");
    if (named && !(j->model = cli_open_model(c, named))) return false;
    j->out = o.out ? o.out : default_dir(c, hg_model_name(j->model), o.resume);
    if (!j->out || !check_dir(c, j->out)) return false;
    const bool resumed = o.resume && has_run(c, j->out);
    j->source = resumed ? j->out : named;
    return !resumed || remember(j, named);
}

static void settle(int64_t *remembered, int64_t given, int64_t fallback)
{
    if (given > fallback) *remembered = given;
}

/* What is given now goes before what is remembered. */
static bool settle_memory(job *j)
{
    cli *c = j->c;
    cli_memory *m = &j->memory;
    settle(&m->seed, o.seed, -1);
    settle(&m->skip, o.skip, 0);
    settle(&m->limit, o.limit, 0);
    if (o.split > 0) m->split = o.split;
    settle(&m->batch, o.batch, 0);
    settle(&m->log_every, o.log_every, 0);
    settle(&m->save_every, o.save_every, 0);
    if (c->data) {
        char *full = realpath(c->data, NULL); /* so that other verbs find it from anywhere */
        m->data = hg_arena_text(c->arena, full ? full : c->data);
        free(full);
        m->resize[0] = m->resize[1] = 0;
    }
    if (c->resize[0]) memcpy(m->resize, c->resize, sizeof m->resize);
    if (c->device) m->device = c->device;
    if (c->variants) m->variants = c->variants;
    else c->variants = m->variants;
    c->data = NULL; /* all of it is in the memory now */
    return cli_precision(c, j->trained, &j->precision) && !hg_failed(c->ctx);
}

static bool say_model(cli *c, const hg_model *model, int batch)
{
    char count[32];
    int in[3], target[3], code[3];
    char to[64] = "";
    hg_model_input(model, &in[0], &in[1], &in[2]);
    hg_model_target(model, &target[0], &target[1], &target[2]);
    if (hg_model_is_corrupted(model)) snprintf(to, sizeof to, " corrupted to %dx%dx%d", in[0], in[1], in[2]);
    hg_model_code(model, &code[0], &code[1], &code[2]);
    cli_say(c, "%smodel:%s %s, %s parameters, pictures %dx%dx%d%s, code %lld numbers, batch %d", cli_bold(c),
            cli_plain(c), hg_model_name(model), cli_count(count, hg_model_parameters(model)), target[0], target[1], target[2], to,
            (long long)code[0] * code[1] * code[2], batch);
    return true;
}

/* The device's choices; over them those that the run was trained with, so that it goes on with the same bits. */
static bool open_tuning(job *j)
{
    bool fits = true;
    if (!(j->tuning = cli_open_tuning(j->c, j->device))) return false;
    if (j->decided && !hg_tuning_add_text(j->tuning, j->out, j->decided, &fits)) return false;
    if (!fits) cli_say(j->c, "%stuning:%s the run's is for another device, driver or version: it goes on with this one's", cli_bold(j->c), cli_plain(j->c));
    return true;
}

static bool open_net(job *j, int batch)
{
    const hg_net_params params = {.batch = batch, .seed = (uint64_t)j->memory.seed, .tuning = j->tuning, .precision = j->precision};
    return (j->net = hg_net_create(j->device, j->model, &params)) != NULL;
}

static void start_ahead(job *j, const char *tuning)
{
    if (j->cold) ahead_start(&j->ahead, j->c, j->device, j->net, j->precision, tuning, j->source);
}

/* Seconds of tuning that the training is worth: it is expected to run at half of the device's guessed GFLOP/s. */
static double worth_tuning(const job *j, int batch)
{
    if (o.tune >= 0) return o.tune;
    double flops = 0;
    hg_launch_row row;
    for (int i = 0; hg_net_launch(j->net, HG_PLAN_TRAIN, i, &row); i++) flops += row.flops;
    const int64_t per_epoch = hg_model_steps(j->model, hg_dataset_count(j->data, HG_TRAIN), batch);
    const int64_t epochs = o.epochs ? o.epochs : hg_model_epochs(j->model), steps = o.steps ? o.steps : per_epoch * epochs;
    const double seconds = (double)steps * flops / (0.5e9 * hg_device_get_info(j->device)->score) / 20;
    return seconds < 1 ? 0 : seconds > 10 ? 10 : seconds;
}

/* The first training on a device: its kernels are timed, and the net is made anew with what was chosen. */
static bool tune(job *j, int batch)
{
    cli *c = j->c;
    const int untuned = o.resume ? 0 : hg_net_untuned(j->net);
    const double seconds = untuned ? worth_tuning(j, batch) : 0;
    if (seconds <= 0) return true;
    cli_say(c, "%stuning:%s %d operations are new on this device: trying kernel variants for about %.0f s (--tune 0 leaves that out)", cli_bold(c),
            cli_plain(c), untuned, seconds);
    ahead_stop(&j->ahead); /* nothing may disturb the timing */
    hg_net_destroy(j->net);
    j->net = NULL;
    if (!cli_tune(c, j->device, j->model, j->source, j->tuning, j->precision, batch, seconds, false, false)) {
        const hg_status status = hg_context_status(c->ctx);
        if (status != HG_BUSY && status != HG_OUTPUT) return false;
        cli_say(c, "%stuning:%s left out: %s", cli_bold(c), cli_plain(c), hg_message(c->ctx));
        hg_context_clear(c->ctx);
    }
    if (!open_net(j, batch)) return false;
    start_ahead(j, "none"); /* most of it still is in the first net's program, which was made without what was chosen now */
    return true;
}

static bool on_progress(void *user, const hg_progress *state)
{
    job *j = user;
    ahead_reap(&j->ahead);
    return progress_callback(&j->progress, state);
}

/* The net before the data: its kernels are what takes longest, and the first thing said is that they are compiled. */
static bool prepare(job *j)
{
    cli *c = j->c;
    const char *path = j->memory.data;
    int target[3];
    hg_model_target(j->model, &target[0], &target[1], &target[2]);
    if (path && !hg_path_is_dir(path)) return cli_open_data(c, target, &j->memory) != NULL; /* fails, and says why */
    if (!(j->device = cli_open_device(c, j->memory.device)) || !open_tuning(j)) return false;
    int batch = j->memory.batch > 0 ? (int)j->memory.batch : hg_model_batch(j->model);
    say_model(c, j->model, batch);
    if (!open_net(j, batch)) return false;
    j->cold = ahead_pays(j->device, j->net);
    start_ahead(j, c->tuning);
    if (!(j->data = cli_open_data(c, target, &j->memory)) || !hg_dataset_labels_suit(j->data, j->model) || !tune(j, batch)) return false;
    const char *arguments = cli_memory_write(c, &j->memory);
    if (!arguments) return false;
    hg_train_params params = {
        .out = j->out,
        .resume = o.resume,
        .force = o.force,
        .init = o.init,
        .keep_optimizer = o.keep_optimizer,
        .epochs = (int)o.epochs,
        .steps = o.steps,
        .lr = o.lr,
        .no_shuffle = o.no_shuffle,
        .log_every = (int)j->memory.log_every,
        .save_every = j->memory.save_every,
        .arguments = arguments,
        .progress = on_progress,
        .user = j,
    };
    int64_t per_step = hg_dataset_count(j->data, HG_TRAIN);
    j->progress = (progress){.c = c, .dir = j->out, .model = j->model, .stop = &cli_caught,
                             .batch = per_step < batch ? (int)per_step : batch, .started = j->started};
    j->trainer = hg_trainer_create(j->net, j->data, &params);
    return j->trainer != NULL;
}

/* ---- training */

static void say_end(job *j)
{
    cli *c = j->c;
    const hg_progress *last = &j->progress.last;
    char time[32];
    if (j->c->signal) {
        cli_say(c, "%sstopped%s by %s after step %lld of %lld; saved. Go on with: hourglass train --resume --out %s",
                cli_bold(c), cli_plain(c), c->signal == SIGINT ? "Ctrl-C" : "SIGTERM", (long long)last->step,
                (long long)last->steps, j->out);
        return;
    }
    if (!last->step) {
        cli_say(c, "nothing left to do: %s has all its steps. More: hourglass train --resume --out %s --epochs N",
                j->out, j->out);
        return;
    }
    const char *curves = hg_arena_format(c->arena, "%s/loss.png", j->out);
    cli_say(c, "%sdone%s in %s: %s has the checkpoint%s and log.jsonl. Look at it:", cli_bold(c), cli_plain(c),
            cli_duration(time, progress_elapsed(&j->progress)), j->out, curves && hg_path_exists(curves) ? ", loss.png" : "");
    cli_say(c, "  hourglass reconstruct %s --out %s/reconstruct.png", j->out, j->out);
    cli_say(c, "  hourglass latent %s --out %s/latent.png", j->out, j->out);
    if (hg_model_prior(j->model) > 0) cli_say(c, "  hourglass sample %s --out %s/sample.png", j->out, j->out);
}

static bool train(job *j)
{
    cli *c = j->c;
    cli_say(c, "%srun:%s %s", cli_bold(c), cli_plain(c), j->out);
    progress_begin(&j->progress);
    if (!hg_trainer_run(j->trainer) || hg_failed(c->ctx) || !progress_draw(&j->progress)) return false;
    if (hg_trainer_stopped(j->trainer) && cli_caught) c->signal = cli_caught;
    say_end(j);
    return true;
}

static bool run(cli *c)
{
    job j = {.c = c};
    if (o.resume && o.force)
        return hg_fail(c->ctx, HG_USAGE, "--resume goes on with a run, --force begins anew: give one of them");
    if (o.resume && o.init)
        return hg_fail(c->ctx, HG_USAGE, "--resume takes the weights of the run, --init others: give one of them");
    if (o.keep_optimizer && !o.init)
        return hg_fail(c->ctx, HG_USAGE, "--keep-optimizer goes on with the optimizer of the run that --init names: give it, too");
    bool ok = find_model(&j) && settle_memory(&j);
    if (ok) cli_watch_signals(c, "\nfinishing the step and saving; once more ends at once\n");
    ok = ok && prepare(&j) && train(&j);
    ahead_stop(&j.ahead);
    hg_trainer_destroy(j.trainer);
    hg_dataset_close(j.data);
    hg_net_destroy(j.net);
    hg_tuning_close(j.tuning);
    hg_device_close(j.device);
    hg_model_destroy(j.model);
    return ok;
}

const cli_verb cli_verb_train = {
    .name = "train", .arguments = "MODEL",
    .help = "Trains a model: a model file or a built-in one.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .max_args = 1, .run = run,
};
