/* The plan: a flat array of launches, and how layers emit them.
 *
 * While a plan is built, memory is named by blocks: numbers that stand for a tensor's value or gradient, scratch, a
 * parameter or a fixed buffer. Afterwards lifetimes (first and last launch that touches a block) decide where each block
 * lies in the activation arena. Emitting never fails visibly: the first failure sticks and hg_plan_finish reports it. */
#ifndef HG_MODEL_PLAN_H
#define HG_MODEL_PLAN_H

#include "device/launch.h"
#include "model/graph.h"

typedef int hg_block; /* -1: none */

/* ---- what layers ask */

int hg_plan_batch(const hg_plan *plan);       /* B of this plan */
bool hg_plan_is_training(const hg_plan *plan);/* dropout drops, batch_norm uses batch statistics; not where a phase detaches */
const hg_device_info *hg_plan_limits(const hg_plan *plan);
hg_device *hg_plan_device(const hg_plan *plan);
const hg_graph *hg_plan_graph(const hg_plan *plan);
hg_arena *hg_plan_arena(hg_plan *plan); /* lives as long as the plan */
const hg_tensor *hg_plan_tensor(const hg_plan *plan, int tensor);
/* Does anything upstream of this tensor train? False for the input: then no gradient need be written. */
bool hg_plan_wants_grad(const hg_plan *plan, int tensor);
/* Are gradients of the node's parameters wanted? False where the phase passes through a node only for what lies before it. */
bool hg_plan_wants_dw(const hg_plan *plan, const hg_node *node);
/* Do KL and penalties count? Those that a node adds to the loss belong to the phase that has the loss of the reconstruction. */
bool hg_plan_has_penalties(const hg_plan *plan);
/* The random stream for `stream` (HG_STREAM_NODE + the node's index, HG_STREAM_PRIOR): every phase draws anew. */
int64_t hg_plan_stream(const hg_plan *plan, uint32_t stream);

/* ---- memory */

hg_block hg_plan_value(hg_plan *plan, int tensor);           /* [B, H, W, C] float, or half: see below */
hg_block hg_plan_grad(hg_plan *plan, int tensor);            /* [B, H, W, C] float; to read: it is complete when backward is called */
hg_block hg_plan_param(hg_plan *plan, const hg_node *node, int k);
hg_block hg_plan_scratch(hg_plan *plan, size_t bytes);       /* lives between its first and last use */
/* The same, one per node: what its forward pass leaves for its backward pass. */
hg_block hg_plan_note(hg_plan *plan, const hg_node *node, size_t bytes);
hg_block hg_plan_step(hg_plan *plan);                        /* hg_step of cl/common.cl: seed, step, lr ... */
hg_block hg_plan_examples(hg_plan *plan);                    /* [B] uint: which example of its dataset each one is */
hg_block hg_plan_labels(hg_plan *plan);                      /* [B] uint: the label of each, of models with `condition` */
bool hg_plan_is_half(const hg_plan *plan, int tensor);   /* is its value stored as half? */
/* The output has the input's value (flatten of one channel, dropout while evaluating; repeated by the output's reader: model/conv_enlarged.h;
 * `output` pooled to `input` by its producer: model/conv_pooled.h): no launch, shared memory, and gradients written for the one are those
 * of the other. */
void hg_plan_alias(hg_plan *plan, int output, int input);

/* ---- emitting */

/* A new launch of kernel `kernel` in cl/FILE.cl. `what` ("forward", "data gradient") completes the label. Never NULL:
 * after a failure a dummy is returned. */
hg_launch *hg_emit(hg_plan *plan, const hg_node *node, const char *what, const char *file, const char *kernel);
void hg_emit_variant(hg_plan *plan, hg_launch *launch, const char *format, ...) HG_PRINTF(3, 4);
/* Macros: -DNAME=value. Floats are written exactly ("0x1p-3f"). */
void hg_emit_define(hg_plan *plan, hg_launch *launch, const char *name, int64_t value);
void hg_emit_define_float(hg_plan *plan, hg_launch *launch, const char *name, double value);
void hg_emit_define_text(hg_plan *plan, hg_launch *launch, const char *name, const char *value);
/* Arguments, in the kernel's order. With mixed precision a tensor's value may be stored as half: the launch that reads it then
 * gets the macro X_HALF, the one that writes it Y_HALF, and hg_emit_dx adds DX_X_HALF where dx_x is half. Kernels of layers with
 * hg_layer.halves, and of variants with hg_variant.half, declare such arguments hg_x, hg_y and hg_dx_x (cl/common.cl); a launch
 * has at most one of each. All other arguments are never half. */
