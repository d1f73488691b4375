/* What a plan consists of: shared by plan.c (emitting), arenas.c (memory), purpose.c (what each kind of plan contains). */
#ifndef HG_MODEL_PLAN_PRIVATE_H
#define HG_MODEL_PLAN_PRIVATE_H

#include "device/record.h"
#include "model/loss.h"
#include "model/plan.h"

enum { HG_METRICS = 8, HG_RING = 1024, HG_FOREVER = 1 << 30 };

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

struct hg_plan {
    hg_arenas *arenas;
    hg_context *ctx;
    hg_device *dev;
    const hg_graph *graph;
    hg_arena *arena;
    hg_plan_purpose purpose;
    int batch;
    bool training, guarded, failed;
    bool in_backward;      /* while composing: the pass that emits */
    struct hg_trial *trial;/* HG_PURPOSE_TRIAL */
    hg_decision *decisions;
    int n_decisions, room_decisions;

    hg_launch **launches;
    hg_block (*uses)[HG_MAX_ARGS]; /* per launch and argument: its block, -1: no buffer */
    int n_launches, room_launches;
    hg_record *record;             /* of a training plan that has run */
    int end_forward, end_backward; /* launches emitted when the passes were */
    hg_block_info *blocks;
    int n_blocks, room_blocks;

    /* per tensor of the graph */
    int *alias;          /* the tensor whose memory it shares, or itself */
    hg_block *value, *grad;
    bool *half;          /* its value is stored as half */
    bool *wants_grad, *written;
    bool *needed;        /* per node */
    hg_block *note;
    int *node_end;       /* per node: launches emitted when its forward pass was */
    /* per parameter of the graph */
    hg_block *param, *param_grad;
    bool *param_written;
    bool metric_written[HG_METRICS], total_written;

    hg_block step, state, metrics, dummy, bytes, examples, labels; /* the last three -1 where nothing reads them */
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
    hg_buffer *params, *grads, *moments[2], *step, *state, *metrics, *dummy;
    hg_buffer *bytes, *examples, *labels; /* a batch's pictures, which they are, and of what class; made by hg_arenas_bytes ... */
    hg_stage *records;
    hg_buffer **chunks;  /* activation arena */
    int n_chunks;
    uint64_t fixed_bytes, activation_bytes;
    float clip_norm, clip_value;
    int64_t past;        /* hg_arenas_set_past */
};

int hg_plan_root(const hg_plan *plan, int tensor);
bool hg_plan_sticky(hg_plan *plan, bool ok); /* records a failure in the plan */
hg_block hg_plan_block(hg_plan *plan, size_t bytes);
/* A block's numbers as floats, however they are stored. Waits. */
bool hg_plan_read(hg_plan *plan, hg_block block, float *data);
hg_block hg_plan_fixed(hg_plan *plan, hg_buffer *buffer, size_t bytes, bool owned);

void hg_plan_decided(hg_plan *plan, hg_decision decision);

/* Fills the plan with its launches for its purpose. */
void hg_plan_compose(hg_plan *plan);
/* Places all blocks by lifetime, makes chunks and views, sets the launches' buffers. */
bool hg_plan_place(hg_plan *plan);
void hg_plan_unplace(hg_plan *plan);

#endif
