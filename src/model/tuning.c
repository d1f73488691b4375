#include "model/tuning.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "device/launch.h"

typedef struct row { char *key, *pick; double seconds, default_seconds; } row;

struct hg_tuning {
    hg_context *ctx;
    const hg_device_info *device;
    char kernels[17];                /* hash of all kernel files */
    char *path, *trying, *lock_path; /* NULL: nothing is written */
    int lock;                        /* descriptor while taken, -1 */
    row *rows;
    int n_rows, room_rows;
    char **crashed;                  /* "KEY = PICK" */
    int n_crashed, room_crashed;
};

enum { MOST_BYTES = 16 << 20 };

/* ---- the table */

static row *find(const hg_tuning *t, const char *key)
{
    for (int i = 0; i < t->n_rows; i++)
        if (strcmp(t->rows[i].key, key) == 0) return &t->rows[i];
    return NULL;
}

const char *hg_tuning_find(const hg_tuning *tuning, const char *key)
{
    const row *r = find(tuning, key);
    return r ? r->pick : NULL;
}

/* Room for one more of `n` elements; NULL on failure. */
static void *grow(hg_context *ctx, void *block, int n, int *room, size_t size)
{
    if (n < *room) return block;
    void *grown = hg_resize(ctx, block, (size_t)(*room ? *room * 2 : 32), size);
    if (grown) *room = *room ? *room * 2 : 32;
    return grown;
}

bool hg_tuning_set(hg_tuning *t, const char *key, const char *pick, double seconds, double default_seconds)
{
    row *r = find(t, key);
    char *copy = hg_copy_text(t->ctx, pick);
    if (!copy) return false;
    if (!r) {
        row *rows = grow(t->ctx, t->rows, t->n_rows, &t->room_rows, sizeof *rows);
        char *name = rows ? hg_copy_text(t->ctx, key) : NULL;
        if (rows) t->rows = rows;
        if (!name) {
            hg_free(copy);
            return false;
        }
        r = &t->rows[t->n_rows++];
        *r = (row){.key = name};
    }
    hg_free(r->pick);
    *r = (row){r->key, copy, seconds, default_seconds};
    return true;
}

static char *crash_text(hg_context *ctx, const char *key, const char *pick)
{
    hg_text text = {.ctx = ctx};
    hg_text_add(&text, "%s = %s", key, pick);
    return text.data;
}

static bool is_crash(const hg_tuning *t, const char *text)
{
    for (int i = 0; i < t->n_crashed; i++)
        if (strcmp(t->crashed[i], text) == 0) return true;
    return false;
}

bool hg_tuning_has_crashed(const hg_tuning *t, const char *key, const char *pick)
{
    char *text = crash_text(t->ctx, key, pick);
    const bool has = text && is_crash(t, text);
    hg_free(text);
    return has;
}

/* Takes the text. */
static bool add_crash(hg_tuning *t, char *text)
{
    if (!text) return false;
    char **crashed = is_crash(t, text) ? NULL : grow(t->ctx, t->crashed, t->n_crashed, &t->room_crashed, sizeof *crashed);
    if (!crashed) {
        hg_free(text);
        return !hg_failed(t->ctx);
    }
    t->crashed = crashed;
    t->crashed[t->n_crashed++] = text;
    return true;
}

bool hg_tuning_add_crash(hg_tuning *t, const char *key, const char *pick)
{
    return add_crash(t, crash_text(t->ctx, key, pick));
}

int hg_tuning_count(const hg_tuning *tuning) { return tuning->n_rows; }

/* ---- as text */

static json_t *to_json(const hg_tuning *t)
{
    const hg_device_info *d = t->device;
    json_t *choices = json_object(), *crashed = json_array();
    for (int i = 0; i < t->n_rows; i++) {
        const row *r = &t->rows[i];
        json_t *choice = json_pack("{s:s}", "pick", r->pick);
        if (r->seconds > 0) json_object_set_new(choice, "us", json_real(round(r->seconds * 1e8) * 1e-2));
        if (r->default_seconds > 0) json_object_set_new(choice, "default_us", json_real(round(r->default_seconds * 1e8) * 1e-2));
        json_object_set_new(choices, r->key, choice);
    }
    for (int i = 0; i < t->n_crashed; i++) json_array_append_new(crashed, json_string(t->crashed[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}",
                     "hourglass", HG_VERSION, "kernels", t->kernels, "device", d->name, "platform", d->platform, "driver", d->driver,
                     "choices", choices, "crashed", crashed);
}

static bool is_text(const json_t *object, const char *key, const char *value)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && strcmp(text, value) == 0;
}

