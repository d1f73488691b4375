/* hourglass eval: how good a run is on the test part, class by class and beside what needs no model; on other data than it was trained
 * on, beside its own. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include "baseline.h"
#include "figures.h"
#include "quality.h"
#include "rows.h"

static struct { const char *out; int64_t count; bool json, pca; } o = {.count = 10};

static const cli_option options[] = {
    {"json", CLI_FLAG, &o.json, 0, 0, NULL, "as JSON"},
    {"pca", CLI_FLAG, &o.pca, 0, 0, NULL, "compare with PCA even where that takes minutes"},
    {"out", CLI_TEXT, &o.out, 0, 0, "FILE.png",
     "draw rows, too: inputs, outputs, and targets where those are not the inputs; of both data sets"},
    {"count", CLI_INT, &o.count, 1, 4096, "N", "how many pictures in the rows; default 10"},
    {0},
};

/* ---- measuring: figures of one data set as a JSON object */

typedef struct totals { quality all, baselines[BASELINES_MOST], *classes; } totals;

static unsigned measured(const cli_run *run)
{
    return QUALITY_SSIM | (strcmp(hg_model_loss(run->model), "bce") == 0 ? QUALITY_CROSS_ENTROPY : 0);
}

/* Adds the m pictures from `first` on. y: room for their outputs. */
static bool add_piece(cli_run *run, const baselines *b, int64_t first, int64_t m, float *y, totals *t)
{
    const unsigned what = measured(run);
    float *x = cli_run_inputs(run, HG_TEST, first, m), *target = cli_run_pictures(run, HG_TEST, first, m);
    bool ok = x && target && cli_run_reconstruct(run, HG_TEST, first, m, x, y);
    for (int64_t i = 0; ok && i < m; i++) {
        const int label = hg_dataset_label(run->data, HG_TEST, first + i);
        quality one = {0};
        quality_add(&one, what, run->out, 1, target + (size_t)i * run->out_n, y + (size_t)i * run->out_n);
        quality_merge(&t->all, &one);
        if (label >= 0) quality_merge(&t->classes[label], &one);
    }
    for (int k = 0; ok && k < b->n; k++) {
        baselines_make(b, k, m, x, y);
        quality_add(&t->baselines[k], what & QUALITY_CROSS_ENTROPY, run->out, m, target, y);
    }
    hg_free(x);
    hg_free(target);
    return ok;
}

static bool add_row(json_t *rows, const char *key, const char *name, const quality *q, unsigned what, bool count)
{
    json_t *row = json_pack("{s:s}", key, name);
    return json_array_append_new(rows, row) == 0 && (!count || json_object_set_new(row, "pictures", json_integer(q->n)) == 0) &&
           quality_put(q, what, row);
}

/* What a discriminator adds to the losses. */
static bool add_adversarial(const cli_run *run, const hg_losses *l, json_t *root)
{
    return !hg_model_is_adversarial(run->model) ||
           (json_object_set_new(root, "discriminator", figure(l->discriminator)) == 0 &&
            json_object_set_new(root, "generator", figure(l->generator)) == 0);
}

static json_t *to_json(const cli_run *run, const hg_losses *l, const baselines *b, const totals *t)
{
    const unsigned what = measured(run);
    json_t *rows = json_array(), *classes = json_array();
    json_t *root = json_pack("{s:s, s:I, s:f, s:f, s:f, s:f}", "data", hg_dataset_name(run->data), "pictures", (json_int_t)t->all.n, "loss",
                             l->loss, "reconstruction", l->reconstruction, "kl", l->kl, "penalty", l->penalty);
    bool ok = rows && classes && add_adversarial(run, l, root) && quality_put(&t->all, what, root) &&
              add_row(rows, "picture", "model", &t->all, what & ~QUALITY_SSIM, false);
    for (int i = 0; ok && i < b->n; i++) ok = add_row(rows, "picture", b->names[i], &t->baselines[i], what & ~QUALITY_SSIM, false);
    for (int i = 0; ok && i < hg_dataset_classes(run->data); i++)
        if (t->classes[i].n) ok = add_row(classes, "class", hg_dataset_class_name(run->data, i), &t->classes[i], what, true);
    ok = ok && json_object_set(root, "baselines", rows) == 0 && json_object_set(root, "classes", classes) == 0;
    json_decref(rows);
    json_decref(classes);
    if (ok) return root;
    json_decref(root);
    hg_fail(run->c->ctx, HG_INTERNAL, "the figures cannot be put together: no memory, or a class's name is not UTF-8");
    return NULL;
}

/* Of the run's open data; NULL on failure. */
static json_t *measure(cli_run *run, const baselines *b)
{
    const int64_t piece = cli_run_piece(run, 512), n = hg_dataset_count(run->data, HG_TEST);
    totals t = {.classes = hg_alloc(run->c->ctx, (size_t)hg_dataset_classes(run->data) + 1, sizeof *t.classes)};
    float *y = hg_alloc(run->c->ctx, hg_mul((size_t)(n < piece ? n : piece), run->out_n), sizeof *y);
    hg_losses losses;
    bool ok = t.classes && y && hg_evaluate(run->net, run->data, HG_TEST, &losses);
    for (int64_t first = 0; ok && first < n; first += piece) ok = add_piece(run, b, first, n - first < piece ? n - first : piece, y, &t);
    json_t *root = ok ? to_json(run, &losses, b, &t) : NULL;
    hg_free(t.classes);
    hg_free(y);
    return root;
}

/* ---- printing one or two data sets' figures */

enum { SETS = 2, COLUMN = 16 };

/* What is not worth a line: no KL or penalty in any set. */
static bool is_shown(const char *key, const json_t *value)
{
    return json_number_value(value) != 0 || (strcmp(key, "kl") != 0 && strcmp(key, "penalty") != 0);
}

