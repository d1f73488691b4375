/* Losses of a step: rows of the metrics ring, [0] total, [1..5] the parts (reconstruction, kl, penalty, discriminator, generator),
 * [6..10] the weighted parts. */
#define HG_METRICS 16
#define PARTS 5

/* Adds scale times the sum of n partials to a part. One work-item, in order, with Kahan's compensation (1965). */
__kernel void metric_add(__global const float *restrict partials, int n, float scale, float weight, int part, int first,
                         __global float *restrict metrics, __global const hg_step *restrict step)
{
    __global float *row = metrics + (int)step->slot * HG_METRICS;
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

/* The total so far, and whether it is finite. Parts that no node has written (bits of `written`) are 0. */
__kernel void metric_finish(__global float *restrict metrics, __global hg_state *restrict state, __global const hg_step *restrict step, int written)
{
    __global float *row = metrics + (int)step->slot * HG_METRICS;
    float total = 0.0f;
    for (int part = 1; part <= PARTS; part++) {
        if (!(written >> part & 1)) row[part] = row[part + PARTS] = 0.0f;
        total += row[part + PARTS];
    }
    row[0] = total;
    if (!isfinite(total)) state->bad = 1;
    state->grad_scale = 1.0f; /* cl/clip.cl may lower it */
}