/* Is it for this device, driver and version? */
static bool is_ours(const hg_tuning *t, const json_t *root)
{
    const hg_device_info *d = t->device;
    return is_text(root, "hourglass", HG_VERSION) && is_text(root, "kernels", t->kernels) && is_text(root, "device", d->name) &&
           is_text(root, "platform", d->platform) && is_text(root, "driver", d->driver);
}

static double time_of(const json_t *choice, const char *key)
{
    const double us = json_number_value(json_object_get(choice, key));
    return us > 0 && us < 1e12 ? us * 1e-6 : 0;
}

/* Takes over what makes sense; false only if memory is short. What a pick means is checked where it is used. */
static bool from_json(hg_tuning *t, json_t *root, const char *name)
{
    const char *key;
    json_t *choice, *crash;
    size_t i;
    int bad = 0;
    json_object_foreach(json_object_get(root, "choices"), key, choice) {
        const char *pick = json_string_value(json_object_get(choice, "pick"));
        if (!pick || strlen(key) > 1000 || strlen(pick) > 200) bad++;
        else if (!hg_tuning_set(t, key, pick, time_of(choice, "us"), time_of(choice, "default_us"))) return false;
    }
    json_array_foreach(json_object_get(root, "crashed"), i, crash) {
        if (!json_is_string(crash)) bad++;
        else if (!add_crash(t, hg_copy_text(t->ctx, json_string_value(crash)))) return false;
    }
    if (bad) hg_log(t->ctx, HG_LOG_WARNING, "%s: %d entr%s make no sense and are passed over", name, bad, bad == 1 ? "y" : "ies");
    return true;
}

static bool parse(hg_tuning *t, const char *text, size_t length, const char *name, bool *fits)
{
    json_error_t error = {.line = 1};
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    *fits = json_is_object(root) && is_ours(t, root);
    if (!json_is_object(root))
        hg_log(t->ctx, HG_LOG_WARNING, "%s: is no tuning (line %d: %s): passed over",
               name, error.line, root ? "not an object" : error.text);
    const bool ok = !*fits || from_json(t, root, name);
    json_decref(root);
    return ok;
}

static bool read_file(hg_tuning *t)
{
    uint8_t *data = NULL;
    size_t length = 0;
    if (!t->path || !hg_path_exists(t->path)) return true;
    if (!hg_file_read(t->ctx, t->path, MOST_BYTES, &data, &length)) {
        hg_log(t->ctx, HG_LOG_WARNING, "%s: passed over", hg_message(t->ctx));
        hg_context_clear(t->ctx);
        return true;
    }
    bool fits;
    const bool ok = parse(t, (const char *)data, length, t->path, &fits);
    if (ok && !fits) hg_log(t->ctx, HG_LOG_DEBUG, "%s: is for another device, driver or version: passed over", t->path);
    hg_free(data);
    return ok;
}

bool hg_tuning_add_text(hg_tuning *tuning, const char *name, const char *text, bool *fits)
{
    bool unused;
    return parse(tuning, text, strlen(text), name, fits ? fits : &unused);
}

char *hg_tuning_text(const hg_tuning *t)
{
    json_t *root = to_json(t);
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL, *copy = text ? hg_copy_text(t->ctx, text) : NULL;
    if (!text) hg_fail(t->ctx, HG_INTERNAL, "the tuning cannot be written down: no memory, or a name that is not UTF-8");
    free(text);
    json_decref(root);
    return copy;
}

