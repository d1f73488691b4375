/* Finding devices: every device of every platform, with limits and a score. */
#include "device/device_private.h"

#include <stdio.h>
#include <string.h>
#include "base/signals.h"
#include "base/text.h"

typedef struct entry { hg_device_info info; cl_device_id id; } entry;

struct hg_device_list { hg_arena *arena; entry *entries; int count; };

static char *query_text(hg_arena *arena, cl_device_id id, cl_device_info what)
{
    size_t bytes = 0;
    if (clGetDeviceInfo(id, what, 0, NULL, &bytes) != CL_SUCCESS || bytes == 0 || bytes > 1 << 20)
        return hg_arena_text(arena, "");
    char *text = hg_arena_alloc(arena, bytes + 1, 1);
    if (!text || clGetDeviceInfo(id, what, bytes, text, NULL) != CL_SUCCESS) return hg_arena_text(arena, "");
    size_t lead = strspn(text, " ");
    for (size_t n = strlen(text); n > lead && text[n - 1] == ' '; n--) text[n - 1] = 0;
    return text + lead;
}

/* CL_DEVICE_MAX_NUM_SUB_GROUPS of OpenCL 2.1; in 3.0 a core feature that may be absent */
enum { MAX_NUM_SUB_GROUPS = 0x105C };

/* A number of any width; 0 if the driver does not say. */
static uint64_t query(cl_device_id id, cl_device_info what)
{
    union { cl_ulong wide; cl_uint narrow; } value = {0};
    size_t bytes = 0;
    if (clGetDeviceInfo(id, what, sizeof value, &value, &bytes) != CL_SUCCESS) return 0;
    return bytes == sizeof(cl_uint) ? value.narrow : value.wide;
}

static hg_device_type type_of(cl_device_id id)
{
    cl_device_type type = query(id, CL_DEVICE_TYPE);
    if (type & CL_DEVICE_TYPE_CPU) return HG_DEVICE_CPU;
    return type & CL_DEVICE_TYPE_GPU ? HG_DEVICE_GPU : HG_DEVICE_ACCELERATOR;
}

/* A rough guess of GFLOP/s: units x clock x lanes x 2. A GPU's unit has about 64 lanes; a CPU's has the width that its
 * driver says it vectorises to, where 1 says that it leaves the work to the compiler's luck. */
static void set_score(hg_arena *arena, hg_device_info *info)
{
    bool cpu = info->type == HG_DEVICE_CPU, gpu = info->type == HG_DEVICE_GPU;
    double lanes = cpu ? info->vector_width : 64, ghz = info->clock_mhz ? info->clock_mhz / 1000.0 : 1;
    double factor = cpu || !info->unified ? 1 : 0.7; /* shares its memory's bandwidth with the CPU */
    info->score = info->usable ? 2 * info->compute_units * ghz * lanes * factor : 0;
    const char *kind = cpu ? "CPU" : !gpu ? "accelerator" : info->unified ? "integrated GPU" : "GPU";
    info->why = !info->usable ? "not usable: no compiler, switched off, or it does not say what it has"
                              : hg_arena_format(arena, "%s, %u units x %.2f GHz x %.0f lanes x 2: about %.0f GFLOP/s",
                                                kind, info->compute_units, ghz, lanes, info->score);
    if (!info->why) info->why = "";
}

