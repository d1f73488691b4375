/* F and D for CPU devices (model/conv.h): one work-item a work-group, no local memory, no barriers. A tile of TILE pixels times
 * NV vectors of channels lies in registers; every tap adds a broadcast of the read channel times a vector of weights to it.
 *   F (DATA 0): out[i, j, o] = sum over kh, kw, g of from[i SH - PH + kh DH, j SW - PW + kw DW, g] w[kh, kw, g, o]
 *   D (DATA 1): by phase (y mod SH, x mod SW): a dense correlation of stride 1 with the taps that meet the phase
 * What a band reads (BAND rows of a picture, or several whole pictures) is first copied into a patch with zeros around each picture, so
 * that the loops over taps know no borders: the copy costs about 2 SW / (KW KH O) of the arithmetic, more for few rows, and stays in
 * the first two levels of cache. A tile takes its pixels in the order of the band, across the ends of rows and pictures; where
 * rows and tiles fit each other (REGULAR) the distances in a tile are numbers for the compiler.
 * The weights come in panels of NV vectors of written channels [panel][KH, KW, G, NV HG_VEC] (cl/conv_pack.cl), which are read from the
 * second-level cache in a row; the last panel is moved back.
 * THIN 1: few channels are written (up to 4): vectors then go along the channels read, and each sum is folded at the end; weights
 * as stored (SWAP 1: of one tap, [O, G]). The results of a band wait in private memory, so that they are stored row by row in wide vectors.
 * D of what is pooled (PKH .., model/conv_pooled.h): the patch is made of the windows' gradients and of their winners.
 * Macros: IH IW G (read side), OH OW O (written side), KH KW SH SW DH DW PH PW, DATA, TILE BAND PART NV HG_VEC, THIN, BIAS, those of
 * hg_store. PART: columns that share a patch, all of them unless pictures are very wide; the last part is moved back.
 * Memory traffic: from, out once; a panel once per band, for each tile from the caches. */
#ifndef G
#define G 8
#define O 16
#define IH 8
#define IW 8
#define OH 8
#define OW 8
#define KH 3
#define KW 3
#define SH 1
#define SW 1
#define DH 1
#define DW 1
#define PH 1
#define PW 1
#define TILE 4
#define NV 1
#define PART OW
#endif
#ifndef DATA
#define DATA 0
#endif
#ifndef BAND
#define BAND 1
#endif
#ifndef THIN
#define THIN 0
#endif
#ifndef SWAP
#define SWAP 0
#endif
#ifndef BIAS
#define BIAS 0
#endif

/* ---- the band's geometry in one dimension: where its patch begins, how large it is, which taps a phase has */
#if DATA
/* tap k meets phase p if k = (p + P) mod S + t S; it reads row q + (p + P) / S - t (times the dilation where S is 1) */
#define TAP_DIL(S, D) ((S) == 1 ? (D) : 1)
#define LOW(K, S, D, P) ((S) == 1 ? (P) - ((K) - 1) * (D) : (P) / (S) - ((K) - 1) / (S))
#define HIGH(S, P) (((S) - 1 + (P)) / (S))
#define STEP_H 1
#define STEP_W 1
#define BASE_H LOW(KH, SH, DH, PH)
#define BASE_W LOW(KW, SW, DW, PW)
#define PATCH_H (BAND_ROWS + HIGH(SH, PH) - BASE_H)
#define PATCH_W (PART + HIGH(SW, PW) - BASE_W)
#define ROWS ((OH + SH - 1) / SH)
#define COLUMNS ((OW + SW - 1) / SW)
#define PHASES_H SH
#define PHASES_W SW
#else
#define STEP_H SH
#define STEP_W SW
#define BASE_H (-PH)
#define BASE_W (-PW)
#define PATCH_H ((BAND_ROWS - 1) * SH + (KH - 1) * DH + 1)
#define PATCH_W ((PART - 1) * SW + (KW - 1) * DW + 1)
#define ROWS OH
#define COLUMNS OW
#define PHASES_H 1
#define PHASES_W 1
#endif
#define BAND_ROWS (BAND < ROWS ? BAND : ROWS)
#define PICTURES (BAND < ROWS ? 1 : BAND / ROWS)
#define PATCH (PATCH_H * PATCH_W * GP)
#define REGULAR (PART % TILE == 0 || (TILE % PART == 0 && BAND_ROWS % (TILE / PART) == 0))
#define PANEL (NV * HG_VEC)
/* taps of a row that lie side by side in the patch and in the panel: one loop goes over their channels */
#define ROW_TAPS (!DATA && !THIN && DW == 1 ? KW : 1)
/* so many products of a pixel leave time to fetch what its gradient will be multiplied by */
#define FETCH_AHEAD (!HG_DX_IS_LINEAR && !THIN && KH * KW * G / (PHASES_H * PHASES_W) >= 128)
/* channels in the patch: rounded up to whole vectors where vectors go along them */
#if THIN
#define GP ((G + HG_VEC - 1) / HG_VEC * HG_VEC)
#else
#define GP G
#endif