bool hg_tuning_save(hg_tuning *t)
{
    if (!t->path) return true;
    json_t *root = to_json(t);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    const bool ok = text ? hg_file_write(t->ctx, t->path, text, strlen(text)) :
        hg_fail(t->ctx, HG_INTERNAL, "%s: the tuning cannot be written: no memory, or a name that is not UTF-8", t->path);
    free(text);
    json_decref(root);
    return ok;
}

/* ---- one process at a time */

bool hg_tuning_trying(hg_tuning *t, const char *key, const char *pick)
{
    char *text = t->trying ? crash_text(t->ctx, key, pick) : NULL;
    const bool ok = !t->trying || (text && hg_file_write(t->ctx, t->trying, text, strlen(text)));
    hg_free(text);
    return ok;
}

void hg_tuning_survived(hg_tuning *t)
{
    if (t->trying) unlink(t->trying);
}

/* Whoever wrote it is gone: this process has the lock. */
static bool bury(hg_tuning *t)
{
    uint8_t *data = NULL;
    size_t length = 0;
    if (!hg_path_exists(t->trying)) return true;
    bool ok = hg_file_read(t->ctx, t->trying, 1 << 16, &data, &length);
    if (ok && length)
        hg_log(t->ctx, HG_LOG_WARNING, "tuning: the candidate '%s' took the last tuning down: it is left out from now on", (char *)data);
    ok = ok && (!length || add_crash(t, hg_copy_text(t->ctx, (char *)data))) && hg_tuning_save(t);
    if (ok) hg_tuning_survived(t);
    hg_free(data);
    return ok;
}

bool hg_tuning_take(hg_tuning *t)
{
    if (!t->path) return true;
    t->lock = open(t->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (t->lock < 0)
        return hg_fail(t->ctx, HG_OUTPUT, "%s: cannot be written: %s: name another file with --tuning", t->lock_path, strerror(errno));
    if (flock(t->lock, LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        hg_tuning_release(t);
        if (error == EWOULDBLOCK) return hg_fail(t->ctx, HG_BUSY, "%s: another process is tuning this device: wait for it", t->path);
        return hg_fail(t->ctx, HG_OUTPUT, "%s: cannot be locked: %s", t->lock_path, strerror(error));
    }
    if (read_file(t) && bury(t)) return true;
    hg_tuning_release(t);
    return false;
}

void hg_tuning_release(hg_tuning *t)
{
    if (t->lock >= 0) close(t->lock);
    t->lock = -1;
}

/* ---- a tuning's life */

static char *with_ending(hg_context *ctx, const char *path, const char *ending)
{
    hg_text text = {.ctx = ctx};
    hg_text_add(&text, "%s%s", path, ending);
    return text.data;
}

static uint64_t hash_kernels(void)
{
    uint64_t hash = 0;
    const char *stem;
    for (int i = 0; (stem = hg_kernel_source_at(i)); i++) hash = hg_hash(hg_hash(hash, stem), hg_kernel_source(stem));
    return hash;
}

hg_tuning *hg_tuning_open(hg_device *dev, const char *path)
{
    hg_context *ctx = hg_device_context(dev);
    hg_tuning *t = HG_NEW(ctx, hg_tuning);
    if (!t) return NULL;
    *t = (hg_tuning){.ctx = ctx, .device = hg_device_get_info(dev), .lock = -1};
    snprintf(t->kernels, sizeof t->kernels, "%016llx", (unsigned long long)hash_kernels());
    if (path && (!(t->path = hg_copy_text(ctx, path)) || !(t->trying = with_ending(ctx, path, ".trying")) ||
                 !(t->lock_path = with_ending(ctx, path, ".lock")))) goto fail;
    if (read_file(t)) return t;
fail:
    hg_tuning_close(t);
    return NULL;
}

void hg_tuning_close(hg_tuning *t)
{
    if (!t) return;
    hg_tuning_release(t);
    for (int i = 0; i < t->n_rows; i++) {
        hg_free(t->rows[i].key);
        hg_free(t->rows[i].pick);
    }
    for (int i = 0; i < t->n_crashed; i++) hg_free(t->crashed[i]);
    hg_free(t->rows);
    hg_free(t->crashed);
    hg_free(t->path);
    hg_free(t->trying);
    hg_free(t->lock_path);
    hg_free(t);
}
