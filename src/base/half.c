#include "base/half.h"

#include <math.h>

/* (-1)^sign 2^(exponent - 15) (1 + fraction / 1024); exponent 0: denormal, 31: infinity or NaN. */
float hg_half_to_float(uint16_t bits)
{
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    const float size = exponent == 31 ? (fraction ? NAN : INFINITY) : exponent ? ldexpf((float)(1024 + fraction), exponent - 25) : ldexpf((float)fraction, -24);
    return bits >> 15 ? -size : size;
}

uint16_t hg_half_from_float(float v)
{
    const uint32_t sign = signbit(v) ? 0x8000 : 0;
    const float size = fabsf(v);
    int exponent;
    if (isnan(v)) return (uint16_t)(sign | 0x7e00);
    if (size >= 65520) return (uint16_t)(sign | 0x7c00);
    if (size < 0x1p-14f) return (uint16_t)(sign | (uint32_t)rintf(size * 0x1p24f));
    const uint32_t digits = (uint32_t)rintf(ldexpf(frexpf(size, &exponent), 11)); /* 1024 .. 2048: rounded up it carries into the exponent */
    return (uint16_t)(sign | (((uint32_t)(exponent + 14) << 10) + digits - 1024));
}
