/* Random numbers for the kernels of the files that include this one: Philox-4x32-10 (Salmon et al., SC 2011), the same as src/base/rng.c,
 * for HG_VEC counters (index + lane, y, z, w) at once. */
static inline void hg_philox_lanes(uint index, uint y0, uint z0, uint w0, uint k0, uint k1, hg_uvec words[4])
{
    const hg_uvec m0 = 0xD2511F53u, m1 = 0xCD9E8D57u;
    hg_uvec x = HG_LANE + index, y = y0, z = z0, w = w0;
    for (int round = 0; round < 10; round++) {
        const hg_uvec hi0 = mul_hi(m0, x), lo0 = m0 * x, hi1 = mul_hi(m1, z), lo1 = m1 * z;
        x = hi1 ^ y ^ k0;
        y = lo1;
        z = hi0 ^ w ^ k1;
        w = lo0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = x, words[1] = y, words[2] = z, words[3] = w;
}

/* The four words of each of HG_VEC items, number `index` + lane, of node stream `stream` at this step. */
static inline void hg_random_lanes(__global const hg_step *step, uint stream, uint index, hg_uvec words[4])
{
    hg_philox_lanes(index, step->step_lo, step->step_hi, stream, step->seed_lo, step->seed_hi, words);
}

/* Uniform in [0, 1), 24 bits. */
#define HG_UNIFORM_LANES(u) (HG_TO_FLOAT((u) >> 8) * 0x1p-24f)

/* Number 4 i + k of out is number i of in[k]: what four words per lane gave, in the order of the items. */
static inline void hg_interleave(const hg_vec in[4], hg_vec out[4])
{
    float rows[4][HG_VEC], order[4 * HG_VEC];
    for (int k = 0; k < 4; k++) HG_STORE(in[k], rows[k]);
    for (int lane = 0; lane < HG_VEC; lane++)
        for (int k = 0; k < 4; k++) order[4 * lane + k] = rows[k][lane];
    for (int k = 0; k < 4; k++) out[k] = HG_LOAD(order + k * HG_VEC);
}

/* 4 HG_VEC standard normals from the words of HG_VEC blocks, in the blocks' order: two of the first and two of the last two
 * words (Box-Muller; the first of them is kept away from 0). */
static inline void hg_normal_words(const hg_uvec words[4], hg_vec out[4])
{
    hg_vec in[4];
    for (int k = 0; k < 4; k += 2) {
        const hg_vec r = sqrt(-2.0f * log((HG_TO_FLOAT(words[k] >> 8) + 0.5f) * 0x1p-24f)), t = 6.283185307179586f * HG_UNIFORM_LANES(words[k + 1]);
        in[k] = r * cos(t);
        in[k + 1] = r * sin(t);
    }
    hg_interleave(in, out);
}

/* The same, number i from block `index` + i / 4 of a node's stream at this step. */
static inline void hg_normal_lanes(__global const hg_step *step, uint stream, uint index, hg_vec out[4])
{
    hg_uvec words[4];
    hg_random_lanes(step, stream, index, words);
    hg_normal_words(words, out);
}
