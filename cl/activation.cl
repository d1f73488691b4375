/* Elementwise activations. forward: y = f(x), f by ACT. backward: dx = dy f'(x), f' by SELF (gelu, silu: from x); where the
 * derivative follows from the output, dy already is the gradient before the activation and SELF is absent.
 * Macros: ACT.., SELF, those of hg_emit_dx, HG_SPAN. Traffic: 8 bytes an element forward, 8 to 12 backward. */
__kernel void forward(__global const float *restrict x, __global float *restrict y, int n)
{
    HG_FOR(i, HG_VECTORS(n)) {
        const hg_vec v = hg_get(x, i, n);
        hg_put(HG_ACT(v), y, i, n);
    }
}

__kernel void backward(__global const float *restrict dy, __global const float *x, int n, __global float *dx, __global const float *dx_x)
{
    HG_FOR(i, HG_VECTORS(n)) {
        hg_vec v = hg_get(dy, i, n);
#ifdef SELF
        const hg_vec at = hg_get(x, i, n);
        v = v * SELF(at, 0.0f);
#endif
        hg_put_dx(v, dx, dx_x, i, n);
    }
}
