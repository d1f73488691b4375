/* F and D for GPUs: the gather as a matrix product that is never written down (model/conv.h).
 *   out[m, n] = sum over k of gathered[m, k] * weight[k, n]  (+ bias[n])
 * m runs over written pixels, n over written channels, k over (tap, gathered channel). F: K = KH*KW*CF. D (DATA 1): the
 * pixels of one phase (y+PH mod SH, x+PW mod SW) meet the same subset of the taps, so each phase is a dense product of
 * its own; K = taps of the phase * CF.
 *
 * A work-group of NT = (TM/RM)*(TN/RN) items computes TM pixels x TN channels: TK deep slices of both factors go
 * through local memory, the next slice is on its way in registers meanwhile; an item keeps RM x RN sums. Reads
 * TK*(TM+TN) floats per TM*TN*TK multiply-adds. Group number: (phase * m_tiles + m tile) * n_tiles + n tile; tiles past
 * a phase's pixels do nothing.
 *
 * from [B, HF, WF, CF], out [B, HO, WO, N], weight [KH, KW, CF, N].
 * Macros: KH KW SH SW DH DW PH PW; CF; HG_VEC (4 if it divides N, else 1); TM TN TK RM RN; DATA; for D: KSH KSW =
 * SH/gcd(SH,DH).., kernel steps between taps of a phase, and TSH TSW = DH/gcd(SH,DH).., pixels between them; GRADIENT
 * and what hg_emit_act or hg_emit_dx define. */
#ifndef KH
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#define CF 4
#endif
#ifndef DATA
#define DATA 0
#endif
#ifndef KSH
#define KSH 1
#define KSW 1
#define TSH 1
#define TSW 1
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
#define AS (TM + 4) /* row of a slice in local memory; the 4 spread columns over the banks */
#define BS (TN + 4)

/* The vector in which gathered pixels are read. */
#if CF % 4 == 0
#define AV 4
typedef float4 avec;
#define READ(p) HG_X4(p)
#else
#define AV 1
typedef float avec;
#define READ(p) HG_X(p)
#endif

/* Each item reads A_READS vectors of the pixels' slice, A_STEP (it divides TM) pixels apart, and B_READS of the
 * weights', B_STEP rows apart; where there are more items than a slice has vectors, it gets unused rows. */
#define A_LANES (TK / AV)
#define A_STEP (NT / A_LANES)
#define A_READS (TM / A_STEP)
#define B_LANES (TN / HG_VEC)
#define B_STEP (NT / B_LANES)
#define B_READS ((TK + B_STEP - 1) / B_STEP)
#define B_ROWS (B_STEP * B_READS)

/* Sums: RM rows in groups of AW, RN columns in NB groups of HG_VEC; groups lie a whole tile of items apart, so that
 * neighbours read neighbours. */
#define AW (RM < 4 ? RM : 4)
#define NB (RN / HG_VEC)
#define ROW(i) ((i) / AW * (LY * AW) + ty * AW + (i) % AW)
#define COLUMN(j) ((j) * (LX * HG_VEC) + tx * HG_VEC)

#define OUTSIDE (-(1 << 29)) /* a coordinate that stays outside of any picture with any tap added */

/* A phase along one axis: how many pixels, the first one, its source at the first tap; the first tap, how many taps. */
typedef struct { int pixels, first, source, tap, taps; } axis;

static inline axis find_axis(int phase, int size, int kernel_size, int stride, int dilation, int padding, int tap_step)
{
    axis a;
#if DATA
    a.first = (phase - padding % stride + stride) % stride;
    a.pixels = a.first < size ? (size - a.first + stride - 1) / stride : 0;
    a.tap = 0;
    while (a.tap < tap_step && a.tap * dilation % stride != phase) a.tap++;
    a.taps = a.tap < tap_step && a.tap < kernel_size ? (kernel_size - 1 - a.tap) / tap_step + 1 : 0;
    a.source = (a.first + padding - a.tap * dilation) / stride;
#else
    a.first = 0;
    a.pixels = size;
    a.tap = 0;
    a.taps = kernel_size;
    a.source = -padding;
#endif
    return a;
}

/* One slice of the pixels' side from column k of the product on: zeros outside of the picture and past the end. */
static inline void read_pixels(avec next[A_READS], __global const hg_x *restrict from, const int source[A_READS],
                               const int source_y[A_READS], const int source_x[A_READS], int k, int K, int taps_across,
                               int HF, int WF)
{
    const int tap = k / CF, t = tap / taps_across, u = tap - t * taps_across;
    const int dy = t * (DATA ? -TSH : DH), dx = u * (DATA ? -TSW : DW), offset = (dy * WF + dx) * CF + k - tap * CF;
#pragma unroll
    for (int r = 0; r < A_READS; r++) {
        const int y = source_y[r] + dy, x = source_x[r] + dx;
        next[r] = (avec)(0.0f);
        if (k < K && y >= 0 && y < HF && x >= 0 && x < WF)
            next[r] = READ(from + source[r] + offset);
    }
}

/* One slice of the weights' side from row k of the product on. */
static inline void read_weights(hg_vec next[B_READS], __global const float *restrict weight, axis v, axis h, int k,
                                int K, int n, int N)
{
#pragma unroll
    for (int r = 0; r < B_READS; r++) {
        const int row = k + r * B_STEP;
#if DATA
        const int tap = row / CF, t = tap / h.taps, u = tap - t * h.taps;
        const int at = (((v.tap + t * KSH) * KW + h.tap + u * KSW) * CF + row - tap * CF) * N + n;
#else
        const int at = row * N + n;
#endif
        next[r] = (hg_vec)(0.0f);
        if (row < K && n < N) next[r] = *(__global const hg_vec *)(weight + at);
    }
}

