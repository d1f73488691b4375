/* W for GPUs: partial sums of the weight gradient (model/conv.h); cl/conv_reduce.cl adds them up.
 *   product[m, n] = sum over the split's pixels p = (b,i,j) of the small side of gathered[p, m] * small[p, n]
 * m runs over (tap, channel l of the large side), n over channels s of the small side; gathered is the large side's
 * pixel (i*SH-PH+kh*DH, j*SW-PW+kw*DW). The product goes to partials[split][tap, in, out]: (in, out) is (l, s), or
 * (s, l) if TRANSPOSED.
 *
 * A work-group of NT = (TM/RM)*(TN/RN) items computes TM x TN of a split's product, TK pixels at a time through local
 * memory, as in conv_gpu.cl. Group number: split * tiles + m tile * n_tiles + n tile.
 *
 * large [B, HL, WL, CL], small [B, HS, WS, CS].
 * Macros: KH KW SH SW DH DW PH PW; CL, HS, WS; HG_VEC (4 if it divides CS, else 1); TM TN TK RM RN; TRANSPOSED. */
#ifndef KH
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#define CL 4
#define HS 8
#define WS 8
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef TM
#define TM 32
#define TN 32
#define TK 16
#define RM 4
#define RN 4
#endif

#define LX (TN / RN)
#define LY (TM / RM)
#define NT (LX * LY)

/* The side that the layer read holds values, the other gradients, which are float. */
#if TRANSPOSED
typedef float large_t;
typedef hg_x small_t;
#define LARGE(p) HG_FLOAT(p)
#define LARGE4(p) HG_FLOAT4(p)
#define SMALL(p) HG_X(p)
#define SMALL4(p) HG_X4(p)
#else
typedef hg_x large_t;
typedef float small_t;
#define LARGE(p) HG_X(p)
#define LARGE4(p) HG_X4(p)
#define SMALL(p) HG_FLOAT(p)
#define SMALL4(p) HG_FLOAT4(p)
#endif

/* The vector in which gathered channels are read; the small side's is hg_vec. */
#if CL % 4 == 0
#define AV 4
typedef float4 avec;
#define READ_LARGE(p) LARGE4(p)
#else
#define AV 1
typedef float avec;
#define READ_LARGE(p) LARGE(p)
#endif
#if HG_VEC == 4
#define READ_SMALL(p) SMALL4(p)
#else
#define READ_SMALL(p) SMALL(p)
#endif

/* Each item reads A_READS vectors of the large side's slice, A_STEP (it divides TK) pixels apart, and B_READS of the
 * small side's; unused rows as in conv_gpu.cl. */
#define A_LANES (TM / AV)
#define A_STEP (NT / A_LANES)
#define A_READS (TK / A_STEP)
#define B_LANES (TN / HG_VEC)
#define B_STEP (NT / B_LANES)
#define B_READS ((TK + B_STEP - 1) / B_STEP)
#define B_ROWS (B_STEP * B_READS)

#define AW (RM < 4 ? RM : 4)
#define NB (RN / HG_VEC)
#define ROW(i) ((i) / AW * (LY * AW) + ty * AW + (i) % AW)
#define COLUMN(j) ((j) * (LX * HG_VEC) + tx * HG_VEC)

/* One slice of the large side from pixel p of the small side on: zeros outside of the picture and past the end. */
static inline void read_large(avec next[A_READS], __global const large_t *restrict large, int p, int last, int oy, int ox,
                              int channel, bool inside, int HL, int WL)
{
#pragma unroll
    for (int r = 0; r < A_READS; r++, p += A_STEP) {
        const int b = p / (HS * WS), i = p / WS - b * HS, j = HG_MOD(p, WS), y = i * SH + oy, x = j * SW + ox;
        next[r] = (avec)(0.0f);
        if (inside && p < last && y >= 0 && y < HL && x >= 0 && x < WL)
            next[r] = READ_LARGE(large + ((b * HL + y) * WL + x) * CL + channel);
    }
}

/* One slice of the small side from pixel p on. */
static inline void read_small(hg_vec next[B_READS], __global const small_t *restrict small, int p, int last, int n,
                              int CS)
{
#pragma unroll
    for (int r = 0; r < B_READS; r++, p += B_STEP) {
        next[r] = (hg_vec)(0.0f);
        if (p < last && n < CS) next[r] = READ_SMALL(small + p * CS + n);
    }
}

