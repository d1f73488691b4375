/* Bias gradient for CPU devices: partial sums of dy [n pixels, C] over spans of pixels; partials [splits, C]. Whole groups of GROUP pixels are so many
 * vectors of 16 numbers that lanes always meet the same channels. */
#ifndef C
#define C 16
#endif
#ifndef GROUP
#define GROUP 1 /* 16 / gcd(C, 16) */
#endif
enum { PERIOD = C * GROUP / 16 };

__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void bias_gradient(__global const float *restrict dy, __global float *restrict partials, int n, int span)
{
    const int split = (int)get_global_id(0), begin = split * span, end = min(begin + span, n), whole = begin + (end - begin) / GROUP * GROUP;
    float16 sum[PERIOD];
    for (int v = 0; v < PERIOD; v++) sum[v] = 0.0f;
    for (int p = begin; p < whole; p += GROUP)
        for (int v = 0; v < PERIOD; v++) sum[v] += vload16(v, dy + p * C);
    float total[C];
    for (int c = 0; c < C; c++) total[c] = 0.0f;
    for (int v = 0; v < PERIOD; v++) {
        float part[16];
        vstore16(sum[v], 0, part);
        for (int lane = 0; lane < 16; lane++) total[(v * 16 + lane) % C] += part[lane];
    }
    for (int p = whole; p < end; p++)
        for (int c = 0; c < C; c++) total[c] += dy[p * C + c];
    for (int c = 0; c < C; c++) partials[split * C + c] = total[c];
}
