/* F and D of K x K taps, stride S, for CPU devices (model/conv.h) by Winograd's minimal filtering (winograd_tiles.cl).
 * weights: u [phases written][blocks of OB written channels][T T][phases read][G][OB] = C w C', once per launch of gather; the last
 *   block is moved back.
 * gather: a work-item takes a strip of STRIP neighbouring tiles. The transformed tiles v [T T][STRIP][phases read][G] stay in the
 *   second-level cache while for each block of channels T T products m = v u are made in registers, Q tiles times NV vectors at a time,
 *   and turned into results.
 * Macros: those of winograd_tiles.cl, IH IW G (read side), OH OW O (written side), DATA, those of hg_store.
 * Memory traffic: from (M + 2) / M times from a near cache, out once; u once per strip from the second- or third-level cache. */
#include "winograd_tiles.cl"

#ifndef G
#define G 16
#define O 16
#endif
#ifndef IH
#define IH 8
#define IW 8
#define OH 8
#define OW 8
#endif
#ifndef DATA
#define DATA 0
#endif
#define BLOCKS ((O + OB - 1) / OB)
/* F reads all phases of the large side. D writes them, and takes the taps from behind: pixel i of those with p = y mod S is one of
 * phase r = (p + P) mod S and begins to read at row i + (p + P) / S - (TAPS(r) - 1). */
#if DATA
#define PHASES_IN 1
#define PHASES_OUT PHASES
#define STEP_IN 1
#define STEP_OUT S
#define PHASE_OF(p, P) HG_MOD((p) + (P), S)
#define FIRST(p, P) (((p) + (P)) / S - (TAPS(PHASE_OF(p, P)) - 1))
#define TAP(r, k) ((TAPS(r) - 1 - (k)) * S + (r))
#define ROWS ((OH + S - 1) / S)
#define COLUMNS ((OW + S - 1) / S)
#else
#define PHASES_IN PHASES
#define PHASES_OUT 1
#define STEP_IN S
#define STEP_OUT 1
#define PHASE_OF(p, P) (p)
#define FIRST(p, P) ((p) - (P))
#define TAP(r, k) ((k) * S + (r))
#define ROWS OH
#define COLUMNS OW
#endif
#define TILES_H ((ROWS + M - 1) / M)
#define TILES_W ((COLUMNS + M - 1) / M)
#define GP (PHASES_IN * G)
/* Numbers from one tile, and from one point of it, to the next: a cache line more than there are, for powers of two would share a set. */
#define STEP_T (GP + (S > 1 ? 16 : 0))
#define STEP_V (STRIP * STEP_T + 16)
#define STEP_M (STRIP * OB + 16)

/* ---- weights */

/* Items: written phases, blocks of written channels, phases and channels read. */
__kernel void weights(__global const float *restrict w, __global float *restrict u)
{
    HG_FOR(item, PHASES_OUT * BLOCKS * GP) {
        const int group = item / GP, out = group / BLOCKS, block = group - out * BLOCKS, o0 = min(block * OB, O - OB);
        const int from = item - group * GP, in = from / G, g = from - in * G, phase = DATA ? out : in;
        const int rh = PHASE_OF(phase / S, PH), rw = PHASE_OF(HG_MOD(phase, S), PW);
        for (int v = 0; v < OB; v += HG_VEC) {
            hg_vec taps[R * R], turned[POINTS];
            HG_UNROLL for (int k = 0; k < R * R; k++) {
                const int kh = TAP(rh, k / R), kw = TAP(rw, k % R);
                taps[k] = 0.0f;
                if (K % S == 0 || (kh >= 0 && kh < K && kw >= 0 && kw < K)) taps[k] = HG_LOAD(w + ((kh * K + kw) * G + g) * O + o0 + v);
            }
            transform_weight(taps, turned);
            HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], u + ((group * POINTS + k) * GP + from) * OB + v);
        }
    }
}

/* to [T T][G], STEP_V apart, = B' x B for the tile whose patch begins at (y0, x0) */
INLINE void read_tile(__global const float *picture, int y0, int x0, float *to)
{
    int place[POINTS], inside[POINTS];
    find_square(IH, IW, G, y0, x0, STEP_IN, T, place, inside);
    for (int own = 0; own < G; own += HG_VEC) {
        const int g = min(own, G - HG_VEC);
        hg_vec patch[POINTS], turned[POINTS];
        load_square(picture + g, G, STEP_IN, place, inside, T, patch);
        transform_in(patch, turned);
        HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], to + k * STEP_V + g);
    }
}

