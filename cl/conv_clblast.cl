/* What follows a matrix product by CLBlast: out[i] = act(product[i] + bias[i mod O]), or a gradient times the derivative.
 * Macros: O columns, BIAS, those of hg_store. Reads and writes n floats once. */
#ifndef O
#define O 16
#endif
#ifndef BIAS
#define BIAS 0
#endif

__kernel void finish(__global const float *restrict product, __global const float *restrict bias, __global float *restrict out,
                     __global const float *out_x, int n)
{
    HG_FOR(i, n) {
#if BIAS
        hg_store_one(product[i] + bias[HG_MOD(i, O)], out, out_x, i);
#else
        hg_store_one(product[i], out, out_x, i);
#endif
    }
}
