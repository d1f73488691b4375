/* Datasets, the inner side: what batches and formats see beside hg_dataset_* of hourglass.h. */
#ifndef HG_TRAIN_DATASET_H
#define HG_TRAIN_DATASET_H

#include "base/context.h"

hg_context *hg_dataset_context(const hg_dataset *data);

/* The bytes of one example as kept, [H, W, C] or, of grey pictures that become RGB, [H, W], in the dataset's own memory: valid until it
 * is closed. Any thread may read. NULL where the format makes its examples when they are asked for. */
const uint8_t *hg_dataset_pixels(const hg_dataset *data, hg_part part, int64_t index);
/* Copies one example, [H, W, C], of any dataset. */
void hg_dataset_copy(const hg_dataset *data, hg_part part, int64_t index, uint8_t *to);

#endif
