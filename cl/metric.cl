/* Losses of a step: rows of the metrics ring, [0] total, [1..5] the parts (reconstruction, kl, penalty, discriminator, generator),
 * [6..10] the weighted parts.
 * Macros: SUMS (0 to 4), for each of them PARTk and FIRSTk (nothing was added to that part before); TOTAL, and with it WRITTEN (bits of
 * the parts that something was added to). Traffic: the partials. */
#define HG_METRICS 16
#define PARTS 5
#ifndef SUMS
#define SUMS 1
#define PART0 1
#define FIRST0 1
#endif
#ifndef TOTAL
#define TOTAL 1
#define WRITTEN 2
#endif

/* Adds scale times the sum of n partials to a part, in order, with Kahan's compensation (1965). */
static inline void add_part(__global float *row, int part, int first, __global const float *partials, int n, float scale, float weight)
{
    float sum = 0.0f, lost = 0.0f;
    for (int i = 0; i < n; i++) {
        float v = partials[i] - lost, next = sum + v;
        lost = (next - sum) - v;
        sum = next;
    }
    sum *= scale;
    row[part] = first ? sum : row[part] + sum;
    row[part + PARTS] = first ? weight * sum : row[part + PARTS] + weight * sum;
}

#define SUM_ARGS(k) __global const float *restrict partials##k, int n##k, float scale##k, float weight##k,
#define ADD_PART(k) add_part(row, PART##k, FIRST##k, partials##k, n##k, scale##k, weight##k)

/* One work-item adds SUMS sums; with TOTAL the step's total is theirs so far, and is it finite? Parts without a sum are 0. */
__kernel void metric(
#if SUMS > 0
    SUM_ARGS(0)
#endif
#if SUMS > 1
    SUM_ARGS(1)
#endif
#if SUMS > 2
    SUM_ARGS(2)
#endif
#if SUMS > 3
    SUM_ARGS(3)
#endif
    __global float *restrict metrics, __global hg_state *restrict state, __global const hg_step *restrict step)
{
    __global float *row = metrics + (int)step->slot * HG_METRICS;
#if SUMS > 0
    ADD_PART(0);
#endif
#if SUMS > 1
    ADD_PART(1);
#endif
#if SUMS > 2
    ADD_PART(2);
#endif
#if SUMS > 3
    ADD_PART(3);
#endif
#if TOTAL
    float total = 0.0f;
    for (int part = 1; part <= PARTS; part++) {
        if (!(WRITTEN >> part & 1)) row[part] = row[part + PARTS] = 0.0f;
        total += row[part + PARTS];
    }
    row[0] = total;
    if (!isfinite(total)) state->bad = 1;
    state->grad_scale = 1.0f; /* cl/clip.cl may lower it */
#endif
}
