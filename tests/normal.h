/* Normals as kernels draw them (hg_normal_lanes of cl/random.cl), in double precision. */
#ifndef HG_TESTS_NORMAL_H
#define HG_TESTS_NORMAL_H

#include <math.h>
#include "base/rng.h"

/* Number i of a stream at a turn (a step, or what stands in its place): Box-Muller on words of Philox block i / 4, cosine and sine of the
 * first pair, then of the second. */
static inline double drawn_normal(uint64_t seed, uint64_t turn, uint32_t stream, uint64_t i)
{
    const uint32_t counter[4] = {(uint32_t)(i / 4), (uint32_t)turn, (uint32_t)(turn >> 32), stream};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t words[4];
    hg_philox(counter, key, words);
    const uint32_t *pair = words + (i & 2);
    const double r = sqrt(-2 * log(((double)(pair[0] >> 8) + 0.5) * 0x1p-24)), angle = 2 * M_PI * (double)(pair[1] >> 8) * 0x1p-24;
    return r * (i & 1 ? sin(angle) : cos(angle));
}

#endif
