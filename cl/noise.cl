/* Noise: y = x + mean + std e with e ~ N(0, 1), clipped to [0, 1] if CLIP; NaN stays.
 * x and y are [rows, n]. Number i of a row takes normal i mod 4 of Philox block i / 4 of the node's stream; the block's counter holds, by
 * OWNER, 0: the step, of which the batch is one row; 1: the number of the row's example in its dataset; 2: the row; 3: 2^32 - 1 for all rows.
 * Macros: STREAM, OWNER, CLIP, HG_SPAN. Traffic: 8 bytes an element. */
#include "random.cl"

#ifndef STREAM
#define STREAM 0x100
#endif
#ifndef OWNER
#define OWNER 0
#endif
#ifndef CLIP
#define CLIP 1
#endif

__kernel void forward(__global const float *restrict x, __global float *restrict y, __global const hg_step *restrict step,
                      __global const uint *restrict examples, int rows, int n, float mean, float std)
{
    const int fours = HG_FOURS(n);
    const hg_vec high = 1.0f, low = 0.0f;
    HG_FOR(item, rows * fours) {
        const int row = item / fours, q = item - row * fours;
        hg_uvec words[4];
        hg_vec e[4];
#if OWNER
        hg_philox_lanes((uint)q * HG_VEC, OWNER == 1 ? examples[row] : OWNER == 2 ? (uint)row : 0xffffffffu, 0, STREAM, step->seed_lo, step->seed_hi, words);
#else
        hg_random_lanes(step, STREAM, (uint)q * HG_VEC, words);
#endif
        hg_normal_words(words, e);
        HG_FOUR(k, i, q, n) {
            hg_vec v = hg_get(x + row * n, i, n) + mean + std * e[k];
#if CLIP
            v = v > high ? high : v < low ? low : v;
#endif
            hg_put(v, y + row * n, i, n);
        }
    }
}
