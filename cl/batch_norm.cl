/* Batch normalisation (Ioffe, Szegedy 2015; PyTorch's BatchNorm2d), per channel over the P = B*H*W pixels of x [P, C]:
 *   mean = sum x / P, var = sum (x - mean)^2 / P, xhat = (x - mean) / sqrt(var + epsilon), y = act(xhat w + b), without AFFINE act(xhat)
 *   db = sum dy, dw = sum dy xhat, dx = w / sqrt(var + epsilon) (dy - db / P - xhat dw / P)
 * Sums are made in two ordered passes: each part of `rows` rows leaves its own, which one work-item per channel joins in order.
 * Everywhere a work-item goes through its rows in chunks that stay in the L1 cache, channel by channel: the mean of a chunk is known
 * before its squares are summed, and chunks and parts are joined by Chan, Golub and LeVeque's formula (1979), so that nothing cancels
 * whatever the mean. stats [2, C]: mean and 1 / sqrt(var + epsilon).
 *
 * Traffic: forward x twice, y once; backward x and dy twice, dx once. Macros: HG_VEC divides C; AFFINE: there are w and b; those of
 * hg_emit_act, hg_emit_dx, hg_emit_dw (DW_ADD, DB_ADD). */
#ifndef AFFINE
#define AFFINE 1
#endif
#ifndef DB_ADD
#define DB_ADD 0
#endif
#define CHUNK(C) clamp(4096 / (C), 4, 64)

__kernel void statistics(__global const hg_x *restrict x, __global float *restrict partials, int P, int C, int rows)
{
    const int begin = (int)get_global_id(2) * rows, end = min(begin + rows, P), chunk = CHUNK(C);
    __global float *means = partials + (int)get_global_id(2) * 2 * C, *squares = means + C;
    for (int first = begin; first < end; first += chunk) {
        const int last = min(first + chunk, end), seen = first - begin;
        const float n = (float)(last - first), share = n / ((float)seen + n), between = (float)seen * share;
        HG_CHANNELS(c, C) {
            hg_vec a0 = 0.0f, a1 = 0.0f, b0 = 0.0f, b1 = 0.0f;
            int r = first;
            for (; r + 1 < last; r += 2) {
                a0 += HG_X_LOAD(x + r * C + c);
                a1 += HG_X_LOAD(x + (r + 1) * C + c);
            }
            if (r < last) a0 += HG_X_LOAD(x + r * C + c);
            const hg_vec mean = (a0 + a1) / n;
            for (r = first; r + 1 < last; r += 2) {
                const hg_vec d0 = HG_X_LOAD(x + r * C + c) - mean, d1 = HG_X_LOAD(x + (r + 1) * C + c) - mean;
                b0 += d0 * d0;
                b1 += d1 * d1;
            }
            if (r < last) {
                const hg_vec d0 = HG_X_LOAD(x + r * C + c) - mean;
                b0 += d0 * d0;
            }
            if (seen == 0) {
                HG_STORE(mean, means + c);
                HG_STORE(b0 + b1, squares + c);
            } else {
                const hg_vec old = HG_LOAD(means + c), delta = mean - old;
                HG_STORE(old + delta * share, means + c);
                HG_STORE(HG_LOAD(squares + c) + (b0 + b1) + delta * delta * between, squares + c);
            }
        }
    }
}

/* Joins the parts and moves the running statistics towards the batch's mean and unbiased variance. */
__kernel void statistics_join(__global const float *restrict partials, __global float *restrict stats, __global float *restrict running_mean,
                              __global float *restrict running_var, int P, int C, int rows, int parts, float momentum, float epsilon)
{
    HG_CHANNELS(c, C) {
        hg_vec mean = HG_LOAD(partials + c), square = HG_LOAD(partials + C + c);
        for (int s = 1; s < parts; s++) {
            const float seen = (float)(s * rows), n = (float)min(rows, P - s * rows), share = n / (seen + n);
            const hg_vec delta = HG_LOAD(partials + 2 * s * C + c) - mean;
            mean += delta * share;
            square += HG_LOAD(partials + (2 * s + 1) * C + c) + delta * delta * (seen * share);
        }
        HG_STORE(mean, stats + c);
        HG_STORE(1.0f / sqrt(square / (float)P + epsilon), stats + C + c);
        HG_STORE((1.0f - momentum) * HG_LOAD(running_mean + c) + momentum * mean, running_mean + c);
        HG_STORE((1.0f - momentum) * HG_LOAD(running_var + c) + momentum * (square / (float)max(P - 1, 1)), running_var + c);
    }
}

/* While evaluating: the running statistics. */
__kernel void statistics_running(__global const float *restrict running_mean, __global const float *restrict running_var,
                                 __global float *restrict stats, int C, float epsilon)
{
    HG_CHANNELS(c, C) {
        HG_STORE(HG_LOAD(running_mean + c), stats + c);
        HG_STORE(1.0f / sqrt(HG_LOAD(running_var + c) + epsilon), stats + C + c);
    }
}

