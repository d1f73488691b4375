/* Common to every kernel. The first part is at the begin of a program, the second one, marked below, in front of each of the program's
 * kernel files and behind their macros. OpenCL C 1.2 core only.
 *
 * Contraction is off, so that a*b + c means the same on every driver where it is written so; kernels that want the
 * fused form say fma() or mad() (see HG_MAD). */
#pragma OPENCL FP_CONTRACT OFF

#define HG_PASTE2(a, b) a##b
#define HG_PASTE(a, b) HG_PASTE2(a, b)

/* ---- records written by the host each step */
typedef struct {
    uint seed_lo, seed_hi; /* key of all random draws */
    uint step_lo, step_hi; /* number of this step, from 1 */
    uint slot;             /* row of the metrics ring */
    uint batch;            /* examples in this step */
    float lr;
    float clip_norm, clip_value;
    float h[8];            /* the optimizer's numbers */
} hg_step;

/* Kept on the device from step to step. */
typedef struct {
    uint bad;         /* a loss was not finite: parameters are left alone from then on */
    float grad_scale; /* of gradient clipping */
    float grad_norm;
    float unused;
} hg_state;

/* ---- fused multiply-add where the device has a fast one */
#ifdef FP_FAST_FMAF
#define HG_MAD(a, b, c) fma((a), (b), (c))
#else
#define HG_MAD(a, b, c) mad((a), (b), (c))
#endif

/* x mod n for x >= 0. Not `%`: compilers join it with x / n nearby into an instruction that Oclgrind does not know. */
#define HG_MOD(x, n) ((x) - (x) / (n) * (n))

/* x / n where x - x / n * n stands nearby; with HG_SLOW_SHUFFLES, for Oclgrind, through memory, so that nothing is joined. */
#ifdef HG_SLOW_SHUFFLES
static inline int hg_whole(int x, int n)
{
    volatile int whole = x / n;
    return whole;
}
#define HG_WHOLE(x, n) hg_whole((x), (n))
#else
#define HG_WHOLE(x, n) ((x) / (n))
#endif

/* ---- spans: a work-item's contiguous part of n items */
inline int hg_span_length(int n) { return (n + (int)get_global_size(0) - 1) / (int)get_global_size(0); }
inline int hg_span_begin(int n) { return (int)get_global_id(0) * hg_span_length(n); }

/* ---- items that are taken. A driver gives its threads a launch's work-items in parts, PoCL the first half of them to one thread, and
 * all wait for the one whose processor has other things to do. So there are few work-items, and each takes one item after the other until
 * none is left. It is told so once, and the last one that is sets the count back for the next launch. Where there are as many work-items
 * as items, each has its own. hg_emit_taken makes such launches. `before`: the item that it had, -1 at first. */
static inline int hg_next_item(int before, int items, __global int *taken)
{
    const int groups = (int)get_global_size(0);
    if (groups >= items) return before < 0 && (int)get_global_id(0) < items ? (int)get_global_id(0) : -1;
    const int item = atomic_inc(taken);
    if (item == items + groups - 1) atomic_xchg(taken, 0);
    return item < items ? item : -1;
}
#define HG_ITEMS(item, items, taken) for (int item = hg_next_item(-1, items, taken); item >= 0; item = hg_next_item(item, items, taken))
/* A span of units is an item. */
#define HG_UNITS(unit, units, span, item) for (int unit = (item) * (span); unit < min(((item) + 1) * (span), (units)); unit++)

/* ---- activations: value from x, derivative from the output y (from x for gelu and silu). Written so that scalars and
 * vectors of any width both work, and so that NaN passes through. `p` is the activation's number. Arguments are
 * evaluated more than once: pass variables. */
