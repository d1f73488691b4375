/* The net, inner side: what training and files see beside hg_net_* of hourglass.h. */
#ifndef HG_MODEL_NET_H
#define HG_MODEL_NET_H

#include "model/plan.h"

hg_context *hg_net_context(const hg_net *net);
hg_device *hg_net_device(const hg_net *net);
hg_arenas *hg_net_arenas(const hg_net *net);
uint64_t hg_net_seed(const hg_net *net);
/* Key of what is drawn outside training, the same every time: curves over epochs compare like with like. */
uint64_t hg_net_evaluation_seed(const hg_net *net);
void hg_net_set_seed(hg_net *net, uint64_t seed); /* of later draws, when a run is resumed */
bool hg_net_is_inference(const hg_net *net);
hg_precision hg_net_precision(const hg_net *net);
/* What may help where numbers are no longer finite, to stand behind "try". */
const char *hg_net_remedy(const hg_net *net);

/* The plan for a purpose and batch, made and built at its first use. */
hg_plan *hg_net_plan(hg_net *net, hg_plan_purpose purpose, int batch);

/* What the net's plans decided for every operation, so that the same plans can be made again. A checkpoint holds it; loading one
 * adds what that held. */
hg_tuning *hg_net_decided(hg_net *net);

/* Fresh weights from the net's seed. */
bool hg_net_init(hg_net *net);

/* One arena (parameters or a moment) between the device and the host, parameter by parameter in PyTorch's order.
 * `rows[i]` is parameter i's host array, NULL: skipped. Waits. */
bool hg_net_read_arena(hg_net *net, hg_buffer *arena, float *const *rows);
bool hg_net_write_arena(hg_net *net, hg_buffer *arena, const float *const *rows);

/* Pictures between PyTorch's order and the engine's, one example: [C, H, W] <-> [H, W, C]. */
void hg_to_engine(hg_shape shape, const float *chw, float *hwc);
void hg_to_torch(hg_shape shape, const float *hwc, float *chw);

#endif
