#include "device/gemm.h"

#include "device/device_private.h"

#include <clblast_c.h>

bool hg_gemm_run(hg_device *dev, const hg_launch *launch)
{
    const hg_gemm *g = launch->gemm;
    const size_t m = (size_t)g->m, n = (size_t)g->n, k = (size_t)g->k;
    const CLBlastStatusCode status = CLBlastSgemm(
        CLBlastLayoutRowMajor, g->a_turned ? CLBlastTransposeYes : CLBlastTransposeNo, CLBlastTransposeNo, m, n, k, 1.0f,
        launch->args[0].buffer->mem, 0, g->a_turned ? m : k, launch->args[1].buffer->mem, 0, n, g->add ? 1.0f : 0.0f,
        launch->args[2].buffer->mem, 0, n, &dev->queue, NULL);
    if (status == CLBlastSuccess) return true;
    /* below -1000 lie codes of CLBlast's own; those of OpenCL that speak of building or of limits are not the device's end either */
    if (status <= -1000 || status == CL_BUILD_PROGRAM_FAILURE || status == CL_INVALID_WORK_GROUP_SIZE || status == CL_INVALID_WORK_ITEM_SIZE ||
        status == CL_INVALID_BINARY)
        return hg_fail(dev->ctx, HG_KERNEL_BUILD, "%s: CLBlast's matrix product of %d x %d x %d does not run on %s (code %d): force another "
                       "variant, e.g. plain", launch->label, g->m, g->n, g->k, dev->info->name, (int)status);
    return hg_cl_fail(dev, (cl_int)status, "CLBlastSgemm", launch->label);
}
