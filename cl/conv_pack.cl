/* Weights in another order.
 *
 * conv_swap: packed[tap, out, in] = stored[tap, in, out]. Reads and writes n = taps * in * out floats once. */

__kernel void conv_swap(__global const float *restrict stored, __global float *restrict packed, int in, int out, int n)
{
    HG_FOR(i, n) {
        const int tap = i / (in * out), rest = i - tap * in * out, o = rest / in, k = rest - o * in;
        packed[i] = stored[(tap * in + k) * out + o];
    }
}
