/* Philox-4x32-10; constants and rounds of the paper named in the header. */
#include "base/rng.h"

#include <math.h>

void hg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t x = counter[0], y = counter[1], z = counter[2], w = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53u * x, b = (uint64_t)0xCD9E8D57u * z;
        x = (uint32_t)(b >> 32) ^ y ^ k0;
        y = (uint32_t)b;
        z = (uint32_t)(a >> 32) ^ w ^ k1;
        w = (uint32_t)a;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = x, out[1] = y, out[2] = z, out[3] = w;
}

hg_rng hg_rng_make(uint64_t seed, uint32_t stream, uint32_t index)
{
    return (hg_rng){.seed = seed, .stream = stream, .index = index};
}

uint32_t hg_rng_u32(hg_rng *rng)
{
    if (!rng->left) {
        uint32_t counter[4] = {(uint32_t)rng->next, (uint32_t)(rng->next >> 32), rng->index, rng->stream};
        uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
        hg_philox(counter, key, rng->block);
        rng->next++;
        rng->left = 4;
    }
    return rng->block[4 - rng->left--];
}

uint64_t hg_rng_below(hg_rng *rng, uint64_t n)
{
    /* 2^64 mod n smallest values are drawn again, so that all residues are equally likely. */
    uint64_t skip = (0 - n) % n, value;
    do {
        uint64_t high = hg_rng_u32(rng);
        value = high << 32 | hg_rng_u32(rng);
    } while (value < skip);
    return value % n;
}

float hg_rng_uniform(hg_rng *rng)
{
    return (float)(hg_rng_u32(rng) >> 8) * 0x1p-24f;
}

double hg_rng_normal(hg_rng *rng)
{
    double u = ((hg_rng_u32(rng) >> 8) + 0.5) * 0x1p-24, v = (hg_rng_u32(rng) >> 8) * 0x1p-24;
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

void hg_rng_shuffle(hg_rng *rng, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t j = (uint32_t)hg_rng_below(rng, i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}