__attribute__((reqd_work_group_size(NT, 1, 1)))
__kernel void conv_weight(__global const large_t *restrict large, __global const small_t *restrict small, __global float *restrict partials,
                          int pixels, int split_pixels, int HL, int WL, int CS, int n_tiles, int tiles)
{
    __local float4 a_slice4[TK * TM / 4], b_slice4[(B_ROWS * TN + 3) / 4]; /* float4: aligned for vector access */
    __local float *a_slice = (__local float *)a_slice4, *b_slice = (__local float *)b_slice4;
    const int lid = (int)get_local_id(0), tx = HG_MOD(lid, LX), ty = lid / LX;
    const int split = (int)get_group_id(0) / tiles, tile = (int)get_group_id(0) - split * tiles;
    const int M = KH * KW * CL;
    const int m0 = tile / n_tiles * TM, n0 = HG_MOD(tile, n_tiles) * TN;
    const int first = split * split_pixels, last = min(first + split_pixels, pixels);
    const int a_lane = HG_MOD(lid, A_LANES) * AV, a_row = lid / A_LANES, am = m0 + a_lane;
    const int tap = am / CL, channel = am - tap * CL, oy = tap / KW * DH - PH, ox = HG_MOD(tap, KW) * DW - PW;
    const int b_lane = HG_MOD(lid, B_LANES) * HG_VEC, b_row = lid / B_LANES;

    avec a_next[A_READS];
    hg_vec b_next[B_READS], sum[RM][NB];
#pragma unroll
    for (int i = 0; i < RM; i++)
#pragma unroll
        for (int j = 0; j < NB; j++) sum[i][j] = (hg_vec)(0.0f);

    read_large(a_next, large, first + a_row, last, oy, ox, channel, am < M, HL, WL);
    read_small(b_next, small, first + b_row, last, n0 + b_lane, CS);
    for (int p = first; p < last; p += TK) {
        barrier(CLK_LOCAL_MEM_FENCE); /* the slice before has been used */
#pragma unroll
        for (int r = 0; r < A_READS; r++) *(__local avec *)(a_slice + (a_row + r * A_STEP) * TM + a_lane) = a_next[r];
#pragma unroll
        for (int r = 0; r < B_READS; r++) *(__local hg_vec *)(b_slice + (b_row + r * B_STEP) * TN + b_lane) = b_next[r];
        barrier(CLK_LOCAL_MEM_FENCE);
        read_large(a_next, large, p + TK + a_row, last, oy, ox, channel, am < M, HL, WL);
        read_small(b_next, small, p + TK + b_row, last, n0 + b_lane, CS);
        for (int k = 0; k < TK; k++) {
            float a[RM];
            hg_vec b[NB];
#pragma unroll
            for (int i = 0; i < RM; i += AW) {
#if RM >= 4
                const float4 four = *(__local const float4 *)(a_slice + k * TM + ROW(i));
                a[i] = four.x, a[i + 1] = four.y, a[i + 2] = four.z, a[i + 3] = four.w;
#else
#pragma unroll
                for (int q = 0; q < AW; q++) a[i + q] = a_slice[k * TM + ROW(i + q)];
#endif
            }
#pragma unroll
            for (int j = 0; j < NB; j++) b[j] = *(__local const hg_vec *)(b_slice + k * TN + COLUMN(j));
#pragma unroll
            for (int i = 0; i < RM; i++)
#pragma unroll
                for (int j = 0; j < NB; j++) sum[i][j] = HG_MAD((hg_vec)(a[i]), b[j], sum[i][j]);
        }
    }

    __global float *to = partials + split * M * CS;
#pragma unroll
    for (int i = 0; i < RM; i++) {
        const int m = m0 + ROW(i);
#pragma unroll
        for (int j = 0; j < NB; j++) {
            const int n = n0 + COLUMN(j);
#if !TRANSPOSED
            if (m < M && n < CS) HG_STORE(sum[i][j], to + m * CS + n);
#else
            float column[HG_VEC];
            HG_STORE(sum[i][j], column);
#pragma unroll
            for (int q = 0; q < HG_VEC; q++)
                if (m < M && n < CS) to[(m / CL * CS + n + q) * CL + HG_MOD(m, CL)] = column[q];
#endif
        }
    }
}
