/* Pictures made smaller by FH x FW: y[i,j] is the mean of the BOX_H x BOX_W pixels of x from (i FH + FIRST_H, j FW + FIRST_W) on.
 * x [rows * FH, W * FW, C], y [rows, W, C], rows = B * H. HG_VEC divides C. With macros PART and CHANNELS (= C), for few channels on
 * CPUs: the rows of PART pixels' boxes are first added along the row, whatever the channels, then the columns.
 * Traffic: 4 bytes a pixel of the box in, 4 a pixel out. */
#ifndef FH
#define FH 2
#define FW 2
#define FIRST_H 0
#define FIRST_W 0
#define BOX_H 2
#define BOX_W 2
#endif
#ifdef PART
#define ALONG (PART * FW * CHANNELS)
#endif

__kernel void forward(__global const float *restrict x, __global float *restrict y, int rows, int W, int C)
{
    const float share = 1.0f / (float)(BOX_H * BOX_W);
#ifdef PART
    float sums[ALONG];
    HG_ROWS(row, rows)
        for (int j0 = 0; j0 < W; j0 += PART) {
            const int n = min(PART, W - j0), step = W * FW * CHANNELS;
            __global const float *from = x + (row * FH + FIRST_H) * step + j0 * FW * CHANNELS;
            for (int i = 0; i < n * FW * CHANNELS; i++) {
                float sum = from[i];
                for (int k = 1; k < BOX_H; k++) sum += from[k * step + i];
                sums[i] = sum;
            }
            for (int j = 0; j < n; j++)
                for (int c = 0; c < CHANNELS; c++) {
                    float sum = 0.0f;
                    for (int l = 0; l < BOX_W; l++) sum += sums[(j * FW + FIRST_W + l) * CHANNELS + c];
                    y[(row * W + j0 + j) * CHANNELS + c] = share * sum;
                }
        }
#else
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
#endif
}
