/* The registries: what model files may name. registry_words.h is made from the word lists in meson.build. */
#include "model/graph_build.h"
#include "model/initializer.h"
#include "registry_words.h"

#define DECLARE_LAYER(name) extern const hg_layer hg_layer_##name;
#define DECLARE_CORRUPTION(name) extern const hg_corruption hg_corruption_##name;
#define DECLARE_LOSS(name) extern const hg_loss hg_loss_##name;
#define DECLARE_OPTIMIZER(name) extern const hg_optimizer hg_optimizer_##name;
HG_LAYER_WORDS(DECLARE_LAYER)
HG_LATENT_WORDS(DECLARE_LAYER)
HG_CORRUPTION_WORDS(DECLARE_CORRUPTION)
HG_LOSS_WORDS(DECLARE_LOSS)
HG_OPTIMIZER_WORDS(DECLARE_OPTIMIZER)

#define LAYER_HEAD(name) &hg_layer_##name.head,
#define CORRUPTION_HEAD(name) &hg_corruption_##name.layer.head,
#define LOSS_HEAD(name) &hg_loss_##name.head,
#define OPTIMIZER_HEAD(name) &hg_optimizer_##name.head,
const hg_descriptor *const hg_layers[] = {HG_LAYER_WORDS(LAYER_HEAD) NULL};
const hg_descriptor *const hg_latents[] = {HG_LATENT_WORDS(LAYER_HEAD) NULL};
const hg_descriptor *const hg_corruptions[] = {HG_CORRUPTION_WORDS(CORRUPTION_HEAD) NULL};
const hg_descriptor *const hg_losses_list[] = {HG_LOSS_WORDS(LOSS_HEAD) NULL};
const hg_descriptor *const hg_optimizers[] = {HG_OPTIMIZER_WORDS(OPTIMIZER_HEAD) NULL};

static const hg_descriptor *const keys[] = {&hg_layer_condition.head, &hg_layer_prior.head, NULL};

static const struct { const char *group; const hg_descriptor *const *kinds; } groups[] = {
    {"layer", hg_layers}, {"latent", hg_latents}, {"corruption", hg_corruptions}, {"activation", hg_activations}, {"loss", hg_losses_list},
    {"optimizer", hg_optimizers}, {"schedule", hg_schedules}, {"initializer", hg_initializers}, {"key", keys}};

bool hg_help(int i, hg_help_entry *entry)
{
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (const hg_descriptor *const *kind = groups[g].kinds; *kind; kind++)
            if (i-- == 0) {
                *entry = (hg_help_entry){groups[g].group, (*kind)->name, (*kind)->help, (*kind)->options};
                return true;
            }
    return false;
}

size_t hg_help_text(hg_context *ctx, const hg_help_entry *entry, char *buf, size_t size)
{
    hg_text text = {.ctx = ctx};
    for (const hg_option *option = entry->options; option && option->name; option++) {
        hg_text line = {.ctx = ctx};
        hg_option_describe(option, &line);
        hg_text_add(&text, "  %-14s %s\n  %-14s   %s\n", option->name, option->help, "", line.data ? line.data : "");
        hg_text_free(&line);
    }
    size_t length = text.length;
    if (size) {
        size_t n = length < size - 1 ? length : size - 1;
        for (size_t i = 0; i < n; i++) buf[i] = text.data[i];
        buf[n] = 0;
    }
    hg_text_free(&text);
    return length;
}