__attribute__((reqd_work_group_size(NT, 1, 1)))
__kernel void conv_gather(__global const hg_x *restrict from, __global const float *restrict weight, __global const float *restrict bias,
                          __global hg_y *out, __global const hg_dx_x *out_x, int has_bias, int B, int HF, int WF, int HO, int WO, int N,
                          int m_tiles, int n_tiles)
{
    __local float4 a_slice4[TK * AS / 4], b_slice4[(B_ROWS * BS + 3) / 4]; /* float4: aligned for vector access */
    __local float *a_slice = (__local float *)a_slice4, *b_slice = (__local float *)b_slice4;
    const int lid = (int)get_local_id(0), tx = HG_MOD(lid, LX), ty = lid / LX;
    const int group = (int)get_group_id(0), rest = group / n_tiles;
    const int n0 = HG_MOD(group, n_tiles) * TN, phase = rest / m_tiles, m0 = HG_MOD(rest, m_tiles) * TM;
    const axis v = find_axis(phase / SW, HO, KH, SH, DH, PH, KSH);
    const axis h = find_axis(HG_MOD(phase, SW), WO, KW, SW, DW, PW, KSW);
    const int pixels = v.pixels * h.pixels, M = B * pixels, taps = v.taps * h.taps, K = taps * CF;
    if (m0 >= M) return;

    /* Sources of the pixels that this item reads, at the first tap. */
    const int a_lane = HG_MOD(lid, A_LANES) * AV, a_row = lid / A_LANES;
    const int b_lane = HG_MOD(lid, B_LANES) * HG_VEC, b_row = lid / B_LANES;
    int source_y[A_READS], source_x[A_READS], source[A_READS];
#pragma unroll
    for (int r = 0; r < A_READS; r++) {
        const int m = m0 + a_row + r * A_STEP, inside = m < M, b = m / pixels;
        const int y = (m - b * pixels) / h.pixels, x = m - b * pixels - y * h.pixels;
        source_y[r] = inside ? v.source + y * (DATA ? 1 : SH) : OUTSIDE;
        source_x[r] = h.source + x * (DATA ? 1 : SW);
        source[r] = inside ? ((b * HF + source_y[r]) * WF + source_x[r]) * CF : 0;
    }

    avec a_next[A_READS];
    hg_vec b_next[B_READS], sum[RM][NB];
#pragma unroll
    for (int i = 0; i < RM; i++)
#pragma unroll
        for (int j = 0; j < NB; j++) sum[i][j] = (hg_vec)(0.0f);

    if (taps) {
        read_pixels(a_next, from, source, source_y, source_x, a_lane, K, h.taps, HF, WF);
        read_weights(b_next, weight, v, h, b_row, K, n0 + b_lane, N);
    }
    for (int k0 = 0; k0 < K; k0 += TK) {
        barrier(CLK_LOCAL_MEM_FENCE); /* the slice before has been used */
#pragma unroll
        for (int r = 0; r < A_READS; r++) {
            const int row = a_row + r * A_STEP;
#if AV == 4
            a_slice[(a_lane + 0) * AS + row] = a_next[r].x;
            a_slice[(a_lane + 1) * AS + row] = a_next[r].y;
            a_slice[(a_lane + 2) * AS + row] = a_next[r].z;
            a_slice[(a_lane + 3) * AS + row] = a_next[r].w;
#else
            a_slice[a_lane * AS + row] = a_next[r];
#endif
        }
#pragma unroll
        for (int r = 0; r < B_READS; r++)
            *(__local hg_vec *)(b_slice + (b_row + r * B_STEP) * BS + b_lane) = b_next[r];
        barrier(CLK_LOCAL_MEM_FENCE);
        read_pixels(a_next, from, source, source_y, source_x, k0 + TK + a_lane, K, h.taps, HF, WF);
        read_weights(b_next, weight, v, h, k0 + TK + b_row, K, n0 + b_lane, N);
        for (int k = 0; k < TK; k++) {
            float a[RM];
            hg_vec b[NB];
#pragma unroll
            for (int i = 0; i < RM; i += AW) {
#if RM >= 4
                const float4 four = *(__local const float4 *)(a_slice + k * AS + ROW(i));
                a[i] = four.x, a[i + 1] = four.y, a[i + 2] = four.z, a[i + 3] = four.w;
#else
#pragma unroll
                for (int q = 0; q < AW; q++) a[i + q] = a_slice[k * AS + ROW(i + q)];
#endif
            }
#pragma unroll
            for (int j = 0; j < NB; j++) b[j] = *(__local const hg_vec *)(b_slice + k * BS + COLUMN(j));
#pragma unroll
            for (int i = 0; i < RM; i++)
#pragma unroll
                for (int j = 0; j < NB; j++) sum[i][j] = HG_MAD((hg_vec)(a[i]), b[j], sum[i][j]);
        }
    }

#pragma unroll
    for (int i = 0; i < RM; i++) {
        const int m = m0 + ROW(i);
#if DATA
        const int b = m / pixels, y = (m - b * pixels) / h.pixels, x = m - b * pixels - y * h.pixels;
        const int pixel = (b * HO + v.first + y * SH) * WO + h.first + x * SW;
#else
        const int pixel = m;
#endif
#pragma unroll
        for (int j = 0; j < NB; j++) {
            const int n = n0 + COLUMN(j);
            if (m < M && n < N)
                hg_store(has_bias ? sum[i][j] + HG_LOAD(bias + n) : sum[i][j], out, out_x, pixel * N + n);
        }
    }
}
