/* W of K x K taps, stride S, for CPU devices (model/conv.h) by Winograd's minimal filtering (winograd_tiles.cl).
 * weight_gradient: an item (split, block of BI input channels, block of BO output channels) transforms strip after strip of the
 *   small side and, for each phase, of the large side; T T products of these, Q input channels times NV vectors at a time, are added to
 *   its partial sums [splits][blocks of BI][blocks of BO][T T][BI][BO], where blocks of the large side are blocks of a phase; with BIAS
 *   bias_partials [splits][out], or [splits][phases][out] where the output is the large side.
 * weight_sum: adds the splits up, in order, and transforms the sum into dw [K][K][in][out], added to what is there if DW_ADD.
 * Macros: those of winograd_tiles.cl; for weight_gradient TRANSPOSED BI BO HL WL CL HS WS CS, for weight_sum MOST_BO.
 * Memory traffic: both sides once per block of the other, partials once per strip from the third-level cache. */
#include "winograd_tiles.cl"

#ifndef CL
#define HL 8
#define WL 8
#define CL 16
#define HS 8
#define WS 8
#define CS 16
#endif
#ifndef BI
#define BI 16
#define BO 16
#endif
#ifndef TRANSPOSED
#define TRANSPOSED 0
#endif
#ifndef MOST_BO
#define MOST_BO 16
#endif
/* x, which the layer read, holds values; dy gradients, which are float. */
#if TRANSPOSED
#define IN CS
#define OUT CL
typedef float large_t;
typedef hg_x small_t;
#define LOAD_LARGE(p) HG_LOAD(p)
#define LOAD_SMALL(p) HG_X_LOAD(p)
#else
#define IN CL
#define OUT CS
typedef hg_x large_t;
typedef float small_t;
#define LOAD_LARGE(p) HG_X_LOAD(p)
#define LOAD_SMALL(p) HG_LOAD(p)
#endif
#define TILES_H ((HS + M - 1) / M)
#define TILES_W ((WS + M - 1) / M)
/* blocks of the large side are blocks of a phase */
#define PHASES_I (TRANSPOSED ? 1 : PHASES)
#define PHASES_O (TRANSPOSED ? PHASES : 1)
#define EACH_I ((IN + BI - 1) / BI)
#define EACH_O ((OUT + BO - 1) / BO)
#define BLOCKS_I (PHASES_I * EACH_I)
#define BLOCKS_O (PHASES_O * EACH_O)
#define BLOCK_I(own, phase) (TRANSPOSED ? (own) : (phase) * EACH_I + (own))
#define BLOCK_O(own, phase) (TRANSPOSED ? (phase) * EACH_O + (own) : (own))
#define TAP(r, P, j) ((j) * S + (r))
#define STEP_I (STRIP * BI + 16)
#define STEP_O (STRIP * BO + 16)

/* to [T T][channels], `step` apart: what the tile whose corner on the small side is pixel (y, x) has there, A y A' of M x M numbers, or
 * in a phase of the large side, B' x B of T x T numbers. The output side also adds up its numbers in sum [channels], on the large side
 * those of M x M or what no further tile has. */
INLINE void read_small(__global const small_t *picture, int y, int x, int channels, int step, float *to, hg_vec *sum)
{
    int place[M * M], inside[M * M];
    find_square(HS, WS, CS, y, x, 1, M, place, inside);
    for (int own = 0; own < channels; own += HG_VEC) {
        const int c = min(own, channels - HG_VEC);
        hg_vec square[M * M], turned[POINTS];
        LOAD_SQUARE(LOAD_SMALL, picture + c, place, inside, M, square);
        transform_back(square, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * step + c);
        if (BIAS && !TRANSPOSED)
            HG_UNROLL for (int k = 0; k < M * M; k++) sum[own / HG_VEC] += square[k];
    }
}

INLINE void read_large(__global const large_t *picture, int y, int x, int phase, int channels, int step, float *to, hg_vec *sum)
{
    int place[POINTS], inside[POINTS];
    find_square(HL, WL, CL, y * S + phase / S - PH, x * S + HG_MOD(phase, S) - PW, S, T, place, inside);
    const int rows = y + M < HS ? M : T, columns = x + M < WS ? M : T;
    for (int own = 0; own < channels; own += HG_VEC) {
        const int c = min(own, channels - HG_VEC);
        hg_vec square[POINTS], turned[POINTS];
        LOAD_SQUARE(LOAD_LARGE, picture + c, place, inside, T, square);
        transform_in(square, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * step + c);
        if (BIAS && TRANSPOSED)
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++) sum[own / HG_VEC] += square[i * T + j];
    }
}

