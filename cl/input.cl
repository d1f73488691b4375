/* Bytes of pictures -> floats in [0, 1]: v / 255, correctly rounded as the host's. Traffic: n bytes in, 4 n out. */
__kernel void input_bytes(__global const uchar *restrict bytes, __global float *restrict x, int n)
{
    HG_FOR(i, n) x[i] = (float)bytes[i] / 255.0f;
}
