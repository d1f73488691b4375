/* Failures and notes. The message lies inside the context, so that "no memory left" can be recorded as well. */
#include "base/context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

enum { MESSAGE_SIZE = 16384, LINE_SIZE = 2048 };

struct hg_context {
    hg_log_fn *log;
    void *user;
    pthread_mutex_t lock;
    atomic_int status; /* hg_status */
    char message[MESSAGE_SIZE];
};

hg_context *hg_context_create(hg_log_fn *log, void *user)
{
    hg_context *ctx = HG_NEW(NULL, hg_context);
    if (!ctx) return NULL;
    ctx->log = log;
    ctx->user = user;
    if (pthread_mutex_init(&ctx->lock, NULL)) {
        hg_free(ctx);
        return NULL;
    }
    return ctx;
}

void hg_context_destroy(hg_context *ctx)
{
    if (!ctx) return;
    pthread_mutex_destroy(&ctx->lock);
    hg_free(ctx);
}

hg_status hg_context_status(const hg_context *ctx)
{
    return (hg_status)atomic_load(&((hg_context *)ctx)->status);
}

const char *hg_message(const hg_context *ctx)
{
    return hg_context_status(ctx) == HG_OK ? "" : ctx->message;
}

void hg_context_clear(hg_context *ctx)
{
    pthread_mutex_lock(&ctx->lock);
    ctx->message[0] = 0;
    atomic_store(&ctx->status, HG_OK);
    pthread_mutex_unlock(&ctx->lock);
}

bool hg_fail(hg_context *ctx, hg_status status, const char *format, ...)
{
    if (!ctx) return false;
    pthread_mutex_lock(&ctx->lock);
    if (atomic_load(&ctx->status) == HG_OK) {
        va_list args;
        va_start(args, format);
        int length = vsnprintf(ctx->message, MESSAGE_SIZE, format, args);
        va_end(args);
        if (length < 0) snprintf(ctx->message, MESSAGE_SIZE, "%s", format);
        if (length >= MESSAGE_SIZE) memcpy(ctx->message + MESSAGE_SIZE - 4, "...", 4);
        atomic_store(&ctx->status, (int)(status == HG_OK ? HG_INTERNAL : status));
    }
    pthread_mutex_unlock(&ctx->lock);
    return false;
}

bool hg_fail_memory(hg_context *ctx, size_t bytes)
{
    if (bytes > PTRDIFF_MAX)
        return hg_fail(ctx, HG_INTERNAL, "out of host memory: a size is larger than any memory; try a smaller batch or model");
    return hg_fail(ctx, HG_INTERNAL, "out of host memory: %zu bytes were asked for; try a smaller batch or less data", bytes);
}

bool hg_failed(const hg_context *ctx)
{
    return hg_context_status(ctx) != HG_OK;
}

void hg_log(hg_context *ctx, hg_level level, const char *format, ...)
{
    if (!ctx || !ctx->log) return;
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ctx->log(ctx->user, level, line);
}
