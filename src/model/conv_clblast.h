/* Matrix products (dense layers, convolutions of one pixel) by CLBlast: a candidate for the tuner, never chosen without it. Bias,
 * activation and derivative follow in a kernel of their own. */
#ifndef HG_MODEL_CONV_CLBLAST_H
#define HG_MODEL_CONV_CLBLAST_H

#include "model/variant.h"

extern const hg_variant hg_clblast_forward, hg_clblast_data, hg_clblast_weight;

#endif
