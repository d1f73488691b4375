/* The training loop. Everything that happens in a run can be read in run_epoch. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "base/file.h"
#include "train/batch.h"
#include "train/checkpoint.h"
#include "train/log.h"
#include "train/run_dir.h"
#include "train/trainer.h"

struct hg_trainer {
    hg_context *ctx;
    hg_net *net;
    const hg_dataset *data;
    hg_train_params params;
    hg_run_settings settings;
    char *arguments;        /* settings.arguments, when they came from a checkpoint */
    hg_position at;
    hg_run_dir *dir;        /* NULL: nothing is written */
    hg_train_log *log;
    hg_feeder *feeder;
    int64_t per_epoch, total;/* steps */
    int64_t read;           /* steps whose losses were read back */
    int64_t saved;          /* step of the last checkpoint, -1: none */
    int log_every;
    bool stopped;
    double call_time;       /* when the callback was last called */
    double log_time;        /* when the last record was written, and the examples since */
    double log_examples, rate;
    hg_losses last, val;
};

/* ---- beginning */

static bool save(hg_trainer *t)
{
    if (!t->dir || t->saved == t->at.step) return true;
    if (!hg_checkpoint_save(t->net, hg_run_dir_checkpoint(t->dir), &t->at, &t->settings)) return false;
    t->saved = t->at.step;
    return true;
}

static bool resume(hg_trainer *t)
{
    const hg_train_params *p = &t->params;
    hg_run_settings old = {0};
    if (!hg_checkpoint_load(t->net, hg_run_dir_checkpoint(t->dir), &t->at, &old)) return false;
    t->arguments = (char *)old.arguments;
    if (old.batch != t->settings.batch || old.data_count != t->settings.data_count)
        return hg_fail(t->ctx, HG_USAGE,
                       "%s: the run was trained with batch %d on %" PRId64 " examples, not %d on %" PRId64 ": resume it with the same",
                       hg_run_dir_path(t->dir), old.batch, old.data_count, t->settings.batch, t->settings.data_count);
    t->settings.seed = old.seed;
    t->settings.shuffle = old.shuffle;
    t->settings.arguments = old.arguments;
    t->settings.optimizer_steps = old.optimizer_steps;
    if (!p->epochs) t->settings.epochs = old.epochs;
    if (!p->steps && !p->epochs) t->settings.steps = old.steps;
    if (p->lr <= 0) t->settings.lr = old.lr;
    hg_net_set_seed(t->net, old.seed);
    t->saved = t->at.step;
    return true;
}

static bool open_dir(hg_trainer *t)
{
    const hg_train_params *p = &t->params;
    if (!p->out) return !p->resume || hg_fail(t->ctx, HG_USAGE, "resuming needs the run's directory");
    /* while a checkpoint is replaced, the old and the new one are both there */
    uint64_t bytes = 2 * hg_checkpoint_bytes(t->net);
    t->dir = hg_run_dir_open(t->ctx, p->out, p->resume ? HG_RUN_RESUME : p->force ? HG_RUN_FORCE : HG_RUN_NEW, bytes);
    if (!t->dir) return false;
    /* a run that was killed before its first checkpoint begins again */
    if (p->resume && hg_path_exists(hg_run_dir_checkpoint(t->dir))) return resume(t);
    const char *text = hg_model_text(hg_net_model(t->net));
    return hg_file_write(t->ctx, hg_run_dir_model(t->dir), text, strlen(text));
}

static int64_t total_steps(const hg_trainer *t)
{
    int64_t by_epochs = t->per_epoch * (t->settings.epochs ? t->settings.epochs : hg_model_epochs(hg_net_model(t->net)));
    if (t->settings.steps <= 0) return by_epochs;
    /* steps alone may run past the model's epochs */
    if (!t->settings.epochs) return t->settings.steps;
    return t->settings.steps < by_epochs ? t->settings.steps : by_epochs;
}

