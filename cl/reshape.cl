/* From a picture of P1 pixels and C1 channels to one of P2 and C2 whose numbers are the same in PyTorch's order:
 * number t = c P + p of an example lies at p C + c. Both passes, with the roles swapped. `rows` is B * P2.
 * Macros: GRADIENT with those of hg_emit_dx. Traffic: 8 bytes a number, 12 where a gradient is added. */
__kernel void reshape(__global const hg_x *restrict from, __global hg_y *to, __global const hg_dx_x *to_x, int rows, int P1, int C1, int P2, int C2)
{
    HG_ROWS(r, rows) {
        const int b = r / P2, p2 = r - b * P2;
        HG_CHANNELS(c2, C2) {
            const int t = c2 * P2 + p2, c1 = t / P1, p1 = t - c1 * P1;
            hg_store(HG_X(from + b * P1 * C1 + p1 * C1 + c1), to, to_x, r * C2 + c2);
        }
    }
}