#ifdef PKH /* model/conv_pooled.h */
#define PICTURE (YH * YW * G)
#define WINNER , __global const uchar *restrict winner
#if G % 16 == 0
#define LANES 16
#elif G % 8 == 0
#define LANES 8
#elif G % 4 == 0
#define LANES 4
#endif
/* A window's number goes to its winner's place, of those that the patch has; the others get zeros. */
inline void fill_patch(float *patch, __global const hg_x *from, __global const uchar *winner, int row, int column)
{
    const int i1 = min((row + PATCH_H - 1 + PPH) / PKH + 1, YH);
    for (int i = 0; i < PATCH_H * PATCH_W * GP; i++) patch[i] = 0.0f;
    for (int i = max(row + PPH, 0) / PKH; i < i1; i++)
        for (int j = 0; j < YW; j++) {
            const int r0 = i * PKH - PPH - row, c0 = j * PKW - PPW - column, at = (i * YW + j) * G;
            for (int p = 0; p < PKH * PKW; p++) {
                const int down = HG_WHOLE(p, PKW), r = r0 + down, c = c0 + p - down * PKW;
                float *to = patch + (r * PATCH_W + c) * GP;
                if (r < 0 || r >= PATCH_H || c < 0 || c >= PATCH_W) continue;
#ifdef LANES
                for (int g = 0; g < G; g += LANES) {
                    const HG_PASTE(float, LANES) v = HG_PASTE(vload, LANES)(0, from + at + g), none = 0.0f;
                    const HG_PASTE(int, LANES) won = HG_PASTE(convert_int, LANES)(HG_PASTE(vload, LANES)(0, winner + at + g)) == p;
                    HG_PASTE(HG_STORE, LANES)(won ? v : none, to + g);
                }
#else
                for (int g = 0; g < G; g++) to[g] = winner[at + g] == p ? from[at + g] : 0.0f;
#endif
            }
        }
}
#define FILL_PATCH(patch, b, row, column) fill_patch(patch, from + (b) * PICTURE, winner + (b) * PICTURE, row, column)
#else
#define WINNER
#define FILL_PATCH(patch, b, row, column) fill_patch(patch, from + (b) * (IH * IW * G), row, column)
inline void fill_patch(float *patch, __global const hg_x *restrict from, int row, int column)
{
    const int low = clamp(-column, 0, PATCH_W), high = clamp(IW - column, low, PATCH_W);
    for (int r = 0; r < PATCH_H; r++, row++) {
        float *to = patch + r * PATCH_W * GP;
        if (row < 0 || row >= IH) {
            for (int i = 0; i < PATCH_W * GP; i++) to[i] = 0.0f;
            continue;
        }
        __global const hg_x *source = from + (row * IW + column) * G;
        for (int i = 0; i < low * GP; i++) to[i] = 0.0f;
#if GP == G
        hg_take(to + low * G, source + low * G, (high - low) * G);
#else
        for (int c = low; c < high; c++) {
            hg_take(to + c * GP, source + c * G, G);
            for (int g = G; g < GP; g++) to[c * GP + g] = 0.0f;
        }
#endif
        for (int i = high * GP; i < PATCH_W * GP; i++) to[i] = 0.0f;
    }
}
#endif