#define HG_POS(x) ((x) > 0.0f)
#define ACT_linear(x, p) (x)
#define ACT_GRAD_linear(y, p) 1.0f
#define ACT_relu(x, p) ((x) < 0.0f ? (x) * 0.0f : (x))
#define ACT_GRAD_relu(y, p) HG_STEP(y)
#define ACT_leaky_relu(x, p) ((x) < 0.0f ? (x) * (p) : (x))
#define ACT_GRAD_leaky_relu(y, p) ((p) + (1.0f - (p)) * HG_STEP(y))
#define ACT_elu(x, p) ((x) < 0.0f ? (p) * expm1(x) : (x))
#define ACT_GRAD_elu(y, p) (HG_STEP(y) + (1.0f - HG_STEP(y)) * ((y) + (p)))
#define HG_SELU_SCALE 1.0507009873554805f
#define HG_SELU_ALPHA 1.6732632423543772f
#define ACT_selu(x, p) (HG_SELU_SCALE * ((x) < 0.0f ? HG_SELU_ALPHA * expm1(x) : (x)))
#define ACT_GRAD_selu(y, p) (HG_STEP(y) * HG_SELU_SCALE + (1.0f - HG_STEP(y)) * ((y) + HG_SELU_SCALE * HG_SELU_ALPHA))
#define ACT_tanh(x, p) tanh(x)
#define ACT_GRAD_tanh(y, p) (1.0f - (y) * (y))
#define ACT_sigmoid(x, p) (1.0f / (1.0f + exp(-(x))))
#define ACT_GRAD_sigmoid(y, p) ((y) * (1.0f - (y)))
#define ACT_softplus(x, p) (fmax((x), 0.0f) + log1p(exp(-fabs(x))))
#define ACT_GRAD_softplus(y, p) (-expm1(-(y)))
#define ACT_silu(x, p) ((x) / (1.0f + exp(-(x))))
#define ACT_GRAD_silu(x, p) ((1.0f / (1.0f + exp(-(x)))) * (1.0f + (x) * (1.0f - 1.0f / (1.0f + exp(-(x))))))
/* gelu: x Phi(x), the exact form with erf, as PyTorch's default */
#define ACT_gelu(x, p) (0.5f * (x) * (1.0f + erf((x) * 0.70710678118654752f)))
#define ACT_GRAD_gelu(x, p) (0.5f * (1.0f + erf((x) * 0.70710678118654752f)) + (x) * 0.3989422804014327f * exp(-0.5f * (x) * (x)))
/* 1 where y > 0, else 0 (NaN gives 0), the least denormal included. Not sign(): it costs PoCL more than everything around it. */
#define HG_STEP(y) fmin(fmax((y) * 0x1p127f, 0.0f) * 0x1p23f, 1.0f)

/* The output's activation. */
#define HG_ACT(v) ACT(v, ACT_P)
/* The derivative of the activation behind a gradient's tensor, from that tensor's value; HG_DX_IS_LINEAR is 1 where none
 * applies, so that the value need not be read. */
#define HG_DX_FACTOR(y) DX_ACT(y, DX_ACT_P)

/* ---- numbers in memory, one by one */
#define HG_FLOAT(p) (*(p))
#define HG_FLOAT4(p) (*(__global const float4 *)(p))
#define HG_FLOAT_PUT(v, p) (*(p) = (v))

/* ---- vectors into memory: long ones in one piece, where PoCL's vstore16 becomes four instructions, and its vstore8 of bytes eight */
#define HG_STORE2(v, p) vstore2((v), 0, (p))
#define HG_STORE4(v, p) vstore4((v), 0, (p))
#ifdef __clang__
typedef float8 __attribute__((aligned(sizeof(float)))) hg_float8_anywhere;
typedef float16 __attribute__((aligned(sizeof(float)))) hg_float16_anywhere;
typedef uchar8 __attribute__((aligned(1))) hg_uchar8_anywhere;
typedef uchar16 __attribute__((aligned(1))) hg_uchar16_anywhere;
#define HG_STORE_TO(name, vector, anywhere, space, number) \
    __attribute__((overloadable)) static inline void name(vector v, space number *p) { *(space anywhere *)p = v; }
HG_STORE_TO(hg_store_whole, float8, hg_float8_anywhere, __global, float)
HG_STORE_TO(hg_store_whole, float8, hg_float8_anywhere, __local, float)
HG_STORE_TO(hg_store_whole, float8, hg_float8_anywhere, __private, float)
HG_STORE_TO(hg_store_whole, float16, hg_float16_anywhere, __global, float)
HG_STORE_TO(hg_store_whole, float16, hg_float16_anywhere, __local, float)
HG_STORE_TO(hg_store_whole, float16, hg_float16_anywhere, __private, float)
HG_STORE_TO(hg_store_whole, uchar8, hg_uchar8_anywhere, __global, uchar)
HG_STORE_TO(hg_store_whole, uchar16, hg_uchar16_anywhere, __global, uchar)
#define HG_STORE8(v, p) hg_store_whole((v), (p))
#define HG_STORE16(v, p) hg_store_whole((v), (p))
#else
#define HG_STORE8(v, p) vstore8((v), 0, (p))
#define HG_STORE16(v, p) vstore16((v), 0, (p))
#endif

