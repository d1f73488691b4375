/* Dense layers, plain; also every convolution with a 1x1 kernel, stride 1 and no padding: F and D are then both
 *   out[r,m] = sum over n of from[r,n] * weight[n,m]  (+ bias[m])
 * from [R, N] (R: batch times pixels), weight [N, M], out [R, M]. Any shape, no local memory, any work-group.
 *
 * A work-item computes VEC outputs of ROWS rows: (M / VEC) * ceil(R / ROWS) items, each reads N*(ROWS + VEC) floats.
 * Neighbouring items share rows and read neighbouring weights.
 *
 * Macros: VEC divides M; ROWS; GRADIENT and what hg_emit_act or hg_emit_dx define. */
#ifndef VEC
#define VEC 1
#define ROWS 2
#endif
#ifndef GRADIENT
#define GRADIENT 0
#endif

#if VEC == 1
typedef float vec;
#define LOAD(p) (*(p))
#define STORE(v, p) (*(p) = (v))
#else
typedef HG_PASTE(float, VEC) vec;
#define LOAD(p) HG_PASTE(vload, VEC)(0, p)
#define STORE(v, p) HG_PASTE(vstore, VEC)(v, 0, p)
#endif

inline void put(vec v, __global float *out, __global const float *out_x, int i)
{
#if GRADIENT
#if !HG_DX_IS_LINEAR
    const vec value = LOAD(out_x + i);
    v = v * HG_DX_FACTOR(value);
#endif
#if DX_ADD
    v = LOAD(out + i) + v;
#endif
    STORE(v, out + i);
#else
    v = HG_ACT(v);
    STORE(v, out + i);
#endif
}

__kernel void dense(__global const float *restrict from, __global const float *restrict weight,
                    __global const float *restrict bias, __global float *out, __global const float *out_x,
                    int has_bias, int R, int N, int M, int items)
{
    const int id = (int)get_global_id(0);
    if (id >= items) return;
    const int groups = M / VEC, m = id % groups * VEC, r = id / groups * ROWS;
    vec acc[ROWS];
    __global const float *rows[ROWS];
    const vec start = has_bias ? LOAD(bias + m) : (vec)(0.0f);
    for (int p = 0; p < ROWS; p++) {
        acc[p] = start;
        rows[p] = from + min(r + p, R - 1) * N; /* past the end: the last row again, not stored */
    }
    __global const float *w = weight + m;
    for (int n = 0; n < N; n++, w += M) {
        const vec wv = LOAD(w);
        for (int p = 0; p < ROWS; p++) acc[p] = HG_MAD((vec)(rows[p][n]), wv, acc[p]);
    }
    for (int p = 0; p < ROWS && r + p < R; p++) put(acc[p], out, out_x, (r + p) * M + m);
}