#if THIN
/* Sums over the lanes of n <= HG_VEC vectors: each round adds halves of two vectors, so that HG_VEC - 1 additions do for all. Numbers
 * move within fours, then fours as a whole, which costs AVX one instruction each. */
#define ROUND(left, ADDED) HG_UNROLL for (int k = 0; k < (left); k++) a[k] = ADDED(a[2 * k], a[2 * k + 1])
#if HG_VEC == 16 && !defined HG_SLOW_SHUFFLES
#define SINGLES(a, b) ((float16)((a).s0, (b).s0, (a).s1, (b).s1, (a).s4, (b).s4, (a).s5, (b).s5, \
                                 (a).s8, (b).s8, (a).s9, (b).s9, (a).sc, (b).sc, (a).sd, (b).sd) + \
                       (float16)((a).s2, (b).s2, (a).s3, (b).s3, (a).s6, (b).s6, (a).s7, (b).s7, \
                                 (a).sa, (b).sa, (a).sb, (b).sb, (a).se, (b).se, (a).sf, (b).sf))
#define PAIRS(a, b) ((float16)((a).s01, (b).s01, (a).s45, (b).s45, (a).s89, (b).s89, (a).scd, (b).scd) + \
                     (float16)((a).s23, (b).s23, (a).s67, (b).s67, (a).sab, (b).sab, (a).sef, (b).sef))
#define FOURS(a, b) ((float16)((a).s0123, (a).s89ab, (b).s0123, (b).s89ab) + (float16)((a).s4567, (a).scdef, (b).s4567, (b).scdef))
__attribute__((always_inline))
static inline void fold(const float16 *sum, int n, float *folded)
{
    float16 a[16];
    HG_UNROLL for (int k = 0; k < 16; k++) a[k] = k < n ? sum[k] : 0.0f;
    ROUND(8, SINGLES);
    ROUND(4, PAIRS);
    ROUND(2, FOURS);
    ROUND(1, FOURS);
    HG_STORE(a[0], folded);
}
#elif HG_VEC == 8 && !defined HG_SLOW_SHUFFLES
#define PAIRS(a, b) ((float8)((a).s0, (a).s2, (b).s0, (b).s2, (a).s4, (a).s6, (b).s4, (b).s6) + \
                     (float8)((a).s1, (a).s3, (b).s1, (b).s3, (a).s5, (a).s7, (b).s5, (b).s7))
#define FOURS(a, b) ((float8)((a).lo, (b).lo) + (float8)((a).hi, (b).hi))
__attribute__((always_inline))
static inline void fold(const float8 *sum, int n, float *folded)
{
    float8 a[8];
    HG_UNROLL for (int k = 0; k < 8; k++) a[k] = k < n ? sum[k] : 0.0f;
    ROUND(4, PAIRS);
    ROUND(2, PAIRS);
    ROUND(1, FOURS);
    HG_STORE(a[0], folded);
}
#else
static inline void fold(const hg_vec *sum, int n, float *folded)
{
    HG_UNROLL for (int k = 0; k < n; k++) folded[k] = hg_lanes(sum[k]);
}
#endif
#endif

/* Where the patch has what pixel p of the band reads at the first tap. */
inline int place(int p)
{
    const int line = HG_WHOLE(p, PART), picture = PICTURES > 1 ? HG_WHOLE(line, BAND_ROWS) : 0, row = line - picture * BAND_ROWS;
    return picture * PATCH + (row * STEP_H * PATCH_W + (p - line * PART) * STEP_W) * GP;
}

/* A tile's pixels in the patch. */
#if REGULAR
#define AT(q) ((q) / PART * (STEP_H * PATCH_W * GP) + (q) % PART * (STEP_W * GP))
#define PLACES const float *first = patch + place(p0)
#define SHIFTED(tap) const float *x = first + (tap)
#define X(q) (x + AT(q))
#else
#define PLACES const float *at[TILE]; HG_UNROLL for (int q = 0; q < TILE; q++) at[q] = patch + place(min(p0 + q, n - 1))
#define SHIFTED(tap) const float *x[TILE]; HG_UNROLL for (int q = 0; q < TILE; q++) x[q] = at[q] + (tap)
#define X(q) (x[q])
#endif

