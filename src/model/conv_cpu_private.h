/* What the variants for CPU devices share: conv_cpu.c, conv_cpu_wide.c, conv_cpu_batch.c and conv_cpu_pictures.c (gathers), conv_cpu_weight.c, conv_winograd.c and conv_winograd_weight.c. */
#ifndef HG_MODEL_CONV_CPU_PRIVATE_H
#define HG_MODEL_CONV_CPU_PRIVATE_H

#include "model/conv.h"
#include "model/conv_cpu.h"

/* Bytes of a private patch at most and of one that stays in the first-level cache; items of a gather for each compute unit; tiles
 * that at least share a panel of weights. */
enum { PATCH_BYTES = 256 << 10, BAND_BYTES = 16 << 10, ITEMS_EACH = 16, BAND_TILES = 16 };

static inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most(int a, int b) { return a > b ? a : b; }
/* Equal parts of at most `limit`. */
static inline int even_part(int n, int limit) { return ceil_div(n, ceil_div(n, limit)); }
/* Parts of at most `limit`, and more than half of it, that make least beyond n where the last one is moved back; the largest of such. */
static inline int least_beyond(int n, int limit)
{
    int best = least(n, limit);
    for (int part = best - 1; part > limit / 2; part--)
        if ((int64_t)ceil_div(n, part) * part < (int64_t)ceil_div(n, best) * best) best = part;
    return best;
}

/* The vector registers: numbers in one, how many there are, and how many may hold sums. AVX-512 has 32 registers of 16; of the 16 registers
 * that AVX has (8 numbers) and that SSE and NEON at least have (4) a few hold weights and what is multiplied with them. */
typedef struct hg_cpu_registers { int width, all, sums; } hg_cpu_registers;
hg_cpu_registers hg_cpu_registers_of(const hg_device_info *limits);
/* The widest vector, up to a register, that `channels` fill. */
int hg_cpu_vector(const hg_device_info *limits, int channels);
/* Items for so many units of work that are independent of each other: enough for every core, so few that taking them costs little. */
size_t hg_cpu_items(const hg_plan *plan, size_t units);
/* On a CPU whose driver has wide vectors the family is at home: its cost (hg_variant.fit). */
double hg_cpu_place(const hg_device_info *limits);
/* What few units of work add to the cost, as a factor: they leave compute units idle, more or less with the number of these, on which a
 * choice, and with it bits, must not depend. */
double hg_cpu_idle(size_t units);
/* What a gather reads and writes. rows, columns: of the written side, those of a phase in D; steps: from one written pixel to the
 * next on the read side. */
typedef struct hg_cpu_gather { hg_side read, written; int rows, columns, row_step, column_step; bool product, data; } hg_cpu_gather;
hg_cpu_gather hg_cpu_gather_of(const hg_gather *gather, bool data);
/* A new launch with the arguments and macros that all gathers have. */
hg_launch *hg_cpu_emit_gather(hg_plan *plan, const hg_node *node, const hg_gather *gather, const hg_cpu_gather *s, hg_block weights, const char *file,
                              const char *kernel);

/* The launch of a weight gradient for so many units of work and blocks of the weights, its splits and their sum. `begin` adds the arguments
 * large, small, partials, bias_partials, units, span and the macros of both sides; then come the variant's own and the range, then `end`. */
typedef struct hg_weight_launch {
    hg_launch *launch;
    const hg_conv *conv;
    hg_block partials, bias_partials;
    int splits;
    bool direct;
    size_t weights, biases;
} hg_weight_launch;
hg_weight_launch hg_cpu_weight_begin(hg_plan *plan, const hg_node *node, const hg_weight *weight, const char *file, const char *kernel,
                                     int units, int blocks);
void hg_cpu_weight_end(hg_plan *plan, const hg_node *node, const hg_weight_launch *w);

#endif
