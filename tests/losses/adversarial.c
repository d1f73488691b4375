/* -mean ln(p + epsilon) of what is to be real, -mean ln(1 - p + epsilon) of what is to be a fake, with p = sigmoid of the logits. */
#include "loss.h"

#include <math.h>

static const void *option(const trial *t, const char *name) { return (const char *)t->node->options + loss_option(t, name)->offset; }
static double number(const trial *t, const char *name) { return *(const double *)option(t, name); }
static int choice(const trial *t, const char *name) { return *(const int *)option(t, name); }

/* Is input i to be taken for real? */
static bool is_real(const trial *t, int i) { return i == 0 && choice(t, "real") > 0; }

static hg_metric part(const trial *t)
{
    return choice(t, "fake") || choice(t, "real") == 2 ? HG_METRIC_DISCRIMINATOR : HG_METRIC_GENERATOR;
}

static void forward(trial *t)
{
    const double epsilon = number(t, "epsilon");
    for (int i = 0; i < t->node->n_in; i++)
        for (size_t k = 0; k < t->dx[i].n; k++) {
            const double l = is_real(t, i) ? t->x[i][k] : -t->x[i][k];
            sum_add(&t->metric[part(t)], -log(1 / (1 + exp(-l)) + epsilon));
        }
    t->metric_scale[part(t)] = 1.0 / (double)t->dx[0].n;
    t->metric_rounding[part(t)] = 40;
    t->metric_weight = number(t, "weight");
}

/* Of p: exp 3 ulp of an argument that is exact, a sum, a quotient; of the gradient as much again, twice. */
static void backward(trial *t)
{
    const double epsilon = number(t, "epsilon"), share = number(t, "weight") / (double)t->dx[0].n;
    for (int i = 0; i < t->node->n_in; i++)
        for (size_t k = 0; k < t->dx[i].n; k++) {
            const double sign = is_real(t, i) ? 1 : -1, l = sign * t->x[i][k], p = 1 / (1 + exp(-l)), q = 1 / (1 + exp(l));
            t->dx[i].v[k] = -sign * share * p * q / (p + epsilon);
            t->dx[i].tol[k] = 24 * UNIT * fabs(t->dx[i].v[k]);
        }
}

/* The discriminator's own loss first, so that all of its outputs are read by something. */
#define MODEL(layers, loss) \
    "encoder: [flatten, dense: {units: 5}]\n" \
    "decoder: [dense: {units: 12, activation: sigmoid}]\n" \
    "discriminator: " layers "\n" \
    "phases:\n" \
    "- {name: a, loss: mse, update: {encoder: sgd, decoder: sgd}}\n" \
    "- {name: b, loss: {adversarial: {real: prior, fake: code}}, update: {discriminator: sgd}}\n" \
    "- {name: c, loss: {adversarial: {" loss "}}, update: {discriminator: sgd}}"
#define DENSE "[dense: {units: 3, activation: sigmoid}]"
static const layer_case cases[] = {
    {"both", 1, 4, 3, 3, MODEL(DENSE, "real: prior, fake: code"), SMALL},
    {"real", 1, 4, 3, 3, MODEL(DENSE, "real: code"), SMALL},
    {"fake", 1, 4, 3, 3, MODEL(DENSE, "fake: code"), SMALL},
    {"weight", 1, 4, 3, 2, MODEL(DENSE, "real: prior, fake: code, weight: 0.3"), SMALL},
    {"epsilon", 1, 4, 3, 2, MODEL(DENSE, "real: prior, fake: code, epsilon: 0.05"), SMALL},
    {"one", 1, 4, 3, 1, MODEL("[dense: {units: 1, activation: sigmoid}]", "real: prior, fake: code"), SMALL},
    {"activation layer", 1, 4, 3, 3, MODEL("[dense: {units: 4, activation: tanh}, activation: sigmoid]", "real: prior, fake: code"), SMALL},
    {"shared layer", 1, 4, 3, 3,
     MODEL("[dense: {units: 5, activation: relu}, dense: {units: 5, activation: sigmoid, share: 0}]", "real: prior, fake: code"), SMALL},
    {"the prior as both", 1, 4, 3, 3, MODEL(DENSE, "real: prior, fake: prior"), SMALL},
    {"saturated", 1, 4, 3, 3, MODEL(DENSE, "real: prior, fake: code"), SMALL | LARGE_VALUES},
    {"500", 1, 4, 3, 256, MODEL("[dense: {units: 500, activation: sigmoid}]", "real: prior, fake: code"), BENCH},
    {0},
};

const reference reference_adversarial = {"adversarial", NULL, forward, backward, cases, NULL, false};
