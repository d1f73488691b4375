/* F, plain: gathers the small side from the large one (model/conv.h). Any shape, no local memory, any work-group.
 *   small[b,i,j,s] = sum over kh, kw, l of large[b, i*SH-PH+kh*DH, j*SW-PW+kw*DW, l] * weight[kh,kw,l,s]  (+ bias[s])
 * large [B, HL, WL, CL], small [B, HS, WS, CS], weight [KH, KW, CL, CS].
 *
 * A work-item computes VEC channels of PIX pixels in a row: ceil(WS / PIX) * (CS / VEC) items for each of the B * HS rows.
 * Neighbouring items share pixels and read neighbouring weights. An item reads KH*KW*CL*(PIX + VEC) floats.
 *
 * Macros: KH KW SH SW DH DW PH PW; VEC divides CS; PIX; GRADIENT and what hg_emit_act or hg_emit_dx define. */
#ifndef KH
#define KH 3
#define KW 3
#define SH 1
#define SW 1
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

__kernel void conv2d(__global const float *restrict large, __global const float *restrict weight,
                     __global const float *restrict bias, __global float *out, __global const float *out_x,
                     int has_bias, int HL, int WL, int CL, int HS, int WS, int CS, int items)
{
    const int id = (int)get_global_id(0);
    if (id >= items) return;
    const int groups = CS / VEC, across = (WS + PIX - 1) / PIX;
    const int s = id % groups * VEC, strip = id / groups, j = strip % across * PIX, row = strip / across;
    const int b = row / HS, y0 = (row - b * HS) * SH - PH, x0 = j * SW - PW;
    vec acc[PIX];
    const vec start = has_bias ? LOAD(bias + s) : (vec)(0.0f);
    for (int p = 0; p < PIX; p++) acc[p] = start;

    for (int kh = 0; kh < KH; kh++) {
        const int y = y0 + kh * DH;
        if (y < 0 || y >= HL) continue;
        for (int kw = 0; kw < KW; kw++) {
            const int x = x0 + kw * DW;
            __global const float *w = weight + (kh * KW + kw) * CL * CS + s;
            __global const float *from[PIX];
            int inside[PIX];
            for (int p = 0; p < PIX; p++) {
                const int xp = x + p * SW;
                inside[p] = xp >= 0 && xp < WL;
                from[p] = large + ((b * HL + y) * WL + clamp(xp, 0, WL - 1)) * CL;
            }
            for (int l = 0; l < CL; l++, w += CS) {
                const vec wv = LOAD(w);
                for (int p = 0; p < PIX; p++) acc[p] = HG_MAD((vec)(inside[p] ? from[p][l] : 0.0f), wv, acc[p]);
            }
        }
    }
    for (int p = 0; p < PIX && j + p < WS; p++) put(acc[p], out, out_x, (row * WS + j + p) * CS + s);
}