/* to [Q][OB], rows BO apart, += x' y with x [n][Q], rows BI apart, y [n][OB], rows BO apart; its first `skip` rows are another's.
 * `begin`: = instead of += */
INLINE void multiply(const float *x, const float *y, int n, __global float *to, int skip, bool begin)
{
    hg_vec sum[Q][NV];
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = 0.0f;
    HG_TURNS(Q * NV) for (int t = 0; t < n; t++, x += BI, y += BO) {
        hg_vec value[NV];
        HG_UNROLL for (int v = 0; v < NV; v++) value[v] = HG_LOAD(y + v * HG_VEC);
        HG_UNROLL for (int q = 0; q < Q; q++)
            HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q], value[v], sum[q][v]);
    }
    HG_UNROLL for (int q = 0; q < Q; q++)
        if (q >= skip)
            HG_UNROLL for (int v = 0; v < NV; v++) {
                __global float *at = to + q * BO + v * HG_VEC;
                HG_STORE(begin ? sum[q][v] : HG_LOAD(at) + sum[q][v], at);
            }
}

/* tiles: of all pictures; each split takes as many strips, or one more. Items: for each split blocks of input channels, for each of them
 * blocks of output channels. */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void weight_gradient(__global const large_t *restrict large, __global const small_t *restrict small,
                              __global float *restrict partials, __global float *restrict bias_partials, int tiles, int splits,
                              int items, __global int *taken)
{
    enum { BLOCK = POINTS * BI * BO, BIASES = (BO + HG_VEC - 1) / HG_VEC };
    HG_ITEMS(item, items, taken) {
        const int row = HG_WHOLE(item, EACH_O), split = HG_WHOLE(row, EACH_I);
        const int block_o = item - row * EACH_O, block_i = row - split * EACH_I;
        const int own_o = block_o * BO, i0 = min(block_i * BI, IN - BI), o0 = min(own_o, OUT - BO);
        const int s0 = TRANSPOSED ? i0 : o0, l0 = TRANSPOSED ? o0 : i0;
        const int strips = (tiles + STRIP - 1) / STRIP, begin = split * strips / splits * STRIP;
        const int end = min((split + 1) * strips / splits * STRIP, tiles);
        HG_ALIGNED float in[POINTS * STEP_I], out[POINTS * STEP_O];
        hg_vec bias[PHASES_O * BIASES];
        for (int v = 0; v < PHASES_O * BIASES; v++) bias[v] = 0.0f;
        for (int first = begin; first < end; first += STRIP) {
            const int n = min(STRIP, end - first);
            for (int phase = 0; phase < PHASES; phase++) {
                for (int t = 0; t < n; t++) {
                    const corner at = corner_of(first + t, TILES_H, TILES_W);
                    __global const small_t *of_small = small + at.picture * HS * WS * CS + s0;
                    __global const large_t *of_large = large + at.picture * HL * WL * CL + l0;
#if TRANSPOSED
                    if (phase == 0) read_small(of_small, at.y, at.x, BI, STEP_I, in + t * BI, bias);
                    read_large(of_large, at.y, at.x, phase, BO, STEP_O, out + t * BO, bias + phase * BIASES);
#else
                    if (phase == 0) read_small(of_small, at.y, at.x, BO, STEP_O, out + t * BO, bias);
                    read_large(of_large, at.y, at.x, phase, BI, STEP_I, in + t * BI, bias);
#endif
                }
                const int block = BLOCK_I(block_i, phase) * BLOCKS_O + BLOCK_O(block_o, phase);
                __global float *sums = partials + (split * BLOCKS_I * BLOCKS_O + block) * BLOCK;
                for (int k = 0, asked = 0; k < POINTS; k++) {
                    /* meanwhile what comes next is read from memory: the strip's next phase, or another's first and its small side */
                    for (; asked < (k + 1) * STRIP / POINTS; asked++) {
                        const int next = phase + 1 < PHASES ? phase + 1 : 0;
                        const corner at = corner_of(min(first + (next > 0 ? 0 : STRIP) + asked, tiles - 1), TILES_H, TILES_W);
                        __global const small_t *of_small = small + at.picture * HS * WS * CS + s0;
                        __global const large_t *of_large = large + at.picture * HL * WL * CL + l0;
                        if (next == 0) fetch_square(of_small, HS, WS, sizeof(small_t[CS]), at.y, at.x, 1, M, sizeof(small_t[TRANSPOSED ? BI : BO]));
                        fetch_square(of_large, HL, WL, sizeof(large_t[CL]), at.y * S + next / S - PH, at.x * S + HG_MOD(next, S) - PW, S, M,
                                     sizeof(large_t[TRANSPOSED ? BO : BI]));
                    }
                    for (int own = 0; own < BI && USED(phase, k); own += Q) {
                        const int i = min(own, BI - Q);
                        for (int o = 0; o < BO; o += OB)
                            multiply(in + k * STEP_I + i, out + k * STEP_O + o, n, sums + (k * BI + i) * BO + o, own - i, first == begin);
                    }
                }
            }
        }
#if BIAS
        if (block_i == 0)
            for (int phase = 0; phase < PHASES_O; phase++)
                for (int v = 0; v < BO; v += HG_VEC) {
                    float part[HG_VEC];
                    HG_STORE(bias[phase * BIASES + v / HG_VEC], part);
                    __global float *to = bias_partials + (split * PHASES_O + phase) * OUT + o0 + v;
                    for (int k = max(own_o - o0 - v, 0); k < HG_VEC; k++) to[k] = part[k];
                }
#endif
    }
}

