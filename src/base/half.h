/* Half precision numbers (IEEE 754 binary16) on the host. */
#ifndef HG_BASE_HALF_H
#define HG_BASE_HALF_H

#include <stdint.h>

/* The number that the 16 bits stand for: exact, denormals, infinities and NaN included. */
float hg_half_to_float(uint16_t bits);
/* The nearest half, ties to even; from 65520 on infinity, denormal below 2^-14. */
uint16_t hg_half_from_float(float v);

#endif
