/* Checkpoints: everything that resuming needs, as safetensors. Parameters have PyTorch's names and shapes, moments are
 * optimizer.MOMENT.PARAMETER, in models with phases optimizer.PHASE.MOMENT.PARAMETER; counters, seed and the model's text are texts
 * in __metadata__. Nothing in it depends on time or place, so that equal runs give equal bytes. */
#ifndef HG_TRAIN_CHECKPOINT_H
#define HG_TRAIN_CHECKPOINT_H

#include "model/net.h"

/* Where a run is. Doubles are kept exactly (hexadecimal). */
typedef struct hg_position {
    int64_t step;          /* steps done */
    int64_t epoch, index;  /* the epoch that goes on (from 0) and the batches of it that are done */
    hg_losses sums;        /* of this epoch, each times the batch's examples */
    int64_t examples;      /* of this epoch, behind the sums */
} hg_position;

/* What the run was started with. */
typedef struct hg_run_settings {
    uint64_t seed;
    int batch, epochs;     /* epochs 0: the model's */
    int64_t steps, data_count; /* steps 0: by epochs */
    double lr;             /* 0: the optimizer's */
    bool shuffle;
    int64_t optimizer_steps; /* that the optimizer's state had behind it at the run's start */
    const char *arguments; /* the program's own; NULL: none */
} hg_run_settings;

/* Writes PATH anew or not at all. Refuses to write parameters that are not finite (HG_DIVERGED). Waits for the device. */
bool hg_checkpoint_save(hg_net *net, const char *path, const hg_position *position, const hg_run_settings *settings);

/* Loads parameters and optimizer state, position and settings (arguments: a fresh block, hg_free). */
bool hg_checkpoint_load(hg_net *net, const char *path, hg_position *position, hg_run_settings *settings);

/* Loads the optimizer's state alone from a checkpoint or run, which may be another model's with the same layers. `*steps`: that
 * it has behind it. Fails with HG_BAD_INPUT where there is none of the net's optimizer. */
bool hg_checkpoint_load_optimizer(hg_net *net, const char *path, int64_t *steps);

/* About how many bytes a checkpoint takes. */
uint64_t hg_checkpoint_bytes(const hg_net *net);

#endif
