/* F, plain: gathers the small side from the large one (model/conv.h). Any shape, no local memory, any work-group.
 *   small[b,i,j,s] = sum over kh, kw, l of large[b, i*SH-PH+kh*DH, j*SW-PW+kw*DW, l] * weight[kh,kw,l,s]  (+ bias[s])
 * large [B, HL, WL, CL], small [B, HS, WS, CS], weight [KH, KW, CL, CS].
 *
 * A work-item computes HG_VEC channels of 4 pixels in a row: ceil(WS / 4) * (CS / HG_VEC) items for each of the B * HS
 * rows. Neighbouring items share pixels and read neighbouring weights. An item reads KH*KW*CL*(4 + HG_VEC) floats. The
 * sums have names because arrays of them cost a factor of 4 on llvmpipe, which keeps private arrays in memory.
 *
 * Macros: KH KW SH SW DH DW PH PW; HG_VEC divides CS; GRADIENT and what hg_emit_act or hg_emit_dx define. */
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

/* Pixel p of the four at tap column x: is it inside the picture, and where is it (clamped, so that it can be read). */
#define INSIDE(p) (x + p * SW >= 0 && x + p * SW < WL)
#define PLACE(p) ((b * HL + y) * WL + clamp(x + p * SW, 0, WL - 1)) * CL

__kernel void conv2d(__global const hg_x *restrict large, __global const float *restrict weight,
                     __global const float *restrict bias, __global hg_y *out, __global const hg_dx_x *out_x,
                     int has_bias, int HL, int WL, int CL, int HS, int WS, int CS, int items)
{
    const int id = (int)get_global_id(0);
    if (id >= items) return;
    const int groups = CS / HG_VEC, across = (WS + 3) / 4;
    const int s = HG_MOD(id, groups) * HG_VEC, strip = id / groups, j = HG_MOD(strip, across) * 4, row = strip / across;
    const int b = row / HS, y0 = (row - b * HS) * SH - PH, x0 = j * SW - PW;
    const hg_vec start = has_bias ? HG_LOAD(bias + s) : (hg_vec)(0.0f);
    hg_vec a0 = start, a1 = start, a2 = start, a3 = start;

    for (int kh = 0; kh < KH; kh++) {
        const int y = y0 + kh * DH;
        if (y < 0 || y >= HL) continue;
        for (int kw = 0; kw < KW; kw++) {
            const int x = x0 + kw * DW;
            const int in0 = INSIDE(0), in1 = INSIDE(1), in2 = INSIDE(2), in3 = INSIDE(3);
            const int at0 = PLACE(0), at1 = PLACE(1), at2 = PLACE(2), at3 = PLACE(3);
            int w = (kh * KW + kw) * CL * CS + s;
            for (int l = 0; l < CL; l++, w += CS) {
                const hg_vec wv = HG_LOAD(weight + w);
                a0 = HG_MAD((hg_vec)(in0 ? HG_X(large + at0 + l) : 0.0f), wv, a0);
                a1 = HG_MAD((hg_vec)(in1 ? HG_X(large + at1 + l) : 0.0f), wv, a1);
                a2 = HG_MAD((hg_vec)(in2 ? HG_X(large + at2 + l) : 0.0f), wv, a2);
                a3 = HG_MAD((hg_vec)(in3 ? HG_X(large + at3 + l) : 0.0f), wv, a3);
            }
        }
    }
    const int at = (row * WS + j) * CS + s;
    hg_store(a0, out, out_x, at);
    if (j + 1 < WS) hg_store(a1, out, out_x, at + CS);
    if (j + 2 < WS) hg_store(a2, out, out_x, at + 2 * CS);
    if (j + 3 < WS) hg_store(a3, out, out_x, at + 3 * CS);
}
