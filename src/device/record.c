#include "device/record.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"
#include "device/device_private.h"
#include "device/lanes.h"

/* Of cl_khr_command_buffer 0.9, a provisional extension: what is used is declared here, since headers have it in other versions or not
 * at all. An object stands for cl_command_buffer_khr. */
typedef void *commands;
enum { COMMAND_BUFFER_FLAGS = 0x1293, SIMULTANEOUS_USE = 1, EXTENSIONS_WITH_VERSION = 0x1060 };
typedef struct extension { cl_uint version; char name[64]; } extension;

typedef struct entry_points {
    commands(CL_API_CALL *create)(cl_uint, const cl_command_queue *, const cl_ulong *properties, cl_int *);
    cl_int(CL_API_CALL *finalize)(commands);
    cl_int(CL_API_CALL *release)(commands);
    cl_int(CL_API_CALL *enqueue)(cl_uint, cl_command_queue *, commands, cl_uint, const cl_event *, cl_event *);
    cl_int(CL_API_CALL *launch)(commands, cl_command_queue, const cl_ulong *properties, cl_kernel, cl_uint, const size_t *offset, const size_t *global,
                                const size_t *local, cl_uint, const cl_uint *wait, cl_uint *sync_point, void **handle);
} entry_points;

/* The ways are compared by turns of EACH runs, ROUNDS turns each, after FIRST runs in which a driver may still make machine code. A
 * replay has to be clearly faster: less is the machine's unrest (on PoCL 3.1, which enqueues what it replays, 4 % either way). */
enum { FIRST = 16, EACH = 16, ROUNDS = 3, ENQUEUE = 0, REPLAY = 1 };
static const double FASTER = 0.9;

struct hg_record {
    hg_device *dev;
    hg_launch *const *launches;
    int n, runs;
    bool settled, replays;
    double began, best[2]; /* seconds of the fastest turn, by way */
    entry_points call;
    commands recorded;
    hg_lanes *lanes; /* NULL: enqueued one after the other */
};

const char *const hg_record_ways[] = {"step=enqueue", "step=lanes", "step=replay", NULL};

static void settle(hg_record *r, bool replays, const char *why)
{
    r->settled = true;
    r->replays = replays;
    hg_log(r->dev->ctx, HG_LOG_DEBUG, "a step's %d launches are %s: %s", r->n, replays ? "replayed from a command buffer" : "enqueued one by one", why);
}

/* ---- what the driver has */

static bool has_version(hg_device *dev)
{
    size_t bytes = 0;
    if (!dev->info->command_buffer || clGetDeviceInfo(dev->id, EXTENSIONS_WITH_VERSION, 0, NULL, &bytes) != CL_SUCCESS) return false;
    extension *all = hg_alloc(dev->ctx, bytes + 1, 1);
    bool found = false;
    if (all && clGetDeviceInfo(dev->id, EXTENSIONS_WITH_VERSION, bytes, all, NULL) == CL_SUCCESS)
        for (size_t i = 0; i < bytes / sizeof *all; i++)
            found |= strcmp(all[i].name, "cl_khr_command_buffer") == 0 && all[i].version >> 12 == 9; /* major << 22 | minor << 12 | patch */
    hg_free(all);
    return found;
}

