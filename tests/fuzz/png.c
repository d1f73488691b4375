/* A PNG file; check sums of its chunks are set right first, as otherwise hardly anything gets past them. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "base/memory.h"
#include "fuzz.h"
#include "train/png_file.h"

static size_t put_chunk(uint8_t *to, const char *type, const uint8_t *data, size_t n)
{
    to[0] = to[1] = 0;
    to[2] = (uint8_t)(n >> 8);
    to[3] = (uint8_t)n;
    memcpy(to + 4, type, 4);
    memcpy(to + 8, data, n);
    return n + 12; /* the check sum follows in mend */
}

static void mend(uint8_t *file, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        size_t n = (size_t)file[at] << 24 | (size_t)file[at + 1] << 16 | (size_t)file[at + 2] << 8 | file[at + 3];
        if (n > size - at - 12)
            return;
        uint32_t sum = (uint32_t)crc32(0, file + at + 4, (uInt)n + 4);
        for (int i = 0; i < 4; i++)
            file[at + 8 + n + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
        at += n + 12;
    }
}

size_t fuzz_seed(int k, uint8_t *to)
{
    static const uint8_t kinds[][2] = {{8, 0}, {16, 2}, {4, 3}, {8, 6}, {2, 0}}; /* depth, colour type */
    static const uint8_t palette[12] = {1, 2, 3, 200, 100, 0, 7, 7, 7, 255, 255, 255}, alpha[3] = {0, 128, 255};
    uint8_t head[13] = {0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 0, 0}, rows[200] = {0}, packed[300];
    uLongf length = sizeof packed;
    size_t at = 8;
    if (k >= 10)
        return 0;
    head[8] = kinds[k / 2][0];
    head[9] = kinds[k / 2][1];
    head[12] = (uint8_t)(k & 1); /* interlaced */
    fuzz_check(compress(packed, &length, rows, sizeof rows) == Z_OK, "deflate");
    memcpy(to, "\x89PNG\r\n\x1a\n", 8);
    at += put_chunk(to + at, "IHDR", head, 13);
    if (head[9] == 3) {
        at += put_chunk(to + at, "PLTE", palette, sizeof palette);
        at += put_chunk(to + at, "tRNS", alpha, sizeof alpha);
    }
    at += put_chunk(to + at, "IDAT", packed, length);
    return at + put_chunk(to + at, "IEND", head, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hg_context *ctx = hg_context_create(NULL, NULL);
    uint8_t *pixels, *file = malloc(size + 1);
    int h, w, c;
    unsigned sum = 0;
    fuzz_check(ctx && file, "memory");
    memcpy(file, data, size);
    mend(file, size);
    if (hg_png_read(ctx, fuzz_write("a.png", file, size), &pixels, &h, &w, &c))
        for (size_t i = 0; i < (size_t)h * (size_t)w * (size_t)c; i++)
            sum += pixels[i]; /* every byte is there */
    fuzz_check(pixels ? hg_context_status(ctx) == HG_OK && sum <= 255u * 3 << 26 : hg_context_status(ctx) == HG_BAD_INPUT && hg_message(ctx)[0], "status and message");
    fuzz_accepted += pixels != NULL;
    hg_free(pixels);
    hg_context_destroy(ctx);
    free(file);
    return 0;
}
