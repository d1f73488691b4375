/* LABELS numbers behind the C channels of each of the `rows` = B * P pixels: 1 at the example's label, else 0; a label beyond
 * them is none. x [rows, C], labels [B], y [rows, C + LABELS]. HG_VEC divides C.
 * Macros: LABELS; backward those of hg_emit_dx. Traffic: 8 bytes a number of x and 4 a label forward; 8 or 12 a number of x backward. */
#ifndef LABELS
#define LABELS 10
#endif

__kernel void forward(__global const hg_x *restrict x, __global const uint *restrict labels, __global hg_y *restrict y, int rows, int P, int C)
{
    HG_ROWS(r, rows) {
        const uint label = labels[r / P];
        __global hg_y *to = y + r * (C + LABELS);
        HG_CHANNELS(c, C) HG_Y_STORE(HG_X_LOAD(x + r * C + c), to + c);
        for (int k = (int)get_global_id(0); k < LABELS; k += (int)get_global_size(0)) HG_Y((uint)k == label ? 1.0f : 0.0f, to + C + k);
    }
}

__kernel void backward(__global const float *dy, __global float *dx, __global const hg_dx_x *dx_x, int rows, int C)
{
    HG_ROWS(r, rows) {
        HG_CHANNELS(c, C) {
            const hg_vec v = HG_LOAD(dy + r * (C + LABELS) + c);
            HG_DX_VEC(dx, dx_x, r * C + c, v);
        }
    }
}
