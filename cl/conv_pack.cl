/* Weights in another order; every number is read and written once.
 *   conv_swap: packed[tap, out, in] = stored[tap, in, out]. On a CPU (HG_SPAN) an item is 16 outputs of a tap, whose 16 x 16 squares are
 *   turned in registers; elsewhere it is a number.
 *   conv_panels, for CPUs: packed[panel, tap, g, k] = stored[tap, g, o0 + k], with SWAP stored[tap, o0 + k, g], where o0 = PANEL panel,
 *   the last one moved back. An item is a tap of a panel.
 *   conv_enlarge (src/model/conv_enlarged.h): packed[t, u, io] = sum over a < SH, b < SW of stored[K - 1 + a - t, L - 1 + b - u, io] where that is,
 *   with KH = K + SH - 1 and KW = L + SW - 1. An item is 16 of the `channels` io of a tap. */
#include "shuffles.cl"

#ifdef HG_SPAN

inline void turn(__global const float *restrict from, int from_step, __global float *restrict to, int to_step)
{
    float16 square[16];
    HG_UNROLL for (int k = 0; k < 16; k++) square[k] = vload16(0, from + k * from_step);
    hg_turn(square);
    HG_UNROLL for (int k = 0; k < 16; k++) HG_STORE16(square[k], to + k * to_step);
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
        HG_REST for (int o = o0; o < min(o0 + 16, out); o++)
            HG_REST for (int r = k; r < in; r++) to[o * in + r] = from[r * out + o];
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

#ifdef PANEL
__kernel void conv_panels(__global const float *restrict stored, __global float *restrict packed, int gathered, int written, int taps, int panels)
{
    HG_FOR(item, panels * taps) {
        const int panel = item / taps, tap = item - panel * taps, o0 = min(panel * PANEL, written - PANEL);
        __global float *to = packed + item * gathered * PANEL;
#if SWAP
        __global const float *from = stored + (tap * written + o0) * gathered;
        int g = 0;
#if defined HG_SPAN && PANEL % 16 == 0
        for (; g + 16 <= gathered; g += 16)
            for (int k = 0; k < PANEL; k += 16) turn(from + k * gathered + g, gathered, to + g * PANEL + k, PANEL);
#endif
        HG_REST for (; g < gathered; g++)
            HG_REST for (int k = 0; k < PANEL; k++) to[g * PANEL + k] = from[k * gathered + g];
#else
        __global const float *from = stored + tap * gathered * written + o0;
        for (int g = 0; g < gathered; g++)
            for (int k = 0; k < PANEL; k++) to[g * PANEL + k] = from[g * written + k];
#endif
    }
}
#endif

#ifdef KH
__kernel void conv_enlarge(__global const float *restrict stored, __global float *restrict packed, int channels)
{
    enum { K = KH - SH + 1, L = KW - SW + 1 };
    const int blocks = (channels + 15) / 16;
    HG_FOR(item, KH * KW * blocks) {
        const int tap = item / blocks, t = HG_WHOLE(tap, KW), u = tap - t * KW, first = (item - tap * blocks) * 16;
        for (int i = first; i < min(first + 16, channels); i++) {
            float sum = 0.0f;
            for (int k = max(K - 1 - t, 0); k <= min(K - 1 + SH - 1 - t, K - 1); k++)
                for (int l = max(L - 1 - u, 0); l <= min(L - 1 + SW - 1 - u, L - 1); l++) sum += stored[(k * L + l) * channels + i];
            packed[tap * channels + i] = sum;
        }
    }
}
#endif
