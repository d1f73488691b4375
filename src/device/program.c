/* Programs: kernels, specialised by macros and built once per device. A unit is a kernel of a file, with macros. Drivers that build in
 * parallel get a program for each unit, built by a few threads. CPU drivers get all that are asked for together as one program: PoCL 3.1
 * builds one program after another whatever the threads do (a fresh program takes it 150 ms before the first kernel of ours, one from
 * its cache 18 ms; machine code is made at a kernel's first run), and Oclgrind, which says that it is a CPU too, does not survive threads. */
#include "device/device_private.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/signals.h"
#include "base/text.h"

static void free_unit(hg_unit *unit)
{
    if (unit->owner && unit->object) clReleaseProgram(unit->object);
    hg_free(unit->file);
    hg_free(unit->macros);
    hg_free(unit->kernel);
    hg_free(unit->source);
    hg_free(unit);
}

void hg_units_release(hg_device *dev)
{
    for (hg_unit *u = dev->units, *next; u; u = next) {
        next = u->next;
        free_unit(u);
    }
    dev->units = NULL;
}

cl_kernel hg_unit_kernel(const hg_unit *unit, const char *name, cl_int *code)
{
    char full[128];
    if (unit->number < 0) snprintf(full, sizeof full, "%s", name);
    else snprintf(full, sizeof full, "%s" HG_UNIT_SUFFIX, name, unit->number);
    return clCreateKernel(unit->object, full, code);
}

/* ---- building */

/* Without warnings (-w), which PoCL counts on standard error, unless the kernels are being worked on. */
static const char BASE_OPTIONS[] = "-cl-std=CL1.2 -cl-kernel-arg-info -cl-mad-enable -cl-denorms-are-zero";

/* Units that are built as one program. */
typedef struct group { hg_unit **units; int n; } group;

typedef struct work {
    hg_device *dev;
    const char *common;
    group *groups;
    int n, total;
    atomic_int next, done;
    atomic_bool failed;
} work;

static cl_int build_text(hg_device *dev, const char *text, const char *options, cl_program *object)
{
    cl_int code;
    sigset_t before;
    hg_signals_hold(&before);
    *object = clCreateProgramWithSource(dev->context, 1, &text, NULL, &code);
    if (*object) code = clBuildProgram(*object, 1, &dev->id, options, NULL, NULL);
    hg_signals_let_through(&before);
    return code;
}

/* The units of a group refer to one program, a failed one too: it has the driver's log. */
static cl_int build_group(const work *w, const group *g)
{
    hg_text text = {.ctx = w->dev->ctx}, options = {.ctx = w->dev->ctx};
    cl_program object = NULL;
    cl_int code = CL_OUT_OF_HOST_MEMORY;
    hg_source_program(&text, w->common, g->units, g->n);
    hg_text_add(&options, "%s%s %s", BASE_OPTIONS, w->dev->kernel_dir ? "" : " -w", g->n == 1 ? g->units[0]->macros : "");
    if (!text.failed && !options.failed) code = build_text(w->dev, text.data, options.data, &object);
    for (int i = 0; i < g->n; i++) {
        hg_unit *u = g->units[i];
        if (u->owner && u->object) clReleaseProgram(u->object);
        u->object = object;
        u->owner = i == 0;
        u->number = g->n == 1 ? -1 : i;
        u->built = true;
        u->code = code;
    }
    hg_text_free(&text);
    hg_text_free(&options);
    return code;
}

/* A group that does not build is built again unit by unit, which tells whose fault it is. */
static bool build_one(work *w)
{
    int i = atomic_fetch_add(&w->next, 1);
    if (i >= w->n || atomic_load(&w->failed)) return false;
    const group *g = &w->groups[i];
    cl_int code = build_group(w, g);
    if (code != CL_SUCCESS && g->n > 1) {
        hg_log(w->dev->ctx, HG_LOG_DEBUG, "%d kernel files do not build as one program (%s): each gets one of its own", g->n, hg_cl_error(code));
        code = CL_SUCCESS;
        for (int k = 1; k < g->n; k++) g->units[k]->built = false, g->units[k]->object = NULL;
        g->units[0]->built = false; /* its owner: releases it */
        for (int k = 0; k < g->n && code == CL_SUCCESS; k++) code = build_group(w, &(group){&g->units[k], 1});
    }
    if (code != CL_SUCCESS) atomic_store(&w->failed, true);
    atomic_fetch_add(&w->done, g->n);
    return true;
}

static void *build_thread(void *arg)
{
    while (build_one(arg)) {}
    return NULL;
}

static void build_all(work *w, void (*progress)(void *, int, int), void *user)
{
    enum { THREADS = 7 };
    pthread_t threads[THREADS];
    long cores = w->dev->info->type == HG_DEVICE_CPU ? 1 : sysconf(_SC_NPROCESSORS_ONLN);
    long more = cores < 1 ? 0 : cores > THREADS ? THREADS : cores - 1;
    int started = 0;
    if (progress) progress(user, 0, w->total);
    while (started < more && started < w->n - 1 && pthread_create(&threads[started], NULL, build_thread, w) == 0)
        started++;
    while (build_one(w))
        if (progress) progress(user, atomic_load(&w->done), w->total);
    for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
    if (progress) progress(user, atomic_load(&w->done), w->total);
}

/* The driver's log in a fresh block; NULL: it has none. */
static char *read_log(hg_device *dev, const hg_unit *u)
{
    size_t bytes = 0;
    if (!u->object) return NULL;
    if (clGetProgramBuildInfo(u->object, dev->id, CL_PROGRAM_BUILD_LOG, 0, NULL, &bytes) != CL_SUCCESS || bytes < 2) return NULL;
    char *log = hg_alloc(dev->ctx, bytes + 1, 1);
    if (log && clGetProgramBuildInfo(u->object, dev->id, CL_PROGRAM_BUILD_LOG, bytes, log, NULL) != CL_SUCCESS) *log = 0;
    return log;
}

