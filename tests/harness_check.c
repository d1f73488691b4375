/* The reference against finite differences, and the device's numbers against the reference. */
#include "harness_private.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- finite differences of the references */

static double objective(trial *t, const reference *ref, double *const dy[])
{
    double total = 0;
    for (int i = 0; i < t->node->n_out; i++) field_clear(&t->y[i]);
    memset(t->metric, 0, sizeof t->metric);
    ref->forward(t);
    for (int i = 0; i < t->node->n_out; i++)
        for (size_t k = 0; k < t->y[i].n; k++) total += t->y[i].v[k] * dy[i][k];
    for (int m = 0; m < HG_METRIC_PARTS; m++) total += t->metric[m].v * t->metric_scale[m] * t->metric_weight;
    return total;
}

static void check_slope(trial *t, const reference *ref, double *const dy[], double *at, double expected, const char *what, size_t index)
{
    double h = 1e-5 * (1 + fabs(*at)), old = *at;
    *at = old + h;
    double up = objective(t, ref, dy);
    *at = old - h;
    double down = objective(t, ref, dy);
    *at = old;
    double slope = (up - down) / (2 * h), allowed = 1e-6 * (1 + fabs(slope) + fabs(up) + fabs(down));
    if (!(fabs(slope - expected) <= allowed))
        fail_msg("%s, %s: gradient of %s[%zu] is %.9g in the reference, %.9g by finite differences", t->node->layer->head.name,
                 t->node->name, what, index, expected, slope);
}

void finite_node(const hg_graph *graph, const hg_node *node, const reference *ref, int batch, uint64_t *state)
{
    trial t;
    double *x[HG_MAX_IO] = {0}, *w[HG_MAX_PARAMS] = {0}, *dy[HG_MAX_IO] = {0};
    trial_make(&t, graph, node, batch, true);
    for (int i = 0; i < node->n_in; i++) {
        size_t n = t.dx[i].n;
        t.x[i] = x[i] = alloc(n, sizeof(double));
        for (size_t k = 0; k < n; k++) {
            x[i][k] = random_normal(state);
            if (fabs(x[i][k]) < 0.01) x[i][k] = 0.5; /* away from the kinks */
        }
        if (ref->spread_inputs) for (size_t k = 0; k < n; k++) x[i][k] = ((double)((k * 7919 + 13) % n) + 0.5) / (double)n; /* n has no factor 7919 */
    }
    for (int k = 0; k < node->n_params; k++) {
        t.w[k] = w[k] = alloc(t.dw[k].n, sizeof(double));
        draw_param(graph->params[node->params[k]], state, w[k]);
    }
    for (int i = 0; i < node->n_out; i++) {
        t.dy[i] = dy[i] = alloc(t.y[i].n, sizeof(double));
        for (size_t k = 0; k < t.y[i].n; k++) dy[i][k] = random_normal(state);
    }
    ref->backward(&t);
    for (int i = 0; i < (node->index == graph->loss ? 1 : node->n_in); i++) /* nobody trains the target */
        for (int r = 0; r < 12; r++) {
            size_t k = random_bits(state) % t.dx[i].n;
            check_slope(&t, ref, dy, &x[i][k], t.dx[i].v[k], "x", k);
        }
    for (int p = 0; p < node->n_params; p++)
        for (int r = 0; r < 12 && graph->params[node->params[p]]->trainable; r++) {
            size_t k = random_bits(state) % t.dw[p].n;
            double expected = t.dw[p].v[k];
            check_slope(&t, ref, dy, &w[p][k], expected, graph->params[node->params[p]]->name, k);
        }
    for (int i = 0; i < HG_MAX_IO; i++) free(x[i]), free(dy[i]);
    for (int k = 0; k < HG_MAX_PARAMS; k++) free(w[k]);
    trial_free(&t);
}

/* ---- comparison */

typedef struct complaint { const rig *r; const char *variant, *what, *name; double worst; } complaint;

static void compare(complaint *c, const double *seen, const field *want, bool both_nan)
{
    for (size_t i = 0; i < want->n; i++) {
        if (isnan(want->v[i]) ? isnan(seen[i]) : (!both_nan && isnan(seen[i]))) continue;
        if (isinf(want->tol[i])) continue; /* something near it is not finite, and may reach it */
        double error = fabs(seen[i] - want->v[i]);
        if (seen[i] == want->v[i]) error = 0; /* also infinities */
        if (!(error <= want->tol[i]))
            fail_msg("%s (%dx%dx%d, batch %d), variant %s, seed %llu: %s of %s[%zu] is %.9g, should be %.9g +- %.2g", c->r->c->name, c->r->c->c,
                     c->r->c->h, c->r->c->w, c->r->c->batch, c->variant ? c->variant : "heuristic", (unsigned long long)harness.seed,
                     c->what, c->name, i, seen[i], want->v[i], want->tol[i]);
        if (want->tol[i] > 0 && error / want->tol[i] > c->worst) c->worst = error / want->tol[i];
    }
}

