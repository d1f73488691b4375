/* Elementwise activations. forward: y = f(x), f by ACT. backward: dx = dy f'(x), f' by SELF (gelu, silu: from x); where the
 * derivative follows from the output, dy already is the gradient before the activation and SELF is absent.
 * Traffic: 8 bytes an element forward, 8 to 12 backward. */
__kernel void forward(__global const float *restrict x, __global float *restrict y, int n)
{
    HG_FOR(i, n) {
        const float v = x[i];
        y[i] = HG_ACT(v);
    }
}

__kernel void backward(__global const float *restrict dy, __global const float *x, int n, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(i, n) {
#ifdef SELF
        const float v = x[i];
        HG_DX(dx, dx_x, i, dy[i] * SELF(v, 0.0f));
#else
        HG_DX(dx, dx_x, i, dy[i]);
#endif
    }
}
