/* z = mean + sigma e, e normal with deviation epsilon_std. sigma = exp(s / 2) (form logvar) or exp(s) (logsigma_kl_logvar), both with
 * KL = -1/2 sum (1 + s - mean^2 - e^s) (Kingma and Welling 2013, appendix B), or sigma = s (sigma) with KL =
 * 1/2 sum (mean^2 + s^2 - ln(s^2 + 1e-8) - 1); averaged over examples, times beta in the loss. */
#include "../harness.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "../normal.h"

static void shape(trial *t) { t->out[0] = (hg_shape){option_int(t->node, "units"), 1, 1, true}; }

static bool is_form(const trial *t, const char *name) { return strcmp(option_name(t->node, "form"), name) == 0; }

/* sigma and its derivative */
static double sigma_of(const trial *t, double s) { return is_form(t, "sigma") ? s : exp(is_form(t, "logvar") ? s / 2 : s); }
static double sigma_slope(const trial *t, double s) { return is_form(t, "sigma") ? 1 : sigma_of(t, s) * (is_form(t, "logvar") ? 0.5 : 1); }

static sum divergence(const trial *t, double m, double s)
{
    sum kl = {0};
    sum_add(&kl, m * m), sum_add(&kl, -1);
    if (is_form(t, "sigma")) sum_add(&kl, s * s), sum_add(&kl, -log(s * s + 1e-8));
    else sum_add(&kl, exp(s)), sum_add(&kl, -s);
    return kl;
}

/* Number i of the code. */
static double draw(const trial *t, size_t i)
{
    return option_float(t->node, "epsilon_std") * drawn_normal(t->seed, t->step, (uint32_t)(HG_STREAM_NODE + t->node->index), i);
}

/* Of the draw: log 3 ulp, sqrt 3, cos 4, and the angle (up to 2 pi) rounded twice. */
static double draw_tol(const trial *t) { return option_float(t->node, "epsilon_std") * 5.8 * 24 * UNIT; }

static void forward(trial *t)
{
    for (size_t i = 0; i < t->y[0].n; i++) {
        double m = t->x[0][i], s = t->x[1][i], sigma = sigma_of(t, s), e = draw(t, i);
        t->y[0].v[i] = m + sigma * e;
        t->y[0].tol[i] = fabs(sigma) * draw_tol(t) + 10 * UNIT * fabs(sigma * e) + 2 * UNIT * (fabs(m) + fabs(t->y[0].v[i]));
        const sum kl = divergence(t, m, s);
        t->metric[HG_METRIC_KL].v += 0.5 * kl.v;
        t->metric[HG_METRIC_KL].mag += 0.5 * kl.mag;
        t->metric[HG_METRIC_KL].n += 1;
    }
    t->metric_scale[HG_METRIC_KL] = 1.0 / t->batch;
    t->metric_weight = option_float(t->node, "beta");
    t->metric_rounding[HG_METRIC_KL] = 10;
}

static void backward(trial *t)
{
    double share = option_float(t->node, "beta") / t->batch;
    for (size_t i = 0; i < t->dx[0].n; i++) {
        double m = t->x[0][i], s = t->x[1][i], dz = t->dy[0][i], slope = sigma_slope(t, s), e = draw(t, i);
        t->dx[0].v[i] = dz + share * m;
        t->dx[0].tol[i] = 4 * UNIT * (fabs(dz) + fabs(share * m));
        double through = dz * slope * e, large = is_form(t, "sigma") ? s : 0.5 * exp(s), small = is_form(t, "sigma") ? s / (s * s + 1e-8) : 0.5;
        t->dx[1].v[i] = through + share * (large - small);
        t->dx[1].tol[i] = 14 * UNIT * (fabs(through) + share * (fabs(large) + fabs(small))) + fabs(dz * slope) * draw_tol(t);
    }
}