static bool find_calls(hg_device *dev, entry_points *call)
{
    cl_platform_id platform;
    if (!has_version(dev) || clGetDeviceInfo(dev->id, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) != CL_SUCCESS) return false;
    const struct { void *to; const char *name; } all[] = {
        {&call->create, "clCreateCommandBufferKHR"}, {&call->finalize, "clFinalizeCommandBufferKHR"},
        {&call->release, "clReleaseCommandBufferKHR"}, {&call->enqueue, "clEnqueueCommandBufferKHR"},
        {&call->launch, "clCommandNDRangeKernelKHR"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        void *found = clGetExtensionFunctionAddressForPlatform(platform, all[i].name);
        if (!found) return false;
        memcpy(all[i].to, &found, sizeof found);
    }
    return true;
}

/* ---- recording */

/* A replay may be enqueued while the one before is still at work. NULL: the driver does not want to. */
static commands record(hg_device *dev, const entry_points *call, hg_launch *const *launches, int n)
{
    const cl_ulong properties[] = {COMMAND_BUFFER_FLAGS, SIMULTANEOUS_USE, 0};
    cl_int code = CL_SUCCESS;
    commands made = call->create(1, &dev->queue, properties, &code);
    if (!made || code != CL_SUCCESS) return NULL;
    for (int i = 0; code == CL_SUCCESS && i < n; i++) {
        const hg_launch *l = launches[i];
        code = l->built ? call->launch(made, NULL, NULL, l->built, (cl_uint)l->dims, NULL, l->global, l->local[0] ? l->local : NULL, 0, NULL, NULL, NULL)
                        : CL_INVALID_KERNEL; /* a call of CLBlast */
    }
    if (code == CL_SUCCESS) code = call->finalize(made);
    if (code == CL_SUCCESS) return made;
    call->release(made);
    return NULL;
}

static bool replay(hg_device *dev, const entry_points *call, commands recorded)
{
    return call->enqueue(0, NULL, recorded, 0, NULL, NULL) == CL_SUCCESS && clFlush(dev->queue) == CL_SUCCESS;
}

/* x = 3 x + i for i = 1 .. LINKS, replayed twice: right only if launches run in order, with their own arguments, every time. */
static bool test_chain(hg_device *dev, const entry_points *call, hg_buffer *x)
{
    enum { LINKS = 6 };
    hg_launch link[LINKS], *all[LINKS];
    uint32_t expected = 1, found = 1;
    for (int i = 0; i < LINKS; i++) {
        link[i] = (hg_launch){.label = "command buffers", .file = "record", .kernel = "record_link", .macros = "", .dims = 1, .global = {1}, .local = {1},
                              .n_args = 2, .args = {{.type = HG_ARG_BUFFER, .buffer = x}, {.type = HG_ARG_INT, .i = i + 1}}};
        all[i] = &link[i];
    }
    for (int i = 0; i < 2 * LINKS; i++) expected = 3 * expected + (uint32_t)(i % LINKS) + 1;
    if (!hg_launches_build(dev, all, LINKS, NULL, NULL)) return false;
    commands recorded = record(dev, call, all, LINKS);
    bool ok = recorded && hg_buffer_write(x, 0, &found, sizeof found) && replay(dev, call, recorded) && replay(dev, call, recorded) &&
              hg_buffer_read(x, 0, &found, sizeof found) && found == expected;
    if (recorded) call->release(recorded);
    hg_launches_release(all, LINKS);
    return ok;
}

static bool prepare(hg_record *r)
{
    if (!find_calls(r->dev, &r->call)) return false;
    hg_buffer *x = hg_buffer_create(r->dev, sizeof(uint32_t), "command buffers");
    bool ok = x && test_chain(r->dev, &r->call, x);
    hg_buffer_destroy(x);
    if (ok) r->recorded = record(r->dev, &r->call, r->launches, r->n);
    return r->recorded != NULL;
}

/* ---- running */

hg_record *hg_record_create(hg_device *dev, hg_launch *const *launches, int n)
{
    hg_record *r = HG_NEW(dev->ctx, hg_record);
    if (!r) return NULL;
    *r = (hg_record){.dev = dev, .launches = launches, .n = n, .best = {1e30, 1e30}};
    const char *forced = dev->variants ? dev->variants : "";
    if (strstr(forced, "step=enqueue")) settle(r, false, "as wished");
    else if (strstr(forced, "step=lanes")) settle(r, false, "as wished, in two lanes");
    else if (strstr(forced, "step=replay")) settle(r, prepare(r), r->recorded ? "as wished" : "the driver does not replay them rightly");
    if (strstr(forced, "step=enqueue") || r->replays || (r->lanes = hg_lanes_create(dev, launches, n))) return r;
    hg_record_destroy(r);
    return NULL;
}

void hg_record_destroy(hg_record *r)
{
    if (!r) return;
    if (r->recorded) {
        clFinish(r->dev->queue);
        r->call.release(r->recorded);
    }
    hg_lanes_destroy(r->lanes);
    hg_free(r);
}

bool hg_record_replays(const hg_record *r) { return r->replays; }
int hg_record_beside(const hg_record *r) { return r->lanes && !r->replays ? hg_lanes_beside(r->lanes) : 0; }

static void choose(hg_record *r)
{
    char why[96];
    snprintf(why, sizeof why, "enqueued %.3f ms, replayed %.3f ms", 1e3 * r->best[ENQUEUE] / EACH, 1e3 * r->best[REPLAY] / EACH);
    settle(r, r->best[REPLAY] < FASTER * r->best[ENQUEUE], why);
}

/* At the bounds of a turn: waits, takes the time of the last turn, chooses the way of the next. */
static bool turn(hg_record *r)
{
    const int i = r->runs - FIRST;
    if (i < 0 || i % EACH) return true;
    if (!hg_device_finish(r->dev)) return false;
    const double time = hg_now();
    if (i == 0 && !prepare(r)) {
        settle(r, false, "the driver has no command buffers, or does not replay them rightly");
        return hg_device_working(r->dev) && !hg_failed(r->dev->ctx);
    }
    if (i > 0 && time - r->began < r->best[r->replays]) r->best[r->replays] = time - r->began;
    if (i == 2 * ROUNDS * EACH) choose(r);
    else r->replays = i / EACH % 2 == REPLAY;
    r->began = hg_now();
    return true;
}

bool hg_record_run(hg_record *r)
{
    if (!hg_device_working(r->dev) || (!r->settled && !turn(r))) return false;
    r->runs++;
    if (r->replays) {
        if (replay(r->dev, &r->call, r->recorded)) return true;
        settle(r, false, "a replay failed");
    }
    return r->lanes ? hg_lanes_run(r->lanes) : hg_launches_run(r->dev, r->launches, r->n);
}
