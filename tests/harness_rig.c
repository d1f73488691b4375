/* Running a graph on the device and looking at its numbers. */
#include "harness_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "model/initializer.h"

/* ---- running a graph on the device */

void check(bool ok, const char *what)
{
    if (!ok) fail_msg("%s: %s", what, hg_message(harness_context_now()));
}

/* [B, C, H, W] <-> [B, H, W, C] */
static void reorder(hg_shape s, int batch, const double *torch, float *engine)
{
    size_t pixels = (size_t)s.h * (size_t)s.w, c = (size_t)s.c;
    for (size_t b = 0; b < (size_t)batch; b++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t k = 0; k < c; k++) engine[(b * pixels + p) * c + k] = (float)torch[(b * c + k) * pixels + p];
}

static void reorder_back(hg_shape s, int batch, const float *engine, double *torch)
{
    size_t pixels = (size_t)s.h * (size_t)s.w, c = (size_t)s.c;
    for (size_t b = 0; b < (size_t)batch; b++)
        for (size_t p = 0; p < pixels; p++)
            for (size_t k = 0; k < c; k++) torch[(b * c + k) * pixels + p] = (double)engine[(b * pixels + p) * c + k];
}

static double *get_tensor(rig *r, int tensor, bool grad)
{
    size_t n = tensor_count(r->graph, tensor, r->c->batch);
    float *data = alloc(n, sizeof *data);
    double *out = alloc(n, sizeof *out);
    check(grad ? hg_plan_get_grad(r->plan, tensor, data) : hg_plan_get_value(r->plan, tensor, data), r->graph->tensors[tensor]->name);
    reorder_back(hg_tensor_order(r->graph->tensors[tensor]), r->c->batch, data, out);
    free(data);
    return out;
}

void write_part(hg_buffer *whole, size_t offset, const void *data, size_t bytes, const char *name)
{
    size_t size = hg_buffer_size(whole);
    uint8_t *copy = alloc(size, 1);
    check(hg_buffer_read(whole, 0, copy, size), name);
    memcpy(copy + offset, data, bytes);
    check(hg_buffer_write(whole, 0, copy, size), name);
    free(copy);
}

static void set_tensor(rig *r, int tensor, bool grad, const double *from)
{
    const hg_tensor *t = r->graph->tensors[tensor];
    size_t n = tensor_count(r->graph, tensor, r->c->batch);
    float *data = alloc(n, sizeof *data);
    reorder(hg_tensor_order(t), r->c->batch, from, data);
    const hg_plan *plan = r->plan;
    const hg_block_info *block = &plan->blocks[(grad ? plan->grad : plan->value)[hg_plan_root(plan, tensor)]];
    if (block->guard) write_part(block->guard, HG_ALIGN, data, n * sizeof *data, t->name);
    else write_part(plan->chunks[block->chunk] ? plan->chunks[block->chunk] : r->arenas->chunks[block->chunk], block->offset, data, n * sizeof *data, t->name);
    free(data);
}

static void get_param(hg_buffer *arena, const hg_param *param, double *out)
{
    float *engine = alloc(param->count, sizeof *engine), *torch = alloc(param->count, sizeof *torch);
    check(hg_buffer_read(arena, param->offset * sizeof(float), engine, param->count * sizeof(float)), param->name);
    hg_param_to_torch(param, engine, torch);
    for (size_t i = 0; i < param->count; i++) out[i] = (double)torch[i];
    free(engine);
    free(torch);
}

static void set_param(hg_buffer *arena, const hg_param *param, const double *from)
{
    float *engine = alloc(param->count, sizeof *engine), *torch = alloc(param->count, sizeof *torch);
    for (size_t i = 0; i < param->count; i++) torch[i] = (float)from[i];
    hg_param_to_engine(param, torch, engine);
    write_part(arena, param->offset * sizeof(float), engine, param->count * sizeof(float), param->name);
    free(engine);
    free(torch);
}

void rig_create(rig *r, hg_device *dev, const layer_case *c, int flags)
{
    *r = (rig){.c = c, .graph = harness_graph(c, flags & RIG_MIXED), .seed = seed_for(c->name)};
    bool training = !(c->flags & EVALUATE);
    r->arenas = hg_arenas_create(dev, r->graph, NULL, true, flags & RIG_MIXED ? HG_PRECISION_MIXED : HG_PRECISION_FULL);
    check(r->arenas != NULL, c->name);
    r->plan = hg_plan_create(r->arenas, training ? HG_PURPOSE_PROBE : HG_PURPOSE_PROBE_EVALUATE, c->batch, flags & RIG_GUARDED);
    check(r->plan != NULL, c->name);
    r->value = alloc((size_t)r->graph->n_tensors, sizeof *r->value);
    r->grad = alloc((size_t)r->graph->n_tensors, sizeof *r->grad);
    r->param = alloc((size_t)r->graph->n_params, sizeof *r->param);
    r->dparam = alloc((size_t)r->graph->n_params, sizeof *r->dparam);
    r->param_after = alloc((size_t)r->graph->n_params, sizeof *r->param_after);
}

