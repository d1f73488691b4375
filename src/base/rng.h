/* Counter-based random numbers: Philox-4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011). The same text runs on the device (cl/random.cl), so that host and device draw the same bits.
 * A draw is a function of (seed, stream, counter): nothing to save but the counters. */
#ifndef HG_BASE_RNG_H
#define HG_BASE_RNG_H

#include <stdint.h>

/* Streams keep uses apart. Nodes of a graph use HG_STREAM_NODE + node index. */
enum {
    HG_STREAM_SHUFFLE = 1, HG_STREAM_INIT = 2, HG_STREAM_SPLIT = 3, HG_STREAM_DIGITS = 4, HG_STREAM_SAMPLE = 5, HG_STREAM_PERTURB = 6,
    HG_STREAM_PRIOR = 7,
    HG_STREAM_NODE = 0x100
};

/* Ten rounds: out = philox(counter, key). */
void hg_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A sequence: block i is philox({i lo, i hi, index, stream}, seed). Zero-initialise, then set the first three. */
typedef struct hg_rng { uint64_t seed; uint32_t stream, index; uint64_t next; uint32_t block[4]; int left; } hg_rng;
hg_rng hg_rng_make(uint64_t seed, uint32_t stream, uint32_t index);
uint32_t hg_rng_u32(hg_rng *rng);
/* Uniform below n without bias (n >= 1). */
uint64_t hg_rng_below(hg_rng *rng, uint64_t n);
/* Uniform in [0, 1) with 24 bits: u32 >> 8 times 2^-24. */
float hg_rng_uniform(hg_rng *rng);
/* Standard normal by Box-Muller in double precision. */
double hg_rng_normal(hg_rng *rng);
/* order[0..n-1] = a random permutation of 0..n-1 (Fisher-Yates). */
void hg_rng_shuffle(hg_rng *rng, uint32_t *order, uint32_t n);

#endif
