/* log.jsonl: one JSON object per line, for logged steps and epochs. */
#ifndef HG_TRAIN_LOG_H
#define HG_TRAIN_LOG_H

#include "base/context.h"

typedef struct hg_train_log hg_train_log;

/* Opens PATH for appending. Records of steps after `step` (of a run that went on after its last checkpoint) and a torn last
 * line are removed first. `adversarial`: records have the discriminator's losses, too. */
hg_train_log *hg_train_log_open(hg_context *ctx, const char *path, int64_t step, bool adversarial);
void hg_train_log_close(hg_train_log *log);

/* One record, flushed. `val` NULL: no val_ keys (a step). Values that are not finite are null. */
bool hg_train_log_add(hg_train_log *log, int64_t step, int epoch, const hg_losses *train, const hg_losses *val, double images_per_second);

#endif