void same_bits(const double *a, const double *b, size_t n, const char *name, const char *why)
{
    if (!a || !b) return;
    for (size_t i = 0; i < n; i++) {
        bool same = memcmp(&a[i], &b[i], sizeof *a) == 0 || (isnan(a[i]) && isnan(b[i]));
        if (!same) fail_msg("%s[%zu]: %.9g, then %.9g: %s", name, i, a[i], b[i], why);
    }
}

/* The activation that the tensor's producer applies, on top of the reference's linear result. */
static void apply_act(hg_choice act, field *y)
{
    if (act_is_linear(act)) return;
    for (size_t i = 0; i < y->n; i++) {
        double v = y->v[i];
        y->v[i] = act_value(act, v);
        y->tol[i] = y->tol[i] * act_lipschitz(act) + act_value_error(act, v) + 1.2e-38;
    }
}

/* How `what` of the node was made. */
static winograd_tiles winograd_of(const rig *r, const hg_node *node, const char *what)
{
    int n;
    hg_launch *const *launches = hg_plan_launches(r->plan, &n);
    char label[256];
    snprintf(label, sizeof label, "%s %s %s", node->name, node->layer->head.name, what);
    for (int i = 0; i < n; i++) {
        const char *side = strstr(launches[i]->macros, "-DM="), *stride = strstr(launches[i]->macros, "-DS=");
        if (strncmp(launches[i]->file, "conv_winograd", 13) != 0 || strcmp(launches[i]->label, label) != 0 || !side || !stride) continue;
        return (winograd_tiles){atoi(side + 4), atoi(stride + 4)};
    }
    return (winograd_tiles){0};
}

/* What is stored as half is rounded once more, by 2^-11 of the value or, where it is denormal, half of 2^-24. */
static void apply_half(field *y)
{
    for (size_t i = 0; i < y->n; i++) {
        y->tol[i] += (fabs(y->v[i]) + y->tol[i]) * 0x1p-11 + 0x1p-25;
        if (fabs(y->v[i]) >= 65520) y->v[i] = copysign(INFINITY, y->v[i]);
    }
}

static void fill_trial(trial *t, rig *r)
{
    const hg_node *node = t->node;
    for (int i = 0; i < node->n_in; i++) t->x[i] = r->value[node->in[i]];
    for (int i = 0; i < node->n_out; i++) {
        t->seen[i] = r->value[node->out[i]];
        t->dy[i] = r->grad[node->out[i]];
    }
    for (int k = 0; k < node->n_params; k++) t->w[k] = r->param[node->params[k]];
    t->winograd_y = winograd_of(r, node, "forward");
    t->winograd_dx = winograd_of(r, node, "data gradient");
    t->winograd_dw = winograd_of(r, node, "weight gradient");
}

/* Adds one consumer's contribution to the expected gradient of a tensor: under the name whose memory it has. */
static void add_gradient(const rig *r, int tensor, const field *dx, field *grads)
{
    int root = hg_plan_root(r->plan, tensor);
    hg_choice act = hg_plan_act(r->plan, root);
    field *total = &grads[root];
    for (size_t i = 0; i < dx->n; i++) {
        double y = r->value[tensor][i], v = dx->v[i], tol = dx->tol[i];
        if (!act_is_linear(act)) {
            double slope = act_slope(act, 0, y);
            tol = tol * fabs(slope) + fabs(v) * act_slope_error(act, 0, y);
            v *= slope;
        }
        total->v[i] += v;
        total->tol[i] += tol + 4 * UNIT * (fabs(v) + fabs(total->v[i]));
    }
}

static void check_shapes(trial *t, const reference *ref)
{
    if (!ref->shape) return;
    ref->shape(t);
    for (int i = 0; i < t->node->n_out; i++) {
        hg_shape want = t->out[i], have = t->graph->tensors[t->node->out[i]]->shape;
        if (want.c != have.c || want.h != have.h || want.w != have.w)
            fail_msg("%s: the output is %dx%dx%d, should be %dx%dx%d", t->node->name, have.c, have.h, have.w, want.c, want.h, want.w);
    }
}

