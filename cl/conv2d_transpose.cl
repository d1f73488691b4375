/* D, plain: gathers the large side from the small one (model/conv.h). Any shape, no local memory, any work-group.
 *   large[b,y,x,l] = sum over kh, kw, s of small[b, (y+PH-kh*DH)/SH, (x+PW-kw*DW)/SW, s] * weight[kh,kw,s,l]
 *                    (+ bias[l]) over the taps for which both divisions are exact.
 * small [B, HS, WS, CS], large [B, HL, WL, CL], weight [KH, KW, CS, CL].
 *
 * A work-item computes HG_VEC channels of 4 pixels that lie SW apart in a row: they have the same phase, so the same
 * taps, and their sources are neighbours. SW * ceil(ceil(WL / SW) / 4) * (CL / HG_VEC) items for each of the B * HL
 * rows; an item reads about KH*KW/(SH*SW) * CS * (4 + HG_VEC) floats. Sums have names as in conv2d.cl.
 *
 * Macros: KH KW SH SW DH DW PH PW; HG_VEC divides CL; GRADIENT and what hg_emit_act or hg_emit_dx define. */
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

/* Source of pixel p of the four at tap column j: is it inside the picture, and where is it (clamped, so that it can be
 * read). */
#define INSIDE(p) (j + p >= 0 && j + p < WS)
#define PLACE(p) ((b * HS + i / SH) * WS + clamp(j + p, 0, WS - 1)) * CS

__kernel void conv2d_transpose(__global const hg_x *restrict small, __global const float *restrict weight,
                               __global const float *restrict bias, __global hg_y *out, __global const hg_dx_x *out_x,
                               int has_bias, int HL, int WL, int CL, int HS, int WS, int CS, int items)
{
    const int id = (int)get_global_id(0);
    if (id >= items) return;
    const int groups = CL / HG_VEC, strips = ((WL + SW - 1) / SW + 3) / 4;
    const int l = HG_MOD(id, groups) * HG_VEC, strip = id / groups, phase = HG_MOD(strip, SW), rest = strip / SW;
    const int x = phase + HG_MOD(rest, strips) * 4 * SW, row = rest / strips, b = row / HL, y = row - b * HL;
    if (x >= WL) return; /* the last strip of a phase that has fewer pixels */
    const hg_vec start = has_bias ? HG_LOAD(bias + l) : (hg_vec)(0.0f);
    hg_vec a0 = start, a1 = start, a2 = start, a3 = start;

    for (int kh = 0; kh < KH; kh++) {
        const int i = y + PH - kh * DH;
        if (i < 0 || i / SH * SH != i || i / SH >= HS) continue;
        for (int kw = 0; kw < KW; kw++) {
            const int far = x + PW - kw * DW, j = far / SW;
            if (j * SW != far) continue;
            const int in0 = INSIDE(0), in1 = INSIDE(1), in2 = INSIDE(2), in3 = INSIDE(3);
            const int at0 = PLACE(0), at1 = PLACE(1), at2 = PLACE(2), at3 = PLACE(3);
            int w = (kh * KW + kw) * CS * CL + l;
            for (int s = 0; s < CS; s++, w += CL) {
                const hg_vec wv = HG_LOAD(weight + w);
                a0 = HG_MAD((hg_vec)(in0 ? HG_X(small + at0 + s) : 0.0f), wv, a0);
                a1 = HG_MAD((hg_vec)(in1 ? HG_X(small + at1 + s) : 0.0f), wv, a1);
                a2 = HG_MAD((hg_vec)(in2 ? HG_X(small + at2 + s) : 0.0f), wv, a2);
                a3 = HG_MAD((hg_vec)(in3 ? HG_X(small + at3 + s) : 0.0f), wv, a3);
            }
        }
    }
    const int at = (row * WL + x) * CL + l;
    hg_store(a0, out, out_x, at);
    if (x + SW < WL) hg_store(a1, out, out_x, at + SW * CL);
    if (x + 2 * SW < WL) hg_store(a2, out, out_x, at + 2 * SW * CL);
    if (x + 3 * SW < WL) hg_store(a3, out, out_x, at + 3 * SW * CL);
}