/* Items: input channels of all blocks. What layers differ in are arguments, for them to share the kernel; MOST_BO: BO at most. */
__kernel void weight_sum(__global const float *restrict partials, int splits, __global float *restrict dw, int channels_in, int channels_out,
                         int block_in, int block_out, int transposed)
{
    const int phases_i = transposed ? 1 : PHASES, phases_o = transposed ? PHASES : 1, vectors = block_out / HG_VEC;
    const int each_i = (channels_in + block_in - 1) / block_in, each_o = (channels_out + block_out - 1) / block_out;
    const int blocks_o = phases_o * each_o, blocks = phases_i * each_i * blocks_o, numbers = blocks * POINTS * block_in * block_out;
    hg_vec sum[POINTS * MOST_BO / HG_VEC];
    HG_FOR(item, blocks * block_in) {
        const int block = HG_WHOLE(item, block_in), r = item - block * block_in;
        const int block_i = HG_WHOLE(block, blocks_o), block_o = block - block_i * blocks_o;
        const int phase_i = HG_WHOLE(block_i, each_i), phase_o = HG_WHOLE(block_o, each_o), phase = transposed ? phase_o : phase_i;
        const int own_i = (block_i - phase_i * each_i) * block_in, own_o = (block_o - phase_o * each_o) * block_out;
        const int i = min(own_i, channels_in - block_in) + r, o0 = min(own_o, channels_out - block_out), rh = phase / S, rw = phase - rh * S;
        for (int k = 0; k < POINTS * vectors; k++) sum[k] = 0.0f;
        for (int s = 0; s < splits; s++)
            for (int k = 0; k < POINTS; k++) {
                if (!USED(phase, k)) continue;
                __global const float *row = partials + (long)s * numbers + ((block * POINTS + k) * block_in + r) * block_out;
                /* meanwhile the same of the next split comes from memory, or what the next item begins with */
                __global const float *next = s + 1 < splits ? row + numbers : row - (long)s * numbers + block_out;
                for (int v = 0; v < block_out; v += 16) HG_FETCH(next + v);
                for (int v = 0; v < vectors; v++) sum[k * vectors + v] += HG_LOAD(row + v * HG_VEC);
            }
        for (int v = 0; v < vectors && i >= own_i; v++) {
            hg_vec points[POINTS], taps[R * R];
            HG_UNROLL for (int k = 0; k < POINTS; k++) points[k] = sum[k * vectors + v];
            transform_taps(points, taps);
            for (int k = 0; k < R * R; k++) {
                const int first = o0 + v * HG_VEC, kh = k / R * S + rh, kw = k % R * S + rw;
                if (kh >= K || kw >= K) continue;
                __global float *to = dw + ((kh * K + kw) * channels_in + i) * channels_out + first;
                float part[HG_VEC];
                HG_STORE(taps[k], part);
                for (int lane = max(own_o - first, 0); lane < HG_VEC; lane++) to[lane] = DW_ADD ? to[lane] + part[lane] : part[lane];
            }
        }
    }
}