/* A node whose output is its input's memory. */
static bool is_alias(const rig *r, const hg_node *node)
{
    return node->n_out == 1 && !is_pooled(r, node->in[0]) && hg_plan_root(r->plan, node->out[0]) == hg_plan_root(r->plan, node->in[0]);
}

/* Does a gradient arrive at its output? None does at probabilities that only the logits of are read. */
static bool is_read(const rig *r, const hg_node *node)
{
    return node->n_out == 0 || has_grad(r, node->out[0]);
}

/* What pools the trial's output, which was never made: its value by what that is and by how far that may be off, as the largest of larger
 * numbers is larger; and the gradient that its winners get of its own. */
static void check_pooled(rig *r, trial *made, complaint *c)
{
    const int tensor = made->node->out[0], pooled = hg_plan_root(r->plan, tensor);
    const hg_node *node = r->graph->nodes[r->graph->tensors[pooled]->producer];
    const reference *ref = reference_for(node);
    const size_t n = made->y[0].n;
    trial t;
    trial_make(&t, r->graph, node, r->c->batch, r->plan->training);
    field highest = field_make(t.y[0].n);
    double *high = alloc(n, sizeof *high), *low = alloc(n, sizeof *low);
    for (size_t i = 0; i < n; i++) high[i] = made->y[0].v[i] + made->y[0].tol[i], low[i] = made->y[0].v[i] - made->y[0].tol[i];
    t.x[0] = high;
    ref->forward(&t);
    memcpy(highest.v, t.y[0].v, highest.n * sizeof(double));
    t.x[0] = low;
    ref->forward(&t);
    for (size_t i = 0; i < highest.n; i++) highest.tol[i] = highest.v[i] - t.y[0].v[i];
    t.x[0] = r->value[tensor];
    ref->forward(&t);
    memcpy(highest.v, t.y[0].v, highest.n * sizeof(double));
    if (r->plan->half[pooled]) apply_half(&highest);
    c->what = "output", c->name = node->name;
    compare(c, r->value[pooled], &highest, true);
    if (r->plan->training && r->grad[pooled]) {
        t.dy[0] = r->grad[pooled];
        ref->backward(&t);
        r->grad[tensor] = alloc(n, sizeof(double));
        memcpy(r->grad[tensor], t.dx[0].v, n * sizeof(double));
        made->dy[0] = r->grad[tensor];
    }
    free(high);
    free(low);
    field_free(&highest);
    trial_free(&t);
}

static void check_forward(rig *r, trial *t, const reference *ref, complaint *c)
{
    const hg_node *node = t->node;
    if (ref->forward) ref->forward(t);
    for (int i = 0; i < node->n_out; i++) {
        if (!is_alias(r, node)) apply_act(r->graph->tensors[node->out[i]]->act, &t->y[i]);
        if (is_left_out(r, node->out[i])) { /* the reference's stands for it */
            r->value[node->out[i]] = alloc(t->y[i].n, sizeof(double));
            memcpy(r->value[node->out[i]], t->y[i].v, t->y[i].n * sizeof(double));
            if (is_pooled(r, node->out[i])) check_pooled(r, t, c);
            continue;
        }
        if (is_pooled(r, node->in[0])) continue; /* checked with what it pools */
        if (!is_alias(r, node) && r->plan->half[node->out[i]]) apply_half(&t->y[i]);
        c->what = "output", c->name = node->name;
        compare(c, r->value[node->out[i]], &t->y[i], true);
    }
    for (int k = 0; k < node->n_params; k++) {
        const hg_param *param = r->graph->params[node->params[k]];
        if (param->trainable) continue;
        c->what = "running statistics", c->name = param->name;
        if (t->training) compare(c, r->param_after[node->params[k]], &t->dw[k], true);
        else same_bits(r->param_after[node->params[k]], r->param[node->params[k]], param->count, param->name, "changed while evaluating");
    }
}

/* The same for a tensor that was left out: through the node that would have made it. Errors go the same way as gradients. */
static void add_gradient_through(const rig *r, int tensor, const field *dy, field *grads)
{
    const hg_node *node = r->graph->nodes[r->graph->tensors[tensor]->producer];
    const reference *ref = reference_for(node);
    trial of_values, of_errors;
    trial_make(&of_values, r->graph, node, r->c->batch, true);
    trial_make(&of_errors, r->graph, node, r->c->batch, true);
    of_values.dy[0] = dy->v, of_errors.dy[0] = dy->tol;
    ref->backward(&of_values);
    ref->backward(&of_errors);
    for (size_t i = 0; i < of_values.dx[0].n; i++) of_values.dx[0].tol[i] += of_errors.dx[0].v[i];
    add_gradient(r, node->in[0], &of_values.dx[0], grads);
    trial_free(&of_values);
    trial_free(&of_errors);
}

