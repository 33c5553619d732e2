/* Dense layers with tanh between them, under the mean cross-entropy of a softmax.

   a: weights and bias of each layer, batch, labels; value, derivatives of weights and biases; gemm.
   n: layers, batch, widths (layers + 1 of them). */
#include "adam.h"

/* y = tanh(y + bias) */
static void bent(TYPE *restrict y, const TYPE *restrict bias, long rows, long width)
{
    for (long i = 0; i < rows; i++, y += width)
        for (long j = 0; j < width; j++)
            y[j] = hyperbolic(y[j] + bias[j]);
}

/* bar *= 1 - y^2, and the sums of its rows */
static void bent_back(TYPE *restrict bar, const TYPE *restrict y, long rows, long width, TYPE *restrict sums)
{
    memset(sums, 0, width * sizeof(TYPE));
    for (long i = 0; i < rows; i++, y += width, bar += width)
        for (long j = 0; j < width; j++)
            sums[j] += bar[j] *= 1 - y[j] * y[j];
}

void gradient(void *const *a, const long *n)
{
    const long layers = n[0], m = n[1], *width = n + 2, classes = width[layers];
    TYPE *const *p = (TYPE *const *)a, *const *bars = p + 2 * layers + 3;
    gemm_ *gemm = a[4 * layers + 3];
    TYPE *y[layers + 1];
    long total = 0, widest = 0;
    for (long l = 1; l <= layers; l++) {
        total += m * width[l];
        widest = MOST(width[l], widest);
    }
    TYPE *memory = kept(total + 2 * m * widest);
    y[0] = p[2 * layers];
    y[1] = memory;
    for (long l = 1; l < layers; l++)
        y[l + 1] = y[l] + m * width[l];
    for (long l = 0; l + 1 < layers; l++) {
        product(gemm, 'N', 'N', m, width[l + 1], width[l], y[l], p[2 * l], 0, y[l + 1]);
        bent(y[l + 1], p[2 * l + 1], m, width[l + 1]);
    }
    for (long i = 0; i < m; i++)
        memcpy(y[layers] + i * classes, p[2 * layers - 1], classes * sizeof(TYPE));
    product(gemm, 'N', 'N', m, classes, width[layers - 1], y[layers - 1], p[2 * layers - 2], 1, y[layers]);
    *p[2 * layers + 2] = cross_entropy(y[layers], a[2 * layers + 1], m, classes, m) / m;
    memset(bars[2 * layers - 1], 0, classes * sizeof(TYPE));
    add_rows(y[layers], m, classes, bars[2 * layers - 1]);
    TYPE *bar = y[layers], *next = memory + total, *other = next + m * widest;
    for (long l = layers - 1; l >= 0; l--) {
        product(gemm, 'T', 'N', width[l], width[l + 1], m, y[l], bar, 0, bars[2 * l]);
        if (!l)
            break;
        product(gemm, 'N', 'T', m, width[l], width[l + 1], bar, p[2 * l], 0, next);
        bent_back(next, y[l], m, width[l], bars[2 * l - 1]);
        bar = next;
        next = other;
        other = bar;
    }
}