#if !THIN
/* Where pixel p of the band from row `band` and column j0 on, of phase (py, px), lies in out; -1: beyond the picture. */
static inline int written(int b0, int band, int j0, int p, int py, int px)
{
    const int line = HG_WHOLE(p, PART), picture = PICTURES > 1 ? HG_WHOLE(line, BAND_ROWS) : 0, j = j0 + p - line * PART;
    const int y = (band + line - picture * BAND_ROWS) * PHASES_H + py, x = j * PHASES_W + px;
    return y < OH && x < OW ? (((b0 + picture) * OH + y) * OW + x) * O : -1;
}
#endif

/* units: groups of pictures times bands, each with a patch; an item is a contiguous span of them */
__attribute__((reqd_work_group_size(1, 1, 1)))
__kernel void gather(__global const hg_x *restrict from, __global const float *restrict w, __global const float *restrict bias,
                     __global hg_y *restrict out, __global const hg_dx_x *out_x, int pictures, int units WINNER,
                     int items, __global int *taken)
{
    enum { BANDS = (ROWS + BAND_ROWS - 1) / BAND_ROWS };
    const int span = (units - 1) / items + 1;
    int item = hg_next_item(-1, items, taken);
    if (item < 0) return;
    HG_ALIGNED float patch[PICTURES * PATCH];
#if THIN
    HG_ALIGNED float results[PICTURES * BAND_ROWS * PHASES_H * PART * PHASES_W * O];
    HG_ALIGNED float packed[KH * KW * O * GP]; /* [KH, KW, O, GP] */
    for (int k = 0; k < KH * KW; k++)
        for (int o = 0; o < O; o++)
            for (int g = 0; g < GP; g++) packed[(k * O + o) * GP + g] = g < G ? w[SWAP ? o * G + g : (k * G + g) * O + o] : 0.0f;
#endif
    for (; item >= 0; item = hg_next_item(item, items, taken)) HG_UNITS(unit, units, span, item) {
        const int group = unit / BANDS, b0 = group * PICTURES, band = (unit - group * BANDS) * BAND_ROWS;
        const int here = min(PICTURES, pictures - b0), n = here * min(BAND_ROWS, ROWS - band) * PART;
        for (int own_j = 0; own_j < COLUMNS; own_j += PART) {
            const int j0 = min(own_j, COLUMNS - PART);
            for (int i = 0; i < here; i++)
                FILL_PATCH(patch + i * PATCH, b0 + i, band * STEP_H + BASE_H, j0 * STEP_W + BASE_W);
            for (int own_o = 0; own_o < O; own_o += THIN ? O : PANEL)
            for (int phase = 0; phase < PHASES_H * PHASES_W; phase++) {
                const int py = phase / PHASES_W, px = phase - py * PHASES_W;
#if DATA
                const int kh0 = (py + PH) % SH, kw0 = (px + PW) % SW, kh_step = SH, kw_step = SW;
#else
                const int kh0 = 0, kw0 = 0, kh_step = 1, kw_step = ROW_TAPS;
#endif
#if !THIN
                const int o0 = min(own_o, O - PANEL);
                __global const float *panel = w + own_o * (KH * KW * G);
                hg_vec start[NV];
                HG_UNROLL for (int v = 0; v < NV; v++)
#if BIAS
                    start[v] = HG_LOAD(bias + o0 + v * HG_VEC);
#else
                    start[v] = 0.0f;
#endif
#endif
                for (int own_p = 0; own_p < n; own_p += TILE) {
                    const int p0 = max(min(own_p, n - TILE), 0); /* moved back at the end: what it shares is not stored again */
                    PLACES;
#if THIN
                    hg_vec sum[TILE * O];
                    HG_UNROLL for (int k = 0; k < TILE * O; k++) sum[k] = 0.0f;
#else
                    hg_vec sum[TILE][NV];
                    HG_UNROLL for (int q = 0; q < TILE; q++)
                        HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = start[v];
#endif
#if FETCH_AHEAD
                    HG_UNROLL for (int q = 0; q < TILE; q++) {
                        const int to = written(b0, band, j0, min(p0 + q, n - 1), py, px);
                        if (to >= 0) HG_UNROLL for (int v = 0; v < PANEL; v += 16) HG_FETCH(out_x + to + o0 + v);
                    }
#endif
                    for (int kh = kh0; kh < KH; kh += kh_step)
                        for (int kw = kw0; kw < KW; kw += kw_step) {
#if DATA
                            const int row = (py + PH) / SH - kh / SH * TAP_DIL(SH, DH) - BASE_H, column = (px + PW) / SW - kw / SW * TAP_DIL(SW, DW) - BASE_W;
#else
                            const int row = kh * DH, column = kw * DW;
#endif
                            SHIFTED((row * PATCH_W + column) * GP);
#if THIN
                            const float *wp = packed + (kh * KW + kw) * O * GP;
                            for (int g = 0; g < GP; g += HG_VEC) {
                                hg_vec weight[O];
                                HG_UNROLL for (int o = 0; o < O; o++) weight[o] = HG_LOAD(wp + o * GP + g);
                                HG_UNROLL for (int q = 0; q < TILE; q++) {
                                    const hg_vec value = HG_LOAD(X(q) + g);
                                    HG_UNROLL for (int o = 0; o < O; o++) sum[q * O + o] = fma(value, weight[o], sum[q * O + o]);
                                }
                            }
#else
                            __global const float *wp = panel + (kh * KW + kw) * G * PANEL;
                            HG_TURNS(TILE * NV) for (int g = 0; g < ROW_TAPS * G; g++, wp += PANEL) {
                                hg_vec weight[NV];
                                HG_UNROLL for (int v = 0; v < NV; v++) weight[v] = HG_LOAD(wp + v * HG_VEC);
                                HG_UNROLL for (int q = 0; q < TILE; q++)
                                    HG_UNROLL for (int v = 0; v < NV; v++) sum[q][v] = HG_SCALED(X(q)[g], weight[v], sum[q][v]);
                            }
#endif
                        }
#if THIN
                    HG_ALIGNED float folded[TILE * O + HG_VEC];
                    HG_UNROLL for (int k = 0; k < TILE * O; k += HG_VEC) fold(sum + k, min(TILE * O - k, HG_VEC), folded + k);
                    HG_UNROLL for (int q = 0; q < TILE; q++) {
                        const int p = min(p0 + q, n - 1), line = HG_WHOLE(p, PART), at = ((line * PHASES_H + py) * PART + p - line * PART) * PHASES_W + px;
                        for (int o = 0; o < O; o++) results[at * O + o] = folded[q * O + o] + (BIAS ? bias[o] : 0.0f);
                    }
#else
                    /* store; what lies beyond the picture or belongs to another tile is dropped */
                    HG_UNROLL for (int q = 0; q < TILE; q++) {
                        const int p = p0 + q, to = written(b0, band, j0, p, py, px);
                        if (p < own_p || p >= n || to < 0 || j0 + p - HG_WHOLE(p, PART) * PART < own_j) continue;
                        HG_UNROLL for (int v = 0; v < NV; v++) {
                            if (O % PANEL == 0 || o0 == own_o) hg_store(sum[q][v], out, out_x, to + o0 + v * HG_VEC);
                            else hg_store_from(sum[q][v], out, out_x, to + o0 + v * HG_VEC, own_o - o0 - v * HG_VEC);
                        }
                    }
#endif
                }
            }
#if THIN
            /* rows of the written side, of this part what no other has */
            for (int line = 0; line < here * BAND_ROWS * PHASES_H; line++) {
                const int picture = PICTURES > 1 ? HG_WHOLE(line, BAND_ROWS * PHASES_H) : 0, y = band * PHASES_H + line - picture * (BAND_ROWS * PHASES_H);
                const int first = own_j * PHASES_W, length = (min((j0 + PART) * PHASES_W, OW) - first) * O;
                const float *row = results + (line * PART + own_j - j0) * PHASES_W * O;
                const int to = (((b0 + picture) * OH + y) * OW + first) * O;
                if (y >= OH) continue;
                int i = 0;
                for (; i + HG_VEC <= length; i += HG_VEC) hg_store(HG_LOAD(row + i), out, out_x, to + i);
                HG_REST for (; i < length; i++) hg_store_one(row[i], out, out_x, to + i);
            }
#endif
        }
    }
}