/* `dws`: gradients of parameters, to which all nodes that have them add. */
static void check_backward(rig *r, trial *t, const reference *ref, field *grads, field *dws)
{
    const hg_node *node = t->node;
    const bool pooled = is_pooled(r, node->out[0]);
    if ((is_left_out(r, node->out[0]) && !pooled) || is_pooled(r, node->in[0])) return;
    trial_clear(t);
    ref->backward(t);
    for (int i = 0; i < node->n_in; i++) {
        if (is_left_out(r, node->in[i])) add_gradient_through(r, node->in[i], &t->dx[i], grads);
        else if (r->grad[node->in[i]] && !is_alias(r, node)) add_gradient(r, node->in[i], &t->dx[i], grads);
    }
    for (int k = 0; k < node->n_params; k++) {
        field *dw = &dws[node->params[k]];
        for (size_t i = 0; i < dw->n; i++) {
            const double before = dw->v[i];
            if (pooled && isnan(t->dw[k].v[i])) { /* zero times NaN, which is left out */
                dw->tol[i] = INFINITY;
                continue;
            }
            dw->v[i] += t->dw[k].v[i];
            dw->tol[i] += t->dw[k].tol[i] + (before != 0 ? 2 * UNIT * fabs(dw->v[i]) : 0);
        }
    }
}

static void check_weights(const rig *r, const field *dws, bool with_nan, complaint *c)
{
    for (int i = 0; i < r->graph->n_params; i++) {
        c->what = "gradient", c->name = r->graph->params[i]->name;
        if (r->graph->params[i]->trainable) compare(c, r->dparam[i], &dws[i], !with_nan);
    }
}

static void check_metrics(const rig *r, const double *value, const double *tol, complaint *c)
{
    static const char *const names[] = {"reconstruction", "kl", "penalty", "discriminator", "generator"};
    for (int i = 0; i < HG_METRIC_PARTS; i++) {
        if (tol[i] == 0) continue;
        field f = {(double *)&value[i], (double *)&tol[i], 1};
        c->what = "loss part", c->name = names[i];
        compare(c, &r->metrics[1 + i], &f, true);
    }
}

/* Checks every number that the run produced; returns the largest error in units of its bound. */
double check_run(rig *r, const char *variant, bool with_nan)
{
    const hg_graph *graph = r->graph;
    complaint c = {.r = r, .variant = variant};
    double metric[HG_METRIC_PARTS] = {0}, metric_tol[HG_METRIC_PARTS] = {0};
    field *grads = alloc((size_t)graph->n_tensors, sizeof *grads), *dws = alloc((size_t)graph->n_params, sizeof *dws);
    for (int i = 0; i < graph->n_params; i++) dws[i] = field_make(graph->params[i]->count);
    for (int i = 0; i < graph->n_tensors; i++) grads[i] = field_make(tensor_count(graph, i, r->c->batch));
    if (r->given) memcpy(grads[hg_plan_root(r->plan, graph->output)].v, r->given, grads[graph->output].n * sizeof(double));
    for (int n = 0; n < graph->n_nodes; n++) {
        const reference *ref = reference_for(graph->nodes[n]);
        trial t;
        trial_make(&t, graph, graph->nodes[n], r->c->batch, r->plan->training);
        check_shapes(&t, ref);
        fill_trial(&t, r);
        check_forward(r, &t, ref, &c);
        for (int i = 0; i < HG_METRIC_PARTS; i++) {
            metric[i] += t.metric[i].v * t.metric_scale[i];
            metric_tol[i] += (bound_of_sum(t.metric[i].n + 4, t.metric[i].mag) + t.metric_rounding[i] * UNIT * t.metric[i].mag) * t.metric_scale[i];
        }
        if (r->plan->training && ref->backward && is_read(r, graph->nodes[n])) check_backward(r, &t, ref, grads, dws);
        trial_free(&t);
    }
    if (!with_nan) check_metrics(r, metric, metric_tol, &c);
    if (r->plan->training) check_weights(r, dws, with_nan, &c);
    for (int i = 0; r->plan->training && i < graph->n_tensors; i++) {
        c.what = "gradient", c.name = graph->tensors[i]->name;
        if (r->grad[i] && hg_plan_root(r->plan, i) == i && !with_nan) compare(&c, r->grad[i], &grads[i], true);
    }
    for (int i = 0; i < graph->n_tensors; i++) field_free(&grads[i]);
    for (int i = 0; i < graph->n_params; i++) field_free(&dws[i]);
    free(grads);
    free(dws);
    return c.worst;
}

