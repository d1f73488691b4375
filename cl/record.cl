/* A link of the chain by which src/device/record.c finds out whether command buffers replay rightly. */
__kernel void record_link(__global uint *x, int i)
{
    x[0] = 3 * x[0] + (uint)i;
}
