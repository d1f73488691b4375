/* The safetensors format: 8 bytes of header length (little-endian), a JSON header, then the tensors' bytes.
 *   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 * Offsets count from the end of the header; together the tensors cover the rest of the file without gap or overlap. */
#ifndef HG_TRAIN_SAFETENSORS_H
#define HG_TRAIN_SAFETENSORS_H

#include "base/context.h"

enum { HG_SAFETENSOR_RANK = 8 };

/* One tensor. For reading: `data` is NULL. For writing: name, rank, shape and data are given, the rest is ignored. */
typedef struct hg_safetensor {
    const char *name;
    int rank;                 /* 0: a scalar */
    int64_t shape[HG_SAFETENSOR_RANK];
    const float *data;
    const char *dtype;        /* "F32", "F16", "BF16", "F64", ...: as in the file */
    int64_t count;            /* product of the shape */
    uint64_t offset, bytes;   /* in the data part */
} hg_safetensor;

typedef struct hg_metadata { const char *key, *value; } hg_metadata;

typedef struct hg_safetensors hg_safetensors;

/* Opens and checks all of the header; tensor data stays in the file until read. Fails with HG_BAD_INPUT: missing,
 * truncated, over-long, not safetensors, tensors that overlap, leave gaps or do not match their shape. */
hg_safetensors *hg_safetensors_open(hg_context *ctx, const char *path);
void hg_safetensors_close(hg_safetensors *file);

/* Tensors in the order of their data. Strings and structs live as long as the file. */
int hg_safetensors_count(const hg_safetensors *file);
const hg_safetensor *hg_safetensors_at(const hg_safetensors *file, int index);
const hg_safetensor *hg_safetensors_find(const hg_safetensors *file, const char *name); /* NULL: absent */

/* Reads a tensor into out [count], converting F16, BF16 and F64. Other types fail with HG_BAD_INPUT. */
bool hg_safetensors_read(hg_safetensors *file, const hg_safetensor *tensor, float *out);
/* Is it of a type that hg_safetensors_read reads? (PyTorch's num_batches_tracked, an I64, is not.) */
bool hg_safetensor_readable(const hg_safetensor *tensor);

/* The text under `key` in __metadata__, NULL if absent. */
const char *hg_safetensors_meta(const hg_safetensors *file, const char *key);

/* Writes float32 tensors and metadata (both in the given order, names unique, UTF-8) so that PATH is either complete or as
 * before. The same arguments give the same bytes. Fails with HG_OUTPUT (disk) or HG_INTERNAL (arguments). */
bool hg_safetensors_write(hg_context *ctx, const char *path, const hg_safetensor *tensors, int n,
                          const hg_metadata *metadata, int n_metadata);

#endif