/* to [Q][OB] = x [Q][GP] u [GP][OB] for a point, without the phases that it does not have */
INLINE void multiply(const float *x, __global const float *u, float *to, int point)
{
    hg_vec sum[Q][NV];
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = 0.0f;
    for (int phase = 0; phase < (K % S ? PHASES_IN : 1); phase++) {
        if (PHASES_IN > 1 && !USED(phase, point)) continue;
        const int first = phase * G, end = K % S ? first + G : GP;
        __global const float *row = u + first * OB;
        for (int g = first; g < end; g++, row += OB) {
            hg_vec weight[NV];
            HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(row + v * HG_VEC);
            HG_UNROLL for (int q = 0; q < Q; q++)
                HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q * STEP_T + g], weight[v], sum[q][v]);
        }
    }
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) HG_STORE(sum[q][v], to + q * OB + v * HG_VEC);
}

/* Stores the M x M results of the vector of channels from o on whose corner is pixel (y, x) of picture b, STEP_OUT pixels apart; those
 * before own_o belong to another block, those beyond the picture to nobody. */
INLINE void store_tile(const hg_vec *result, __global float *out, __global const float *out_x, int b, int y, int x, int o, int own_o)
{
    const int rows = min(M * STEP_OUT, OH - y), columns = min(M * STEP_OUT, OW - x);
    for (int i = 0; i * STEP_OUT < rows; i++)
        for (int j = 0; j * STEP_OUT < columns; j++) {
            const int at = ((b * OH + y + i * STEP_OUT) * OW + x + j * STEP_OUT) * O + o;
            if (O % OB == 0 || o >= own_o) {
                hg_store(result[i * M + j], out, out_x, at);
            } else {
                float part[HG_VEC];
                HG_STORE(result[i * M + j], part);
                for (int k = max(own_o - o, 0); k < HG_VEC; k++) hg_store_one(part[k], out, out_x, at + k);
            }
        }
}

/* ---- tiles: of all pictures; a work-item takes a strip, the last of which is moved back */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const float *restrict from, __global const float *restrict u, __global const float *restrict bias,
                     __global float *restrict out, __global const float *out_x, int tiles)
{
    const int own = (int)get_global_id(0) * STRIP, first = min(own, tiles - STRIP), last = tiles / (TILES_H * TILES_W) * (OH * OW * O) - OB;
    float v[POINTS * STEP_V], m[POINTS * STEP_M];
    int picture[STRIP], top[STRIP], left[STRIP];
    for (int t = 0; t < STRIP; t++) {
        const int row = (first + t) / TILES_W;
        picture[t] = row / TILES_H, top[t] = (row - picture[t] * TILES_H) * M, left[t] = (first + t - row * TILES_W) * M;
    }
    for (int out_phase = 0; out_phase < PHASES_OUT; out_phase++) {
        const int py = out_phase / S, px = out_phase - py * S, phase = PHASE_OF(py, PH) * S + PHASE_OF(px, PW);
        for (int t = 0; t < STRIP; t++)
            for (int in = 0; in < PHASES_IN; in++) {
                const int y0 = top[t] * STEP_IN + FIRST(DATA ? py : in / S, PH), x0 = left[t] * STEP_IN + FIRST(DATA ? px : HG_MOD(in, S), PW);
                read_tile(from + picture[t] * IH * IW * G, y0, x0, v + t * STEP_T + in * G);
            }
        for (int block = 0; block < BLOCKS; block++) {
            const int own_o = block * OB, o0 = min(own_o, O - OB);
            for (int k = 0; k < POINTS; k++) {
                /* meanwhile what gradients will be multiplied by comes from memory, a pixel of each tile at a time */
                for (int t = 0; t < (HG_DX_IS_LINEAR || k >= M * M ? 0 : STRIP); t++) {
                    const int y = (top[t] + k / M) * STEP_OUT + (DATA ? py : 0), x = (left[t] + HG_MOD(k, M)) * STEP_OUT + (DATA ? px : 0);
                    for (int c = 0; c < OB; c += 16) HG_FETCH(out_x + min(((picture[t] * OH + y) * OW + x) * O + o0 + c, last));
                }
                for (int t = 0; t < STRIP && (!DATA || USED(phase, k)); t += Q)
                    multiply(v + k * STEP_V + t * STEP_T, u + ((out_phase * BLOCKS + block) * POINTS + k) * GP * OB,
                             m + k * STEP_M + t * OB, k);
            }
            for (int t = own - first; t < STRIP; t++)
                for (int c = 0; c < OB; c += HG_VEC) {
                    hg_vec product[POINTS], result[M * M];
                    HG_UNROLL for (int k = 0; k < POINTS; k++) {
                        product[k] = 0.0f;
                        if (!DATA || USED(phase, k)) product[k] = HG_LOAD(m + k * STEP_M + t * OB + c);
                    }
                    transform_out(product, result);
#if BIAS
                    HG_UNROLL for (int k = 0; k < M * M; k++) result[k] += HG_LOAD(bias + o0 + c);
#endif
                    store_tile(result, out, out_x, picture[t], top[t] * STEP_OUT + (DATA ? py : 0), left[t] * STEP_OUT + (DATA ? px : 0), o0 + c, own_o);
                }
        }
    }
}
