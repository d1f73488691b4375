/* The bias gradient for GPUs: partial sums of the columns of dy [P, N]; cl/conv_reduce.cl adds them up.
 *   partials[split][n] = sum over the split's pixels p of dy[p, n]
 * A work-group sums COLUMNS columns of a split: NT / COLUMNS items share a column, then the first adds theirs up in
 * order. Reads dy once. Group number: split * column groups + column group.
 *
 * Macros: NT items a group; COLUMNS divides it. */
#ifndef NT
#define NT 64
#define COLUMNS 16
#endif

__attribute__((reqd_work_group_size(NT, 1, 1)))
__kernel void conv_bias(__global const float *restrict dy, __global float *restrict partials, int pixels, int split_pixels, int N)
{
    __local float sums[NT];
    const int lid = (int)get_local_id(0), row = lid / COLUMNS, groups = (N + COLUMNS - 1) / COLUMNS;
    const int group = (int)get_group_id(0), split = group / groups;
    const int n = (group - split * groups) * COLUMNS + HG_MOD(lid, COLUMNS);
    const int last = min((split + 1) * split_pixels, pixels);
    float sum = 0.0f;
    for (int p = split * split_pixels + row; p < last; p += NT / COLUMNS) sum += n < N ? dy[p * N + n] : 0.0f;
    sums[lid] = sum;
    barrier(CLK_LOCAL_MEM_FENCE);
    if (row > 0 || n >= N) return;
    for (int i = lid + COLUMNS; i < NT; i += COLUMNS) sum += sums[i];
    partials[split * N + n] = sum;
}