static void print_figures(const json_t *const *sets, const char *const *names, int n)
{
    const char *key;
    json_t *value;
    if (n > 1) printf("%*s%-*s%s\n", COLUMN, "", COLUMN, names[0], names[1]);
    json_object_foreach((json_t *)sets[0], key, value) {
        if (!json_is_number(value) || !is_shown(key, value)) continue;
        printf("%-*s", COLUMN, key);
        for (int i = 0; i < n; i++) {
            const json_t *of = json_object_get(sets[i], key);
            char text[64];
            if (json_is_integer(of)) snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(of));
            else snprintf(text, sizeof text, "%.6g%s", json_real_value(of), strcmp(key, "psnr") == 0 ? " dB" : "");
            printf(i + 1 < n ? "%-*s" : "%.*s", i + 1 < n ? COLUMN : (int)sizeof text, text);
        }
        putchar('\n');
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++) {
            const json_t *rows = json_object_get(sets[i], k ? "classes" : "baselines");
            if (json_array_size(rows) == 0) continue;
            printf(n > 1 ? "\n%s\n" : "\n", names[i]);
            figures_print_rows(rows);
        }
}

/* "mnist" for a folder of that name. */
static const char *short_name(cli *c, const char *path)
{
    if (!path) return "digits";
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    size_t at = n;
    while (at > 0 && path[at - 1] != '/') at--;
    const char *name = hg_arena_format(c->arena, "%.*s", (int)(n - at), path + at);
    return name ? name : path;
}

/* ---- rows */

/* Input, output and target of the open data's first n test pictures as bands; their memory is the caller's to free. */
static bool make_bands(cli_run *run, const char *name, int64_t n, band bands[3])
{
    static const char *const kinds[] = {"input", "output", "target"};
    float *x = cli_run_inputs(run, HG_TEST, 0, n), *y = hg_alloc(run->c->ctx, hg_mul((size_t)n, run->out_n), sizeof *y);
    float *target = hg_model_is_corrupted(run->model) ? cli_run_pictures(run, HG_TEST, 0, n) : NULL;
    const float *values[] = {x, y, target};
    for (int k = 0; k < 3; k++) {
        const int *shape = k ? run->out : run->in;
        const char *label = *name ? hg_arena_format(run->c->arena, "%s %s", name, kinds[k]) : kinds[k];
        bands[k] = (band){label ? label : kinds[k], values[k], {shape[0], shape[1], shape[2]}, NULL};
    }
    return x && y && (target || !hg_model_is_corrupted(run->model)) && cli_run_reconstruct(run, HG_TEST, 0, n, x, y);
}

static bool draw(cli_run *run, hg_dataset *const *data, const char *const *names, int sets)
{
    band bands[3 * SETS] = {0};
    const int each = hg_model_is_corrupted(run->model) ? 3 : 2;
    int64_t n = o.count;
    for (int i = 0; i < sets; i++) n = hg_dataset_count(data[i], HG_TEST) < n ? hg_dataset_count(data[i], HG_TEST) : n;
    bool ok = true;
    for (int i = 0; ok && i < sets; i++) {
        run->data = data[i];
        ok = make_bands(run, sets > 1 ? names[i] : "", n, bands + i * each);
    }
    ok = ok && rows_draw(run->c, o.out, bands, each * sets, n);
    for (int k = 0; k < 3 * SETS; k++) hg_free((void *)bands[k].x);
    return ok;
}

/* ---- the verb */

static bool print(cli_run *run, json_t *const *sets, const char *const *names, int n)
{
    if (!o.json) {
        print_figures((const json_t *const *)sets, names, n);
        return true;
    }
    if (n > 1 && json_object_set(sets[1], "trained_on", sets[0]) != 0) return hg_fail_memory(run->c->ctx, 0);
    return figures_print_json(run->c, json_incref(sets[n - 1]));
}

/* data[0] is what the run was trained on, data[1] the other, where there are two. */
static bool evaluate(cli_run *run, hg_dataset *const *data, const char *const *names, int n)
{
    json_t *sets[SETS] = {0};
    baselines b;
    run->data = data[0];
    bool ok = baselines_open(run, o.pca, &b);
    for (int i = 0; ok && i < n; i++) {
        run->data = data[i];
        ok = (sets[i] = measure(run, &b)) != NULL;
    }
    ok = ok && print(run, sets, names, n) && (!o.out || draw(run, data, names, n));
    for (int i = 0; i < n; i++) json_decref(sets[i]);
    baselines_close(&b);
    return ok;
}

static bool run(cli *c)
{
    cli_run r;
    if (!cli_check_file(c, "out", o.out, cli_png)) return false;
    bool ok = cli_run_read(c, c->args[0], &r) && (!o.out || cli_run_need_pictures(&r)) && cli_run_open(&r, true);
    hg_dataset *other = r.data, *own = ok ? cli_run_own_data(&r) : NULL, *data[SETS] = {own ? own : other, other};
    const char *names[SETS] = {short_name(c, own ? r.memory.data : c->data), short_name(c, c->data)};
    if (strcmp(names[0], names[1]) == 0) names[0] = "trained on";
    ok = ok && evaluate(&r, data, names, own ? 2 : 1);
    r.data = other;
    hg_dataset_close(own);
    cli_run_close(&r);
    return ok;
}

const cli_verb cli_verb_eval = {
    .name = "eval", .arguments = "RUN",
    .help = "Loss, MSE, PSNR and SSIM on the test part, by class and beside baselines; on other data beside the run's own.",
    .options = options, .groups = CLI_DEVICE | CLI_DATA, .min_args = 1, .max_args = 1, .run = run,
};
