/* The product of a Hessian with a direction, for the perceptron's loss: the tangent of its gradient.

   a: weights and biases, their tangents, batch, labels; results; dgemm. n: layers, batch, widths (layers + 1 of them). */
#define TYPE double
#include "network.h"

void hessian_product(void *const *a, const long *n)
{
    const long layers = n[0], m = n[1], *width = n + 2;
    void *const *v = a + 2 * layers;
    const long *label = a[4 * layers + 1];
    double **results = (double **)a + 4 * layers + 2;
    gemm_ *gemm = a[6 * layers + 2];
    double *y[layers + 1], *t[layers + 1], *memory; /* values, and tangents */
    long total = 0, widest = 0;
    for (long l = 1; l <= layers; l++) {
        total += 2 * m * width[l];
        widest = width[l] > widest ? width[l] : widest;
    }
    memory = kept(total + 4 * m * widest);
    y[0] = a[4 * layers];
    t[0] = 0;
    double *free_ = memory;
    for (long l = 1; l <= layers; l++) {
        y[l] = free_;
        t[l] = free_ + m * width[l];
        free_ += 2 * m * width[l];
    }
    for (long l = 0; l < layers; l++) {
        const long w = width[l + 1], u = width[l];
        for (long i = 0; i < m; i++) {
            memcpy(y[l + 1] + i * w, a[2 * l + 1], w * sizeof(double));
            memcpy(t[l + 1] + i * w, v[2 * l + 1], w * sizeof(double));
        }
        product(gemm, 'N', 'N', m, w, u, y[l], a[2 * l], 1, y[l + 1]);
        product(gemm, 'N', 'N', m, w, u, y[l], v[2 * l], 1, t[l + 1]);
        if (l)
            product(gemm, 'N', 'N', m, w, u, t[l], a[2 * l], 1, t[l + 1]);
        if (l + 1 < layers)
            for (long i = 0; i < m * w; i++) {
                const double s = tanh(y[l + 1][i]);
                y[l + 1][i] = s;
                t[l + 1][i] *= 1 - s * s;
            }
    }
    const long last = width[layers];
    double *d = y[layers], *dt = t[layers];
    for (long i = 0; i < m; i++) {
        double *z = d + i * last, *zt = dt + i * last, largest = z[0], sum = 0, mean = 0;
        for (long j = 1; j < last; j++)
            largest = z[j] > largest ? z[j] : largest;
        for (long j = 0; j < last; j++)
            sum += z[j] = exp(z[j] - largest);
        for (long j = 0; j < last; j++) {
            z[j] /= sum;
            mean += z[j] * zt[j];
        }
        for (long j = 0; j < last; j++) {
            z[j] /= m;
            zt[j] = z[j] * (zt[j] - mean);
        }
        z[label[i]] -= 1.0 / m;
    }
    double *e = free_, *et = e + m * widest, *other = et + m * widest;
    for (long l = layers - 1; l >= 0; l--) {
        const long w = width[l + 1], u = width[l];
        product(gemm, 'T', 'N', u, w, m, y[l], dt, 0, results[2 * l]);
        if (l)
            product(gemm, 'T', 'N', u, w, m, t[l], d, 1, results[2 * l]);
        memset(results[2 * l + 1], 0, w * sizeof(double));
        for (long i = 0; i < m; i++)
            for (long j = 0; j < w; j++)
                results[2 * l + 1][j] += dt[i * w + j];
        if (!l)
            break;
        product(gemm, 'N', 'T', m, u, w, d, a[2 * l], 0, e);
        product(gemm, 'N', 'T', m, u, w, dt, a[2 * l], 0, et);
        product(gemm, 'N', 'T', m, u, w, d, v[2 * l], 1, et);
        for (long i = 0; i < m * u; i++) {
            const double s = y[l][i], slope = 1 - s * s;
            et[i] = et[i] * slope - 2 * s * t[l][i] * e[i];
            e[i] *= slope;
        }
        d = e;
        dt = et;
        e = other; /* two pairs of matrices take turns */
        et = e + m * widest;
        other = d;
    }
}
