/* Three convolution kernels, six operations.
 *
 * A strided convolution relates a large picture (CL x HL x WL) to a small one (CS x HS x WS). Pixel (i, j) of the small one
 * meets pixel (i*SH - PH + kh*DH, j*SW - PW + kw*DW) of the large one at tap (kh, kw).
 *   F  gathers small from large:  small[b,i,j,cs]  = sum_{kh,kw,cl} large[b,i*SH-PH+kh*DH, j*SW-PW+kw*DW, cl] w[kh,kw,cl,cs]
 *   D  gathers large from small:  large[b,y,x,cl]  = sum_{kh,kw,cs} small[b,(y+PH-kh*DH)/SH, (x+PW-kw*DW)/SW, cs] w[kh,kw,cs,cl]
 *                                 over the taps for which both divisions are exact (by phase y mod SH, x mod SW)
 *   W  weight gradient:           dw[kh,kw,in,out] = sum_{b,i,j} large[..] small[b,i,j,..], ordered, in two passes
 * conv2d: forward F, data gradient D. conv2d_transpose: forward D, data gradient F. dense: a convolution of 1x1 pictures.
 * Weights are stored [KH, KW, in, out] of the layer (in: what the layer reads). F and D read [KH, KW, gathered, written]:
 * in the forward direction that is as stored, in the backward direction a packed copy with in and out swapped. */
#ifndef HG_MODEL_CONV_H
#define HG_MODEL_CONV_H

#include "model/plan.h"

typedef struct hg_conv {
    int cl, hl, wl;         /* large side */
    int cs, hs, ws;         /* small side */
    int kh, kw, sh, sw, dh, dw, ph, pw; /* kernel, stride, dilation, zeros in front */
    bool transposed;        /* the layer reads the small side */
    bool enlarged;          /* it stands for a nearest enlargement by SH x SW and a convolution of (KH-SH+1) x (KW-SW+1) taps (model/conv_enlarged.h) */
} hg_conv;

/* The max pooling that is computed with a convolution (model/conv_pooled.h): h x w windows of kh x kw that do not overlap, the first of
 * which begins ph, pw before the convolution's small side. kh 0: none. */
typedef struct hg_conv_pool {
    int h, w, kh, kw, ph, pw;
    hg_block winners; /* [B, h, w, channels] uchar: which of its places a window's value comes from; forward -1: not wanted */
} hg_conv_pool;

/* What one gather (F or D) computes, as the problem of the operations conv_forward (F) and conv_data (D). */
typedef struct hg_gather {
    hg_conv conv;
    int batch;
    hg_block from, weight, bias; /* weight as the layer stores it: hg_gather_weights; bias -1: none */
    int to;                      /* tensor written */
    bool gradient;               /* false: to's value, through its activation; true: to's gradient (hg_emit_dx) */
    bool from_half, to_half;     /* are the values of from (forward only) and to stored as half? */
    hg_conv_pool pool;           /* F then writes what is pooled, D reads the gradient of that */
} hg_gather;

/* The weight gradient, as the problem of the operation conv_weight. */
typedef struct hg_weight {
    hg_conv conv;
    int batch;
    hg_block large, small; /* x and dy, as the roles have it */
    bool bias;             /* parameter 1 is a bias: its gradient, the sum of dy over pictures and pixels, too */
    bool x_half;           /* x is stored as half */
    hg_conv_pool pool;     /* small is then the gradient of what is pooled */
} hg_weight;

extern const struct hg_operation hg_conv_forward, hg_conv_data, hg_conv_weight;

/* Forward and backward of a layer with parameters {weight, bias?} whose geometry is `conv`: what conv2d, conv2d_transpose
 * and dense call. */
void hg_conv_emit_forward(hg_plan *plan, const hg_node *node, const hg_conv *conv, bool bias);
void hg_conv_emit_backward(hg_plan *plan, const hg_node *node, const hg_conv *conv, bool bias);

/* 2 flops per multiply-add, border taps counted as if the padding were real, and the taps of `enlarged` as if nothing were saved. */
double hg_conv_flops(const hg_conv *conv, int batch);

/* ---- geometry */

/* Every pixel meets exactly the pixel of the same place: a matrix product. */
bool hg_conv_is_product(const hg_conv *conv);

/* Writes what convolving `in` pixels gives and the zeros in front, for one axis. `padding` is HG_SAME or a number. Less than 1:
 * the kernel does not fit. */
int64_t hg_conv_size(int in, int kernel, int stride, int dilation, int padding, int *before);
/* The same for a transposed convolution. */
int64_t hg_conv_transpose_size(int in, int kernel, int stride, int padding, int output_padding, int *before);

/* ---- parameters */

/* Parameter 1: "bias", 0 unless the weights are drawn by uniform_fan_in, which draws biases with the same fan. */
bool hg_conv_add_bias(hg_graph *graph, hg_node *node, int channels, hg_choice initializer, int64_t fan_in, int64_t fan_out);

/* ---- for the families of kernels */

/* Channels and pixels of what a layer reads (in) and writes (out). */
typedef struct hg_side { int c, h, w; } hg_side;
hg_side hg_conv_large(const hg_conv *conv);
hg_side hg_conv_small(const hg_conv *conv);
/* Multiples of pixels: batch * h * w. */
size_t hg_side_pixels(hg_side side, int batch);

/* Macros KH KW SH SW. */
void hg_conv_define_taps(hg_plan *plan, hg_launch *launch, const hg_conv *conv);
/* Macros KH KW SH SW DH DW PH PW. */
void hg_conv_define(hg_plan *plan, hg_launch *launch, const hg_conv *conv);

/* The weights [KH, KW, gathered, written] that a gather reads, or panels of `panel` written channels [panels][KH, KW, gathered, panel] with the
 * last one moved back: those of the layer, or a packed copy, for which a launch is emitted. To be called before the gather's own. */
hg_block hg_gather_weights(hg_plan *plan, const hg_node *node, const hg_gather *gather, int panel);

/* What a gather stores to, as the next two arguments `__global float *out, __global const float *out_x`: macro GRADIENT 0
 * with ACT.. (the value is HG_ACT(v), out_x a dummy), or GRADIENT 1 with DX_.. (stored by HG_DX). */
void hg_gather_emit_output(hg_plan *plan, hg_launch *launch, const hg_gather *gather);

/* Macros PKH PKW PPH PPW YH YW, if there is a pooling. */
void hg_pool_define(hg_plan *plan, hg_launch *launch, const hg_conv_pool *pool);

/* The least work: every flop, each array touched once. */
void hg_gather_emit_cost(hg_plan *plan, hg_launch *launch, const hg_gather *gather);
void hg_weight_emit_cost(hg_plan *plan, hg_launch *launch, const hg_weight *weight, int splits);

#endif
