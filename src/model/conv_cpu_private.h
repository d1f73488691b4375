/* What the variants for CPU devices share: conv_cpu.c and conv_cpu_wide.c (gathers), conv_cpu_weight.c. */
#ifndef HG_MODEL_CONV_CPU_PRIVATE_H
#define HG_MODEL_CONV_CPU_PRIVATE_H

#include "model/conv.h"
#include "model/conv_cpu.h"

/* Vector registers for sums (AVX-512 and SVE have 32, of which a few hold weights), work-items of a gather, bytes of a private
 * patch at most and of one that stays in the first-level cache. */
enum { SUMS = 28, MOST_ITEMS = 256, PATCH_BYTES = 256 << 10, BAND_BYTES = 16 << 10 };

static inline int ceil_div(int a, int b) { return (a + b - 1) / b; }
static inline int least(int a, int b) { return a < b ? a : b; }
static inline int most(int a, int b) { return a > b ? a : b; }
/* Equal parts of at most `limit`. */
static inline int even_part(int n, int limit) { return ceil_div(n, ceil_div(n, limit)); }

/* The widest vector, up to 16, that `channels` fill. */
int hg_cpu_vector(int channels);
/* On a CPU whose driver has wide vectors the family is at home: its cost (hg_variant.fit). */
double hg_cpu_place(const hg_device_info *limits);
/* Is the convolution a matrix product: one tap, no borders? */
bool hg_cpu_is_product(const hg_conv *conv);

/* What a gather reads and writes. rows, columns: of the written side, those of a phase in D; steps: from one written pixel to the
 * next on the read side. */
typedef struct hg_cpu_gather { hg_side read, written; int rows, columns, row_step, column_step; bool product, data; } hg_cpu_gather;
hg_cpu_gather hg_cpu_gather_of(const hg_gather *gather, bool data);
/* A new launch with the arguments and macros that all gathers have; `items`: the last argument. */
hg_launch *hg_cpu_emit_gather(hg_plan *plan, const hg_node *node, const hg_gather *gather, const hg_cpu_gather *s, const char *file, const char *kernel,
                              size_t items);

#endif
