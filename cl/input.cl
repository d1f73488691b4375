/* Bytes of pictures -> floats in [0, 1]: v / 255, correctly rounded as the host's. Traffic: n bytes in, 4 n out. */
__kernel void input_bytes(__global const uchar *restrict bytes, __global float *restrict x, int n)
{
    HG_FOR(i, HG_VECTORS(n)) {
#if HG_VEC > 1
        if (i * HG_VEC + HG_VEC <= n) {
            HG_STORE(HG_TO_FLOAT(HG_LOAD(bytes + i * HG_VEC)) / 255.0f, x + i * HG_VEC);
            continue;
        }
#endif
        for (int k = i * HG_VEC; k < min(i * HG_VEC + HG_VEC, n); k++) x[k] = (float)bytes[k] / 255.0f;
    }
}
