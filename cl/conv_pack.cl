/* Weights in another order: packed[tap, out, in] = stored[tap, in, out]. Reads and writes taps * in * out floats once.
 * On a CPU (HG_SPAN) an item is 16 outputs of a tap, whose 16 x 16 squares are turned in registers; elsewhere it is a number. */

#ifdef HG_SPAN

/* Four perfect shuffles of 16 rows are a transposition. */
inline void turn(__global const float *restrict from, int from_step, __global float *restrict to, int to_step)
{
    float16 a[16], b[16];
    HG_UNROLL for (int k = 0; k < 16; k++) a[k] = vload16(0, from + k * from_step);
    HG_UNROLL for (int round = 0; round < 2; round++) {
        HG_UNROLL for (int k = 0; k < 8; k++) {
            b[2 * k] = HG_LOW(a[k], a[k + 8]);
            b[2 * k + 1] = HG_HIGH(a[k], a[k + 8]);
        }
        HG_UNROLL for (int k = 0; k < 8; k++) {
            a[2 * k] = HG_LOW(b[k], b[k + 8]);
            a[2 * k + 1] = HG_HIGH(b[k], b[k + 8]);
        }
    }
    HG_UNROLL for (int k = 0; k < 16; k++) vstore16(a[k], 0, to + k * to_step);
}

__kernel void conv_swap(__global const float *restrict stored, __global float *restrict packed, int in, int out, int taps)
{
    const int blocks = (out + 15) / 16;
    HG_FOR(item, taps * blocks) {
        const int tap = item / blocks, o0 = (item - tap * blocks) * 16;
        __global const float *from = stored + tap * in * out;
        __global float *to = packed + tap * in * out;
        int k = 0;
        if (o0 + 16 <= out)
            for (; k + 16 <= in; k += 16) turn(from + k * out + o0, out, to + o0 * in + k, in);
        for (int o = o0; o < min(o0 + 16, out); o++)
            for (int r = k; r < in; r++) to[o * in + r] = from[r * out + o];
    }
}
#else
__kernel void conv_swap(__global const float *restrict stored, __global float *restrict packed, int in, int out, int taps)
{
    HG_FOR(i, taps * in * out) {
        const int tap = i / (in * out), rest = i - tap * in * out, o = rest / in, k = rest - o * in;
        packed[i] = stored[(tap * in + k) * out + o];
    }
}
#endif
