/* Pictures made smaller by FH x FW: y[i,j] is the mean of the BOX_H x BOX_W pixels of x from (i FH + FIRST_H, j FW + FIRST_W) on.
 * x [rows * FH, W * FW, C], y [rows, W, C], rows = B * H. HG_VEC divides C.
 * Traffic: 4 bytes a pixel of the box in, 4 a pixel out. */
#ifndef FH
#define FH 2
#define FW 2
#define FIRST_H 0
#define FIRST_W 0
#define BOX_H 2
#define BOX_W 2
#endif

__kernel void forward(__global const float *restrict x, __global float *restrict y, int rows, int W, int C)
{
    const float share = 1.0f / (float)(BOX_H * BOX_W);
    HG_ROWS(row, rows) {
        HG_COLUMNS(j, W) {
            __global const float *from = x + ((row * FH + FIRST_H) * (W * FW) + j * FW + FIRST_W) * C;
            HG_CHANNELS(c, C) {
                hg_vec sum = 0.0f;
                for (int k = 0; k < BOX_H; k++)
                    for (int l = 0; l < BOX_W; l++) sum += HG_LOAD(from + (k * W * FW + l) * C + c);
                HG_STORE(share * sum, y + (row * W + j) * C + c);
            }
        }
    }
}
