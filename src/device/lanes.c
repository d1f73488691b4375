#include "device/lanes.h"

#include "device/device_private.h"

/* A launch that another one needs so many launches later is not waited for soon. With less than LITTLE flops there is nothing to gain, with
 * more than LONG (a millisecond) end and start are a hundredth of it. A step of m3 gains 5 %, others as much as they lose. */
enum { FAR = 3, NONE = -1 };
static const double LITTLE = 1e7, LONG = 2e8;

/* waits: the launch of the other lane that has to end first, NONE: none beyond those that its lane has waited for. */
typedef struct place { bool beside, awaited; int waits; } place;

struct hg_lanes {
    hg_device *dev;
    hg_launch *const *launches;
    int n, n_beside;
    place *places;
    cl_event *events;         /* of launches that are awaited */
    cl_command_queue beside;  /* NULL: all run in the device's queue */
};

/* ---- what depends on what */

static bool declarations_known(const hg_launch *l)
{
    cl_kernel_arg_type_qualifier q;
    return l->built && (!l->n_args || clGetKernelArgInfo(l->built, 0, CL_KERNEL_ARG_TYPE_QUALIFIER, sizeof q, &q, NULL) == CL_SUCCESS);
}

static bool is_written(const hg_launch *l, int arg)
{
    cl_kernel_arg_type_qualifier qualifier = 0;
    return clGetKernelArgInfo(l->built, (cl_uint)arg, CL_KERNEL_ARG_TYPE_QUALIFIER, sizeof qualifier, &qualifier, NULL) != CL_SUCCESS ||
           !(qualifier & CL_KERNEL_ARG_TYPE_CONST);
}

/* Does one write what the other touches? Then their order counts. */
static bool depend(const hg_launch *a, const hg_launch *b)
{
    for (int i = 0; i < a->n_args; i++)
        for (int k = 0; k < b->n_args; k++) {
            if (a->args[i].type != HG_ARG_BUFFER || b->args[k].type != HG_ARG_BUFFER) continue;
            const hg_buffer *x = a->args[i].buffer, *y = b->args[k].buffer;
            const bool meet = x->whole == y->whole && x->begin < y->begin + y->bytes && y->begin < x->begin + x->bytes;
            if (meet && (is_written(a, i) || is_written(b, k))) return true;
        }
    return false;
}

/* From the last to the first: beside run short ones that the first lane needs no sooner than FAR launches later. */
static void choose(hg_lanes *s)
{
    for (int i = s->n - 2; i > 0; i--) {
        s->places[i].beside = s->launches[i]->flops > LITTLE && s->launches[i]->flops < LONG;
        for (int k = i + 1; k < s->n && k < i + FAR; k++)
            if (!s->places[k].beside && depend(s->launches[i], s->launches[k])) s->places[i].beside = false;
    }
}

/* A lane is in order: what it has waited for once lies behind it for good. Its first launch waits for one of this run, and so for the run
 * before, whose last launch ended after all others. */
static void link_lanes(hg_lanes *s)
{
    int seen[2] = {NONE, NONE}, last = NONE;
    for (int i = 0; i < s->n; i++) {
        place *p = &s->places[i];
        p->waits = NONE;
        for (int k = i - 1; k > seen[p->beside]; k--) {
            if (s->places[k].beside == p->beside || !depend(s->launches[k], s->launches[i])) continue;
            p->waits = seen[p->beside] = k;
            break;
        }
        if (p->beside && p->waits == NONE && last == NONE) p->beside = false;
        if (p->beside) last = i, s->n_beside++;
    }
    if (last > seen[false]) s->places[s->n - 1].waits = last;
    for (int i = 0; i < s->n; i++)
        if (s->places[i].waits != NONE) s->places[s->places[i].waits].awaited = true;
}

hg_lanes *hg_lanes_create(hg_device *dev, hg_launch *const *launches, int n)
{
    hg_lanes *s = HG_NEW(dev->ctx, hg_lanes);
    if (!s) return NULL;
    *s = (hg_lanes){.dev = dev, .launches = launches, .n = n};
    s->places = hg_alloc(dev->ctx, (size_t)n + 1, sizeof *s->places);
    s->events = hg_alloc(dev->ctx, (size_t)n + 1, sizeof *s->events);
    if (!s->places || !s->events) goto fail;
    bool known = hg_has_wide_vectors(dev->info) && n > FAR;
    for (int i = 0; known && i < n; i++) known = declarations_known(launches[i]);
    if (!known) return s;
    choose(s);
    link_lanes(s);
    if (!s->n_beside) return s;
    hg_log(dev->ctx, HG_LOG_DEBUG, "%d of a step's %d launches run beside the others", s->n_beside, n);
    cl_int code;
    s->beside = clCreateCommandQueue(dev->context, dev->id, 0, &code);
    if (s->beside) return s;
    hg_cl_fail(dev, code, "clCreateCommandQueue", "a second queue");
fail:
    hg_lanes_destroy(s);
    return NULL;
}

void hg_lanes_destroy(hg_lanes *s)
{
    if (!s) return;
    if (s->beside) clReleaseCommandQueue(s->beside); /* what is still under way keeps what it needs */
    hg_free(s->events);
    hg_free(s->places);
    hg_free(s);
}

int hg_lanes_beside(const hg_lanes *s) { return s->n_beside; }

/* ---- running */

static bool enqueue(hg_lanes *s, int i)
{
    const place *p = &s->places[i];
    const cl_event *wait = p->waits == NONE ? NULL : &s->events[p->waits];
    const hg_launch *l = s->launches[i];
    cl_command_queue queue = p->beside ? s->beside : s->dev->queue;
    cl_int code = clEnqueueNDRangeKernel(queue, l->built, (cl_uint)l->dims, NULL, l->global, l->local[0] ? l->local : NULL, wait ? 1 : 0, wait,
                                         p->awaited ? &s->events[i] : NULL);
    if (code != CL_SUCCESS) return hg_cl_fail(s->dev, code, "clEnqueueNDRangeKernel", l->label);
    code = p->awaited ? clFlush(queue) : CL_SUCCESS; /* what the other lane waits for has to be on its way */
    return code == CL_SUCCESS || hg_cl_fail(s->dev, code, "clFlush", l->label);
}

bool hg_lanes_run(hg_lanes *s)
{
    if (!s->beside) return hg_launches_run(s->dev, s->launches, s->n);
    if (!hg_device_working(s->dev)) return false;
    bool ok = true;
    for (int i = 0; i < s->n; i++) s->events[i] = NULL;
    for (int i = 0; ok && i < s->n; i++) ok = enqueue(s, i);
    for (int i = 0; i < s->n; i++)
        if (s->events[i]) clReleaseEvent(s->events[i]);
    if (!ok) return false;
    const cl_int code = clFlush(s->dev->queue);
    return code == CL_SUCCESS || hg_cl_fail(s->dev, code, "clFlush", s->launches[s->n - 1]->label);
}
