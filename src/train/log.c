#include "train/log.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/memory.h"

struct hg_train_log { hg_context *ctx; FILE *file; char *path; bool adversarial; };

/* The length of the leading lines that are whole records of steps up to `step`. */
static size_t keep_length(const char *data, size_t length, int64_t step)
{
    size_t kept = 0;
    while (kept < length) {
        const char *line = data + kept, *end = memchr(line, '\n', length - kept);
        json_t *record = end ? json_loadb(line, (size_t)(end - line), 0, NULL) : NULL;
        json_t *at = record ? json_object_get(record, "step") : NULL;
        bool keep = json_is_integer(at) && json_integer_value(at) <= step;
        json_decref(record);
        if (!keep) break;
        kept = (size_t)(end - data) + 1;
    }
    return kept;
}

static bool cut_back(hg_context *ctx, const char *path, int64_t step)
{
    uint8_t *data;
    size_t length;
    if (!hg_path_exists(path)) return true;
    if (!hg_file_read(ctx, path, (size_t)1 << 32, &data, &length)) return false;
    size_t kept = keep_length((const char *)data, length, step);
    bool ok = kept == length || hg_file_write(ctx, path, data, kept);
    hg_free(data);
    return ok;
}

hg_train_log *hg_train_log_open(hg_context *ctx, const char *path, int64_t step, bool adversarial)
{
    if (!cut_back(ctx, path, step)) return NULL;
    hg_train_log *log = HG_NEW(ctx, hg_train_log);
    if (!log) return NULL;
    log->ctx = ctx;
    log->adversarial = adversarial;
    log->path = hg_copy_text(ctx, path);
    log->file = fopen(path, "a");
    if (log->path && log->file) return log;
    if (!log->file) hg_fail(ctx, HG_OUTPUT, "%s: cannot be written: %s", path, strerror(errno));
    hg_train_log_close(log);
    return NULL;
}

void hg_train_log_close(hg_train_log *log)
{
    if (!log) return;
    if (log->file) fclose(log->file);
    hg_free(log->path);
    hg_free(log);
}

static void set_number(json_t *record, const char *prefix, const char *key, double value)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", prefix, key);
    json_object_set_new(record, name, isfinite(value) ? json_real(value) : json_null());
}

static void set_losses(json_t *record, const char *prefix, const hg_losses *losses, bool adversarial)
{
    set_number(record, prefix, "loss", losses->loss);
    set_number(record, prefix, "reconstruction", losses->reconstruction);
    set_number(record, prefix, "kl", losses->kl);
    set_number(record, prefix, "penalty", losses->penalty);
    if (!adversarial) return;
    set_number(record, prefix, "discriminator", losses->discriminator);
    set_number(record, prefix, "generator", losses->generator);
}

bool hg_train_log_add(hg_train_log *log, int64_t step, int epoch, const hg_losses *train, const hg_losses *val, double images_per_second)
{
    json_t *record = json_object();
    json_object_set_new(record, "step", json_integer(step));
    json_object_set_new(record, "epoch", json_integer(epoch));
    set_losses(record, "", train, log->adversarial);
    if (val) set_losses(record, "val_", val, log->adversarial);
    set_number(record, "", "images_per_second", images_per_second);
    char *text = json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(record);
    bool ok = text && fprintf(log->file, "%s\n", text) > 0 && fflush(log->file) == 0;
    free(text);
    return ok || hg_fail(log->ctx, HG_OUTPUT, "%s: cannot be written: %s", log->path, text ? strerror(errno) : "no memory");
}
