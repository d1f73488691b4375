/* Failures and notes. Calls malloc itself: a failure to allocate is a failure to be recorded too. */
#include "base/context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct hg_context {
    hg_log_fn *log;
    void *user;
    pthread_mutex_t lock; /* of status and message */
    hg_status status;
    char *message;        /* NULL while there is none, or no memory to hold it */
};

hg_context *hg_context_create(hg_log_fn *log, void *user)
{
    hg_context *ctx = calloc(1, sizeof *ctx);
    if (!ctx) return NULL;
    ctx->log = log;
    ctx->user = user;
    pthread_mutex_init(&ctx->lock, NULL);
    return ctx;
}

void hg_context_destroy(hg_context *ctx)
{
    if (!ctx) return;
    pthread_mutex_destroy(&ctx->lock);
    free(ctx->message);
    free(ctx);
}

hg_status hg_context_status(const hg_context *ctx)
{
    pthread_mutex_lock((pthread_mutex_t *)&ctx->lock);
    hg_status status = ctx->status;
    pthread_mutex_unlock((pthread_mutex_t *)&ctx->lock);
    return status;
}

const char *hg_message(const hg_context *ctx)
{
    if (ctx->status == HG_OK) return "";
    return ctx->message ? ctx->message : "out of memory";
}

void hg_context_clear(hg_context *ctx)
{
    pthread_mutex_lock(&ctx->lock);
    ctx->status = HG_OK;
    free(ctx->message);
    ctx->message = NULL;
    pthread_mutex_unlock(&ctx->lock);
}

static char *format_text(const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = n >= 0 ? malloc((size_t)n + 1) : NULL;
    if (text) vsnprintf(text, (size_t)n + 1, format, args);
    return text;
}

bool hg_fail(hg_context *ctx, hg_status status, const char *format, ...)
{
    pthread_mutex_lock(&ctx->lock);
    if (ctx->status == HG_OK) {
        va_list args;
        va_start(args, format);
        ctx->status = status;
        ctx->message = format_text(format, args);
        va_end(args);
    }
    pthread_mutex_unlock(&ctx->lock);
    return false;
}

bool hg_fail_memory(hg_context *ctx, size_t bytes)
{
    return hg_fail(ctx, HG_INTERNAL, "out of memory: %zu bytes could not be had", bytes);
}

bool hg_failed(const hg_context *ctx)
{
    return hg_context_status(ctx) != HG_OK;
}

void hg_log(hg_context *ctx, hg_level level, const char *format, ...)
{
    if (!ctx->log) return;
    va_list args;
    va_start(args, format);
    char *text = format_text(format, args);
    va_end(args);
    if (text) ctx->log(ctx->user, level, text);
    free(text);
}
