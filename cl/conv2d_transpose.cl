/* D, plain: gathers the large side from the small one (model/conv.h). Any shape, no local memory, any work-group.
 *   large[b,y,x,l] = sum over kh, kw, s of small[b, (y+PH-kh*DH)/SH, (x+PW-kw*DW)/SW, s] * weight[kh,kw,s,l]  (+ bias[l])
 * over the taps for which both divisions are exact. small [B, HS, WS, CS], large [B, HL, WL, CL], weight [KH, KW, CS, CL].
 *
 * A work-item computes VEC channels of PIX pixels that lie SW apart in a row: they have the same phase, so the same taps, and
 * their sources are neighbours. SW * ceil(ceil(WL / SW) / PIX) * (CL / VEC) items for each of the B * HL rows; an item
 * reads about KH*KW/(SH*SW) * CS * (PIX + VEC) floats.
 *
 * Macros: KH KW SH SW DH DW PH PW; VEC divides CL; PIX; GRADIENT and what hg_emit_act or hg_emit_dx define. */
#ifndef KH
#define KH 3
#define KW 3
#define SH 2
#define SW 2
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#endif
#ifndef VEC
#define VEC 1
#define PIX 2
#endif
#ifndef GRADIENT
#define GRADIENT 0
#endif

#if VEC == 1
typedef float vec;
#define LOAD(p) (*(p))
#define STORE(v, p) (*(p) = (v))
#else
typedef HG_PASTE(float, VEC) vec;
#define LOAD(p) HG_PASTE(vload, VEC)(0, p)
#define STORE(v, p) HG_PASTE(vstore, VEC)(v, 0, p)
#endif

inline void put(vec v, __global float *out, __global const float *out_x, int i)
{
#if GRADIENT
#if !HG_DX_IS_LINEAR
    const vec value = LOAD(out_x + i);
    v = v * HG_DX_FACTOR(value);
#endif
#if DX_ADD
    v = LOAD(out + i) + v;
#endif
    STORE(v, out + i);
#else
    v = HG_ACT(v);
    STORE(v, out + i);
#endif
}

__kernel void conv2d_transpose(__global const float *restrict small, __global const float *restrict weight,
                               __global const float *restrict bias, __global float *out, __global const float *out_x,
                               int has_bias, int HL, int WL, int CL, int HS, int WS, int CS, int items)
{
    const int id = (int)get_global_id(0);
    if (id >= items) return;
    const int groups = CL / VEC, strips = ((WL + SW - 1) / SW + PIX - 1) / PIX;
    const int l = id % groups * VEC, strip = id / groups, phase = strip % SW, rest = strip / SW;
    const int x = phase + rest % strips * PIX * SW, row = rest / strips, b = row / HL, y = row - b * HL;
    vec acc[PIX];
    const vec start = has_bias ? LOAD(bias + l) : (vec)(0.0f);
    for (int p = 0; p < PIX; p++) acc[p] = start;

    for (int kh = 0; kh < KH; kh++) {
        const int i = y + PH - kh * DH;
        if (i < 0 || i % SH != 0 || i / SH >= HS) continue;
        for (int kw = 0; kw < KW; kw++) {
            const int far = x + PW - kw * DW, j = far / SW;
            if (far % SW != 0) continue;
            __global const float *w = weight + (kh * KW + kw) * CS * CL + l;
            __global const float *from[PIX];
            int inside[PIX];
            for (int p = 0; p < PIX; p++) {
                inside[p] = j + p >= 0 && j + p < WS;
                from[p] = small + ((b * HS + i / SH) * WS + clamp(j + p, 0, WS - 1)) * CS;
            }
            for (int s = 0; s < CS; s++, w += CL) {
                const vec wv = LOAD(w);
                for (int p = 0; p < PIX; p++) acc[p] = HG_MAD((vec)(inside[p] ? from[p][s] : 0.0f), wv, acc[p]);
            }
        }
    }
    for (int p = 0; p < PIX && x + p * SW < WL; p++) put(acc[p], out, out_x, (row * WL + x + p * SW) * CL + l);
}