/* An array in private memory of which vectors are loaded: one that crosses the ends of cache lines costs twice. */
#define HG_ALIGNED __attribute__((aligned(64)))

/* The numbers of a vector's lanes. */
#define HG_LANE_2 (hg_uvec)(0, 1)
#define HG_LANE_4 (hg_uvec)(0, 1, 2, 3)
#define HG_LANE_8 (hg_uvec)(0, 1, 2, 3, 4, 5, 6, 7)
#define HG_LANE_16 (hg_uvec)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)

/* ---- tiles in registers */
#define HG_UNROLL __attribute__((opencl_unroll_hint))

/* The loop over what makes the sums of a tile, which fill so many registers: where these are few, several turns at once, for counting and
 * jumping, an eighth of a turn's instructions, take the place of multiply-adds where two threads share a core. */
#define HG_TURNS(registers) __attribute__((opencl_unroll_hint((registers) > 16 ? 2 : 4)))

/* A loop over what is left, short and seldom run: as it stands, it is small and quickly compiled. */
#ifdef __clang__
#define HG_REST _Pragma("clang loop unroll(disable) vectorize(disable)")
#else
#define HG_REST
#endif

/* Asks for the cache line of a number that is needed later. (PoCL's own `prefetch` does nothing; SPIR-V has no word for clang's.) */
#if defined __has_builtin && !defined __SPIR && !defined __SPIR__ && !defined __SPIRV__
#if __has_builtin(__builtin_prefetch)
#define HG_FETCH(p) __builtin_prefetch(p)
#endif
#endif
#ifndef HG_FETCH
#define HG_FETCH(p) prefetch((__global const uchar *)(p), 1)
#endif
/* sum + s v, the scalar s with every number of the vector */
#define HG_SCALED(s, v, sum) fma((hg_vec)(s), (v), (sum))

/* ---- flat arrays of n numbers, HG_VEC at a time: HG_FOR(i, HG_VECTORS(n)); the last vector may be a partial one. Where four
 * vectors are made together: HG_FOR(q, HG_FOURS(n)), and HG_FOUR(k, i, q, n) for its vectors i = 4 q + k. */
#define HG_VECTORS(n) ((n) / HG_VEC + ((n) % HG_VEC != 0))
#define HG_FOURS(n) ((n) / (4 * HG_VEC) + ((n) % (4 * HG_VEC) != 0))
#define HG_FOUR(k, i, q, n) for (int k = 0, i = 4 * (q); k < 4 && i < HG_VECTORS(n); k++, i++)

