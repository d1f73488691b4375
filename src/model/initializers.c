#include "model/initializer.h"

#include <math.h>
#include <string.h>

/* ---- drawing: every number in float from the same sequence, in PyTorch's order */

static void fill_uniform(hg_rng *rng, double limit, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (float)((2 * (double)hg_rng_uniform(rng) - 1) * limit);
}

static void fill_normal(hg_rng *rng, double mean, double std, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = (float)(mean + std * hg_rng_normal(rng));
}

/* Draws beyond two standard deviations are drawn again (TensorFlow's truncated normal). */
static void fill_truncated(hg_rng *rng, double mean, double std, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) {
        double z;
        do z = hg_rng_normal(rng); while (fabs(z) > 2);
        out[i] = (float)(mean + std * z);
    }
}

#define FILL(name) static bool name(hg_context *ctx, const void *options, const hg_param *param, hg_rng *rng, float *out)
#define UNUSED (void)ctx, (void)options, (void)rng

FILL(glorot_uniform)
{
    UNUSED;
    fill_uniform(rng, sqrt(6.0 / (double)(param->fan_in + param->fan_out)), param->count, out);
    return true;
}

FILL(glorot_normal)
{
    UNUSED;
    fill_normal(rng, 0, sqrt(2.0 / (double)(param->fan_in + param->fan_out)), param->count, out);
    return true;
}

FILL(he_uniform)
{
    UNUSED;
    fill_uniform(rng, sqrt(6.0 / (double)param->fan_in), param->count, out);
    return true;
}

FILL(he_normal)
{
    UNUSED;
    fill_normal(rng, 0, sqrt(2.0 / (double)param->fan_in), param->count, out);
    return true;
}

FILL(uniform_fan_in)
{
    UNUSED;
    fill_uniform(rng, 1.0 / sqrt((double)param->fan_in), param->count, out);
    return true;
}

typedef struct normal_options { double std, mean; } normal_options;
static const hg_option normal_table[] = {
    {"std", "standard deviation", offsetof(normal_options, std), HG_OPTION_FLOAT, 0.05, 0, 1e6},
    {"mean", "mean", offsetof(normal_options, mean), HG_OPTION_FLOAT, 0, -1e6, 1e6},
    {0},
};

FILL(normal)
{
    UNUSED;
    const normal_options *o = options;
    fill_normal(rng, o->mean, o->std, param->count, out);
    return true;
}

FILL(truncated_normal)
{
    UNUSED;
    const normal_options *o = options;
    fill_truncated(rng, o->mean, o->std, param->count, out);
    return true;
}

FILL(zeros)
{
    UNUSED;
    memset(out, 0, param->count * sizeof *out);
    return true;
}

/* ---- orthogonal (Saxe, McClelland, Ganguli 2014): a random matrix [shape[0], rest] with orthonormal rows or columns,
 * whichever are fewer, by Gram-Schmidt (twice, for accuracy) on normal draws */

typedef struct orthogonal_options { double gain; } orthogonal_options;
static const hg_option orthogonal_table[] = {{"gain", "factor", offsetof(orthogonal_options, gain), HG_OPTION_FLOAT, 1, 0, 1e6}, {0}};

static double dot(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static void orthonormalize(double *v, const double *others, size_t count, size_t n)
{
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = 0; k < count; k++) {
            double along = dot(v, others + k * n, n);
            for (size_t i = 0; i < n; i++) v[i] -= along * others[k * n + i];
        }
    double norm = sqrt(dot(v, v, n));
    for (size_t i = 0; i < n; i++) v[i] /= norm;
}

FILL(orthogonal)
{
    const orthogonal_options *o = options;
    size_t rows = (size_t)param->shape[0], columns = param->count / rows, few = rows < columns ? rows : columns, many = param->count / few;
    double *v = hg_alloc(ctx, param->count, sizeof *v);
    if (!v) return false;
    for (size_t k = 0; k < few; k++) {
        for (size_t i = 0; i < many; i++) v[k * many + i] = hg_rng_normal(rng);
        orthonormalize(v + k * many, v, k, many);
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++) out[r * columns + c] = (float)(o->gain * (rows <= columns ? v[r * many + c] : v[c * many + r]));
    hg_free(v);
    return true;
}

#define PLAIN(n, help) static const hg_initializer init_##n = {{#n, help, NULL, 0}, n}
PLAIN(glorot_uniform, "uniform within sqrt(6 / (fan_in + fan_out)): Keras's default");
PLAIN(glorot_normal, "normal with variance 2 / (fan_in + fan_out)");
PLAIN(he_uniform, "uniform within sqrt(6 / fan_in)");
PLAIN(he_normal, "normal with variance 2 / fan_in");
PLAIN(uniform_fan_in, "uniform within 1 / sqrt(fan_in), biases too: PyTorch's default");
PLAIN(zeros, "all 0");
static const hg_initializer init_he = {{"he", "the same as he_normal", NULL, 0}, he_normal};
static const hg_initializer init_normal = {{"normal", "normal", normal_table, sizeof(normal_options)}, normal};
static const hg_initializer init_truncated_normal = {{"truncated_normal", "normal, within two standard deviations", normal_table, sizeof(normal_options)}, truncated_normal};
static const hg_initializer init_orthogonal = {{"orthogonal", "orthonormal rows or columns", orthogonal_table, sizeof(orthogonal_options)}, orthogonal};

const hg_descriptor *const hg_initializers[] = {
    &init_glorot_uniform.head, &init_glorot_normal.head, &init_he.head, &init_he_normal.head, &init_he_uniform.head,
    &init_uniform_fan_in.head, &init_normal.head, &init_truncated_normal.head, &init_orthogonal.head, &init_zeros.head, NULL};

/* ---- parameters */

bool hg_param_init(hg_context *ctx, const hg_param *param, int index, uint64_t seed, float *out)
{
    if (param->init.type) {
        hg_rng rng = hg_rng_make(seed, HG_STREAM_INIT, (uint32_t)index);
        return ((const hg_initializer *)param->init.type)->fill(ctx, param->init.options, param, &rng, out);
    }
    for (size_t i = 0; i < param->count; i++) out[i] = (float)param->constant;
    return true;
}

static void permute(const hg_param *param, const float *from, float *to, bool to_engine)
{
    const int last = param->axes - 1;
    size_t torch_stride[HG_MAX_AXES], at[HG_MAX_AXES] = {0}, step = 1, torch = 0;
    for (int k = last; k >= 0; k--) {
        torch_stride[k] = step;
        step *= (size_t)param->size[k];
    }
    for (size_t engine = 0; engine < param->count; engine++) {
        if (to_engine) to[engine] = from[torch];
        else to[torch] = from[engine];
        for (int k = last; k >= 0; k--) { /* the next element: as a counter whose last digit is the fastest axis */
            const size_t size = (size_t)param->size[param->order[k]], stride = torch_stride[param->order[k]];
            torch += stride;
            if (++at[k] < size) break;
            torch -= stride * size;
            at[k] = 0;
        }
    }
}

void hg_param_to_engine(const hg_param *param, const float *torch, float *engine) { permute(param, torch, engine, true); }
void hg_param_to_torch(const hg_param *param, const float *engine, float *torch) { permute(param, engine, torch, false); }
