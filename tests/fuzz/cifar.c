/* Bit 0 of the first byte: the rest is gzipped. */
#include <string.h>
#include <zlib.h>
#include "fuzz.h"

enum { RECORDS = 2, SIZE = RECORDS * 3073 };

size_t fuzz_seed(int k, uint8_t *to)
{
    static uint8_t records[SIZE];
    if (k > 1)
        return 0;
    records[3073] = 9;
    to[0] = (uint8_t)k;
    if (k == 0) {
        memcpy(to + 1, records, SIZE);
        return SIZE + 1;
    }
    z_stream z = {.next_in = records, .avail_in = SIZE, .next_out = to + 1, .avail_out = FUZZ_ROOM - 1};
    fuzz_check(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK && deflate(&z, Z_FINISH) == Z_STREAM_END, "gzip");
    size_t size = z.total_out + 1;
    deflateEnd(&z);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"data_batch_1.bin", "data_batch_1.bin.gz"};
    if (size < 1)
        return 0;
    fuzz_delete(names[0]);
    fuzz_delete(names[1]);
    fuzz_write(names[data[0] & 1], data + 1, size - 1);
    fuzz_dataset();
    return 0;
}
