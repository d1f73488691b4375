/* Pictures of bytes from one shape to another. */
#ifndef HG_TRAIN_CONVERT_H
#define HG_TRAIN_CONVERT_H

#include "base/context.h"

/* `pixels` pixels from from_channels to to_channels, each 1 or 3: grey is replicated, colour becomes Rec. 601 luma,
 * (299 R + 587 G + 114 B) / 1000 rounded. Grey may be the end of `to`. */
void hg_convert_channels(const uint8_t *from, int from_channels, uint8_t *to, int to_channels, size_t pixels);

/* [h, w, c] to [to_h, to_w, c]; along each axis the area's average when shrinking, bilinear (pixel centres aligned,
 * edges repeated) when enlarging. Fails only for want of memory. */
bool hg_convert_size(hg_context *ctx, const uint8_t *from, int h, int w, int c, uint8_t *to, int to_h, int to_w);

#endif
