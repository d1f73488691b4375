/* The way back from flat codes [B, C, P] in PyTorch's order to pictures [B, P, C]. Traffic: 8 bytes an element. */

/* y [B, P, C] from x [B, C, P] */
__kernel void forward(__global const float *restrict x, __global float *restrict y, int n, int pixels, int channels)
{
    HG_FOR(i, n) {
        int c = i % channels, r = i / channels, p = r % pixels, b = r / pixels;
        y[i] = x[(b * channels + c) * pixels + p];
    }
}

/* dx [B, C, P] from dy [B, P, C] */
__kernel void backward(__global const float *restrict dy, int n, int pixels, int channels, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(i, n) {
        int p = i % pixels, r = i / pixels, c = r % channels, b = r / channels;
        HG_DX(dx, dx_x, i, dy[(b * pixels + p) * channels + c]);
    }
}
