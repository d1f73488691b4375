/* Device buffers and views into them. Every byte handed out is accounted to the device. */
#ifndef HG_DEVICE_BUFFER_H
#define HG_DEVICE_BUFFER_H

#include "device/device.h"

typedef struct hg_buffer hg_buffer;

/* `label` says what it is for in messages ("activations"). Fails with HG_DEVICE_MEMORY, naming size and limit. It
 * holds zeros: creation touches the memory, so that a driver that over-commits is found out. */
hg_buffer *hg_buffer_create(hg_device *dev, size_t bytes, const char *label);
/* A part of a buffer; `offset` a multiple of the device's base_align. Keeps no reference: destroy views first. */
hg_buffer *hg_buffer_view(hg_buffer *parent, size_t offset, size_t bytes);
void hg_buffer_destroy(hg_buffer *buffer);
size_t hg_buffer_size(const hg_buffer *buffer);

/* Repeats a 32-bit pattern over the whole buffer (enqueued). */
bool hg_buffer_fill(hg_buffer *buffer, uint32_t pattern);
/* Copies from host memory, after all that is enqueued; waits until the data has been taken. For data of every step there
 * is the ring below. */
bool hg_buffer_write(hg_buffer *buffer, size_t offset, const void *data, size_t bytes);
/* Waits, then the data is in host memory. */
bool hg_buffer_read(hg_buffer *buffer, size_t offset, void *data, size_t bytes);
/* Copies between buffers (enqueued). */
bool hg_buffer_copy(hg_buffer *to, size_t to_offset, hg_buffer *from, size_t from_offset, size_t bytes);

/* A ring of staging blocks for data that goes to the device every step without waiting for it. */
typedef struct hg_stage hg_stage;
hg_stage *hg_stage_create(hg_device *dev, size_t bytes, int count);
void hg_stage_destroy(hg_stage *stage);
/* The next block; waits only if its previous upload has not finished. NULL on failure. */
void *hg_stage_next(hg_stage *stage);
/* Enqueues the upload of the block last got, `bytes` of it, to `to` at `offset`. Does not wait. */
bool hg_stage_upload(hg_stage *stage, hg_buffer *to, size_t offset, size_t bytes);

#endif