hg_trainer *hg_trainer_create(hg_net *net, const hg_dataset *data, const hg_train_params *params)
{
    static const hg_train_params none;
    hg_context *ctx = hg_net_context(net);
    hg_trainer *t = HG_NEW(ctx, hg_trainer);
    if (!t) return NULL;
    t->ctx = ctx;
    t->net = net;
    t->data = data;
    t->params = params ? *params : none;
    t->saved = -1;
    t->log_every = t->params.log_every > 0 ? t->params.log_every : 50;
    t->settings = (hg_run_settings){.seed = hg_net_seed(net), .batch = hg_net_batch(net), .epochs = t->params.epochs,
                                    .steps = t->params.steps, .lr = t->params.lr, .shuffle = !t->params.no_shuffle,
                                    .arguments = t->params.arguments, .data_count = hg_dataset_count(data, HG_TRAIN)};
    if (hg_net_is_inference(net)) hg_fail(ctx, HG_USAGE, "the net was made for inference only");
    else if (t->params.lr > 0 && hg_net_model(net)->n_updaters > 1)
        hg_fail(ctx, HG_USAGE,
                "the model %s has several optimizers: one learning rate (--lr) cannot be that of all; change them in the model file",
                hg_model_name(hg_net_model(net)));
    else if (t->params.keep_optimizer && !t->params.init)
        hg_fail(ctx, HG_USAGE, "there is no optimizer state to keep without a run to start from");
    else if (t->settings.data_count < 1) hg_fail(ctx, HG_BAD_INPUT, "there are no training examples");
    if (hg_failed(ctx) || !hg_feeder_accepts(net, data) || !hg_dataset_labels_suit(data, hg_net_model(net))) goto fail;
    t->per_epoch = hg_model_steps(hg_net_model(net), t->settings.data_count, t->settings.batch);
    if (t->per_epoch < 1) {
        hg_fail(ctx, HG_USAGE,
                "the model leaves out an epoch's last, smaller batch (drop_last), and %" PRId64 " examples are fewer than a batch of %d: "
                "give a smaller --batch", t->settings.data_count, t->settings.batch);
        goto fail;
    }
    if (t->params.init && !t->params.resume && !hg_net_load(net, t->params.init)) goto fail;
    if (t->params.keep_optimizer && !t->params.resume &&
        !hg_checkpoint_load_optimizer(net, t->params.init, &t->settings.optimizer_steps))
        goto fail;
    if (!open_dir(t)) goto fail;
    t->total = total_steps(t);
    hg_arenas_set_past(hg_net_arenas(net), t->settings.optimizer_steps);
    t->read = t->at.step;
    const bool adversarial = hg_model_is_adversarial(hg_net_model(net));
    if (t->dir && !(t->log = hg_train_log_open(ctx, hg_run_dir_log(t->dir), t->at.step, adversarial))) goto fail;
    if (!(t->feeder = hg_feeder_create(net)) || !save(t)) goto fail;
    return t;
fail:
    hg_trainer_destroy(t);
    return NULL;
}

void hg_trainer_destroy(hg_trainer *t)
{
    if (!t) return;
    hg_feeder_destroy(t->feeder);
    hg_train_log_close(t->log);
    hg_run_dir_close(t->dir);
    hg_free(t->arguments);
    hg_free(t);
}

bool hg_trainer_stopped(const hg_trainer *t) { return t->stopped; }

static hg_batches *open_batches(const hg_trainer *t, int64_t epoch, int64_t index)
{
    const hg_run_settings *s = &t->settings;
    const hg_batches_params p = {.part = HG_TRAIN, .batch = s->batch, .drop_last = hg_net_model(t->net)->drop_last, .shuffle = s->shuffle,
                                 .seed = s->seed, .epoch = epoch, .index = index};
    return hg_batches_open(t->data, &p);
}

/* ---- losses that are not finite */

/* Repeats the forward pass of the step that went wrong (its parameters were left alone) to find the layer. */
static bool diverged(hg_trainer *t, int64_t step, double loss)
{
    const char *node = NULL;
    hg_batch batch;
    hg_batches *it = open_batches(t, (step - 1) / t->per_epoch, (step - 1) % t->per_epoch);
    bool ok = it && hg_batches_next(it, &batch) &&
              hg_feeder_run(t->feeder, HG_PURPOSE_TRAIN, &batch, t->settings.seed, step, t->total, t->settings.lr) &&
              hg_plan_diagnose(hg_net_plan(t->net, HG_PURPOSE_TRAIN, batch.count), &node);
    hg_batches_close(it);
    if (!ok && hg_failed(t->ctx)) return false;
    char kept[512] = "";
    if (t->dir && t->saved >= 0)
        snprintf(kept, sizeof kept, " The checkpoint of step %" PRId64 " is kept in %s.", t->saved, hg_run_dir_checkpoint(t->dir));
    return hg_fail(t->ctx, HG_DIVERGED,
                   "training diverged at step %" PRId64 " (epoch %" PRId64 "): the loss is %g; the first layer whose output is not "
                   "finite is %s.%s Try %s", step, (step - 1) / t->per_epoch + 1, fabs(loss), node ? node : "the loss itself", kept,
                   hg_net_remedy(t->net));
}

/* ---- reading back */

static int batch_of_step(const hg_trainer *t, int64_t step)
{
    int64_t index = (step - 1) % t->per_epoch, left = t->settings.data_count - index * t->settings.batch;
    return left < t->settings.batch ? (int)left : t->settings.batch;
}

static bool log_step(hg_trainer *t, int64_t step, const hg_losses *losses)
{
    double time = hg_now();
    if (time > t->log_time && t->log_examples > 0) t->rate = t->log_examples / (time - t->log_time);
    t->log_time = time;
    t->log_examples = 0;
    if (!t->log || step % t->log_every != 0) return true;
    return hg_train_log_add(t->log, step, (int)((step - 1) / t->per_epoch) + 1, losses, NULL, t->rate);
}

