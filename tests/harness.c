#include "harness_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

harness_options harness = {.seed = 1};

static hg_context *context;

/* From the word lists in meson.build: X(conv2d) X(dense) ... */
#define X(name) extern const reference reference_##name;
HG_REFERENCES
#undef X
#define X(name) &reference_##name,
static const reference *const references[] = {HG_REFERENCES NULL};
#undef X

const reference *reference_of(const char *layer)
{
    for (int i = 0; references[i]; i++)
        if (strcmp(references[i]->layer, layer) == 0) return references[i];
    return NULL;
}

hg_context *harness_context(void)
{
    if (!context) context = hg_context_create(NULL, NULL);
    hg_context_clear(context);
    return context;
}

hg_context *harness_context_now(void) { return context; }

/* ---- the device: one for all variants, so that what several of them launch is compiled once */

static hg_device *device;

hg_device *harness_device(const char *variants)
{
    hg_context *ctx = harness_context();
    if (!device) device = hg_device_open(ctx, &(hg_device_params){.select = harness.device});
    if (!device) {
        print_message("skipped: %s\n", hg_message(ctx));
        skip();
    }
    if (!hg_device_force(device, variants)) fail_msg("%s", hg_message(ctx));
    return device;
}

/* ---- numbers */

uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

double random_uniform(uint64_t *state, double low, double high)
{
    return low + (high - low) * (double)(random_bits(state) >> 11) * 0x1p-53;
}

double random_normal(uint64_t *state)
{
    double r = sqrt(-2 * log(random_uniform(state, 0x1p-54, 1)));
    return r * cos(2 * M_PI * random_uniform(state, 0, 1));
}

uint64_t seed_for(const char *name)
{
    uint64_t h = harness.seed * 0x9E3779B97F4A7C15u;
    while (*name) h = (h ^ (uint8_t)*name++) * 0x100000001B3u;
    return h;
}

/* ---- bounds */

double bound_of_sum(double n, double magnitude)
{
    double certain = n * UNIT < 0.5 ? n * UNIT / (1 - n * UNIT) : 1;
    double likely = expm1(6 * sqrt(n) * UNIT + n * UNIT * UNIT / (1 - UNIT));
    return fmin(certain, likely) * magnitude + n * 1.2e-38;
}

void sum_store(const sum *s, field *f, size_t i, int extra)
{
    f->v[i] = s->v;
    f->tol[i] = bound_of_sum(s->n + extra, s->mag);
}

sum *sums_make(size_t n)
{
    sum *s = calloc(n ? n : 1, sizeof *s);
    assert_non_null(s);
    return s;
}

void sums_store(sum *s, field *f, int extra)
{
    for (size_t i = 0; i < f->n; i++) sum_store(&s[i], f, i, extra);
    free(s);
}

void bias_gradient(const trial *t, field *db)
{
    size_t c = (size_t)t->out[0].c, pixels = (size_t)t->out[0].h * (size_t)t->out[0].w;
    sum *s = sums_make(db->n);
    for (size_t i = 0; i < t->y[0].n; i++) sum_add(&s[i / pixels % c], t->dy[0][i]);
    sums_store(s, db, 1);
}

/* ---- options */

static const hg_option *option_at(const hg_node *node, const char *name)
{
    int row = hg_option_find(&node->layer->head, name);
    if (row < 0) fail_msg("%s has no option `%s`", node->layer->head.name, name);
    return &node->layer->head.options[row];
}

static const void *option_data(const hg_node *node, const char *name)
{
    return (const char *)node->options + option_at(node, name)->offset;
}

bool option_exists(const hg_node *node, const char *name) { return hg_option_find(&node->layer->head, name) >= 0; }
int option_int(const hg_node *node, const char *name) { return *(const int *)option_data(node, name); }
double option_float(const hg_node *node, const char *name) { return *(const double *)option_data(node, name); }
bool option_bool(const hg_node *node, const char *name) { return *(const bool *)option_data(node, name); }
hg_choice option_choice(const hg_node *node, const char *name) { return *(const hg_choice *)option_data(node, name); }
const char *option_name(const hg_node *node, const char *name) { return option_at(node, name)->names[option_int(node, name)]; }

void option_pair(const hg_node *node, const char *name, int out[2])
{
    memcpy(out, option_data(node, name), 2 * sizeof *out);
}

/* ---- graphs */

