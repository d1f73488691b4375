/* Ranges of the launches that are no matrix products: pictures walked vector by vector, and sums. On a CPU with wide vectors few
 * work-items take contiguous spans of vectors; elsewhere a work-item takes a number. */
#ifndef HG_MODEL_RANGES_H
#define HG_MODEL_RANGES_H

#include "model/plan.h"

/* The widest vector for rows of this many channels: 1, 2, 4, 8 or 16, a divisor of `channels`. */
int hg_vector_width(const hg_plan *plan, int channels);

/* [rows, columns, channels] for HG_ROWS, HG_COLUMNS and HG_CHANNELS of cl/common.cl; defines HG_VEC and HG_SPAN. */
void hg_emit_pixels(hg_plan *plan, hg_launch *launch, size_t rows, int columns, int channels);

/* n numbers for HG_FOR(i, HG_VECTORS(n)) in a kernel that ends with HG_SUM_END; returns the number of partial sums, a function
 * of n and the device. The partial sums must be known before the launch begins: hg_sums_count. */
size_t hg_sums_count(const hg_plan *plan, size_t n);
void hg_emit_sums(hg_plan *plan, hg_launch *launch, size_t n);

/* Rows of [rows, channels] in as many parts as suit the device, for sums per channel. */
typedef struct hg_split { int rows, count; /* per part (the last may have fewer); parts */ } hg_split;
hg_split hg_split_rows(const hg_plan *plan, size_t rows, int channels);
/* The range for it: a work-item per part (dimension 2) and, off the CPU, channel (dimension 0); defines HG_VEC. */
void hg_emit_split(hg_plan *plan, hg_launch *launch, hg_split split, int channels);
/* A work-item per vector of channels, for what follows the sums per channel. */
void hg_emit_channels(hg_plan *plan, hg_launch *launch, int channels);

#endif
