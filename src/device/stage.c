/* A ring of host blocks whose uploads are not waited for. The blocks are allocated by the driver and stay mapped, so
 * that discrete devices can copy from them directly. */
#include "device/device_private.h"

#include <string.h>

typedef struct block { cl_mem mem; void *host; cl_event done; } block;

struct hg_stage { hg_device *dev; size_t bytes; int count, next; block *blocks; };

static bool make_block(hg_stage *stage, block *b)
{
    hg_device *dev = stage->dev;
    cl_int code;
    b->mem = clCreateBuffer(dev->context, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, stage->bytes, NULL, &code);
    if (!b->mem) return hg_cl_fail(dev, code, "clCreateBuffer", "staging");
    b->host = clEnqueueMapBuffer(dev->queue, b->mem, CL_TRUE, CL_MAP_WRITE, 0, stage->bytes, 0, NULL, NULL, &code);
    return b->host || hg_cl_fail(dev, code, "clEnqueueMapBuffer", "staging");
}

hg_stage *hg_stage_create(hg_device *dev, size_t bytes, int count)
{
    hg_stage *stage = HG_NEW(dev->ctx, hg_stage);
    if (!stage) return NULL;
    *stage = (hg_stage){.dev = dev, .bytes = bytes, .blocks = hg_alloc(dev->ctx, (size_t)count, sizeof(block))};
    if (!stage->blocks) goto fail;
    stage->count = count;
    for (int i = 0; i < count; i++)
        if (!make_block(stage, &stage->blocks[i])) goto fail;
    return stage;
fail:
    hg_stage_destroy(stage);
    return NULL;
}

void hg_stage_destroy(hg_stage *stage)
{
    if (!stage) return;
    for (int i = 0; i < stage->count; i++) {
        block *b = &stage->blocks[i];
        if (b->done) {
            clWaitForEvents(1, &b->done);
            clReleaseEvent(b->done);
        }
        if (b->host) clEnqueueUnmapMemObject(stage->dev->queue, b->mem, b->host, 0, NULL, NULL);
    }
    clFinish(stage->dev->queue);
    for (int i = 0; i < stage->count; i++)
        if (stage->blocks[i].mem) clReleaseMemObject(stage->blocks[i].mem);
    hg_free(stage->blocks);
    hg_free(stage);
}

void *hg_stage_next(hg_stage *stage)
{
    block *b = &stage->blocks[stage->next];
    if (!hg_device_working(stage->dev)) return NULL;
    if (!b->done) return b->host;
    cl_int code = clWaitForEvents(1, &b->done);
    clReleaseEvent(b->done);
    b->done = NULL;
    if (code == CL_SUCCESS) return b->host;
    hg_cl_fail(stage->dev, code, "clWaitForEvents", "upload");
    return NULL;
}

bool hg_stage_upload(hg_stage *stage, hg_buffer *to, size_t offset, size_t bytes)
{
    hg_device *dev = stage->dev;
    block *b = &stage->blocks[stage->next];
    if (!hg_device_working(dev)) return false;
    if (bytes > stage->bytes || offset > to->bytes || bytes > to->bytes - offset)
        return hg_fail(dev->ctx, HG_INTERNAL, "%s: an upload of %zu bytes at %zu does not fit", to->label, bytes,
                       offset);
    cl_int code =
        clEnqueueWriteBuffer(dev->queue, to->whole, CL_FALSE, to->begin + offset, bytes, b->host, 0, NULL, &b->done);
    if (code != CL_SUCCESS) return hg_cl_fail(dev, code, "clEnqueueWriteBuffer", to->label);
    stage->next = (stage->next + 1) % stage->count;
    if ((code = clFlush(dev->queue)) != CL_SUCCESS) return hg_cl_fail(dev, code, "clFlush", to->label);
    return true;
}
