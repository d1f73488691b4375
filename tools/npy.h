/* NumPy's .npy files, format 1.0, little-endian float32 in C order:
 *   "\x93NUMPY" 1 0, header length (2 bytes), "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" padded,
 * data. */
#ifndef HG_TOOLS_NPY_H
#define HG_TOOLS_NPY_H

#include "base/context.h"

enum { NPY_RANK = 8 };

typedef struct npy_array {
    int rank;
    int64_t shape[NPY_RANK];
    float *data; /* hg_free */
    size_t count;
} npy_array;

/* Reads and checks everything: kind, order, shape, and that the file has exactly that many numbers, all of them finite.
 * Fails with HG_BAD_INPUT. */
bool npy_read(hg_context *ctx, const char *path, npy_array *array);

/* Writes the file whole or not at all. */
bool npy_write(hg_context *ctx, const char *path, int rank, const int64_t *shape, const float *data);

#endif