__kernel void forward(__global const hg_x *restrict x, __global const float *restrict stats, __global hg_y *restrict y, int P, int C
#if AFFINE
                      , __global const float *restrict w, __global const float *restrict b
#endif
                      )
{
    const int end = HG_ROWS_END(P), chunk = CHUNK(C);
    for (int first = HG_ROWS_BEGIN(P); first < end; first += chunk) {
        HG_CHANNELS(c, C) {
            const hg_vec mean = HG_LOAD(stats + c);
            hg_vec scale = HG_LOAD(stats + C + c), shift = 0.0f;
#if AFFINE
            scale *= HG_LOAD(w + c);
            shift = HG_LOAD(b + c);
#endif
            for (int r = first; r < min(first + chunk, end); r++) {
                const hg_vec v = (HG_X_LOAD(x + r * C + c) - mean) * scale + shift;
                HG_Y_STORE(HG_ACT(v), y + r * C + c);
            }
        }
    }
}

/* Parts of sum dy and sum dy xhat. */
__kernel void gradient_sums(__global const hg_x *restrict x, __global const float *restrict dy, __global const float *restrict stats,
                            __global float *restrict partials, int P, int C, int rows)
{
    const int begin = (int)get_global_id(2) * rows, end = min(begin + rows, P), chunk = CHUNK(C);
    __global float *db = partials + (int)get_global_id(2) * 2 * C, *dw = db + C;
    for (int first = begin; first < end; first += chunk) {
        const int last = min(first + chunk, end);
        HG_CHANNELS(c, C) {
            const hg_vec mean = HG_LOAD(stats + c), scale = HG_LOAD(stats + C + c);
            hg_vec a0 = 0.0f, a1 = 0.0f, b0 = 0.0f, b1 = 0.0f;
            int r = first;
            for (; r + 1 < last; r += 2) {
                const hg_vec d0 = HG_LOAD(dy + r * C + c), d1 = HG_LOAD(dy + (r + 1) * C + c);
                a0 += d0;
                a1 += d1;
                b0 += d0 * ((HG_X_LOAD(x + r * C + c) - mean) * scale);
                b1 += d1 * ((HG_X_LOAD(x + (r + 1) * C + c) - mean) * scale);
            }
            if (r < last) {
                const hg_vec d0 = HG_LOAD(dy + r * C + c);
                a0 += d0;
                b0 += d0 * ((HG_X_LOAD(x + r * C + c) - mean) * scale);
            }
            if (first > begin) {
                a1 += HG_LOAD(db + c);
                b1 += HG_LOAD(dw + c);
            }
            HG_STORE(a0 + a1, db + c);
            HG_STORE(b0 + b1, dw + c);
        }
    }
}

/* dw, db, and their means over the batch for dx: means [2, C]. */
__kernel void gradient_join(__global const float *restrict partials, __global float *restrict means, int P, int C, int parts
#if AFFINE
                            , __global float *restrict dw, __global float *restrict db
#endif
                            )
{
    HG_CHANNELS(c, C) {
        hg_vec a = 0.0f, b = 0.0f;
        for (int s = 0; s < parts; s++) {
            a += HG_LOAD(partials + 2 * s * C + c);
            b += HG_LOAD(partials + (2 * s + 1) * C + c);
        }
        HG_STORE(a / (float)P, means + c);
        HG_STORE(b / (float)P, means + C + c);
#if AFFINE && DB_ADD
        a = HG_LOAD(db + c) + a;
#endif
#if AFFINE && DW_ADD
        b = HG_LOAD(dw + c) + b;
#endif
#if AFFINE
        HG_STORE(a, db + c);
        HG_STORE(b, dw + c);
#endif
    }
}

__kernel void data_gradient(__global const hg_x *x, __global const float *restrict dy, __global const float *restrict stats,
                            __global const float *restrict means, int P, int C, __global float *dx, __global const hg_dx_x *dx_x
#if AFFINE
                            , __global const float *restrict w
#endif
                            )
{
    const int end = HG_ROWS_END(P), chunk = CHUNK(C);
    for (int first = HG_ROWS_BEGIN(P); first < end; first += chunk) {
        HG_CHANNELS(c, C) {
            const hg_vec mean = HG_LOAD(stats + c), scale = HG_LOAD(stats + C + c);
#if AFFINE
            const hg_vec factor = HG_LOAD(w + c) * scale;
#else
            const hg_vec factor = scale;
#endif
            const hg_vec mean_dy = HG_LOAD(means + c), mean_dw = HG_LOAD(means + C + c);
            for (int r = first; r < min(first + chunk, end); r++) {
                const hg_vec xhat = (HG_X_LOAD(x + r * C + c) - mean) * scale;
                const hg_vec v = factor * ((HG_LOAD(dy + r * C + c) - mean_dy) - xhat * mean_dw);
                HG_DX_VEC(dx, dx_x, r * C + c, v);
            }
        }
    }
}
