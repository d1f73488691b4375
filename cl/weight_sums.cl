/* What the files share that include this one, conv_cpu_weight.cl and conv_cpu_weight_taps.cl: W for CPU devices (model/conv.h), partial
 * sums of the weight and bias gradients, which cl/conv_reduce.cl adds up.
 *   dw[kh, kw, c, s] = sum over pixels of large[pixel at the tap (kh, kw), c] small[pixel, s];  db = sum over pixels of dy
 * One side is read as vectors along its channels, the other as scalars; VEC_LARGE says which. Of the bias VT NV vectors are summed
 * together where it lies along the vectors.
 * Macros: HL WL CL HS WS CS KH KW SH SW DH DW PH PW TRANSPOSED VEC_LARGE HG_VEC NV VT BIAS.
 * partials [splits][KH, KW, in, out], with BIAS bias_partials [splits][out]; with one split these are dw and db themselves, added to
 * what is there if DW_ADD, DB_ADD. */
#ifndef CL
#define CL 8
#define CS 16
#define HL 8
#define WL 8
#define HS 8
#define WS 8
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#define NV 1
#endif
#ifndef VT
#define VT 1
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef VEC_LARGE
#define VEC_LARGE 0
#endif
#ifndef BIAS
#define BIAS 0
#endif
#ifndef DB_ADD
#define DB_ADD 0
#endif

#if VEC_LARGE
#define SCALARS CS
#define VECTORS CL
#else
#define SCALARS CL
#define VECTORS CS
#endif
#define IN_CHANNELS (TRANSPOSED ? CS : CL)
#define OUT_CHANNELS (TRANSPOSED ? CL : CS)
#define VEC_OUT (VEC_LARGE == TRANSPOSED)
#define WEIGHTS (KH * KW * CL * CS)

/* x, which the layer read, holds values; dy gradients, which are float. */
#if VEC_OUT
typedef hg_x scalar_t;
typedef float vector_t;
#define LOAD_VECTOR(p) HG_LOAD(p)
#else
typedef float scalar_t;
typedef hg_x vector_t;
#define LOAD_VECTOR(p) HG_X_LOAD(p)
#endif
#if TRANSPOSED
typedef float large_t;
typedef hg_x small_t;
#define DY large
#else
typedef hg_x large_t;
typedef float small_t;
#define DY small
#endif

inline void put(__global float *to, float v, int add)
{
    *to = add ? *to + v : v;
}

/* The same for a vector's lanes from `first` on. */
inline void put_vector(__global float *to, hg_vec v, int first)
{
    if (first <= 0) {
        HG_STORE(DW_ADD ? HG_LOAD(to) + v : v, to);
        return;
    }
    float part[HG_VEC];
    HG_STORE(v, part);
    HG_REST for (int lane = first; lane < HG_VEC; lane++) put(to + lane, part[lane], DW_ADD);
}

#if BIAS
#if VEC_OUT
/* A tile of vectors sums its own outputs: bias += dy[p, v0..] over n pixels. */
#define BIAS_HERE (own_s == 0)
#define BIAS_SUMS hg_vec bias[VT * NV]; for (int v = 0; v < VT * NV; v++) bias[v] = 0.0f
inline void add_bias(hg_vec *bias, __global const float *dy, int n)
{
    hg_vec sum[NV];
    HG_UNROLL for (int v = 0; v < NV; v++) sum[v] = bias[v];
    for (int p = 0; p < n; p++)
        HG_UNROLL for (int v = 0; v < NV; v++) sum[v] += HG_LOAD(dy + p * OUT_CHANNELS + v * HG_VEC);
    HG_UNROLL for (int v = 0; v < NV; v++) bias[v] = sum[v];
}
#else
/* The first block sums all outputs. Whole groups of pixels are so many vectors of 16 numbers that lanes always meet the same
 * channels. */
#define BIAS_HERE (own_s == 0 && own_v == 0)
#define BIAS_SUMS float bias[OUT_CHANNELS]; for (int o = 0; o < OUT_CHANNELS; o++) bias[o] = 0.0f
#define GROUP (OUT_CHANNELS % 16 == 0 ? 1 : OUT_CHANNELS % 8 == 0 ? 2 : OUT_CHANNELS % 4 == 0 ? 4 : OUT_CHANNELS % 2 == 0 ? 8 : 16)
#define PERIOD (OUT_CHANNELS * GROUP / 16)
inline void add_bias(float *bias, __global const float *dy, int n)
{
    const int whole = n / GROUP * GROUP;
    float16 sum[PERIOD];
    for (int v = 0; v < PERIOD; v++) sum[v] = 0.0f;
    for (int p = 0; p < whole; p += GROUP)
        for (int v = 0; v < PERIOD; v++) sum[v] += vload16(v, dy + p * OUT_CHANNELS);
    float part[PERIOD * 16];
    for (int v = 0; v < PERIOD; v++) HG_STORE16(sum[v], part + v * 16);
    for (int i = 0; i < GROUP; i++)
        for (int o = 0; o < OUT_CHANNELS; o++) bias[o] += part[i * OUT_CHANNELS + o];
    HG_REST for (int p = whole; p < n; p++)
        HG_REST for (int o = 0; o < OUT_CHANNELS; o++) bias[o] += dy[p * OUT_CHANNELS + o];
}
#endif

#if VEC_OUT
inline void store_bias(const hg_vec *bias, __global float *to, int own_v, int v0)
{
    for (int v = 0; v < NV; v++) {
        float part[HG_VEC];
        HG_STORE(bias[v], part);
        HG_REST for (int lane = max(own_v - v0 - v * HG_VEC, 0); lane < HG_VEC; lane++) put(to + v0 + v * HG_VEC + lane, part[lane], DB_ADD);
    }
}
#else
inline void store_bias(const float *bias, __global float *to, int own_v, int v0)
{
    HG_REST for (int o = 0; o < OUT_CHANNELS; o++) put(to + o, bias[o], DB_ADD);
}
#endif

/* The rows of dy that go with the rows [begin, end) of the `rows` that bands are made of: `step` each, the last ones also the rest. */
#define ADD_BIAS_ROWS(sums, rows, step, b, v0) do { \
        const int h = TRANSPOSED ? HL : HS, w = TRANSPOSED ? WL : WS, from = min(begin * (step), h), to = end == (rows) ? h : min(end * (step), h); \
        add_bias(sums, DY + ((b) * h + from) * w * OUT_CHANNELS + (VEC_OUT ? (v0) : 0), (to - from) * w); \
    } while (0)
#endif