static bool add_device(hg_device_list *list, const char *platform, cl_device_id id)
{
    hg_arena *a = list->arena;
    entry *grown = hg_arena_alloc(a, (size_t)list->count + 1, sizeof *grown);
    if (!grown) return false;
    if (list->count) memcpy(grown, list->entries, (size_t)list->count * sizeof *grown);
    list->entries = grown;
    const char *extensions = query_text(a, id, CL_DEVICE_EXTENSIONS);
    hg_device_info info = {
        .index = list->count, .platform = platform, .type = type_of(id),
        .name = query_text(a, id, CL_DEVICE_NAME), .vendor = query_text(a, id, CL_DEVICE_VENDOR),
        .driver = query_text(a, id, CL_DRIVER_VERSION), .version = query_text(a, id, CL_DEVICE_VERSION),
        .compute_units = (uint32_t)query(id, CL_DEVICE_MAX_COMPUTE_UNITS),
        .clock_mhz = (uint32_t)query(id, CL_DEVICE_MAX_CLOCK_FREQUENCY),
        .memory = query(id, CL_DEVICE_GLOBAL_MEM_SIZE), .max_alloc = query(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE),
        .local_memory = query(id, CL_DEVICE_LOCAL_MEM_SIZE), .max_work_group = query(id, CL_DEVICE_MAX_WORK_GROUP_SIZE),
        .vector_width = (uint32_t)query(id, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT),
        .base_align = (uint32_t)query(id, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8,
        .unified = query(id, CL_DEVICE_HOST_UNIFIED_MEMORY) != 0,
        .fp16 = strstr(extensions, "cl_khr_fp16") != NULL, .fp64 = strstr(extensions, "cl_khr_fp64") != NULL,
        .subgroups = strstr(extensions, "cl_khr_subgroups") || strstr(extensions, "cl_intel_subgroups") ||
                     query(id, MAX_NUM_SUB_GROUPS),
        .command_buffer = strstr(extensions, "cl_khr_command_buffer") != NULL,
        .usable = query(id, CL_DEVICE_AVAILABLE) && query(id, CL_DEVICE_COMPILER_AVAILABLE)};
    /* a driver that does not answer these is not to be trusted with work */
    if (!info.compute_units || !info.memory || !info.max_alloc || !info.max_work_group) info.usable = false;
    if (!info.vector_width) info.vector_width = 1;
    if (!info.base_align) info.base_align = 128;
    set_score(a, &info);
    list->entries[list->count++] = (entry){info, id};
    return true;
}

static bool add_platform(hg_context *ctx, hg_device_list *list, cl_platform_id platform)
{
    char name[256] = "unknown";
    clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, NULL);
    cl_uint n = 0;
    cl_int code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 0, NULL, &n);
    if (code == CL_DEVICE_NOT_FOUND || (code == CL_SUCCESS && n == 0))
        return true; /* a platform without devices is common */
    cl_device_id *ids = code == CL_SUCCESS ? hg_arena_alloc(list->arena, n, sizeof *ids) : NULL;
    if (code == CL_SUCCESS && !ids) return false;
    if (code == CL_SUCCESS) code = clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, n, ids, NULL);
    if (code != CL_SUCCESS) {
        hg_log(ctx, HG_LOG_WARNING, "platform %s is left out: clGetDeviceIDs failed with %s", name, hg_cl_error(code));
        return true;
    }
    const char *copy = hg_arena_text(list->arena, name);
    for (cl_uint i = 0; copy && i < n; i++)
        if (!add_device(list, copy, ids[i])) return false;
    return copy != NULL;
}

static hg_device_list *list_devices(hg_context *ctx)
{
    hg_arena *arena = hg_arena_create(ctx);
    hg_device_list *list = arena ? hg_arena_alloc(arena, 1, sizeof *list) : NULL;
    if (!list) goto fail;
    list->arena = arena;
    cl_uint n = 0;
    cl_int code = clGetPlatformIDs(0, NULL, &n); /* CL_PLATFORM_NOT_FOUND_KHR: the loader knows no driver */
    if (code != CL_SUCCESS && code != HG_NO_PLATFORM)
        hg_log(ctx, HG_LOG_WARNING, "clGetPlatformIDs failed with %s", hg_cl_error(code));
    if (code != CL_SUCCESS || n == 0) return list;
    cl_platform_id *platforms = hg_arena_alloc(arena, n, sizeof *platforms);
    if (!platforms) goto fail;
    if ((code = clGetPlatformIDs(n, platforms, NULL)) != CL_SUCCESS) {
        hg_log(ctx, HG_LOG_WARNING, "clGetPlatformIDs failed with %s", hg_cl_error(code));
        return list;
    }
    for (cl_uint i = 0; i < n; i++)
        if (!add_platform(ctx, list, platforms[i])) goto fail;
    return list;
fail:
    hg_arena_destroy(arena);
    return NULL;
}

/* Drivers start their threads here. */
hg_device_list *hg_devices(hg_context *ctx)
{
    sigset_t before;
    hg_signals_hold(&before);
    hg_device_list *list = list_devices(ctx);
    hg_signals_let_through(&before);
    return list;
}

int hg_devices_count(const hg_device_list *list) { return list->count; }
cl_device_id hg_devices_id(const hg_device_list *list, int index) { return list->entries[index].id; }

const hg_device_info *hg_devices_at(const hg_device_list *list, int index)
{
    return index >= 0 && index < list->count ? &list->entries[index].info : NULL;
}

void hg_devices_destroy(hg_device_list *list)
{
    if (list) hg_arena_destroy(list->arena); /* holds the list itself */
}