/* n numbers into private memory, sixteen to two at a time: gradients or weights, and values. */
#define HG_TAKE(name, type, LOAD, ONE) \
    static inline void name(float *to, __global const type *from, int n) \
    { \
        int i = 0; \
        for (; i + 16 <= n; i += 16) HG_STORE16(LOAD##16(0, from + i), to + i); \
        for (; i + 8 <= n; i += 8) HG_STORE8(LOAD##8(0, from + i), to + i); \
        for (; i + 4 <= n; i += 4) vstore4(LOAD##4(0, from + i), 0, to + i); \
        for (; i + 2 <= n; i += 2) vstore2(LOAD##2(0, from + i), 0, to + i); \
        HG_REST for (; i < n; i++) to[i] = ONE(from + i); \
    }
HG_TAKE(hg_take_float, float, vload, HG_FLOAT)

/* HG_DX for a vector; the macro is for kernels that write a second gradient (hg_emit_dx_as). */
#define HG_PUT_GRADIENT(name, is_linear, ACT_GRAD, p, add) \
    static inline void name(hg_vec v, __global float *dx, __global const hg_dx_x *dx_x, int i, int n) \
    { \
        if (!(is_linear)) { \
            const hg_vec value = hg_get_dx_x(dx_x, i, n); \
            v = v * ACT_GRAD(value, p); \
        } \
        if (add) v = hg_get(dx, i, n) + v; \
        hg_put(v, dx, i, n); \
    }

/* ---- pictures [R rows, W columns, C channels] by a range that hg_emit_pixels sets: each work-item takes a contiguous span of
 * rows (off the CPU mostly one), and in them columns and vectors of channels */
#define HG_ROWS_EACH(n) (((n) - 1) / (int)get_global_size(2) + 1)
#define HG_ROWS_BEGIN(n) ((int)get_global_id(2) * HG_ROWS_EACH(n))
#define HG_ROWS_END(n) min(HG_ROWS_BEGIN(n) + HG_ROWS_EACH(n), (int)(n))
#define HG_ROWS(r, n) for (int r = HG_ROWS_BEGIN(n), hg_last = HG_ROWS_END(n); r < hg_last; r++)
#define HG_COLUMNS(j, n) for (int j = (int)get_global_id(1); j < (n); j += (int)get_global_size(1))
#define HG_CHANNELS(c, n) for (int c = (int)get_global_id(0) * HG_VEC; c < (n); c += (int)get_global_size(0) * HG_VEC)

/* ==== from here on by the macros of a kernel file: once for each */

/* ---- loops over n items: on a CPU (HG_SPAN) each work-item takes a contiguous span, else items id, id + size, ... */
#ifdef HG_SPAN
#define HG_FOR(i, n) \
    for (int i = hg_span_begin(n), hg_end = min(i + hg_span_length(n), (int)(n)); i < hg_end; i++)
#else
#define HG_FOR(i, n) for (int i = (int)get_global_id(0); i < (n); i += (int)get_global_size(0))
#endif

/* ACT and DX_ACT come with the prefix (-DACT=ACT_tanh -DDX_ACT=ACT_GRAD_tanh): a driver may define tanh itself as a macro. */
#ifndef ACT
#define ACT ACT_linear
#endif
#ifndef ACT_P
#define ACT_P 0.0f
#endif
#ifdef DX_ACT
#define HG_DX_IS_LINEAR 0
#else
#define HG_DX_IS_LINEAR 1
#define DX_ACT ACT_GRAD_linear
#endif
#ifndef DX_ACT_P
#define DX_ACT_P 0.0f
#endif
#ifndef DX_ADD
#define DX_ADD 0
#endif
#ifndef DW_ADD
#define DW_ADD 0
#endif

/* Stores gradient v at i: times the derivative, added to what is there if DX_ADD. */
#if DX_ADD
#define HG_DX_OLD(dx, i) (dx)[i] +
#else
#define HG_DX_OLD(dx, i)
#endif
#if HG_DX_IS_LINEAR
#define HG_DX(dx, dx_x, i, v) ((dx)[i] = HG_DX_OLD(dx, i) (v))
#else
#define HG_DX(dx, dx_x, i, v) ((dx)[i] = HG_DX_OLD(dx, i) (v) * HG_DX_FACTOR(HG_DX_X((dx_x) + (i))))
#endif

/* ---- rows of channels: work-items that compute HG_VEC (1, 2, 4, 8, 16) neighbouring channels at a time */
#ifndef HG_VEC
#ifdef HG_SPAN
#define HG_VEC 16
#else
#define HG_VEC 1
#endif
#endif
#if HG_VEC == 1
typedef float hg_vec;
typedef int hg_ivec;
typedef uint hg_uvec;
#define HG_TO_FLOAT(v) convert_float(v)
#define HG_LANE 0
#define HG_LOAD(p) (*(p))
#define HG_STORE(v, p) (*(p) = (v))
#define HG_LOAD_HALF(p) vload_half(0, p)
#define HG_STORE_HALF(v, p) vstore_half_rte(v, 0, p)
#define HG_LOAD_INT(p) (*(p))
#define HG_LOAD_UCHAR(p) ((int)*(p))
#define HG_STORE_UCHAR(v, p) (*(p) = (uchar)(v))
#else
typedef HG_PASTE(float, HG_VEC) hg_vec;
typedef HG_PASTE(int, HG_VEC) hg_ivec;
typedef HG_PASTE(uint, HG_VEC) hg_uvec;
#define HG_TO_FLOAT(v) HG_PASTE(convert_float, HG_VEC)(v)
#define HG_LANE HG_PASTE(HG_LANE_, HG_VEC)
#define HG_LOAD(p) HG_PASTE(vload, HG_VEC)(0, p)
#define HG_STORE(v, p) HG_PASTE(HG_STORE, HG_VEC)(v, p)
#define HG_LOAD_HALF(p) HG_PASTE(vload_half, HG_VEC)(0, p)
#define HG_STORE_HALF(v, p) HG_PASTE(HG_PASTE(vstore_half, HG_VEC), _rte)(v, 0, p)
#define HG_LOAD_INT(p) HG_LOAD(p)
#define HG_LOAD_UCHAR(p) HG_PASTE(convert_int, HG_VEC)(HG_PASTE(vload, HG_VEC)(0, p))
#define HG_STORE_UCHAR(v, p) HG_STORE(HG_PASTE(convert_uchar, HG_VEC)(v), p)
#endif

/* ---- tensors' values in memory: float, or half where the plan stores them so (macros X_HALF, Y_HALF, DX_X_HALF; model/plan.h).
 * A kernel names the pointer's type, and loads and stores through these; in registers all numbers are float. Storing rounds to the
 * nearest half, ties to even: beyond 65504 that is infinity, below 2^-14 a denormal.
 *   hg_x: a value that is read; hg_y: one that is written; hg_dx_x: the value behind a gradient (HG_DX, hg_store)
 *   HG_X(p), HG_Y(v, p): one number; HG_X_LOAD(p), HG_Y_STORE(v, p): HG_VEC of them; HG_X4(p): four at a multiple of four */
#ifndef X_HALF
#define X_HALF 0
#endif
#ifndef Y_HALF
#define Y_HALF 0
#endif
#ifndef DX_X_HALF
#define DX_X_HALF 0
#endif
#if X_HALF
typedef half hg_x;
#define HG_X(p) vload_half(0, p)
#define HG_X_LOAD(p) HG_LOAD_HALF(p)
#define HG_X4(p) vloada_half4(0, p)
#else
typedef float hg_x;
#define HG_X(p) (*(p))
#define HG_X_LOAD(p) HG_LOAD(p)
#define HG_X4(p) HG_FLOAT4(p)
#endif
#if Y_HALF
typedef half hg_y;
#define HG_Y(v, p) vstore_half_rte(v, 0, p)
#define HG_Y_STORE(v, p) HG_STORE_HALF(v, p)
#else
typedef float hg_y;
#define HG_Y(v, p) (*(p) = (v))
#define HG_Y_STORE(v, p) HG_STORE(v, p)
#endif
#if DX_X_HALF
typedef half hg_dx_x;
#define HG_DX_X(p) vload_half(0, p)
#define HG_DX_X_LOAD(p) HG_LOAD_HALF(p)
#else
typedef float hg_dx_x;
#define HG_DX_X(p) (*(p))
#define HG_DX_X_LOAD(p) HG_LOAD(p)
#endif

/* HG_DX for HG_VEC numbers at i. */
#if DX_ADD
#define HG_DX_OLD_VEC(dx, i) HG_LOAD((dx) + (i)) +
#else
#define HG_DX_OLD_VEC(dx, i)
#endif
#if HG_DX_IS_LINEAR
#define HG_DX_VEC(dx, dx_x, i, v) HG_STORE(HG_DX_OLD_VEC(dx, i) (v), (dx) + (i))
#else
#define HG_DX_VEC(dx, dx_x, i, v) \
    do { \
        const hg_vec hg_value = HG_DX_X_LOAD((dx_x) + (i)); \
        HG_STORE(HG_DX_OLD_VEC(dx, i) (v) * HG_DX_FACTOR(hg_value), (dx) + (i)); \
    } while (0)
#endif
/* Stores HG_VEC results at out[i]..: values through their activation, or gradients (GRADIENT) times the derivative, added to
 * what is there if DX_ADD. */
#ifndef GRADIENT
#define GRADIENT 0
#endif
static inline void hg_store(hg_vec v, __global hg_y *out, __global const hg_dx_x *out_x, int i)
{
#if GRADIENT
    HG_DX_VEC(out, out_x, i, v);
#else
    v = HG_ACT(v);
    HG_Y_STORE(v, out + i);
#endif
}

/* the same for one number */
static inline void hg_store_one(float v, __global hg_y *out, __global const hg_dx_x *out_x, int i)
{
#if GRADIENT
    HG_DX(out, out_x, i, v);
#else
    v = HG_ACT(v);
    HG_Y(v, out + i);
#endif
}

/* hg_store for the numbers of a vector from number `first` on: those before it are another's to store. */
static inline void hg_store_from(hg_vec v, __global hg_y *out, __global const hg_dx_x *out_x, int i, int first)
{
    float part[HG_VEC];
    HG_STORE(v, part);
    HG_REST for (int k = max(first, 0); k < HG_VEC; k++) hg_store_one(part[k], out, out_x, i + k);
}

#if HG_VEC > 1
#define HG_GET(ONE, LOAD) \
    if (i * HG_VEC + HG_VEC > n) { \
        float part[HG_VEC]; \
        HG_REST for (int k = 0; k < HG_VEC; k++) part[k] = i * HG_VEC + k < n ? ONE(p + i * HG_VEC + k) : 0.0f; \
        return HG_LOAD(part); \
    } \
    return LOAD(p + i * HG_VEC)
#define HG_PUT(ONE, STORE) \
    if (i * HG_VEC + HG_VEC > n) { \
        float part[HG_VEC]; \
        HG_STORE(v, part); \
        HG_REST for (int k = 0; i * HG_VEC + k < n; k++) ONE(part[k], p + i * HG_VEC + k); \
        return; \
    } \
    STORE(v, p + i * HG_VEC)
#else
#define HG_GET(ONE, LOAD) return LOAD(p + i)
#define HG_PUT(ONE, STORE) STORE(v, p + i)
#endif
static inline hg_vec hg_get(__global const float *p, int i, int n) { HG_GET(HG_FLOAT, HG_LOAD); }
static inline hg_vec hg_get_x(__global const hg_x *p, int i, int n) { HG_GET(HG_X, HG_X_LOAD); }
static inline hg_vec hg_get_dx_x(__global const hg_dx_x *p, int i, int n) { HG_GET(HG_DX_X, HG_DX_X_LOAD); }
static inline void hg_put(hg_vec v, __global float *p, int i, int n) { HG_PUT(HG_FLOAT_PUT, HG_STORE); }
static inline void hg_put_y(hg_vec v, __global hg_y *p, int i, int n) { HG_PUT(HG_Y, HG_Y_STORE); }

#if X_HALF
HG_TAKE(hg_take, half, vload_half, HG_X)
#else
#define hg_take hg_take_float
#endif

/* v with zeros where there are no numbers any more. */
static inline hg_vec hg_inside(hg_vec v, int i, int n)
{
    const hg_uvec left = (uint)(n - i * HG_VEC), lane = HG_LANE;
    const hg_vec none = 0.0f;
    return lane < left ? v : none;
}

/* HG_DX for a vector */
HG_PUT_GRADIENT(hg_put_dx, HG_DX_IS_LINEAR, DX_ACT, DX_ACT_P, DX_ADD)

/* ---- sums over all items of a launch: every work-group of HG_GROUP (a power of two) items stores one partial sum, added up
 * in a fixed order. The kernel begins with HG_SUM_BEGIN. */
#ifndef HG_GROUP
#define HG_GROUP 1
#endif
#if HG_GROUP == 1
#define HG_SUM_BEGIN
#define HG_SUM_END(v, partials) ((partials)[get_group_id(0)] = (v))
#else
#define HG_SUM_BEGIN __local float hg_tree[HG_GROUP];
#define HG_SUM_END(v, partials) hg_sum_end(v, partials, hg_tree)
static inline void hg_sum_end(float v, __global float *partials, __local float *tree)
{
    const int id = (int)get_local_id(0);
    tree[id] = v;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int half_size = HG_GROUP / 2; half_size > 0; half_size /= 2) {
        if (id < half_size) tree[id] += tree[id + half_size];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (id == 0) partials[get_group_id(0)] = tree[0];
}
#endif

/* log(1 + e) for e in [0, 1], faster than log1p: 2 artanh(s) with s = e / (2 + e) at most 1/3, by its series to s^15. */
static inline hg_vec hg_log1p_unit(hg_vec e)
{
    const hg_vec s = e / (2.0f + e), q = s * s;
    const hg_vec sum = 2.0f / 3.0f + q * (2.0f / 5.0f + q * (2.0f / 7.0f + q * (2.0f / 9.0f + q * (2.0f / 11.0f + q * (2.0f / 13.0f + q * (2.0f / 15.0f))))));
    return 2.0f * s + s * (q * sum);
}

/* Gradients for an optimizer: within plus or minus limit (0: as they are); NaN stays. */
static inline hg_vec hg_clipped(hg_vec g, float limit)
{
    const hg_vec high = limit, low = -limit;
    if (limit > 0.0f) g = g > high ? high : g < low ? low : g;
    return g;
}

/* The sum of a vector's numbers. */
static inline float hg_lanes(hg_vec v)
{
#if HG_VEC == 1
    return v;
#else
#if HG_VEC == 16
    const float8 v8 = v.lo + v.hi;
#elif HG_VEC == 8
    const float8 v8 = v;
#endif
#if HG_VEC >= 8
    const float4 v4 = v8.lo + v8.hi;
#elif HG_VEC == 4
    const float4 v4 = v;
#endif
#if HG_VEC >= 4
    const float2 v2 = v4.lo + v4.hi;
#else
    const float2 v2 = v;
#endif
    return dot(v2, (float2)(1.0f)); /* x + y itself becomes a shuffle with an undefined lane, over which Oclgrind 21 falls */
#endif
}
