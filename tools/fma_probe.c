/* What the processors can do at this moment: fused multiply-adds on registers, on all of them at once. Prints GFLOP/s (two per
 * multiply-add), the median of three blocks of about 10 ms. tools/bench-peers compiles and runs it around everything that it times:
 *
 *     cc -O3 -march=native -ffp-contract=fast -pthread fma_probe.c */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#if defined __AVX512F__
enum { BYTES = 64 };
#elif defined __AVX__
enum { BYTES = 32 };
#else
enum { BYTES = 16 };
#endif
enum { CHAINS = 12, ROUNDS = 3000000, MOST = 256 }; /* more chains than latency times units: 8 on current processors */

typedef float vec __attribute__((vector_size(BYTES)));
typedef struct job { pthread_t thread; int index; double begin, end; float sum; } job;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t all_here = PTHREAD_COND_INITIALIZER;
static int missing;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void wait_for_all(void)
{
    pthread_mutex_lock(&lock);
    if (--missing == 0) pthread_cond_broadcast(&all_here);
    while (missing > 0) pthread_cond_wait(&all_here, &lock);
    pthread_mutex_unlock(&lock);
}

static void *work(void *user)
{
    job *j = user;
    vec a[CHAINS], factor = {0}, term = {0};
    factor += 0.999f;
    term += 1e-3f;
    for (int i = 0; i < CHAINS; i++) a[i] = factor * (float)(j->index + i);
    wait_for_all();
    j->begin = now();
    for (long k = 0; k < ROUNDS; k++)
        for (int i = 0; i < CHAINS; i++) a[i] = a[i] * factor + term;
    j->end = now();
    for (int i = 1; i < CHAINS; i++) a[0] += a[i];
    j->sum = a[0][0]; /* so that it is computed */
    return NULL;
}

static double block(int n)
{
    static job jobs[MOST];
    missing = n;
    for (int i = 0; i < n; i++) {
        jobs[i].index = i;
        if (pthread_create(&jobs[i].thread, NULL, work, &jobs[i]) != 0) exit(1);
    }
    double begin = 0, end = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        pthread_join(jobs[i].thread, NULL);
        begin = i == 0 || jobs[i].begin < begin ? jobs[i].begin : begin;
        end = jobs[i].end > end ? jobs[i].end : end;
        sum += jobs[i].sum;
    }
    if (sum != sum) exit(1);
    return 2e-9 * n * ROUNDS * CHAINS * (BYTES / sizeof(float)) / (end - begin);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    double rates[3];
    for (int i = 0; i < 3; i++) rates[i] = block(n < 1 ? 1 : n > MOST ? MOST : (int)n);
    qsort(rates, 3, sizeof *rates, compare);
    printf("%.1f\n", rates[1]);
    return 0;
}
