/* F and D of K x K taps, stride S, for CPU devices (model/conv.h) by Winograd's minimal filtering (winograd_tiles.cl).
 * weights: u [phases written][blocks of OB written channels][T T][phases read][G][OB] = C w C', once per launch of gather; the last
 *   block is moved back.
 * gather: strip by strip of STRIP neighbouring tiles. The transformed tiles v [T T][STRIP][phases read][G] stay in the
 *   second-level cache while for each block of channels T T products m = v u are made in registers, Q tiles times NV vectors at a time,
 *   and turned into results.
 * Macros: those of winograd_tiles.cl, DATA; for gather IH IW G (read side), OH OW O (written side), those of hg_store.
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
#if DATA
/* D writes the phases p = y mod S of the large side: its row i S + p reads the small side's from row i + FIRST on. Where S does not divide
 * K, phases with a tap fewer begin with the others, so that what is read is the same for ALL of them. */
#define PHASES_IN 1
#define PHASES_OUT PHASES
#define STEP_IN 1
#define STEP_OUT S
#define ALL (K % S != 0)
#define FIRST(p, P) (((ALL ? S - 1 : (p)) + (P)) / S - (R - 1))
#define TAP(p, P, j) ((p) + (P) - (FIRST(p, P) + (j)) * S)
#define ROWS ((OH + S - 1) / S)
#define COLUMNS ((OW + S - 1) / S)
#else
/* F reads all phases of the large side. */
#define PHASES_IN PHASES
#define PHASES_OUT 1
#define STEP_IN S
#define STEP_OUT 1
#define ALL 1
#define FIRST(r, P) ((r) - (P))
#define TAP(r, P, j) ((j) * S + (r))
#define ROWS OH
#define COLUMNS OW
#endif
#define TILES_H ((ROWS + M - 1) / M)
#define TILES_W ((COLUMNS + M - 1) / M)
#define GP (PHASES_IN * G)
/* The phase that is read at place p: in such an order that those that a point has products of (USED) lie side by side. */
#define PHASE_AT(p) (PHASES_IN == 4 && K % S ? ((p) == 0 ? 2 : (p) < 3 ? (p) - 1 : 3) : (p))
/* Numbers from one tile, and from one point of it, to the next: a cache line more than there are, for powers of two would share a set. */
#define STEP_T (GP + (S > 1 ? 16 : 0))
#define STEP_V (STRIP * STEP_T + 16)
#define STEP_M (STRIP * OB + 16)

/* ---- weights */

/* Items: written phases, blocks of written channels, phases and channels read. The channels are arguments, for layers of other sizes
 * to share the kernel: it takes compilers longer than its work. */
__kernel void weights(__global const float *restrict w, __global float *restrict u, int channels_in, int channels_out)
{
    const int blocks = (channels_out + OB - 1) / OB, rows = PHASES_IN * channels_in;
    HG_FOR(item, PHASES_OUT * blocks * rows) {
        const int group = HG_WHOLE(item, rows), out = HG_WHOLE(group, blocks), o0 = min((group - out * blocks) * OB, channels_out - OB);
        const int from = item - group * rows, in = HG_WHOLE(from, channels_in), g = from - in * channels_in;
        const int phase = DATA ? out : PHASE_AT(in);
        for (int v = 0; v < OB; v += HG_VEC) {
            hg_vec taps[R * R], turned[POINTS];
            HG_UNROLL for (int k = 0; k < R * R; k++) {
                const int kh = TAP(phase / S, PH, k / R), kw = TAP(HG_MOD(phase, S), PW, k % R);
                taps[k] = 0.0f;
                if (HAS_TAP(kh) && HAS_TAP(kw)) taps[k] = HG_LOAD(w + ((kh * K + kw) * channels_in + g) * channels_out + o0 + v);
            }
            transform_weight(taps, turned);
            HG_UNROLL for (int k = 0; k < POINTS; k++) HG_STORE(turned[k], u + ((group * POINTS + k) * rows + from) * OB + v);
        }
    }
}

