/* Max pooling. y[b,i,j,c] = max over the window of x; the first maximum in row-major order wins, NaN wins over all (as PyTorch).
 * The winner's place in its window is stored as a byte (0..KH*KW-1), so that the backward pass is a gather: an input pixel asks
 * every window that covers it whether it was the one. Padding never wins.
 * Macros: C H W OH OW KH KW SH SW PH PW; HG_VEC channels go together (divides C). One item is a row of pixels.
 * Traffic: forward 4 bytes in per input, 5 out per output; backward 5 in per output, 4 to 8 out per input. */
#ifndef C
#define C 1
#define H 4
#define W 4
#define OH 2
#define OW 2
#define KH 2
#define KW 2
#define SH 2
#define SW 2
#define PH 0
#define PW 0
#endif

/* a byte holds the place in a window of up to 256 pixels */
#if KH * KW <= 256
typedef uchar place_t;
#define LOAD_PLACE(p) HG_LOAD_UCHAR(p)
#define STORE_PLACE(v, p) HG_STORE_UCHAR(v, p)
#else
typedef int place_t;
#define LOAD_PLACE(p) HG_LOAD_INT(p)
#define STORE_PLACE(v, p) HG_STORE(v, p)
#endif

#define CELL(b, i, j, hh, ww, c) ((((b) * (hh) + (i)) * (ww) + (j)) * C + (c))

/* rows: B * OH */
__kernel void forward(__global const float *restrict x, __global float *restrict y, __global place_t *restrict winner, int rows)
{
    HG_FOR(row, rows) {
        const int b = row / OH, i = row - b * OH;
        for (int j = 0; j < OW; j++) {
            const int top = i * SH - PH, left = j * SW - PW;
            const int r0 = max(top, 0), r1 = min(top + KH, H), s0 = max(left, 0), s1 = min(left + KW, W);
            for (int c = 0; c < C; c += HG_VEC) {
                hg_vec best = -INFINITY;
                hg_ivec at = (r0 - top) * KW + s0 - left;
                for (int r = r0; r < r1; r++)
                    for (int s = s0; s < s1; s++) {
                        const hg_vec v = HG_LOAD(x + CELL(b, r, s, H, W, c));
                        const hg_ivec place = (r - top) * KW + s - left, wins = (v > best) | (v != v);
                        best = wins ? v : best;
                        at = wins ? place : at;
                    }
                HG_STORE(best, y + CELL(b, i, j, OH, OW, c));
                STORE_PLACE(at, winner + CELL(b, i, j, OH, OW, c));
            }
        }
    }
}

/* rows: B * H. Window i covers input row r if i SH - PH <= r < i SH - PH + KH. */
__kernel void backward(__global const float *restrict dy, __global const place_t *restrict winner, int rows, __global float *restrict dx, __global const float *dx_x)
{
    HG_FOR(row, rows) {
        const int b = row / H, r = row - b * H;
        const int i0 = max((r + PH - KH + SH) / SH, 0), i1 = min((r + PH) / SH, OH - 1);
        for (int s = 0; s < W; s++) {
            const int j0 = max((s + PW - KW + SW) / SW, 0), j1 = min((s + PW) / SW, OW - 1);
            for (int c = 0; c < C; c += HG_VEC) {
                hg_vec sum = 0.0f;
                for (int i = i0; i <= i1; i++)
                    for (int j = j0; j <= j1; j++) {
                        const int o = CELL(b, i, j, OH, OW, c);
                        const hg_ivec mine = (r - i * SH + PH) * KW + s - j * SW + PW, won = LOAD_PLACE(winner + o) == mine;
                        const hg_vec none = 0.0f;
                        sum += won ? HG_LOAD(dy + o) : none;
                    }
                HG_DX_VEC(dx, dx_x, CELL(b, r, s, H, W, c), sum);
            }
        }
    }
}