bool has_grad(const rig *r, int tensor)
{
    return r->plan->training && r->plan->grad[hg_plan_root(r->plan, tensor)] >= 0;
}

bool is_pooled(const rig *r, int tensor)
{
    const int root = hg_plan_root(r->plan, tensor);
    return root != tensor && r->plan->act[root] == tensor;
}

bool is_left_out(const rig *r, int tensor)
{
    return is_pooled(r, tensor) || tensor_count(r->graph, tensor, 1) != tensor_count(r->graph, hg_plan_root(r->plan, tensor), 1);
}

static void forget_numbers(rig *r)
{
    free(r->given);
    r->given = NULL;
    for (int i = 0; i < r->graph->n_tensors; i++) {
        free(r->value[i]);
        free(r->grad[i]);
        r->value[i] = r->grad[i] = NULL;
    }
    for (int i = 0; i < r->graph->n_params; i++) {
        free(r->param[i]);
        free(r->dparam[i]);
        free(r->param_after[i]);
        r->param[i] = r->dparam[i] = r->param_after[i] = NULL;
    }
}

static void prepare_params(rig *r, uint64_t *state)
{
    for (int i = 0; i < r->graph->n_params; i++) {
        const hg_param *param = r->graph->params[i];
        r->param[i] = alloc(param->count, sizeof(double));
        draw_param(param, state, r->param[i]);
        set_param(hg_arenas_params(r->arenas), param, r->param[i]);
        if (!param->trainable) continue;
        r->dparam[i] = alloc(param->count, sizeof(double));
        for (size_t k = 0; k < param->count; k++) r->dparam[i][k] = NAN;
        set_param(hg_arenas_grads(r->arenas), param, r->dparam[i]);
    }
}

static void number_examples(rig *r)
{
    const size_t bytes = (size_t)r->c->batch * sizeof(uint32_t);
    uint32_t *numbers = alloc((size_t)r->c->batch, sizeof *numbers);
    for (int b = 0; b < r->c->batch; b++) numbers[b] = harness_example(b);
    if (hg_plan_reads_examples(r->plan)) check(hg_buffer_write(hg_arenas_examples(r->arenas, r->c->batch), 0, numbers, bytes), "examples");
    for (int b = 0; b < r->c->batch; b++) numbers[b] = harness_label(b, r->graph->labels);
    if (hg_plan_reads_labels(r->plan)) check(hg_buffer_write(hg_arenas_labels(r->arenas, r->c->batch), 0, numbers, bytes), "labels");
    free(numbers);
}

void rig_run(rig *r, int flags)
{
    uint64_t state = r->seed;
    const hg_graph *graph = r->graph;
    forget_numbers(r);
    prepare_params(r, &state);
    if (flags & RIG_GUARDED) check(hg_plan_refill(r->plan), "refill");
    size_t n = tensor_count(graph, graph->target, r->c->batch);
    double *x = alloc(n, sizeof *x);
    draw_input(&state, r->c->flags, x, n);
    if (flags & RIG_NAN) x[random_bits(&state) % n] = NAN;
    set_tensor(r, graph->target, false, x);
    free(x);
    number_examples(r);
    if (has_grad(r, graph->output)) {
        n = tensor_count(graph, graph->output, r->c->batch);
        r->given = alloc(n, sizeof *r->given);
        draw_input(&state, 0, r->given, n);
        set_tensor(r, graph->output, true, r->given);
    }
    check(hg_arenas_set_step(r->arenas, harness.seed, 1, 1, 0.001, r->c->batch), "step record");
    check(hg_plan_run(r->plan), "run");
    for (int i = 0; i < graph->n_params; i++) {
        r->param_after[i] = alloc(graph->params[i]->count, sizeof(double));
        get_param(hg_arenas_params(r->arenas), graph->params[i], r->param_after[i]);
        if (graph->params[i]->trainable && !(r->c->flags & EVALUATE)) get_param(hg_arenas_grads(r->arenas), graph->params[i], r->dparam[i]);
    }
    float metrics[HG_METRICS];
    check(hg_buffer_read(hg_arenas_metrics(r->arenas), 0, metrics, sizeof metrics), "losses");
    for (int i = 0; i <= HG_METRIC_PARTS; i++) r->metrics[i] = (double)metrics[i];
    if (!(flags & RIG_GUARDED)) return; /* tensors share memory: only what leaves the plan can be looked at */
    for (int i = 0; i < graph->n_tensors; i++) {
        if (is_left_out(r, i)) continue;
        r->value[i] = get_tensor(r, i, false);
        if (has_grad(r, i)) r->grad[i] = get_tensor(r, i, true);
    }
    assert_true(hg_plan_guards_intact(r->plan));
}

void rig_destroy(rig *r)
{
    forget_numbers(r);
    free(r->value), free(r->grad), free(r->param), free(r->dparam), free(r->param_after);
    hg_plan_destroy(r->plan);
    hg_arenas_destroy(r->arenas);
    hg_model_destroy(r->graph);
    *r = (rig){0};
}

