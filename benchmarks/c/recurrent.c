/* A recurrent network with diagonal weights: all that a step computes is kept, and read once in the reverse sweep.

   a: weights and biases (layers x 2 x 4 x bits), input and output (3 x bits), state (layers x 2 x bits), bits;
   value, derivatives of the first two. n: layers, characters, bits. Rows of bits are padded to whole vectors, with weights
   that are zero. */
#include "by_hand.h"
#include <stdlib.h>

enum { KEPT = 9 }; /* arrays of one layer in one step: x, h, c before; forget, gate, output, change; c, tanh c after */

static double *padded(double *to, const double *from, long rows, long b, long wide)
{
    memset(to, 0, rows * wide * sizeof(double));
    for (long i = 0; i < rows; i++)
        memcpy(to + i * wide, from + i * b, b * sizeof(double));
    return to + rows * wide;
}

void recurrent(void *const *a, const long *n)
{
    const long layers = n[0], steps = n[1] - 1, bits_used = n[2], b = (bits_used + 7) / 8 * 8;
    const long one = KEPT * b, whole = layers * one + 2 * b; /* and y's input, and its softmax */
    const long size = steps * whole + (steps + 1 + 21 * layers + 7) * b;
    double *memory = aligned_alloc(64, (size * sizeof(double) + 63) / 64 * 64), *kept = memory, value = 0;
    double *main = kept + steps * whole;
    double *extra = padded(main, a[0], 8 * layers, bits_used, b), *state = padded(extra, a[1], 3, bits_used, b);
    double *bits = padded(state, a[2], 2 * layers, bits_used, b);
    double *main_bar = padded(bits, a[3], steps + 1, bits_used, b), *extra_bar = main_bar + 8 * layers * b;
    for (long t = 0; t < steps; t++) {
        double *k = kept + t * whole;
        const double *now = bits + t * b, *following = now + b;
        for (long j = 0; j < b; j++)
            k[j] = now[j] * extra[j];
        for (long l = 0; l < layers; l++, k += one) {
            const double *restrict w = main + l * 8 * b, *restrict v = w + 4 * b;
            const double *h = t ? k - whole + one : state + l * 2 * b; /* the layer's own output, one step before */
            const double *c = t ? k - whole + 7 * b : state + l * 2 * b + b;
            double *restrict x = k, *restrict next = k + one;
#pragma GCC ivdep
            for (long j = 0; j < b; j++) {
                x[b + j] = h[j];
                x[2 * b + j] = c[j];
                const double forget = 1 / (1 + exp(-(x[j] * w[j] + v[j])));
                const double gate = 1 / (1 + exp(-(h[j] * w[b + j] + v[b + j])));
                const double output = 1 / (1 + exp(-(x[j] * w[2 * b + j] + v[2 * b + j])));
                const double change = tanh(h[j] * w[3 * b + j] + v[3 * b + j]);
                const double cell = c[j] * forget + gate * change, curved = tanh(cell);
                x[3 * b + j] = forget;
                x[4 * b + j] = gate;
                x[5 * b + j] = output;
                x[6 * b + j] = change;
                x[7 * b + j] = cell;
                x[8 * b + j] = curved;
                next[j] = output * curved;
            }
        }
        double sum = 2, dot = 0, ones = 0;
        for (long j = 0; j < b; j++) {
            const double y = k[j] * extra[b + j] + extra[2 * b + j];
            k[b + j] = exp(y);
            sum += j < bits_used ? k[b + j] : 0;
            dot += following[j] * y;
            ones += following[j];
        }
        value += dot - ones * log(sum);
        for (long j = 0; j < b; j++)
            k[b + j] = following[j] - ones * k[b + j] / sum;
    }
    const double scale = -1.0 / (steps * bits_used);
    *(double *)a[4] = scale * value;
    double *h_bar = extra_bar + 3 * b, *c_bar = h_bar + layers * b, *x_bar = c_bar + layers * b;
    memset(h_bar, 0, 2 * layers * b * sizeof(double));
    memset(main_bar, 0, 8 * layers * b * sizeof(double));
    memset(extra_bar, 0, 3 * b * sizeof(double));
    for (long t = steps - 1; t >= 0; t--) {
        const double *k = kept + t * whole + layers * one;
        for (long j = 0; j < b; j++) {
            const double y_bar = scale * k[b + j];
            extra_bar[b + j] += y_bar * k[j];
            extra_bar[2 * b + j] += y_bar;
            x_bar[j] = y_bar * extra[b + j];
        }
        for (long l = layers - 1; l >= 0; l--) {
            k -= one;
            const double *restrict w = main + l * 8 * b, *restrict x = k;
            double *restrict g = main_bar + l * 8 * b, *restrict hb = h_bar + l * b, *restrict cb = c_bar + l * b;
            double *restrict xb = x_bar;
#pragma GCC ivdep
            for (long j = 0; j < b; j++) {
                const double forget = x[3 * b + j], gate = x[4 * b + j], output = x[5 * b + j];
                const double change = x[6 * b + j], curved = x[8 * b + j], out_bar = xb[j] + hb[j];
                const double cell_bar = cb[j] + out_bar * output * (1 - curved * curved);
                const double f = cell_bar * x[2 * b + j] * forget * (1 - forget);
                const double i = cell_bar * change * gate * (1 - gate);
                const double o = out_bar * curved * output * (1 - output);
                const double e = cell_bar * gate * (1 - change * change);
                g[j] += f * x[j];
                g[b + j] += i * x[b + j];
                g[2 * b + j] += o * x[j];
                g[3 * b + j] += e * x[b + j];
                g[4 * b + j] += f;
                g[5 * b + j] += i;
                g[6 * b + j] += o;
                g[7 * b + j] += e;
                cb[j] = cell_bar * forget;
                hb[j] = i * w[b + j] + e * w[3 * b + j];
                xb[j] = f * w[j] + o * w[2 * b + j];
            }
        }
        for (long j = 0; j < b; j++)
            extra_bar[j] += x_bar[j] * bits[t * b + j];
    }
    for (long i = 0; i < 8 * layers; i++)
        memcpy((double *)a[5] + i * bits_used, main_bar + i * b, bits_used * sizeof(double));
    for (long i = 0; i < 3; i++)
        memcpy((double *)a[6] + i * bits_used, extra_bar + i * b, bits_used * sizeof(double));
    free(memory);
}
