/* dw [n] = sum over s of partials [splits][n], in order. An item is 16 neighbours, added as a vector.
 * Macros: DW_ADD. Traffic: 4 (splits + 1) bytes an element. */
__kernel void reduce(__global const float *restrict partials, int splits, int n, __global float *restrict dw)
{
    HG_FOR(item, (n + 15) / 16) {
        const int i = item * 16;
        if (i + 16 <= n) {
            float16 sum = vload16(0, partials + i);
            for (int s = 1; s < splits; s++) sum += vload16(0, partials + (long)s * n + i);
#if DW_ADD
            sum += vload16(0, dw + i);
#endif
            vstore16(sum, 0, dw + i);
        } else {
            for (int k = i; k < n; k++) {
                float sum = partials[k];
                for (int s = 1; s < splits; s++) sum += partials[(long)s * n + k];
#if DW_ADD
                sum += dw[k];
#endif
                dw[k] = sum;
            }
        }
    }
}