void hg_emit_read(hg_plan *plan, hg_launch *launch, hg_block block);   /* block -1: a small dummy buffer */
void hg_emit_write(hg_plan *plan, hg_launch *launch, hg_block block);
void hg_emit_update(hg_plan *plan, hg_launch *launch, hg_block block); /* read and written */
void hg_emit_int(hg_plan *plan, hg_launch *launch, int64_t value);     /* must fit 32 bits */
void hg_emit_float(hg_plan *plan, hg_launch *launch, double value);
void hg_emit_local(hg_plan *plan, hg_launch *launch, size_t bytes);
/* Range: global is rounded up to a multiple of local; local 0: the driver chooses. */
void hg_emit_range(hg_plan *plan, hg_launch *launch, size_t gx, size_t gy, size_t gz, size_t lx, size_t ly, size_t lz);
/* The range of a CPU's launch whose work-items take its items one after the other (HG_ITEMS in cl/common.cl), and with it the last two
 * arguments, `int items, __global int *taken`. Which thread computes an item then depends on who has time; what it computes must not. */
void hg_emit_taken(hg_plan *plan, hg_launch *launch, size_t items);
/* Elementwise launches: n items on a 1-D range suited to the device (a CPU gets few work-items of `hg_emit_span` items
 * each): sets the range; the kernel loops `for (i = get_global_id(0); i < n; i += get_global_size(0))` or uses HG_FOR(i, n). */
void hg_emit_items(hg_plan *plan, hg_launch *launch, size_t n);
/* The same for n rows of `each` numbers, where an item is a row. */
void hg_emit_rows(hg_plan *plan, hg_launch *launch, size_t n, size_t each);
/* Once a launch; bytes as if nothing were half: what is read or written as half is taken off. */
void hg_emit_cost(hg_plan *plan, hg_launch *launch, double flops, double bytes);

/* An `activation` node that alone reads what a layer with that option makes is done by that layer: the node's output is then an alias of its
 * input. The node calls it in both passes, before its readers are emitted; false: it has to do it itself. */
bool hg_plan_join_activation(hg_plan *plan, const hg_node *node);
/* The activation of an output tensor as macros ACT ("ACT_relu") and ACT_P (its number): the kernel stores HG_ACT(v). */
void hg_emit_act(hg_plan *plan, hg_launch *launch, int tensor);

/* The gradient for tensor `x` as the next two arguments `__global float *dx, __global const hg_dx_x *dx_x`, and as macros
 * DX_ACT ("ACT_GRAD_relu"), DX_ACT_P (the derivative to apply) and DX_ADD (0: first writer, 1: add to what is there). The kernel stores
 * through HG_DX(dx, dx_x, i, v) of cl/common.cl. dx_x is the tensor's value, or a dummy where the tensor is linear. */
void hg_emit_dx(hg_plan *plan, hg_launch *launch, int tensor);
/* The same with another prefix than "DX", for a kernel that writes a second gradient. */
void hg_emit_dx_as(hg_plan *plan, hg_launch *launch, int tensor, const char *prefix);
/* The same, but dx_x is the value of another tensor, `chosen`: of pooling's output, whose numbers are some of the tensor's, in fewer bytes. */
void hg_emit_dx_chosen(hg_plan *plan, hg_launch *launch, int tensor, int chosen);

/* The gradient for parameter k of node as the next argument `__global float *dw`, and macro DW_ADD (0 or 1). `prefix`
 * replaces "DW" where a kernel writes several. */
bool hg_plan_dw_written(const hg_plan *plan, const hg_node *node, int k); /* would the next writer add? */
void hg_emit_dw(hg_plan *plan, hg_launch *launch, const hg_node *node, int k, const char *prefix);

/* Adds `scale` times the sum of n floats in `partials` to a part of the step's loss (cl/metric.cl; Kahan, in order), in a later
 * launch, with others' sums: `partials` has to be a block of the plan's own. */
typedef enum hg_metric {
    HG_METRIC_RECONSTRUCTION, HG_METRIC_KL, HG_METRIC_PENALTY, HG_METRIC_DISCRIMINATOR, HG_METRIC_GENERATOR, HG_METRIC_PARTS
} hg_metric;
/* `weight` is the part's factor in the total loss (beta for KL). */
void hg_emit_metric(hg_plan *plan, hg_metric part, hg_block partials, size_t n, double scale, double weight);

/* ---- the owner's side: arenas shared by all plans of a net, and plans over them */

/* One buffer per role with the same layout: parameters (with running statistics at their end), gradients, each moment;
 * the step record, the state, the metrics ring; and the chunks of the activation arena, grown to the largest plan. */
