/* Time as it passes. */
#ifndef HG_BASE_CLOCK_H
#define HG_BASE_CLOCK_H

/* Seconds since some moment, never set back. */
double hg_now(void);

/* Seconds that a processor has worked for the calling thread. */
double hg_thread_busy(void);

#endif
