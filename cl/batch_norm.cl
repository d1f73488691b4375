/* Batch normalisation (Ioffe, Szegedy 2015) over n = B * H * W rows of C channels:
 *   y = f(w (x - mean) rstd + b), rstd = 1 / sqrt(var + epsilon)
 * Training: mean and biased variance of the batch, in two ordered passes (splits of rows, each by Welford's running update of
 * mean and squared deviations, joined by Chan's formula), and running = (1 - momentum) running + momentum batch, with the unbiased
 * variance. Evaluating: the running statistics.
 * Backward: with g = dy, xhat = (x - mean) rstd, s1 = sum g, s2 = sum g xhat (two ordered passes):
 *   db = s1, dw = s2, dx = w rstd (g - (s1 + xhat s2) / n)
 * Macros: C, ACT .. DX .. DW .. B_ADD. HG_VEC channels go together. Statistics lie as [mean C][rstd C], sums as [s1 C][s2 C].
 * Traffic: forward x twice, y once; backward x and dy twice, dx once. */
#ifndef C
#define C 1
#endif
#ifndef B_ADD
#define B_ADD 0
#endif

/* Split `s` of `splits` covers rows s * span .. ; partials [splits][2][C]: mean, then sum of squared deviations. */
__kernel void moments(__global const float *restrict x, __global float *restrict partials, int n, int span)
{
    const int split = (int)get_global_id(0), c = (int)get_global_id(1) * HG_VEC, begin = split * span, end = min(begin + span, n);
    hg_vec mean = 0.0f, squares = 0.0f;
    for (int r = begin; r < end; r++) {
        const hg_vec v = HG_LOAD(x + r * C + c), d = v - mean;
        mean += d * (1.0f / (float)(r - begin + 1));
        squares += d * (v - mean);
    }
    HG_STORE(mean, partials + split * 2 * C + c);
    HG_STORE(squares, partials + (split * 2 + 1) * C + c);
}

__kernel void moments_join(__global const float *restrict partials, int n, int span, int splits, float epsilon, float momentum,
                           __global float *restrict statistics, __global float *restrict running_mean, __global float *restrict running_var)
{
    const int c = (int)get_global_id(0);
    float mean = 0.0f, squares = 0.0f, count = 0.0f;
    for (int s = 0; s < splits; s++) {
        const float m = partials[s * 2 * C + c], q = partials[(s * 2 + 1) * C + c], k = (float)(min((s + 1) * span, n) - s * span);
        const float d = m - mean, all = count + k;
        mean += d * (k / all);
        squares += q + d * d * (count * (k / all));
        count = all;
    }
    statistics[c] = mean;
    statistics[C + c] = 1.0f / sqrt(squares / count + epsilon);
    running_mean[c] = (1.0f - momentum) * running_mean[c] + momentum * mean;
    running_var[c] = (1.0f - momentum) * running_var[c] + momentum * (squares / fmax(count - 1.0f, 1.0f));
}

/* Evaluation: statistics from the running ones. */
__kernel void moments_running(__global const float *restrict running_mean, __global const float *restrict running_var, float epsilon,
                              __global float *restrict statistics)
{
    const int c = (int)get_global_id(0);
    statistics[c] = running_mean[c];
    statistics[C + c] = 1.0f / sqrt(running_var[c] + epsilon);
}

__kernel void forward(__global const float *restrict x, __global const float *restrict statistics, __global const float *restrict w,
                      __global const float *restrict b, __global float *restrict y, int n)
{
    HG_FOR(r, n)
        for (int c = 0; c < C; c += HG_VEC) {
            const hg_vec xhat = (HG_LOAD(x + r * C + c) - HG_LOAD(statistics + c)) * HG_LOAD(statistics + C + c);
            const hg_vec v = HG_LOAD(w + c) * xhat + HG_LOAD(b + c);
            HG_STORE(HG_ACT(v), y + r * C + c);
        }
}

/* partials [splits][2][C]: sum g, sum g xhat */
__kernel void sums(__global const float *restrict x, __global const float *restrict dy, __global const float *restrict statistics,
                   __global float *restrict partials, int n, int span)
{
    const int split = (int)get_global_id(0), c = (int)get_global_id(1) * HG_VEC, begin = split * span, end = min(begin + span, n);
    const hg_vec mean = HG_LOAD(statistics + c), rstd = HG_LOAD(statistics + C + c);
    hg_vec s1 = 0.0f, s2 = 0.0f;
    for (int r = begin; r < end; r++) {
        const hg_vec g = HG_LOAD(dy + r * C + c);
        s1 += g;
        s2 += g * ((HG_LOAD(x + r * C + c) - mean) * rstd);
    }
    HG_STORE(s1, partials + split * 2 * C + c);
    HG_STORE(s2, partials + (split * 2 + 1) * C + c);
}

__kernel void sums_join(__global const float *restrict partials, int splits, __global float *restrict total, __global float *restrict dw,
                        __global float *restrict db)
{
    const int c = (int)get_global_id(0);
    float s1 = 0.0f, s2 = 0.0f;
    for (int s = 0; s < splits; s++) {
        s1 += partials[s * 2 * C + c];
        s2 += partials[(s * 2 + 1) * C + c];
    }
    total[c] = s1;
    total[C + c] = s2;
#if DW_ADD
    dw[c] += s2;
#else
    dw[c] = s2;
#endif
#if B_ADD
    db[c] += s1;
#else
    db[c] = s1;
#endif
}

__kernel void backward(__global const float *restrict x, __global const float *restrict dy, __global const float *restrict statistics,
                       __global const float *restrict total, __global const float *restrict w, int n, float one_over_n,
                       __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(r, n)
        for (int c = 0; c < C; c += HG_VEC) {
            const hg_vec rstd = HG_LOAD(statistics + C + c), xhat = (HG_LOAD(x + r * C + c) - HG_LOAD(statistics + c)) * rstd;
            const hg_vec v = HG_LOAD(w + c) * rstd * (HG_LOAD(dy + r * C + c) - (HG_LOAD(total + c) + xhat * HG_LOAD(total + C + c)) * one_over_n);
            HG_DX_VEC(dx, dx_x, r * C + c, v);
        }
}
