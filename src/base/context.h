/* The context: where failures and notes go. Every object keeps a pointer to the context it came from. */
#ifndef HG_BASE_CONTEXT_H
#define HG_BASE_CONTEXT_H

#include "hourglass.h"

#if defined(__GNUC__)
#define HG_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define HG_PRINTF(f, a)
#endif

/* Records a failure; the first one since the last clear wins (later ones are consequences). Always returns false, so
 * that a function can end with `return hg_fail(...)`. The text is one line or a few, without trailing newline:
 * what failed, where, with which numbers, what to try. Thread-safe. */
bool hg_fail(hg_context *ctx, hg_status status, const char *format, ...) HG_PRINTF(3, 4);

/* hg_fail for "no host memory": bytes is what was asked for. */
bool hg_fail_memory(hg_context *ctx, size_t bytes);

/* Has anything failed since the last clear? Thread-safe. */
bool hg_failed(const hg_context *ctx);

/* Hands a line to the log callback. Call from the user's thread only. */
void hg_log(hg_context *ctx, hg_level level, const char *format, ...) HG_PRINTF(3, 4);

#endif
