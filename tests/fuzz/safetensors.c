/* A safetensors file; all tensors are read. */
#include <stdlib.h>
#include <string.h>
#include "fuzz.h"
#include "train/safetensors.h"

size_t fuzz_seed(int k, uint8_t *to)
{
    static const char header[] = "{\"__metadata__\":{\"step\":\"3\",\"model\":\"x\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                                 "\"b\":{\"dtype\":\"F16\",\"shape\":[],\"data_offsets\":[24,26]},\"c\":{\"dtype\":\"F64\",\"shape\":[1,0],\"data_offsets\":[26,26]}}";
    if (k > 0)
        return 0;
    to[0] = (uint8_t)(sizeof header - 1);
    memcpy(to + 8, header, sizeof header - 1);
    return 8 + sizeof header - 1 + 26;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hg_context *ctx = hg_context_create(NULL, NULL);
    hg_safetensors *file = hg_safetensors_open(ctx, fuzz_write("a.safetensors", data, size));
    fuzz_check(file ? hg_context_status(ctx) == HG_OK : hg_context_status(ctx) == HG_BAD_INPUT && hg_message(ctx)[0], "status and message");
    fuzz_accepted += file != NULL;
    for (int i = 0; file && i < hg_safetensors_count(file); i++) {
        const hg_safetensor *tensor = hg_safetensors_at(file, i);
        fuzz_check(tensor->bytes <= size && (tensor->bytes == 0 || (uint64_t)tensor->count <= size), "tensors lie in the file");
        float *out = hg_safetensor_readable(tensor) ? malloc((size_t)tensor->count * sizeof *out + 1) : NULL;
        if (out)
            fuzz_check(hg_safetensors_read(file, tensor, out), "every tensor is readable");
        free(out);
    }
    hg_safetensors_close(file);
    hg_context_destroy(ctx);
    return 0;
}
