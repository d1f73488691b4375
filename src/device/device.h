/* A device: context, queue, limits. OpenCL is not visible outside src/device: cl.h is included in its .c files and in
 * device_private.h only. */
#ifndef HG_DEVICE_DEVICE_H
#define HG_DEVICE_DEVICE_H

#include "base/context.h"

hg_context *hg_device_context(const hg_device *dev);

/* Forced variants from hg_device_params, or NULL. */
const char *hg_device_variants(const hg_device *dev);

/* Other ones (hg_device_params.variants) for the plans that are made from now on; what is built stays. Fails with HG_INTERNAL: no memory. */
bool hg_device_force(hg_device *dev, const char *variants);

/* A CPU whose driver has wide vectors: kernels then go along vectors themselves, in few work-items. Other devices, and CPU drivers
 * that vectorise over work-items, get many work-items. */
bool hg_has_wide_vectors(const hg_device_info *info);

/* Waits until all enqueued work is done. Fails with HG_DEVICE_LOST. */
bool hg_device_finish(hg_device *dev);

#endif
