/* The first byte says which file the rest is: bit 0: gzipped, bit 1: the labels (beside valid pictures). */
#include <string.h>
#include <zlib.h>
#include "fuzz.h"

static const uint8_t images[16 + 3 * 4] = {0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint8_t labels[8 + 3] = {0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2};

size_t fuzz_seed(int k, uint8_t *to)
{
    const uint8_t *from = k & 2 ? labels : images;
    size_t size = k & 2 ? sizeof labels : sizeof images;
    to[0] = (uint8_t)k;
    if (k > 3)
        return 0;
    if (!(k & 1)) {
        memcpy(to + 1, from, size);
        return size + 1;
    }
    z_stream z = {.next_in = (Bytef *)(uintptr_t)from, .avail_in = (uInt)size, .next_out = to + 1, .avail_out = FUZZ_ROOM - 1};
    fuzz_check(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK && deflate(&z, Z_FINISH) == Z_STREAM_END, "gzip");
    size = z.total_out + 1;
    deflateEnd(&z);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte", "train-labels-idx1-ubyte.gz"};
    if (size < 1)
        return 0;
    for (int i = 0; i < 4; i++)
        fuzz_delete(names[i]);
    if (data[0] & 2)
        fuzz_write(names[0], images, sizeof images);
    fuzz_write(names[data[0] & 3], data + 1, size - 1);
    fuzz_dataset();
    return 0;
}
