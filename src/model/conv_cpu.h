/* The family for CPU devices: work-groups of one, wide vectors, tiles in registers (cl/conv_cpu.cl, and cl/conv_cpu_*.cl).
 * Parameters of the gathers: numbers in a vector, vectors, rows and columns of pixels in a tile. Of the weight gradient: numbers
 * in a vector, vectors, channels of the scalar side, copies of the sums, rows in a chunk. Those along pictures: pixels and channels in a tile, and
 * rows in a band; channels of the large and the small side in a tile, and rows in a band. Those of the same pixel of several pictures:
 * numbers in a vector, vectors, pictures in a tile, rows in a unit of work. Of those with a pooling (cl/conv_pooled.cl,
 * cl/conv_pooled_weight.cl): numbers in a vector, vectors, windows in a tile, rows of windows in a band; along pictures channels and rows. */
#ifndef HG_MODEL_CONV_CPU_H
#define HG_MODEL_CONV_CPU_H

#include "model/variant.h"

extern const hg_variant hg_cpu_forward, hg_cpu_forward_thin, hg_cpu_forward_wide, hg_cpu_forward_pictures, hg_cpu_forward_batch,
    hg_cpu_data, hg_cpu_data_thin, hg_cpu_data_wide, hg_cpu_data_pictures, hg_cpu_data_batch, hg_cpu_data_overlap,
    hg_cpu_weight, hg_cpu_weight_taps, hg_cpu_weight_pictures;
extern const hg_variant hg_cpu_forward_pooled, hg_cpu_forward_pooled_pictures, hg_cpu_weight_pooled, hg_cpu_weight_pooled_masked;

#define HG_CPU_FORWARD_VARIANTS &hg_cpu_forward, &hg_cpu_forward_thin, &hg_cpu_forward_wide, &hg_cpu_forward_pictures, \
    &hg_cpu_forward_batch, &hg_cpu_forward_pooled, &hg_cpu_forward_pooled_pictures
#define HG_CPU_DATA_VARIANTS &hg_cpu_data, &hg_cpu_data_thin, &hg_cpu_data_wide, &hg_cpu_data_pictures, &hg_cpu_data_overlap, \
    &hg_cpu_data_batch
#define HG_CPU_WEIGHT_VARIANTS &hg_cpu_weight, &hg_cpu_weight_taps, &hg_cpu_weight_pictures, \
    &hg_cpu_weight_pooled, &hg_cpu_weight_pooled_masked

#endif