/* What a driver has to say of a program that it has built: warnings. Of a joint one, once. */
static void log_build(hg_device *dev, const hg_unit *u)
{
    char *log = u->code == CL_SUCCESS && u->number <= 0 ? read_log(dev, u) : NULL;
    if (log && log[strspn(log, " \n\t")]) hg_log(dev->ctx, HG_LOG_DEBUG, "%s.cl (%s):\n%s", u->file, u->macros, log);
    hg_free(log);
}

static bool build_failed(hg_device *dev, const hg_unit *u, const char *label)
{
    char *log = read_log(dev, u);
    const char *text = log ? log + strspn(log, " \n\t") : "";
    /* A log without an error in it ("failed to build the program") is not about the kernel. */
    const char *hint =
        hg_contains(text, "error")
            ? ""
            : ", and the driver does not say why: its cache folder may be unwritable, full or damaged "
              "(for PoCL POCL_CACHE_DIR, or .cache/pocl in HOME): make it writable, remove it, or name another";
    hg_fail(dev->ctx, HG_KERNEL_BUILD, "%s: the kernel file %s.cl did not build on %s (%s; macros: %s)%s%s%s", label,
            u->file, dev->info->name, hg_cl_error(u->code), *u->macros ? u->macros : "none", hint, *text ? ":\n" : "",
            text);
    hg_free(log);
    return false;
}

/* ---- asking */

static bool same_kernel(const char *a, const char *b) { return a && b ? strcmp(a, b) == 0 : a == b; }

/* The unit of (file, macros, kernel, text), or a new one that is not built yet. */
static hg_unit *look_up(hg_device *dev, const char *common, const hg_unit_request *request)
{
    const char *file = request->file, *macros = request->macros, *kernel = request->kernel;
    char *source = hg_source_read(dev, file, kernel);
    if (!source) return NULL;
    const uint64_t text = hg_hash(hg_hash(0, common), source);
    for (hg_unit *u = dev->units; u; u = u->next)
        if (u->text == text && strcmp(u->file, file) == 0 && strcmp(u->macros, macros) == 0 && same_kernel(u->kernel, kernel)) {
            hg_free(source);
            return u;
        }
    hg_unit *u = HG_NEW(dev->ctx, hg_unit);
    if (!u) hg_free(source);
    if (!u) return NULL;
    *u = (hg_unit){.next = dev->units, .source = source, .text = text, .number = -1};
    if (!(u->file = hg_copy_text(dev->ctx, file)) || !(u->macros = hg_copy_text(dev->ctx, macros)) ||
        (kernel && !(u->kernel = hg_copy_text(dev->ctx, kernel)))) {
        free_unit(u);
        return NULL;
    }
    return dev->units = u;
}

static bool listed(hg_unit *const *units, int n, const hg_unit *u)
{
    for (int i = 0; i < n; i++)
        if (units[i] == u) return true;
    return false;
}

/* Is a line of the source the declaration of a local array? Of a program with several, Oclgrind counts all for every kernel. */
static bool has_local_arrays(const char *source)
{
    for (const char *line = source; line; line = strchr(line, '\n')) {
        line += strspn(line, " \n");
        if (strncmp(line, "__local ", 8) == 0) return true;
    }
    return false;
}

/* Can it stand in a program with others? */
static bool joins(const hg_device *dev, const hg_unit *unit)
{
    return dev->info->type == HG_DEVICE_CPU && hg_source_joins(unit->macros) && !has_local_arrays(unit->source);
}

/* Those that can be joined stand together at the end. */
static void make_groups(work *w, hg_unit **units, int n)
{
    int alone = 0;
    for (int i = 0; i < n; i++) {
        if (joins(w->dev, units[i])) continue;
        hg_unit *u = units[i];
        memmove(units + alone + 1, units + alone, (size_t)(i - alone) * sizeof *units);
        units[alone] = u;
        w->groups[alone] = (group){&units[alone], 1};
        alone++;
    }
    w->n = alone;
    w->total = n;
    if (alone < n) w->groups[w->n++] = (group){&units[alone], n - alone};
}

bool hg_units_get(hg_device *dev, hg_unit_request *requests, int n, void (*progress)(void *user, int done, int total), void *user)
{
    hg_unit **fresh = hg_alloc(dev->ctx, (size_t)n + 1, sizeof *fresh);
    char *common = hg_source_read(dev, "common", NULL);
    work w = {.dev = dev, .common = common, .groups = hg_alloc(dev->ctx, (size_t)n + 1, sizeof(group))};
    bool ok = fresh && common && w.groups;
    int count = 0;
    for (int i = 0; ok && i < n; i++) {
        hg_unit *u = requests[i].unit = look_up(dev, common, &requests[i]);
        ok = u != NULL;
        if (ok && !u->built && !listed(fresh, count, u)) fresh[count++] = u;
    }
    if (ok) make_groups(&w, fresh, count);
    if (ok && count) build_all(&w, progress, user);
    for (int i = 0; ok && i < count; i++) log_build(dev, fresh[i]);
    for (int i = 0; ok && i < n; i++)
        if (requests[i].unit->built && requests[i].unit->code != CL_SUCCESS)
            ok = build_failed(dev, requests[i].unit, requests[i].label);
    hg_free(w.groups);
    hg_free(common);
    hg_free(fresh);
    return ok;
}
