/* What pictures come to without the model: what it has to beat. */
#ifndef HG_TOOLS_BASELINE_H
#define HG_TOOLS_BASELINE_H

#include "open.h"

enum { BASELINES_MOST = 4 };

/* Those that make sense for a run's model: its input as it is, where that is noisy; its input enlarged, where that is small; the mean
 * picture; and principal components, as many as the code has numbers, where that is less than a picture has. */
typedef struct baselines {
    const cli_run *run;
    int n;
    const char *names[BASELINES_MOST];
    int kinds[BASELINES_MOST];
    int k;                    /* components; 0: none */
    float *mean, *components; /* of the training pictures: [out], [k, out] */
    float *small, *codes;     /* room for one picture of them */
} baselines;

/* Mean and components are those of the run's open data, components of its first 10,000 training pictures. They are left out with a note
 * where they would take longer than some seconds, unless `patient`. Close it in either case. */
bool baselines_open(cli_run *run, bool patient, baselines *b);
void baselines_close(baselines *b);

/* What baseline i makes of n inputs x [n, in]: y [n, out]. */
void baselines_make(const baselines *b, int i, int64_t n, const float *x, float *y);

/* Does PCA of n rows of d numbers to k take no longer than some seconds? */
bool pca_is_quick(int64_t n, size_t d, size_t k);

#endif
