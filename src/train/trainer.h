/* What training and evaluating share: running one batch of bytes through a plan and reading losses back. */
#ifndef HG_TRAIN_TRAINER_H
#define HG_TRAIN_TRAINER_H

#include "model/net.h"
#include "train/batch.h"

/* A feeder brings batches of bytes to the device without waiting for it. */
typedef struct hg_feeder hg_feeder;
hg_feeder *hg_feeder_create(hg_net *net);
void hg_feeder_destroy(hg_feeder *feeder);

/* Fails with HG_BAD_INPUT unless the data's pictures are of the model's target's shape. */
bool hg_feeder_accepts(const hg_net *net, const hg_dataset *data);

/* Uploads a batch of pictures and the step's record, and enqueues the plan for that many. Does not wait. */
bool hg_feeder_run(hg_feeder *feeder, hg_plan_purpose purpose, const hg_batch *batch, uint64_t seed, int64_t step, int64_t steps,
                   double lr);

/* Waits, then the losses of steps first .. first + n - 1 (n at most HG_FEEDER_RING), as long as their rows were not
 * overwritten by later ones. */
enum { HG_FEEDER_RING = 1024 };
bool hg_feeder_losses(hg_feeder *feeder, int64_t first, int n, hg_losses *out);
/* Adds `weight` times the losses. */
void hg_losses_add(hg_losses *sum, const hg_losses *losses, double weight);

/* Evaluates a part of a dataset with a feeder. */
bool hg_feeder_evaluate(hg_feeder *feeder, const hg_dataset *data, hg_part part, hg_losses *out);

#endif
