/* What the references of losses share: reduction, weight, cases. */
#ifndef HG_TESTS_LOSS_H
#define HG_TESTS_LOSS_H

#include <string.h>
#include "../harness.h"
#include "model/loss.h"

/* A loss's options hang on its node, but its table on the loss's own descriptor. */
static inline const hg_option *loss_option(const trial *t, const char *name)
{
    const hg_descriptor *type = hg_descriptor_find(hg_losses_list, t->node->layer->head.name);
    return &type->options[hg_option_find(type, name)];
}

static inline double loss_weight(const trial *t)
{
    return *(const double *)((const char *)t->node->options + loss_option(t, "weight")->offset);
}

static inline bool loss_is_mean(const trial *t)
{
    const hg_option *o = loss_option(t, "reduction");
    return strcmp(o->names[*(const int *)((const char *)t->node->options + o->offset)], "mean") == 0;
}

/* Of the sum over everything; without and with the weight. */
static inline double loss_share(const trial *t)
{
    return 1.0 / (loss_is_mean(t) ? (double)t->dx[0].n : t->batch);
}
static inline double loss_factor(const trial *t) { return loss_weight(t) * loss_share(t); }

static inline void loss_scale(trial *t, double rounding)
{
    t->metric_scale[HG_METRIC_RECONSTRUCTION] = loss_factor(t);
    t->metric_rounding[HG_METRIC_RECONSTRUCTION] = rounding;
}

#define LOSS_CASES(name) \
    {"one number", 1, 1, 1, 1, \
     "encoder: [{conv2d: {filters: 1, kernel: 1, activation: sigmoid}}]\n" \
     "decoder: []\n" \
     "loss: " name, SMALL | UNIT_VALUES}, \
    {"mean", 2, 3, 5, 3, \
     "encoder: [{conv2d: {filters: 3, kernel: 1}}]\n" \
     "decoder: [{conv2d: {filters: 2, kernel: 1, activation: sigmoid}}]\n" \
     "loss: " name, SMALL | UNIT_VALUES}, \
    {"sum", 2, 3, 5, 3, \
     "encoder: [{conv2d: {filters: 3, kernel: 1}}]\n" \
     "decoder: [{conv2d: {filters: 2, kernel: 1, activation: sigmoid}}]\n" \
     "loss: {" name ": {reduction: sum}}", SMALL | UNIT_VALUES}, \
    {"weight", 1, 3, 5, 3, \
     "encoder: [{conv2d: {filters: 1, kernel: 1, activation: sigmoid}}]\n" \
     "decoder: []\n" \
     "loss: {" name ": {reduction: sum, weight: 0.3}}", SMALL | UNIT_VALUES}, \
    {"activation layer", 2, 3, 5, 3, \
     "encoder: [{conv2d: {filters: 2, kernel: 1}}]\n" \
     "decoder: [{activation: sigmoid}]\n" \
     "loss: " name, SMALL | UNIT_VALUES}, \
    {"flat output", 1, 4, 3, 3, \
     "encoder: [flatten, {dense: {units: 5, activation: relu}}]\n" \
     "decoder: [{dense: {units: 12, activation: sigmoid}}]\n" \
     "loss: {" name ": {reduction: sum}}", SMALL | UNIT_VALUES}, \
    {"penalty on the output", 2, 3, 5, 3, \
     "encoder: [{conv2d: {filters: 3, kernel: 1}}]\n" \
     "decoder: [{conv2d: {filters: 2, kernel: 1, activation: sigmoid, activity_l1: 0.1}}]\n" \
     "loss: " name, SMALL | UNIT_VALUES}, \
    {"28x28", 1, 28, 28, 65, \
     "encoder: [{conv2d: {filters: 1, kernel: 1}}]\n" \
     "decoder: [{conv2d: {filters: 1, kernel: 1, activation: sigmoid}}]\n" \
     "loss: {" name ": {reduction: sum}}", UNIT_VALUES | BENCH}

#endif
