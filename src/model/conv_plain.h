/* The plain family: right for any shape on any device, with work-groups of any size and no local memory. */
#ifndef HG_MODEL_CONV_PLAIN_H
#define HG_MODEL_CONV_PLAIN_H

#include "model/variant.h"

extern const hg_variant hg_plain_forward, hg_plain_data, hg_plain_weight;

#endif
