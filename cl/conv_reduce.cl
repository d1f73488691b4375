/* Adds up the splits, in order: dw [n] = sum over s of partials [splits][n], and so db [nb]. An item is 16 neighbours, added as a vector.
 * KH: behind an enlargement (src/model/conv_enlarged.h) the partials are those of KH x KW taps, into which the weights of K x L taps,
 * K = KH - SH + 1 and L = KW - SW + 1, were summed. Each of those, `channels` numbers of dw, gathers from the SH x SW taps that it went into.
 * Macros: DW_ADD DB_ADD; KH KW SH SW. Traffic: 4 (splits + 1) bytes an element, SH SW times so much with KH. */
#ifndef DB_ADD
#define DB_ADD 0
#endif

#ifdef KH
/* where number i of dw finds its terms in the partials */
inline int place(int i, int term, int channels)
{
    enum { L = KW - SW + 1 };
    const int tap = HG_WHOLE(i, channels), k = HG_WHOLE(tap, L), a = HG_WHOLE(term, SW);
    return i + ((KH - SH + a - k) * KW + KW - SW + term - a * SW - (tap - k * L) - tap) * channels;
}

/* the numbers [i, n) of dw, 16 at most */
inline void gather_up(__global const float *restrict from, int splits, __global float *restrict to, int i, int n, int channels)
{
    const long step = (long)KH * KW * channels;
    if (HG_MOD(channels, 16) == 0) {
        float16 sum = 0.0f;
        for (int term = 0; term < SH * SW; term++)
            for (int s = 0; s < splits; s++) sum += vload16(0, from + s * step + place(i, term, channels));
        HG_STORE16(DW_ADD ? vload16(0, to + i) + sum : sum, to + i);
    } else {
        HG_REST for (int k = i; k < min(i + 16, n); k++) {
            float sum = 0.0f;
            HG_REST for (int term = 0; term < SH * SW; term++)
                HG_REST for (int s = 0; s < splits; s++) sum += from[s * step + place(k, term, channels)];
            to[k] = DW_ADD ? to[k] + sum : sum;
        }
    }
}
#endif

/* the numbers [i, n) at from, 16 at most */
inline void sum_up(__global const float *restrict from, int splits, __global float *restrict to, int i, int n, int add)
{
    if (i + 16 <= n) {
        float16 sum = vload16(0, from + i);
        for (int s = 1; s < splits; s++) sum += vload16(0, from + (long)s * n + i);
        if (add) sum += vload16(0, to + i);
        HG_STORE16(sum, to + i);
    } else {
        HG_REST for (int k = i; k < n; k++) {
            float sum = from[k];
            HG_REST for (int s = 1; s < splits; s++) sum += from[(long)s * n + k];
            to[k] = add ? to[k] + sum : sum;
        }
    }
}

__kernel void reduce(__global const float *restrict partials, __global const float *restrict bias_partials, int splits, int n, int nb,
                     __global float *restrict dw, __global float *restrict db, int channels)
{
    const int items = (n + 15) / 16, bias_items = (nb + 15) / 16;
    HG_FOR(item, items + bias_items) {
#ifdef KH
        if (item < items) gather_up(partials, splits, dw, item * 16, n, channels);
#else
        if (item < items) sum_up(partials, splits, dw, item * 16, n, DW_ADD);
#endif
        else sum_up(bias_partials, splits, db, (item - items) * 16, nb, DB_ADD);
    }
}
