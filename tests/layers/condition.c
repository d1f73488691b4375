/* N planes behind the C channels: 1 where the example's label is the plane's number, else 0. */
#include "../harness.h"

static void shape(trial *t)
{
    t->out[0] = t->in[0];
    t->out[0].c += option_int(t->node, "labels");
}

static size_t pixels(const trial *t) { return (size_t)t->in[0].h * (size_t)t->in[0].w; }

static void forward(trial *t)
{
    const size_t each = pixels(t), from = each * (size_t)t->in[0].c, to = each * (size_t)t->out[0].c;
    const int labels = option_int(t->node, "labels");
    for (int b = 0; b < t->batch; b++)
        for (size_t i = 0; i < to; i++) {
            const size_t plane = i / each - (i < from ? 0 : (size_t)t->in[0].c);
            t->y[0].v[(size_t)b * to + i] = i < from ? t->x[0][(size_t)b * from + i] : plane == harness_label(b, labels);
        }
}

static void backward(trial *t)
{
    const size_t each = pixels(t), from = each * (size_t)t->in[0].c, to = each * (size_t)t->out[0].c;
    for (int b = 0; b < t->batch; b++)
        for (size_t i = 0; i < from; i++) t->dx[0].v[(size_t)b * from + i] = t->dy[0][(size_t)b * to + i];
}

#define CONDITION(labels) "condition: {labels: " #labels "}\nencoder: "
static const layer_case cases[] = {
    {"planes", 3, 4, 5, 3, CONDITION(4) "[]", SMALL},
    {"one label", 1, 3, 3, 3, CONDITION(1) "[]", SMALL},
    {"numbers", 2, 3, 2, 7, CONDITION(10) "[flatten]", SMALL},
    {"one pixel", 1, 1, 1, 1, CONDITION(3) "[]", SMALL},
    {"dense", 1, 3, 4, 5, CONDITION(3) "[flatten, {dense: {units: 4, activation: tanh}}]\nlatent: {gaussian: {units: 2}}\n"
     "decoder: [{dense: {units: 12}}]\nloss: mse", SMALL},
    {"convolutional", 2, 6, 5, 4, CONDITION(3) "[{conv2d: {filters: 3, kernel: 3, stride: 2, padding: same, activation: sigmoid}}]\n"
     "decoder: [{conv2d_transpose: {filters: 2, kernel: 3, stride: 2, padding: [1, 1], output_padding: [1, 0]}}]\nloss: mse", SMALL},
    {"behind a reshape", 1, 4, 4, 3, CONDITION(2) "[flatten, {dense: {units: 16, activation: tanh}}]\n"
     "decoder: [{reshape: [4, 2, 2]}, {conv2d_transpose: {filters: 1, kernel: 2, stride: 2}}]\nloss: mse", SMALL},
    {"corrupted, evaluation", 1, 5, 5, 3, "corrupt: {noise: {std: 0.5}}\n" CONDITION(3) "[{conv2d: {filters: 2, kernel: 3}}]", SMALL | EVALUATE},
    {"16 channels", 16, 3, 5, 6, CONDITION(16) "[{conv2d: {filters: 3, kernel: 1}}]", SMALL},
    {"784 and 10", 1, 28, 28, 128, CONDITION(10) "[flatten]", BENCH},
    {"28x28 planes", 1, 28, 28, 128, CONDITION(10) "[]", BENCH},
    {"20 and 10", 20, 1, 1, 128, CONDITION(10) "[flatten]", BENCH},
    {0},
};

const reference reference_condition = {"condition", shape, forward, backward, cases, NULL, false};
