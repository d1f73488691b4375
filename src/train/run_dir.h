/* A run's directory: made, checked, locked, so that nothing is lost and two processes never train into one. */
#ifndef HG_TRAIN_RUN_DIR_H
#define HG_TRAIN_RUN_DIR_H

#include "base/context.h"

typedef struct hg_run_dir hg_run_dir;

typedef enum hg_run_mode { HG_RUN_NEW, HG_RUN_FORCE, HG_RUN_RESUME } hg_run_mode;

/* NEW: PATH must not exist and is made. FORCE: may exist; its old checkpoint and log are removed. RESUME: must exist. Locked
 * until close. Fails with HG_OUTPUT (exists, cannot be made or written, fewer than `bytes` bytes free), HG_BAD_INPUT (nothing
 * to resume) or HG_BUSY. */
hg_run_dir *hg_run_dir_open(hg_context *ctx, const char *path, hg_run_mode mode, uint64_t bytes);
void hg_run_dir_close(hg_run_dir *dir);

/* Paths inside; they live as long as the directory's object. */
const char *hg_run_dir_path(const hg_run_dir *dir);
const char *hg_run_dir_checkpoint(const hg_run_dir *dir); /* PATH/checkpoint.safetensors */
const char *hg_run_dir_model(const hg_run_dir *dir);      /* PATH/model.yaml */
const char *hg_run_dir_log(const hg_run_dir *dir);        /* PATH/log.jsonl */

#endif
