#include "tuning.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ahead.h"
#include "base/file.h"
#include "base/text.h"

/* ---- where it is kept */

/* "pthread-haswell-amd-epyc-1a2b3c4d.json": a name to be found by, and all that the tuning depends on. */
static const char *file_name(cli *c, const hg_device_info *device)
{
    char slug[41];
    size_t n = 0;
    for (const char *p = device->name; *p && n < sizeof slug - 1; p++) {
        if (isalnum((unsigned char)*p)) slug[n++] = (char)tolower((unsigned char)*p);
        else if (n && slug[n - 1] != '-') slug[n++] = '-';
    }
    slug[n] = 0;
    char units[16];
    snprintf(units, sizeof units, "%u", (unsigned)device->compute_units);
    const uint64_t key = hg_hash(hg_hash(hg_hash(hg_hash(hg_hash(0, device->name), device->platform), device->driver), units), HG_VERSION);
    return hg_arena_format(c->arena, "%s-%08x.json", slug, (unsigned)(key >> 32));
}

const char *cli_tuning_path(cli *c, const hg_device_info *device)
{
    const char *named = c->tuning ? c->tuning : getenv("HOURGLASS_TUNING");
    if (named && *named) return strcmp(named, "none") == 0 ? NULL : named;
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"), *name = file_name(c, device);
    if (!name) return NULL;
    if (cache && *cache == '/') return hg_arena_format(c->arena, "%s/hourglass/%s", cache, name);
    return home && *home == '/' ? hg_arena_format(c->arena, "%s/.cache/hourglass/%s", home, name) : NULL;
}

hg_tuning *cli_open_tuning(cli *c, hg_device *device)
{
    const hg_device_info *info = hg_device_get_info(device);
    const char *path = cli_tuning_path(c, info);
    hg_tuning *tuning = hg_failed(c->ctx) ? NULL : hg_tuning_open(device, path);
    if (tuning && hg_tuning_count(tuning) && !c->quiet)
        cli_say(c, "%stuning:%s %d operations from %s", cli_bold(c), cli_plain(c), hg_tuning_count(tuning), path);
    return tuning;
}

/* The file's folder; a folder that cannot be made is found out before work begins. */
static bool make_folder(cli *c, const hg_device_info *device)
{
    const char *path = cli_tuning_path(c, device), *slash = path ? strrchr(path, '/') : NULL;
    if (!slash || slash == path) return !hg_failed(c->ctx);
    const char *folder = hg_arena_format(c->arena, "%.*s", (int)(slash - path), path);
    return folder && (hg_path_is_dir(folder) || hg_make_dirs(c->ctx, folder));
}

/* ---- what is said */

typedef struct teller { cli *c; ahead others; bool table; double gain_sum, default_sum; int measured; } teller;

static bool tell(void *user, const hg_tune_progress *p)
{
    teller *t = user;
    cli *c = t->c;
    if (*p->pick) {
        const char *line = hg_arena_format(c->arena, "tuning %d of %d: %s: %s %.1f us, best %s %.1f us",
                                           p->operation, p->operations, p->key, p->pick, 1e6 * p->seconds, p->best, 1e6 * p->best_seconds);
        if (line) cli_progress(c, line);
    } else {
        /* the default's time is not known where it fails on this device */
        const double untuned = p->default_seconds > 0 ? p->default_seconds : p->best_seconds;
        t->measured++;
        t->default_sum += untuned;
        t->gain_sum += untuned - p->best_seconds;
        if (t->table) {
            if (t->measured == 1) printf("%-72s %-22s %10s %10s %6s\n", "operation", "fastest variant", "us", "untuned us", "ratio");
            printf("%-72s %-22s %10.1f %10.1f %6.2f\n", p->key, p->best, 1e6 * p->best_seconds, 1e6 * untuned, untuned / p->best_seconds);
            fflush(stdout);
        }
    }
    return !cli_caught;
}

static void coming(void *user, const char *key, const char *pick) { ahead_tell(&((teller *)user)->others, key, pick); }
static void quiet(void *user, bool on) { ahead_quiet(&((teller *)user)->others, on); }

bool cli_tune(cli *c, hg_device *device, const hg_model *model, const char *source, hg_tuning *tuning, hg_precision precision, int batch,
              double seconds, bool again, bool table)
{
    teller t = {.c = c, .table = table};
    const hg_tune_params params = {.batch = batch ? batch : hg_model_batch(model), .precision = precision, .seconds = seconds, .again = again,
                                   .progress = tell, .coming = coming, .quiet = quiet, .user = &t};
    const char *path = cli_tuning_path(c, hg_device_get_info(device));
    if (!make_folder(c, hg_device_get_info(device))) return false;
    ahead_start_tuning(&t.others, c, device, precision, params.batch, source);
    const bool ok = hg_tune(device, model, tuning, &params);
    ahead_stop(&t.others);
    if (ok && t.measured)
        cli_say(c, "%stuned:%s %d operations of %s take %.2f ms a step instead of %.2f%s%s",
                cli_bold(c), cli_plain(c), t.measured, hg_model_name(model), 1e3 * (t.default_sum - t.gain_sum), 1e3 * t.default_sum,
                path ? "; kept in " : "", path ? path : "");
    return ok;
}
