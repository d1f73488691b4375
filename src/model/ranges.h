/* Ranges of the launches that are no matrix products: pictures walked vector by vector, and sums. On a CPU with wide vectors few
 * work-items take contiguous spans of vectors; elsewhere a work-item takes a number. */
#ifndef HG_MODEL_RANGES_H
#define HG_MODEL_RANGES_H

#include "model/plan.h"

/* [rows, columns, channels] for HG_ROWS, HG_COLUMNS and HG_CHANNELS of cl/common.cl. Defines HG_VEC: the widest vector that
 * divides `channels`. */
void hg_emit_pixels(hg_plan *plan, hg_launch *launch, size_t rows, int columns, int channels);
/* [rows, columns] for HG_ROWS and HG_CHANNELS, number by number: HG_VEC is 1. */
void hg_emit_matrix(hg_plan *plan, hg_launch *launch, size_t rows, int columns);

/* n numbers for HG_FOR(i, HG_VECTORS(n)) in a kernel that ends with HG_SUM_END, which stores hg_sums_count partial sums: a function
 * of n and the device. */
size_t hg_sums_count(const hg_plan *plan, size_t n);
void hg_emit_sums(hg_plan *plan, hg_launch *launch, size_t n);

/* [rows, channels] in parts of `rows` rows (the last may have fewer), for sums per channel: a work-item per part (dimension 2) and,
 * off the CPU, channel (dimension 0). Defines HG_VEC. */
typedef struct hg_split { int rows, count; } hg_split;
hg_split hg_split_rows(const hg_plan *plan, size_t rows, int channels);
void hg_emit_split(hg_plan *plan, hg_launch *launch, hg_split split, int channels);
/* A work-item per vector of channels (dimension 0), for what joins the parts. Defines HG_VEC. */
void hg_emit_channels(hg_plan *plan, hg_launch *launch, int channels);

#endif
