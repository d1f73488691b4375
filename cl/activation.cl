/* Elementwise activations. forward: y = f(x), f by ACT. backward: dx = dy f'(x), f' by SELF (gelu, silu: from x); where the
 * derivative follows from the output, dy already is the gradient before the activation and SELF is absent.
 * Macros: ACT.., SELF, those of hg_emit_dx, HG_SPAN. Traffic: 8 bytes an element forward, 8 to 12 backward. */
__kernel void forward(__global const hg_x *restrict x, __global hg_y *restrict y, int n)
{
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec v = hg_get_x(x, i, n);
        hg_put_y(HG_ACT(v), y, i, n);
    }
}

__kernel void backward(__global const float *restrict dy, __global const hg_x *x, int n, __global float *dx, __global const hg_dx_x *dx_x)
{
    HG_FOR(i, HG_VECTORS(n)) {
        hg_vec v = hg_get(dy, i, n);
#ifdef SELF
        const hg_vec at = hg_get_x(x, i, n);
        v = v * SELF(at, 0.0f);
#endif
        hg_put_dx(v, dx, dx_x, i, n);
    }
}
