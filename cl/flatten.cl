/* Inside, pictures are [B, P, C] (P pixels); flat codes follow PyTorch's order [B, C, P]. One work-item moves one picture's
 * row of outputs; C and P are arguments, so that all layers share the program.
 * Traffic: 8 bytes an element, 12 where the gradient is added. */

/* y [B, C, P] from x [B, P, C] */
__kernel void forward(__global const float *restrict x, __global float *restrict y, int n, int pixels, int channels)
{
    HG_FOR(i, n) {
        int p = i % pixels, r = i / pixels, c = r % channels, b = r / channels;
        y[i] = x[(b * pixels + p) * channels + c];
    }
}

/* dx [B, P, C] from dy [B, C, P] */
__kernel void backward(__global const float *restrict dy, int n, int pixels, int channels, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(i, n) {
        int c = i % channels, r = i / channels, p = r % pixels, b = r / pixels;
        HG_DX(dx, dx_x, i, dy[(b * channels + c) * pixels + p]);
    }
}