/* to [T T][G], STEP_V apart, = B' x B for the tile whose patch begins at (y0, x0) */
INLINE void read_tile(__global const hg_x *picture, int y0, int x0, float *to)
{
    int place[POINTS], inside[POINTS];
    find_square(IH, IW, G, y0, x0, STEP_IN, T, place, inside);
    for (int own = 0; own < G; own += HG_VEC) {
        const int g = min(own, G - HG_VEC);
        hg_vec patch[POINTS], turned[POINTS];
        LOAD_SQUARE(HG_X_LOAD, picture + g, place, inside, T, patch);
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
    int first = 0, end = PHASES_IN;
    if (PHASES_IN > 1 && K % S) {
        while (!USED(PHASE_AT(first), point)) first++;
        while (!USED(PHASE_AT(end - 1), point)) end--;
    }
    __global const float *row = u + first * G * OB;
    HG_TURNS(Q * NV) for (int g = first * G; g < end * G; g++, row += OB) {
        hg_vec weight[NV];
        HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(row + v * HG_VEC);
        HG_UNROLL for (int q = 0; q < Q; q++)
            HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(x[q * STEP_T + g], weight[v], sum[q][v]);
    }
    HG_UNROLL for (int q = 0; q < Q; q++)
        HG_UNROLL for (int v = 0; v < NV; v++) HG_STORE(sum[q][v], to + q * OB + v * HG_VEC);
}

/* The pixel of the written side that tile `at` has in row i and column j, of phase (py, px): its first number. */
#define PIXEL(at, i, j, py, px) \
    ((((at).picture * OH + ((at).y + (i)) * STEP_OUT + (py)) * OW + ((at).x + (j)) * STEP_OUT + (px)) * O)

/* How many of its rows, or columns, from `first` on are inside a side of so many pixels, of which phase p has every STEP_OUT-th. */
#define INSIDE(size, p, first) min(M, ((size) - (p) + STEP_OUT - 1) / STEP_OUT - (first))

/* Asks for the lines that it will be stored to, and for those of what gradients will be multiplied by. */
INLINE void fetch_tile(__global const hg_y *out, __global const hg_dx_x *out_x, corner at, int py, int px, int o0)
{
    const int rows = INSIDE(OH, py, at.y), columns = INSIDE(OW, px, at.x);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            for (int c = 0; c < OB; c += 16) {
                HG_FETCH(out + PIXEL(at, i, j, py, px) + o0 + c);
                if (!HG_DX_IS_LINEAR) HG_FETCH(out_x + PIXEL(at, i, j, py, px) + o0 + c);
            }
}

/* Stores its M x M results of the vector of channels from o on; those before own_o belong to another block, those beyond the picture to
 * nobody. */
INLINE void store_tile(const hg_vec *result, __global hg_y *out, __global const hg_dx_x *out_x, corner at, int py, int px, int o, int own_o)
{
    const int rows = INSIDE(OH, py, at.y), columns = INSIDE(OW, px, at.x);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            const int to = PIXEL(at, i, j, py, px) + o;
            if (O % OB == 0 || o >= own_o) {
                hg_store(result[i * M + j], out, out_x, to);
            } else {
                float part[HG_VEC];
                HG_STORE(result[i * M + j], part);
                for (int k = max(own_o - o, 0); k < HG_VEC; k++) hg_store_one(part[k], out, out_x, to + k);
            }
        }
}

/* ---- tiles: of all pictures; an item is a contiguous span of strips, the last of which is moved back */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const hg_x *restrict from, __global const float *restrict u, __global const float *restrict bias,
                     __global hg_y *restrict out, __global const hg_dx_x *out_x, int tiles, int items, __global int *taken)
{
    const int strips = (tiles - 1) / STRIP + 1, span = (strips - 1) / items + 1;
    HG_ITEMS(item, items, taken) HG_UNITS(strip, strips, span, item) {
        const int own = strip * STRIP, first = min(own, tiles - STRIP);
        HG_ALIGNED float v[POINTS * STEP_V], m[POINTS * STEP_M];
        corner at[STRIP];
        for (int t = 0; t < STRIP; t++) at[t] = corner_of(first + t, TILES_H, TILES_W);
        for (int group = 0, asked = 0; group < PHASES_OUT * BLOCKS; group++) {
            const int phase = group / BLOCKS, block = group - phase * BLOCKS, own_o = block * OB, o0 = min(own_o, O - OB);
            const int py = DATA ? phase / S : 0, px = DATA ? phase - py * S : 0;
            for (int t = 0; t < (ALL ? group == 0 : block == 0) * STRIP; t++)
                for (int in = 0; in < PHASES_IN; in++) {
                    const int y = at[t].y * STEP_IN + FIRST(DATA ? py : PHASE_AT(in) / S, PH);
                    const int x = at[t].x * STEP_IN + FIRST(DATA ? px : HG_MOD(PHASE_AT(in), S), PW);
                    read_tile(from + at[t].picture * IH * IW * G, y, x, v + t * STEP_T + in * G);
                }
            for (int k = 0; k < POINTS; k++) {
                /* meanwhile come from memory what the next strip reads, and what this one's tiles are stored to, some at each point */
                for (; asked < (group * POINTS + k + 1) * STRIP / (PHASES_OUT * BLOCKS * POINTS); asked++) {
                    const corner next = corner_of(min(first + STRIP + asked, tiles - 1), TILES_H, TILES_W);
                    const int pixel = sizeof(hg_x[G]);
                    const int y = next.y * STEP_IN, x = next.x * STEP_IN;
                    fetch_square(from + next.picture * IH * IW * G, IH, IW, pixel, y, x, 1, M * STEP_IN, pixel);
                }
                for (int t = k * STRIP / POINTS; t < (k + 1) * STRIP / POINTS; t++) fetch_tile(out, out_x, at[t], py, px, o0);
                for (int t = 0; t < STRIP && (!DATA || USED(phase, k)); t += Q)
                    multiply(v + k * STEP_V + t * STEP_T, u + (group * POINTS + k) * GP * OB, m + k * STEP_M + t * OB, k);
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
                    store_tile(result, out, out_x, at[t], py, px, o0 + c, own_o);
                }
        }
    }
}
