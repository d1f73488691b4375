/* Initializers: how weights start. Drawn on the host from (seed, HG_STREAM_INIT, parameter index), in PyTorch's order. */
#ifndef HG_MODEL_INITIALIZER_H
#define HG_MODEL_INITIALIZER_H

#include "base/rng.h"
#include "model/graph.h"

typedef struct hg_initializer {
    hg_descriptor head;
    /* Fills param->count numbers in PyTorch's order. */
    bool (*fill)(hg_context *ctx, const void *options, const hg_param *param, hg_rng *rng, float *out);
} hg_initializer;

/* Fills any parameter: by its initializer or its constant. */
bool hg_param_init(hg_context *ctx, const hg_param *param, int index, uint64_t seed, float *out);

/* Between PyTorch's order and the engine's (hg_param.order). */
void hg_param_to_engine(const hg_param *param, const float *torch, float *engine);
void hg_param_to_torch(const hg_param *param, const float *engine, float *torch);

#endif
