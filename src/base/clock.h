/* Time as it passes. */
#ifndef HG_BASE_CLOCK_H
#define HG_BASE_CLOCK_H

/* Seconds since some moment, never set back. */
double hg_now(void);

#endif
