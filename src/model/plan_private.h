/* What a plan consists of: shared by plan.c (emitting), arenas.c (memory), purpose.c (what each kind of plan contains). */
#ifndef HG_MODEL_PLAN_PRIVATE_H
#define HG_MODEL_PLAN_PRIVATE_H

#include "device/record.h"
#include "model/loss.h"
#include "model/plan.h"

enum { HG_METRICS = 16, HG_RING = 1024, HG_FOREVER = 1 << 30, HG_MAX_SUMS = 4, HG_COUNTS = 64 };

/* A block is either fixed (a view of a parameter, gradient or record buffer) or placed in the activation arena. */
typedef struct hg_block_info {
    size_t bytes;
    int first, last;    /* launches that touch it; first -1: filled before the run; last HG_FOREVER: read after it */
    hg_buffer *buffer;  /* fixed, or the view once placed */
    hg_buffer *guard;   /* guarded plans: the buffer around the view */
    int chunk;          /* where in the arena; -1: not placed */
    size_t offset;
    bool fixed, owned;  /* owned: the view is the plan's */
    bool half;          /* numbers of 2 bytes */
} hg_block_info;

/* A forward pass of a node: its output and how many launches there are after it. */
typedef struct hg_pass { const hg_node *node; hg_block out; int end; } hg_pass;
/* How many launches there are after a phase's passes and updates. */
typedef struct hg_stretch { int forward, backward, end; } hg_stretch;

/* hg_emit_metric's arguments; `row`: of the metrics. */
typedef struct hg_metric_sum { int row; hg_block partials; size_t n; double scale, weight; } hg_metric_sum;

struct hg_plan {
    hg_arenas *arenas;
    hg_context *ctx;
    hg_device *dev;
    const hg_graph *graph;
    hg_arena *arena;
    hg_plan_purpose purpose;
    int batch;
    bool training, guarded, failed;
    int phase;             /* while composing: whose launches are emitted */
    bool in_backward;      /* the pass that emits */
    bool detached;         /* the node that emits does so as outside training */
    struct hg_trial *trial;/* HG_PURPOSE_TRIAL */
    hg_decision *decisions;
    int n_decisions, room_decisions;

    hg_launch **launches;
    hg_block (*uses)[HG_MAX_ARGS]; /* per launch and argument: its block, -1: no buffer */
    int n_launches, room_launches;
    hg_record *record;             /* of a training plan that has run */
    hg_pass *passes;       /* forward, in the order of launches */
    int n_passes;
    hg_stretch stretches[HG_MAX_PHASES]; /* by phase */
    hg_block_info *blocks;
    int n_blocks, room_blocks;

    /* per tensor of the graph */
    int *alias;          /* the tensor whose memory it shares, or itself */
    int *act;            /* the tensor whose activation its value went through last: itself, or what its producer pools (model/conv_pooled.h) */
    hg_block *value, *grad;
    bool *half;          /* its value is stored as half */
    bool *wants_grad, *written;
    bool *needed;        /* per node */
    hg_block *note;
    /* per parameter of the graph */
    hg_block *param, *param_grad;
    bool *param_written;
    bool *trains;        /* its gradient is wanted in the phase at hand */
    bool metric_written[HG_METRICS];
    hg_metric_sum sums[HG_MAX_SUMS]; /* not yet added */
    int n_sums;

    hg_block step, state, metrics, dummy, bytes, examples, labels; /* the last three -1 where nothing reads them */
    hg_block taken[HG_COUNTS]; /* of hg_emit_taken: each launch another than its neighbours', for they may run at the same time */
    hg_buffer **chunks;  /* the plan's own chunks where the shared ones are too small */
    int n_chunks;
    size_t *chunk_bytes;
    size_t activation_bytes;
    hg_launch sink;      /* receives what is emitted after a failure */
};

struct hg_arenas {
    hg_context *ctx;
    hg_device *dev;
    const hg_graph *graph;
    bool training;
    const hg_tuning *tuning; /* of the net's plans; NULL: none */
    hg_precision precision;
    hg_buffer *params, *grads, *moments[HG_MAX_PHASES][2], *step, *state, *metrics, *dummy, *taken;
    hg_buffer *bytes, *examples, *labels; /* a batch's pictures, which they are, and of what class; made by hg_arenas_bytes ... */
    hg_stage *records;
    hg_buffer **chunks;  /* activation arena */
    int n_chunks;
    uint64_t fixed_bytes, activation_bytes;
    size_t record_bytes; /* from one update's step record to the next */
    int64_t past;        /* hg_arenas_set_past */
};

/* Emits the launch that adds what hg_emit_metric was given since the last one; `total`: and then sums up the step's loss. */
void hg_emit_sums_so_far(hg_plan *plan, bool total);
int hg_plan_root(const hg_plan *plan, int tensor);
/* What gradients of a tensor with memory of its own are taken before. */
hg_choice hg_plan_act(const hg_plan *plan, int root);
bool hg_plan_sticky(hg_plan *plan, bool ok); /* records a failure in the plan */
hg_block hg_plan_block(hg_plan *plan, size_t bytes);
/* A block's numbers as floats, however they are stored. Waits. */
bool hg_plan_read(hg_plan *plan, hg_block block, float *data);
hg_block hg_plan_fixed(hg_plan *plan, hg_buffer *buffer, size_t bytes, bool owned);
/* A part of a buffer; `offset` a multiple of the device's base_align. */
hg_block hg_plan_view(hg_plan *plan, hg_buffer *buffer, size_t offset, size_t bytes);

void hg_plan_decided(hg_plan *plan, hg_decision decision);

/* Fills the plan with its launches for its purpose. */
void hg_plan_compose(hg_plan *plan);
/* Places all blocks by lifetime, makes chunks and views, sets the launches' buffers. */
bool hg_plan_place(hg_plan *plan);
void hg_plan_unplace(hg_plan *plan);

#endif
