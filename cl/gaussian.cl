/* The Gaussian latent: z = mean + sigma e with e ~ N(0, 1) drawn again wherever it is needed (never stored), and the divergence
 * KL(N(mean, sigma^2) || N(0, 1)) (Kingma, Welling: "Auto-encoding variational Bayes", 2014).
 * FORM 0 (logvar): sigma = exp(s / 2), KL = -1/2 (1 + s - mean^2 - exp(s))
 * FORM 1 (logsigma_kl_logvar): sigma = exp(s), the same KL
 * FORM 2 (sigma): sigma = s, KL = 1/2 (mean^2 + s^2 - ln(s^2 + 1e-8) - 1)
 * Macros: FORM, NOISE (0: epsilon_std is 0, nothing is drawn), STREAM (the node's random stream), those of hg_emit_dx
 * (DX: of the mean, DS: of s), HG_SPAN, HG_GROUP. Traffic: 12 bytes an element forward, 20 backward; tiny. */
#include "random.cl"

#ifndef FORM
#define FORM 0
#endif
#ifndef NOISE
#define NOISE 1
#endif
#ifndef DS_ADD
#define DS_ADD 0
#endif
#ifndef STREAM
#define STREAM 0x100
#endif

#if FORM == 0
#define SIGMA(s) exp(0.5f * (s))
#define SIGMA_GRAD(s) (0.5f * exp(0.5f * (s)))
#elif FORM == 1
#define SIGMA(s) exp(s)
#define SIGMA_GRAD(s) exp(s)
#else
#define SIGMA(s) (s)
#define SIGMA_GRAD(s) 1.0f
#endif

#if FORM == 2
#define KL(m, s) (0.5f * ((m) * (m) + (s) * (s) - log((s) * (s) + 1e-8f) - 1.0f))
#define KL_GRAD(s) ((s) - (s) / ((s) * (s) + 1e-8f))
#else
#define KL(m, s) (0.5f * ((m) * (m) + exp(s) - 1.0f - (s)))
#define KL_GRAD(s) (0.5f * (exp(s) - 1.0f))
#endif

/* The normals of the four vectors from number 4 HG_VEC q on. */
static inline void noise(__global const hg_step *step, int q, float epsilon_std, hg_vec e[4])
{
#if NOISE
    hg_normal_lanes(step, STREAM, (uint)q * HG_VEC, e);
    for (int k = 0; k < 4; k++) e[k] *= epsilon_std;
#else
    for (int k = 0; k < 4; k++) e[k] = 0.0f;
#endif
}

__kernel void forward(__global const float *restrict mean, __global const float *restrict s, __global float *restrict z,
                      __global float *restrict partials, __global const hg_step *restrict step, int n, float epsilon_std)
{
    HG_SUM_BEGIN
    hg_vec sum = 0.0f, e[4];
    HG_FOR(q, HG_FOURS(n)) {
        noise(step, q, epsilon_std, e);
        HG_FOUR(k, i, q, n) {
            const hg_vec m = hg_get(mean, i, n), v = hg_get(s, i, n);
            hg_put(m + SIGMA(v) * e[k], z, i, n);
            sum += hg_inside(KL(m, v), i, n);
        }
    }
    HG_SUM_END(hg_lanes(sum), partials);
}

/* the second head's gradient */
#ifdef DS_ACT
HG_PUT_GRADIENT(put_ds, 0, DS_ACT, DS_ACT_P, DS_ADD)
#else
HG_PUT_GRADIENT(put_ds, 1, ACT_GRAD_linear, 0.0f, DS_ADD)
#endif

/* scale is beta / B */
__kernel void backward(__global const float *restrict dz, __global const float *mean, __global const float *s,
                       __global const hg_step *restrict step, int n, float scale, float epsilon_std,
                       __global float *dx, __global const hg_dx_x *dx_x, __global float *ds, __global const hg_dx_x *ds_x)
{
    hg_vec e[4];
    HG_FOR(q, HG_FOURS(n)) {
        noise(step, q, epsilon_std, e);
        HG_FOUR(k, i, q, n) {
            const hg_vec d = hg_get(dz, i, n), v = hg_get(s, i, n);
            hg_put_dx(d + scale * hg_get(mean, i, n), dx, dx_x, i, n);
            put_ds(d * SIGMA_GRAD(v) * e[k] + scale * KL_GRAD(v), ds, ds_x, i, n);
        }
    }
}