/* Reads the losses of all steps since the last time, adds them to the epoch's sums and logs those whose turn it is. */
static bool read_back(hg_trainer *t)
{
    hg_losses losses[HG_FEEDER_RING];
    int n = (int)(t->at.step - t->read);
    if (!hg_feeder_losses(t->feeder, t->read + 1, n, losses)) return false;
    for (int i = 0; i < n; i++) {
        int64_t step = t->read + 1 + i;
        if (!isfinite(losses[i].loss)) return diverged(t, step, losses[i].loss);
        int count = batch_of_step(t, step);
        hg_losses_add(&t->at.sums, &losses[i], count);
        t->at.examples += count;
        t->log_examples += count;
        t->last = losses[i];
        if ((step % t->log_every == 0 || i == n - 1) && !log_step(t, step, &losses[i])) return false;
    }
    t->read = t->at.step;
    return true;
}

/* ---- telling */

static void call_back(hg_trainer *t, const hg_losses *train, bool epoch_done, bool saved)
{
    int64_t done = (t->at.step - 1) / t->per_epoch;
    hg_progress progress = {.step = t->at.step, .steps = t->total, .epoch = (int)(t->at.step ? done : 0) + 1,
                            .epochs = (int)((t->total + t->per_epoch - 1) / t->per_epoch), .epoch_step = t->at.step - done * t->per_epoch,
                            .epoch_steps = t->per_epoch, .train = *train, .val = t->val, .epoch_done = epoch_done, .saved = saved,
                            .images_per_second = t->rate};
    if (t->rate > 0) progress.seconds_left = (double)(t->total - t->at.step) * t->settings.batch / t->rate;
    t->call_time = hg_now();
    if (t->params.progress && !t->params.progress(t->params.user, &progress)) t->stopped = true;
}

/* ---- the loop */

static bool end_epoch(hg_trainer *t)
{
    const hg_losses *s = &t->at.sums;
    double n = t->at.examples > 0 ? (double)t->at.examples : 1;
    hg_losses train = {s->loss / n, s->reconstruction / n, s->kl / n, s->penalty / n, s->discriminator / n, s->generator / n};
    t->val = (hg_losses){NAN, NAN, NAN, NAN, NAN, NAN};
    if (hg_dataset_count(t->data, HG_TEST) > 0) {
        if (!hg_feeder_evaluate(t->feeder, t->data, HG_TEST, &t->val)) return false;
        if (!isfinite(t->val.loss))
            return hg_fail(t->ctx, HG_DIVERGED, "training diverged: after step %" PRId64 " the validation loss is %g. Try %s",
                           t->at.step, t->val.loss, hg_net_remedy(t->net));
    }
    if (t->log && !hg_train_log_add(t->log, t->at.step, (int)t->at.epoch + 1, &train, &t->val, t->rate)) return false;
    t->at.epoch++;
    t->at.index = 0;
    t->at.examples = 0;
    t->at.sums = (hg_losses){0};
    t->saved = -1; /* the same step, but the position has moved on */
    if (!save(t)) return false;
    call_back(t, &train, true, t->dir != NULL);
    t->log_time = hg_now(); /* evaluating is not training time */
    return true;
}

static bool run_epoch(hg_trainer *t, hg_batches *batches)
{
    while (t->at.index < t->per_epoch && t->at.step < t->total && !t->stopped) {
        hg_batch batch;
        if (!hg_batches_next(batches, &batch)) return false;
        if (!hg_feeder_run(t->feeder, HG_PURPOSE_TRAIN, &batch, t->settings.seed, t->at.step + 1, t->total, t->settings.lr))
            return false;
        t->at.step++;
        t->at.index++;
        bool last = t->at.index == t->per_epoch || t->at.step == t->total;
        bool log = t->at.step % t->log_every == 0 || t->at.step - t->read == HG_FEEDER_RING;
        bool turn = t->params.save_every > 0 && t->at.step % t->params.save_every == 0 && !last;
        if (!last && !log && !turn && hg_now() - t->call_time < 0.2) continue;
        if (!read_back(t) || (turn && !save(t))) return false;
        if (t->at.index < t->per_epoch) call_back(t, &t->last, false, turn);
    }
    return true;
}

bool hg_trainer_run(hg_trainer *t)
{
    bool whole = t->at.index == t->per_epoch; /* stopped between an epoch's last step and its evaluation */
    hg_batches *batches = open_batches(t, t->at.epoch + whole, whole ? 0 : t->at.index);
    bool ok = batches != NULL;
    t->log_time = t->call_time = hg_now();
    while (ok && !t->stopped && (t->at.step < t->total || t->at.index == t->per_epoch)) {
        ok = run_epoch(t, batches);
        if (ok && t->at.index == t->per_epoch) ok = end_epoch(t);
    }
    hg_batches_close(batches);
    return ok && read_back(t) && save(t);
}
