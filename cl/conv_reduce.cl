/* Adds up the splits, in order: dw [n] = sum over s of partials [splits][n], and so db [nb]. An item is 16 neighbours, added as a vector.
 * Macros: DW_ADD DB_ADD. Traffic: 4 (splits + 1) bytes an element. */
#ifndef DB_ADD
#define DB_ADD 0
#endif

/* the numbers [i, n) at from, 16 at most */
inline void sum_up(__global const float *restrict from, int splits, __global float *restrict to, int i, int n, int add)
{
    if (i + 16 <= n) {
        float16 sum = vload16(0, from + i);
        for (int s = 1; s < splits; s++) sum += vload16(0, from + (long)s * n + i);
        if (add) sum += vload16(0, to + i);
        vstore16(sum, 0, to + i);
    } else {
        HG_REST for (int k = i; k < n; k++) {
            float sum = from[k];
            HG_REST for (int s = 1; s < splits; s++) sum += from[(long)s * n + k];
            to[k] = add ? to[k] + sum : sum;
        }
    }
}

__kernel void reduce(__global const float *restrict partials, __global const float *restrict bias_partials, int splits, int n, int nb,
                     __global float *restrict dw, __global float *restrict db)
{
    const int items = (n + 15) / 16, bias_items = (nb + 15) / 16;
    HG_FOR(item, items + bias_items) {
        if (item < items) sum_up(partials, splits, dw, item * 16, n, DW_ADD);
        else sum_up(bias_partials, splits, db, (item - items) * 16, nb, DB_ADD);
    }
}