typedef struct hg_arenas hg_arenas;
/* `tuning` (NULL: none) decides which variants the plans use; it outlives the arenas. */
hg_arenas *hg_arenas_create(hg_device *dev, const hg_graph *graph, const hg_tuning *tuning, bool training, hg_precision precision);
void hg_arenas_destroy(hg_arenas *arenas);
hg_buffer *hg_arenas_params(hg_arenas *arenas);
hg_buffer *hg_arenas_grads(hg_arenas *arenas);
/* Moment k of the updaters with that slot; as large as they need, NULL where they have none. */
hg_buffer *hg_arenas_moment(hg_arenas *arenas, int slot, int k);
hg_buffer *hg_arenas_metrics(hg_arenas *arenas); /* [HG_RING][HG_METRICS] float: a row per step: total, then the parts by hg_metric */
hg_buffer *hg_arenas_state(hg_arenas *arenas);   /* hg_state of cl/common.cl */
/* The batch of pictures as bytes [B, H, W, C], targets, that training and evaluating plans read. Made at the first call, which must be
 * for the largest batch. */
hg_buffer *hg_arenas_bytes(hg_arenas *arenas, size_t bytes);
/* What hg_plan_examples stands for, [batch] uint; made in the same way. */
hg_buffer *hg_arenas_examples(hg_arenas *arenas, int batch);
/* The same for hg_plan_labels. */
hg_buffer *hg_arenas_labels(hg_arenas *arenas, int batch);

typedef enum hg_plan_purpose {
    HG_PURPOSE_TRAIN, HG_PURPOSE_EVALUATE, HG_PURPOSE_CORRUPT, HG_PURPOSE_ENCODE, HG_PURPOSE_DECODE, HG_PURPOSE_RECONSTRUCT,
    HG_PURPOSE_PROBE,          /* tests: forward and backward of all layers in training mode from a given output gradient */
    HG_PURPOSE_PROBE_EVALUATE, /* tests: forward only, in evaluation mode */
    HG_PURPOSE_TRIAL,          /* one operation of one node (hg_plan_trial) */
} hg_plan_purpose;

/* `guarded` (tests): every block lies alone between guard zones, all of it pre-filled with NaN. */
hg_plan *hg_plan_create(hg_arenas *arenas, hg_plan_purpose purpose, int batch, bool guarded);
/* The same without building its kernels: for several plans whose programs are then built together. */
hg_plan *hg_plan_prepare(hg_arenas *arenas, hg_plan_purpose purpose, int batch, bool guarded);
void hg_plan_destroy(hg_plan *plan);
/* Enqueues one run with the step record as last uploaded. Does not wait. */
bool hg_plan_run(hg_plan *plan);
hg_launch *const *hg_plan_launches(const hg_plan *plan, int *n);
/* Does a launch read hg_plan_examples? Then hg_arenas_examples is to be written before a run. */
bool hg_plan_reads_examples(const hg_plan *plan);
/* The same for hg_plan_labels and hg_arenas_labels. */
bool hg_plan_reads_labels(const hg_plan *plan);

/* What was decided for an operation of the plan (model/variant.h): its key, "conv_forward 1x28x28 16x28x28 k3x3 b128"; variant and
 * parameters, "cpu:16:1:1:14"; whether it was only expected to be good, neither forced nor tuned; whose pass emitted it, and which
 * launches [first, first + count) it became. */
typedef struct hg_decision { const char *key, *pick; bool expected; int node; bool backward; int first, count; } hg_decision;
/* Decision i; false past the last. Strings live as long as the plan. */
bool hg_plan_decision(const hg_plan *plan, int i, hg_decision *decision);

/* A plan of one operation alone, guarded as below and with gradients in every direction; not built yet. */
struct hg_trial;
hg_plan *hg_plan_trial(hg_arenas *arenas, int batch, struct hg_trial *trial);

/* For probes and tests: set and get a tensor's value or gradient, [B, H, W, C]. Waits. Only float ones can be set. */
bool hg_plan_set_value(hg_plan *plan, int tensor, const float *data);
bool hg_plan_get_value(hg_plan *plan, int tensor, float *data);
bool hg_plan_set_grad(hg_plan *plan, int tensor, const float *data);
bool hg_plan_get_grad(hg_plan *plan, int tensor, float *data);
/* The buffer of a tensor's value, for uploads that are not waited for; NULL on failure. */
hg_buffer *hg_plan_value_buffer(hg_plan *plan, int tensor);
/* Guarded plans: fills all blocks with NaN again; and whether every guard zone still is as it was filled. */
bool hg_plan_refill(hg_plan *plan);
bool hg_plan_guards_intact(hg_plan *plan);

/* Runs the forward pass node by node and gives the name of the first node whose output is not finite (NULL: none). */
bool hg_plan_diagnose(hg_plan *plan, const char **node_name);

/* From now on the optimizers' states have `past` more training steps behind them than the record's step says. */
void hg_arenas_set_past(hg_arenas *arenas, int64_t past);
/* The records of the next runs, one per update: seed, step (from 1), learning rate (0: the optimizer's), the optimizer's numbers. */
bool hg_arenas_set_step(hg_arenas *arenas, uint64_t seed, int64_t step, int64_t steps, double lr, int batch);

#endif