hg_graph *harness_graph(const layer_case *c, bool between)
{
    char text[2048], layers[2048];
    bool whole = c->layers[0] != '[';
    if (!whole && between) snprintf(layers, sizeof layers, "[activation: linear, %.*s, activation: linear]", (int)strlen(c->layers) - 2, c->layers + 1);
    else snprintf(layers, sizeof layers, "%s", c->layers);
    int n = snprintf(text, sizeof text, "name: test\ninput: {channels: %d, height: %d, width: %d}\n%s%s\n", c->c, c->h, c->w, whole ? "" : "encoder: ", layers);
    assert_true(n < (int)sizeof text);
    hg_context *ctx = harness_context();
    hg_graph *graph = (strstr(c->layers, "loss:") ? hg_model_parse : hg_graph_parse_layers)(ctx, c->name, text, (size_t)n);
    if (!graph) fail_msg("%s: %s", c->name, hg_message(ctx));
    return graph;
}

int harness_node(const hg_graph *graph, const char *layer)
{
    for (int i = 0; i < graph->n_nodes; i++)
        if (strcmp(graph->nodes[i]->layer->head.name, layer) == 0) return i;
    fail_msg("no node of layer %s", layer);
    return -1;
}

size_t tensor_count(const hg_graph *graph, int tensor, int batch)
{
    return hg_shape_count(graph->tensors[tensor]->shape) * (size_t)batch;
}

/* ---- trials */

void *alloc(size_t count, size_t size)
{
    void *block = calloc(count ? count : 1, size);
    assert_non_null(block);
    return block;
}

field field_make(size_t n)
{
    return (field){alloc(n, sizeof(double)), alloc(n, sizeof(double)), n};
}

void field_free(field *f)
{
    free(f->v);
    free(f->tol);
    *f = (field){0};
}

void field_clear(field *f)
{
    if (!f->v) return;
    memset(f->v, 0, f->n * sizeof(double));
    memset(f->tol, 0, f->n * sizeof(double));
}

void trial_make(trial *t, const hg_graph *graph, const hg_node *node, int batch, bool training)
{
    *t = (trial){.graph = graph, .node = node, .batch = batch, .training = training, .seed = harness.seed, .step = 1, .metric_weight = 1};
    for (int i = 0; i < node->n_in; i++) {
        t->in[i] = graph->tensors[node->in[i]]->shape;
        t->dx[i] = field_make(tensor_count(graph, node->in[i], batch));
    }
    for (int i = 0; i < node->n_out; i++) {
        t->out[i] = graph->tensors[node->out[i]]->shape;
        t->y[i] = field_make(tensor_count(graph, node->out[i], batch));
    }
    for (int k = 0; k < node->n_params; k++) t->dw[k] = field_make(graph->params[node->params[k]]->count);
}

void trial_free(trial *t)
{
    for (int i = 0; i < HG_MAX_IO; i++) {
        field_free(&t->dx[i]);
        field_free(&t->y[i]);
    }
    for (int k = 0; k < HG_MAX_PARAMS; k++) field_free(&t->dw[k]);
}

void trial_clear(trial *t)
{
    for (int i = 0; i < HG_MAX_IO; i++) {
        field_clear(&t->dx[i]);
        field_clear(&t->y[i]);
    }
    for (int k = 0; k < HG_MAX_PARAMS; k++) field_clear(&t->dw[k]);
}

const reference *reference_for(const hg_node *node)
{
    const reference *ref = reference_of(node->layer->head.name);
    if (!ref) fail_msg("no reference for layer %s", node->layer->head.name);
    return ref;
}

/* Parameters in PyTorch's order: weights about N(0, 1/fan_in) with some zeros; variances positive. */
void draw_param(const hg_param *param, uint64_t *state, double *out)
{
    bool variance = strstr(param->name, "running_var") != NULL;
    double scale = param->fan_in > 0 ? 1 / sqrt((double)param->fan_in) : 1;
    for (size_t i = 0; i < param->count; i++) {
        double v = variance ? random_uniform(state, 0.3, 2) : random_normal(state) * scale;
        if (!variance && random_bits(state) % 16 == 0) v = 0;
        out[i] = (double)(float)v;
    }
}

/* Inputs: mostly normal, some zeros, some on a coarse grid so that equal values occur. */
void draw_input(uint64_t *state, int flags, double *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double v = random_normal(state) * (flags & LARGE_VALUES ? 12 : 1);
        uint64_t kind = random_bits(state) % 8;
        if (kind == 0) v = 0;
        if (kind == 1) v = floor(v * 4) / 4;
        if (flags & UNIT_VALUES) v = fmin(fabs(v) / 2, 1);
        out[i] = (double)(float)v;
    }
}

void harness_close(void)
{
    hg_device_close(device);
    hg_context_destroy(context);
}