#define LATENT(text) "encoder: [flatten]\nlatent: {gaussian: {" text "}}\n"
static const layer_case cases[] = {
    {"one unit", 3, 1, 1, 1, LATENT("units: 1"), SMALL},
    {"two units", 5, 2, 1, 3, LATENT("units: 2"), SMALL},
    {"beta", 5, 1, 1, 4, LATENT("units: 3, beta: 0.25, epsilon_std: 0.5"), SMALL},
    {"compatible form", 5, 1, 1, 4, LATENT("units: 3, form: logsigma_kl_logvar"), SMALL},
    {"sigma", 5, 1, 1, 4, LATENT("units: 3, form: sigma"), SMALL},
    {"deterministic", 5, 1, 1, 4, LATENT("units: 3, epsilon_std: 0"), SMALL},
    {"beta 0", 5, 1, 1, 4, LATENT("units: 2, beta: 0"), SMALL},
    {"evaluation", 5, 1, 1, 4, LATENT("units: 3"), SMALL | EVALUATE},
    {"whole", 2, 3, 3, 3, "encoder: [{conv2d: {filters: 3, kernel: 3, activation: relu}}, flatten, {dense: {units: 5, activation: tanh}}]\nlatent: {gaussian: {units: 2}}\n"
     "decoder: [{dense: {units: 9, activation: sigmoid}}]", SMALL},
    {"20 units", 64, 1, 1, 128, LATENT("units: 20"), BENCH},
    {0},
};

/* The closed form against the mean of log q(z) - log p(z) over draws of the host's generator. */
static void test_monte_carlo(void **unused)
{
    (void)unused;
    const double cases_of[][2] = {{0, 0}, {0.7, -0.4}, {-1.5, 0.9}, {0.1, -3}};
    hg_rng rng = hg_rng_make(harness.seed, 7, 0);
    for (size_t k = 0; k < sizeof cases_of / sizeof *cases_of; k++) {
        double m = cases_of[k][0], s = cases_of[k][1], closed = -0.5 * (1 + s - m * m - exp(s)), mean = 0, square = 0;
        const int n = 200000;
        for (int i = 0; i < n; i++) {
            double e = hg_rng_normal(&rng), z = m + exp(s / 2) * e;
            double ratio = -0.5 * s - 0.5 * e * e + 0.5 * z * z;
            mean += ratio / n;
            square += ratio * ratio / n;
        }
        assert_true(closed >= 0);
        assert_true(fabs(mean - closed) <= 6 * sqrt(fmax(square - mean * mean, 0) / n) + 1e-12);
    }
}

/* Mean, variance and independence of what the device draws. */
static void test_draws(void **unused)
{
    (void)unused;
    const layer_case c = {"draws", 4, 1, 1, 512, LATENT("units: 64"), 0};
    rig r;
    rig_create(&r, harness_device(NULL), &c, RIG_GUARDED);
    rig_run(&r, RIG_GUARDED);
    const hg_node *node = r.graph->nodes[harness_node(r.graph, "gaussian")];
    const double *m = r.value[node->in[0]], *s = r.value[node->in[1]], *z = r.value[node->out[0]];
    const size_t n = 512 * 64;
    double mean = 0, square = 0, neighbours = 0, before = 0;
    for (size_t i = 0; i < n; i++) {
        double e = (z[i] - m[i]) / exp(s[i] / 2);
        mean += e / (double)n, square += e * e / (double)n, neighbours += e * before / (double)n;
        before = e;
    }
    rig_destroy(&r);
    assert_true(fabs(mean) < 5 / sqrt((double)n));
    assert_true(fabs(square - 1) < 5 * sqrt(2 / (double)n));
    assert_true(fabs(neighbours) < 5 / sqrt((double)n));
}

static const extra_test extras[] = {{"KL: closed form against Monte Carlo", test_monte_carlo}, {"draws: mean, variance, neighbours", test_draws}, {0}};

const reference reference_gaussian = {"gaussian", shape, forward, backward, cases, extras, false};
