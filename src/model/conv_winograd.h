/* Winograd's minimal filtering for CPU devices (cl/winograd_tiles.cl): winograd_2 makes tiles of 2x2 results with 2.25 times fewer
 * multiplications than the direct kernels for 3x3 taps of stride 1, 1.44 and 1.78 times for 3x3 and 4x4 taps of stride 2; winograd_4 of
 * 4x4 with 4, 1.78 and 2.56 times fewer.
 * Parameters of the gathers: numbers in a vector, vectors and tiles of a product in registers, such products in a strip of tiles. Of
 * the weight gradient: numbers in a vector, vectors and input channels of a product, tiles in a strip, input and output channels
 * in a block. */
#ifndef HG_MODEL_CONV_WINOGRAD_H
#define HG_MODEL_CONV_WINOGRAD_H

#include "model/conv.h"
#include "model/variant.h"

extern const hg_variant hg_winograd_2_forward, hg_winograd_4_forward, hg_winograd_2_data, hg_winograd_4_data, hg_winograd_2_weight,
    hg_winograd_4_weight;

#define HG_WINOGRAD_FORWARD_VARIANTS &hg_winograd_2_forward, &hg_winograd_4_forward
#define HG_WINOGRAD_DATA_VARIANTS &hg_winograd_2_data, &hg_winograd_4_data
#define HG_WINOGRAD_WEIGHT_VARIANTS &hg_winograd_2_weight, &hg_winograd_4_weight

/* Are there tiles for these taps? */
bool hg_winograd_fits(const hg_conv *conv);
/* The points of the transformed domain are edge x edge. */
int hg_winograd_edge(const hg_conv *conv, int m);
/* For fit: expected cost where the direct kernels cost 1 on such a device, by multiplications, those of `tiles` tiles and what comes with
 * them. pixels: of the small side; turned: channels of a tile that are transformed; product: what its multiplications cost where those of
 * the direct kernels cost 1; `passes`: over the weights in the transformed domain, in multiplications for each number. */
double hg_winograd_cost(const hg_device_info *limits, const hg_conv *conv, int m, size_t pixels, size_t tiles, int turned, double product,
                        double passes);
/* The macros of cl/winograd_tiles.cl that all of its kernels have: M K S PH PW HG_VEC NV. */
void hg_winograd_define(hg_plan *plan, hg_launch *launch, const hg_conv *conv, int m, int vector, int vectors);

#endif
