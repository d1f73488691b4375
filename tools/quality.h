/* How near pictures are to what they should be. */
#ifndef HG_TOOLS_QUALITY_H
#define HG_TOOLS_QUALITY_H

#include <jansson.h>
#include "cli.h"

/* Sums over pictures; zero-initialise. */
typedef struct quality { int64_t n, values; double squared, cross, ssim; } quality;

/* What is measured beside the squared error. SSIM takes most of the time. */
enum { QUALITY_CROSS_ENTROPY = 1, QUALITY_SSIM = 2 };

/* Adds n pictures y [n, C, H, W] that should be `target`, one by one: the sums are the same to the bit however they come. */
void quality_add(quality *q, unsigned what, const int shape[3], int64_t n, const float *target, const float *y);

void quality_merge(quality *q, const quality *more);

/* Per value: mean squared error, and binary cross entropy. */
double quality_mse(const quality *q);
double quality_cross_entropy(const quality *q);
double quality_ssim(const quality *q); /* mean over pictures */

/* Adds "mse", "psnr" and what else is measured to an object. */
bool quality_put(const quality *q, unsigned what, json_t *object);

#endif
