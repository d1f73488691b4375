/* Losses and optimizers: their descriptors. */
#ifndef HG_MODEL_LOSS_H
#define HG_MODEL_LOSS_H

#include "model/plan.h"

/* A loss is a node with inputs {prediction, target}, or (judges) up to two of what the discriminator gave, by its options `real` and
 * `fake`. `emit` writes the partial sums of its value (hg_emit_metric) and, in a training plan, the prediction's gradient (hg_emit_dx),
 * in one launch per prediction. Reduction mean: over all elements; sum: over an example's elements, mean over the batch. */
typedef struct hg_loss {
    hg_descriptor head;
    const char *logits_of; /* activation that the loss takes over (bce: "sigmoid"); NULL: none */
    bool judges;           /* of the discriminator's probabilities, which it reads as logits; else of the reconstruction */
    void (*emit)(hg_plan *plan, const hg_node *node, const void *options, bool from_logits);
} hg_loss;
extern const hg_descriptor *const hg_losses_list[];

/* An optimizer: cl/NAME.cl holds the kernel
 *   __kernel void update(__global float *w, __global const float *g, __global float *m0, __global float *m1,
 *                        __global const hg_step *step, __global const hg_state *state, int n)
 * over the flat arenas. Unused moments are dummies. */
typedef struct hg_optimizer {
    hg_descriptor head;
    int moments; /* 0..2 arenas */
    const char *moment_names[2]; /* "exp_avg", "exp_avg_sq": in checkpoints as optimizer.NAME.PARAMETER */
    /* The numbers that the kernel reads from step->h, for the update that makes `step` (from 1) at learning rate `lr`. */
    void (*hyper)(const void *options, int64_t step, double lr, float h[8]);
} hg_optimizer;
extern const hg_descriptor *const hg_optimizers[];

/* Options that all optimizers share; the struct begins with this. */
typedef struct hg_optimizer_common {
    double lr;
    hg_choice schedule;            /* hg_schedules */
    double clip_norm, clip_value;  /* 0: off */
} hg_optimizer_common;
/* Table rows of the common part; `default_lr` is the optimizer's own. */
#define HG_OPTIMIZER_COMMON(default_lr) \
    {"lr", "learning rate", offsetof(hg_optimizer_common, lr), HG_OPTION_FLOAT, default_lr, 0, 1e6}, \
    {"schedule", "how the learning rate changes over the steps", offsetof(hg_optimizer_common, schedule), HG_OPTION_CHOICE, .kinds = hg_schedules, .fallback_kind = "constant"}, \
    {"clip_norm", "scale the gradient down to this global norm (0: off)", offsetof(hg_optimizer_common, clip_norm), HG_OPTION_FLOAT, 0, 0, 1e30}, \
    {"clip_value", "clip each gradient to plus or minus this (0: off)", offsetof(hg_optimizer_common, clip_value), HG_OPTION_FLOAT, 0, 0, 1e30}

/* A schedule: the learning rate of the step (from 1) out of `steps` in all. */
typedef struct hg_schedule {
    hg_descriptor head;
    double (*rate)(const void *options, double lr, int64_t step, int64_t steps);
} hg_schedule;
extern const hg_descriptor *const hg_schedules[];

#endif
