/* Perfect shuffles of two float16, and their inverses, for the files that include this one. HG_SLOW_SHUFFLES: through memory, for
 * Oclgrind 21, which takes numbers that were shuffled in registers for uninitialised ones. */
#ifdef HG_SLOW_SHUFFLES
static inline float16 hg_picked(float16 a, float16 b, int first, int step, int other)
{
    volatile float from[32], to[16];
    float result[16];
    for (int k = 0; k < 16; k++) from[k] = ((float *)&a)[k], from[16 + k] = ((float *)&b)[k];
    for (int k = 0; k < 8; k++) to[k * other] = from[first + k * step], to[k * other + (other == 2 ? 1 : 8)] = from[16 + first + k * step];
    for (int k = 0; k < 16; k++) result[k] = to[k];
    return vload16(0, result);
}
#define HG_LOW(a, b) hg_picked((a), (b), 0, 1, 2)
#define HG_HIGH(a, b) hg_picked((a), (b), 8, 1, 2)
#define HG_EVEN(a, b) hg_picked((a), (b), 0, 2, 1)
#define HG_ODD(a, b) hg_picked((a), (b), 1, 2, 1)
#else
#define HG_LOW(a, b) (float16)((a).s0, (b).s0, (a).s1, (b).s1, (a).s2, (b).s2, (a).s3, (b).s3, \
                               (a).s4, (b).s4, (a).s5, (b).s5, (a).s6, (b).s6, (a).s7, (b).s7)
#define HG_HIGH(a, b) (float16)((a).s8, (b).s8, (a).s9, (b).s9, (a).sa, (b).sa, (a).sb, (b).sb, \
                                (a).sc, (b).sc, (a).sd, (b).sd, (a).se, (b).se, (a).sf, (b).sf)
#define HG_EVEN(a, b) (float16)((a).even, (b).even)
#define HG_ODD(a, b) (float16)((a).odd, (b).odd)
#endif

/* Transposes 16 x 16 numbers by four perfect shuffles of the rows. */
__attribute__((always_inline))
static inline void hg_turn(float16 *a)
{
    float16 b[16];
    HG_UNROLL for (int round = 0; round < 2; round++) {
        HG_UNROLL for (int k = 0; k < 8; k++) {
            b[2 * k] = HG_LOW(a[k], a[k + 8]);
            b[2 * k + 1] = HG_HIGH(a[k], a[k + 8]);
        }
        HG_UNROLL for (int k = 0; k < 8; k++) {
            a[2 * k] = HG_LOW(b[k], b[k + 8]);
            a[2 * k + 1] = HG_HIGH(b[k], b[k + 8]);
        }
    }
}
