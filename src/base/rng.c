/* Philox-4x32-10; rounds and constants of the paper that the header names. */
#include "base/rng.h"

#include <math.h>

void hg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t x = counter[0], y = counter[1], z = counter[2], w = counter[3], k0 = key[0], k1 = key[1];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * x, p1 = (uint64_t)0xCD9E8D57u * z;
        x = (uint32_t)(p1 >> 32) ^ y ^ k0;
        z = (uint32_t)(p0 >> 32) ^ w ^ k1;
        y = (uint32_t)p1;
        w = (uint32_t)p0;
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
    if (rng->left == 0) {
        const uint32_t counter[4] = {(uint32_t)rng->next, (uint32_t)(rng->next >> 32), rng->index, rng->stream};
        const uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
        hg_philox(counter, key, rng->block);
        rng->next++;
        rng->left = 4;
    }
    return rng->block[4 - rng->left--];
}

uint64_t hg_rng_below(hg_rng *rng, uint64_t n)
{
    /* the largest multiple of n: draws from there on would favour low numbers */
    uint64_t limit = UINT64_MAX - UINT64_MAX % n, draw;
    do {
        draw = hg_rng_u32(rng);
        draw = draw << 32 | hg_rng_u32(rng);
    } while (draw >= limit);
    return draw % n;
}

float hg_rng_uniform(hg_rng *rng)
{
    return (float)(hg_rng_u32(rng) >> 8) * 0x1p-24f;
}

double hg_rng_normal(hg_rng *rng)
{
    double u = ((double)hg_rng_u32(rng) + 0.5) * 0x1p-32, v = (double)hg_rng_u32(rng) * 0x1p-32;
    return sqrt(-2 * log(u)) * cos(6.283185307179586477 * v);
}

void hg_rng_shuffle(hg_rng *rng, uint32_t *order, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) order[i] = i;
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = (uint32_t)hg_rng_below(rng, i), swap = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swap;
    }
}
