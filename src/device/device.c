/* Choosing a device and opening it. */
#include "device/device_private.h"

#include <string.h>
#include "base/option.h"
#include "base/text.h"

static void add_line(hg_text *text, const hg_device_info *info)
{
    hg_text_add(text, "\n  %d: %s (%s)", info->index, info->name, info->platform);
}

static void add_all(hg_text *text, const hg_device_list *list)
{
    for (int i = 0; i < hg_devices_count(list); i++) add_line(text, hg_devices_at(list, i));
}

static int best_of(const hg_device_list *list, int type)
{
    int best = -1;
    for (int i = 0; i < hg_devices_count(list); i++) {
        const hg_device_info *info = hg_devices_at(list, i);
        if (!info->usable || (type >= 0 && (int)info->type != type)) continue;
        if (best < 0 || info->score > hg_devices_at(list, best)->score) best = i;
    }
    return best;
}

static int by_name(hg_context *ctx, const hg_device_list *list, const char *select)
{
    hg_text fits = {.ctx = ctx}, all = {.ctx = ctx};
    int found = -1, whole = -1, wholes = 0, count = 0;
    for (int i = 0; i < hg_devices_count(list); i++) {
        const hg_device_info *info = hg_devices_at(list, i);
        if (strcmp(info->name, select) == 0) whole = i, wholes++;
        if (!hg_contains(info->name, select) && !hg_contains(info->platform, select)) continue;
        found = i;
        count++;
        add_line(&fits, info);
    }
    if (wholes == 1) found = whole, count = 1; /* "RTX 3090" beside an "RTX 3090 Ti" */
    add_all(&all, list);
    if (count > 1)
        hg_fail(ctx, HG_NO_DEVICE, "the device '%s' fits %d devices: say which by its number:%s", select, count,
                fits.data ? fits.data : "");
    if (count == 0)
        hg_fail(ctx, HG_NO_DEVICE, "no device is called '%s'; there are:%s", select, all.data ? all.data : "");
    hg_text_free(&fits);
    hg_text_free(&all);
    return count == 1 ? found : -1;
}

static void none_of(hg_context *ctx, const hg_device_list *list, const char *select)
{
    hg_text all = {.ctx = ctx};
    add_all(&all, list);
    hg_fail(ctx, HG_NO_DEVICE, "there is no usable %s among the OpenCL devices:%s", select, all.data ? all.data : "");
    hg_text_free(&all);
}

static int select_device(hg_context *ctx, const hg_device_list *list, const char *select)
{
    int64_t index;
    int n = hg_devices_count(list), found;
    if (n == 0) {
        hg_fail(ctx, HG_NO_DEVICE, "no OpenCL device: install a driver for your GPU (its maker's package, or "
                "mesa-opencl-icd), or for the CPU: apt install pocl-opencl-icd (macOS has one built in). A driver that is "
                "installed but lists no device may need a writable cache folder: set HOME, or POCL_CACHE_DIR for PoCL");
        return -1;
    }
    if (!select || !*select || strcmp(select, "auto") == 0) {
        found = best_of(list, -1);
        if (found < 0) hg_fail(ctx, HG_NO_DEVICE, "none of the %d OpenCL devices is usable: see hourglass devices", n);
        return found;
    }
    if (strcmp(select, "gpu") == 0 || strcmp(select, "cpu") == 0) {
        found = best_of(list, select[0] == 'g' ? HG_DEVICE_GPU : HG_DEVICE_CPU);
        if (found < 0) none_of(ctx, list, select);
        return found;
    }
    if (!hg_parse_int(select, &index)) return by_name(ctx, list, select);
    if (index >= 0 && index < n) return (int)index;
    hg_fail(ctx, HG_NO_DEVICE, "there is no device %s: the numbers go from 0 to %d, see hourglass devices", select,
            n - 1);
    return -1;
}

static bool open_failed(hg_device *dev, cl_int code, const char *call)
{
    if (code == CL_OUT_OF_HOST_MEMORY || code == CL_OUT_OF_RESOURCES) return hg_cl_fail(dev, code, call, "opening");
    return hg_fail(dev->ctx, HG_NO_DEVICE,
                   "the device %s cannot be opened: %s failed with %s (%d): try another --device", dev->info->name,
                   call, hg_cl_error(code), code);
}

static bool open_queue(hg_device *dev)
{
    cl_int code;
    dev->context = clCreateContext(NULL, 1, &dev->id, NULL, NULL, &code);
    if (!dev->context) return open_failed(dev, code, "clCreateContext");
    dev->queue = clCreateCommandQueue(dev->context, dev->id, 0, &code);
    return dev->queue || open_failed(dev, code, "clCreateCommandQueue");
}

hg_device *hg_device_open(hg_context *ctx, const hg_device_params *params)
{
    static const hg_device_params none;
    if (!params) params = &none;
    hg_device *dev = HG_NEW(ctx, hg_device);
    if (!dev) return NULL;
    dev->ctx = ctx;
    if (!(dev->list = hg_devices(ctx))) goto fail;
    int index = select_device(ctx, dev->list, params->select);
    if (index < 0) goto fail;
    dev->info = hg_devices_at(dev->list, index);
    dev->id = hg_devices_id(dev->list, index);
    if (!dev->info->usable) {
        hg_fail(ctx, HG_NO_DEVICE, "the device %s is %s: choose another", dev->info->name, dev->info->why);
        goto fail;
    }
    if (params->kernel_dir && !(dev->kernel_dir = hg_copy_text(ctx, params->kernel_dir))) goto fail;
    if (!hg_device_force(dev, params->variants)) goto fail;
    if (!open_queue(dev)) goto fail;
    return dev;
fail:
    hg_device_close(dev);
    return NULL;
}

void hg_device_close(hg_device *dev)
{
    if (!dev) return;
    if (dev->queue) {
        clFinish(dev->queue);
        clReleaseCommandQueue(dev->queue);
    }
    hg_units_release(dev);
    if (dev->context) clReleaseContext(dev->context);
    hg_devices_destroy(dev->list);
    hg_free(dev->kernel_dir);
    hg_free(dev->variants);
    hg_free(dev);
}

const hg_device_info *hg_device_get_info(const hg_device *dev) { return dev->info; }
hg_context *hg_device_context(const hg_device *dev) { return dev->ctx; }
const char *hg_device_variants(const hg_device *dev) { return dev->variants; }

bool hg_device_force(hg_device *dev, const char *variants)
{
    char *copy = variants ? hg_copy_text(dev->ctx, variants) : NULL;
    if (variants && !copy) return false;
    hg_free(dev->variants);
    dev->variants = copy;
    return true;
}

bool hg_has_wide_vectors(const hg_device_info *info)
{
    return info->type == HG_DEVICE_CPU && info->vector_width >= 4;
}

bool hg_device_finish(hg_device *dev)
{
    if (!hg_device_working(dev)) return false;
    cl_int code = clFinish(dev->queue);
    return code == CL_SUCCESS || hg_cl_fail(dev, code, "clFinish", "waiting");
}
