/* For the tests of the device room: the best device that is here, with its kernels in a folder of the test's own. */
#ifndef HG_TESTS_ON_DEVICE_H
#define HG_TESTS_ON_DEVICE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/file.h"
#include "base/rng.h"
#include "base/text.h"
#include "device/device_private.h"
#include "device/launch.h"
#include "device/record.h"

static hg_context *ctx;
static hg_device *dev;
static char folder[64];

static inline const char *at(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static inline int begin(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/hg-device-XXXXXX");
    if (!mkdtemp(folder) || !(ctx = hg_context_create(NULL, NULL))) return 1;
    const char *common = hg_kernel_source("common"), *random = hg_kernel_source("random");
    if (!common || !hg_file_write(ctx, at("common.cl"), common, strlen(common))) return 1;
    if (!random || !hg_file_write(ctx, at("random.cl"), random, strlen(random))) return 1;
    hg_device_params params = {.kernel_dir = folder, .variants = "plain"};
    dev = hg_device_open(ctx, &params);
    if (!dev) fprintf(stderr, "skipped: %s\n", hg_message(ctx));
    hg_context_clear(ctx);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    hg_device_close(dev);
    hg_device_close(NULL);
    hg_context_destroy(ctx);
    unlink(at("common.cl"));
    unlink(at("random.cl"));
    return rmdir(folder);
}

static inline void need_device(void)
{
    if (!dev) skip();
}

static inline void check(bool ok)
{
    if (!ok) fail_msg("%s", hg_message(ctx));
}

static inline void expect_failure(hg_status status, const char *part)
{
    if (hg_context_status(ctx) != status || !strstr(hg_message(ctx), part))
        fail_msg("status %d with '%s' instead of %d with '%s'", hg_context_status(ctx), hg_message(ctx), status, part);
    hg_context_clear(ctx);
}

#endif
