/* hourglass devices: every OpenCL device, and by which score `auto` chooses. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include "cli.h"

static bool as_json;
static const cli_option options[] = {{"json", CLI_FLAG, &as_json, 0, 0, NULL, "as JSON"}, {0}};

static const char *type_name(hg_device_type type)
{
    return type == HG_DEVICE_CPU ? "cpu" : type == HG_DEVICE_GPU ? "gpu" : "accelerator";
}

static bool print_json(cli *c, const hg_device_list *list)
{
    json_t *array = json_array();
    for (int i = 0; i < hg_devices_count(list); i++) {
        const hg_device_info *d = hg_devices_at(list, i);
        json_t *row = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "index",
                                d->index, "platform", d->platform, "name", d->name, "vendor", d->vendor, "type",
                                type_name(d->type), "driver", d->driver, "version", d->version, "compute_units",
                                (json_int_t)d->compute_units, "clock_mhz", (json_int_t)d->clock_mhz, "memory",
                                (json_int_t)d->memory, "max_alloc", (json_int_t)d->max_alloc, "local_memory",
                                (json_int_t)d->local_memory, "max_work_group", (json_int_t)d->max_work_group,
                                "vector_width", (json_int_t)d->vector_width, "base_align", (json_int_t)d->base_align);
        json_t *more = json_pack("{s:b, s:b, s:b, s:b, s:b, s:b, s:f, s:s}", "unified", d->unified, "fp16", d->fp16,
                                 "fp64", d->fp64, "subgroups", d->subgroups, "command_buffer", d->command_buffer,
                                 "usable", d->usable, "score", d->score, "why", d->why);
        if (row && more) json_object_update(row, more);
        json_decref(more);
        if (!row || json_array_append_new(array, row) != 0)
            hg_fail(c->ctx, HG_INTERNAL, "device %d: its texts are not UTF-8, or no memory", i);
    }
    if (!hg_failed(c->ctx) && json_dumpf(array, stdout, JSON_INDENT(2)) == 0) putchar('\n');
    json_decref(array);
    return !hg_failed(c->ctx);
}

static void print_device(const hg_device_info *d, bool best)
{
    char memory[32], alloc[32], local[32];
    printf("%d  %s%s\n", d->index, d->name, best ? "   <- auto" : d->usable ? "" : "   (not usable)");
    printf("   platform   %s, %s, driver %s\n", d->platform, d->version, d->driver);
    printf("   type       %s, %u compute units at %u MHz, vectors of %u floats\n", type_name(d->type), d->compute_units,
           d->clock_mhz, d->vector_width);
    printf("   memory     %s%s, largest buffer %s, local %s, work-groups up to %llu\n",
           cli_bytes(memory, (double)d->memory), d->unified ? " shared with the host" : "",
           cli_bytes(alloc, (double)d->max_alloc), cli_bytes(local, (double)d->local_memory),
           (unsigned long long)d->max_work_group);
    printf("   optional   %s%s%s%s%s\n", d->fp64 ? "fp64 " : "", d->fp16 ? "fp16 " : "",
           d->subgroups ? "subgroups " : "", d->command_buffer ? "command buffers" : "",
           d->fp64 || d->fp16 || d->subgroups || d->command_buffer ? "" : "none");
    printf("   score      %.4g: %s\n", d->score, d->why);
}

static bool run(cli *c)
{
    hg_device_list *list = hg_devices(c->ctx);
    if (!list) return false;
    int n = hg_devices_count(list), best = -1;
    for (int i = 0; i < n; i++) {
        const hg_device_info *d = hg_devices_at(list, i);
        if (d->usable && (best < 0 || d->score > hg_devices_at(list, best)->score)) best = i;
    }
    if (as_json)
        print_json(c, list);
    else
        for (int i = 0; i < n; i++) print_device(hg_devices_at(list, i), i == best);
    if (n == 0)
        cli_say(c, "No OpenCL device. On Debian and Ubuntu `apt install pocl-opencl-icd` makes the processor one.");
    hg_devices_destroy(list);
    return !hg_failed(c->ctx);
}

const cli_verb cli_verb_devices = {
    .name = "devices", .arguments = "",
    .help = "Lists every OpenCL device and the score by which `auto` chooses.",
    .options = options, .run = run,
};
