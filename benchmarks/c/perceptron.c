/* Dense layers with tanh between them, under the mean cross-entropy of a softmax. Products are those of BLAS.

   n: layers, batch, widths (layers + 1 of them). Matrices are row-major: BLAS, whose matrices are column-major, is told
   the transposed product. */
#include "by_hand.h"
#include <stdlib.h>

enum { MOST = 8 }; /* layers */

typedef void sgemm_(char *, char *, int *, int *, int *, float *, const float *, int *, const float *, int *, float *,
                    float *, int *);
typedef void dgemm_(char *, char *, int *, int *, int *, double *, const double *, int *, const double *, int *, double *,
                    double *, int *);

/* c (m x n) = p q + beta c, where p is a (m x k) or, transposed, a (k x m), and q likewise */
#define PRODUCT(NAME, TYPE, GEMM)                                                                                      \
    static void NAME(GEMM *gemm, char ta, char tb, int m, int n, int k, const TYPE *a, const TYPE *b, TYPE beta,       \
                     TYPE *c)                                                                                          \
    {                                                                                                                  \
        TYPE one = 1;                                                                                                  \
        int across_a = ta == 'N' ? k : m, across_b = tb == 'N' ? n : k;                                                \
        gemm(&tb, &ta, &n, &m, &k, &one, b, &across_b, a, &across_a, &beta, c, &n);                                    \
    }
PRODUCT(sproduct, float, sgemm_)
PRODUCT(dproduct, double, dgemm_)

/* a: weights and bias of each layer, batch, labels; value, derivatives of weights and biases; sgemm */
void gradient(void *const *a, const long *n)
{
    const long layers = n[0], m = n[1], *width = n + 2;
    const float *x = a[2 * layers];
    const long *label = a[2 * layers + 1];
    float **bars = (float **)a + 2 * layers + 3;
    sgemm_ *gemm = a[4 * layers + 3];
    float *y[MOST + 1], *memory;
    long total = 0, widest = 0;
    for (long l = 1; l <= layers; l++) {
        total += m * width[l];
        widest = width[l] > widest ? width[l] : widest;
    }
    memory = malloc((total + m * widest) * sizeof(float));
    y[0] = (float *)x;
    y[1] = memory;
    for (long l = 1; l < layers; l++)
        y[l + 1] = y[l] + m * width[l];
    for (long l = 0; l < layers; l++) {
        const long w = width[l + 1];
        for (long i = 0; i < m; i++)
            memcpy(y[l + 1] + i * w, a[2 * l + 1], w * sizeof(float));
        sproduct(gemm, 'N', 'N', m, w, width[l], y[l], a[2 * l], 1, y[l + 1]);
        if (l + 1 < layers)
            for (long i = 0; i < m * w; i++)
                y[l + 1][i] = tanhf(y[l + 1][i]);
    }
    const long last = width[layers];
    float value = 0, *d = y[layers], *other = memory + total;
    for (long i = 0; i < m; i++) {
        float *z = d + i * last, largest = z[0], sum = 0;
        for (long j = 1; j < last; j++)
            largest = z[j] > largest ? z[j] : largest;
        const float chosen = z[label[i]] - largest;
        for (long j = 0; j < last; j++)
            sum += z[j] = expf(z[j] - largest);
        value += logf(sum) - chosen;
        for (long j = 0; j < last; j++)
            z[j] /= sum * m;
        z[label[i]] -= 1.0f / m;
    }
    *(float *)a[2 * layers + 2] = value / m;
    for (long l = layers - 1; l >= 0; l--) {
        const long w = width[l + 1], u = width[l];
        sproduct(gemm, 'T', 'N', u, w, m, y[l], d, 0, bars[2 * l]);
        memset(bars[2 * l + 1], 0, w * sizeof(float));
        for (long i = 0; i < m; i++)
            for (long j = 0; j < w; j++)
                bars[2 * l + 1][j] += d[i * w + j];
        if (!l)
            break;
        sproduct(gemm, 'N', 'T', m, u, w, d, a[2 * l], 0, other);
        for (long i = 0; i < m * u; i++)
            y[l][i] = other[i] * (1 - y[l][i] * y[l][i]);
        d = y[l];
    }
    free(memory);
}

/* The product of the Hessian with a direction: the tangent of the gradient.
   a: weights and biases, their tangents, batch, labels; results; dgemm */
void hessian_product(void *const *a, const long *n)
{
    const long layers = n[0], m = n[1], *width = n + 2;
    void *const *v = a + 2 * layers;
    const long *label = a[4 * layers + 1];
    double **results = (double **)a + 4 * layers + 2;
    dgemm_ *gemm = a[6 * layers + 2];
    double *y[MOST + 1], *t[MOST + 1], *memory; /* values, and tangents */
    long total = 0, widest = 0;
    for (long l = 1; l <= layers; l++) {
        total += 2 * m * width[l];
        widest = width[l] > widest ? width[l] : widest;
    }
    memory = malloc((total + 4 * m * widest) * sizeof(double));
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
        dproduct(gemm, 'N', 'N', m, w, u, y[l], a[2 * l], 1, y[l + 1]);
        dproduct(gemm, 'N', 'N', m, w, u, y[l], v[2 * l], 1, t[l + 1]);
        if (l)
            dproduct(gemm, 'N', 'N', m, w, u, t[l], a[2 * l], 1, t[l + 1]);
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
        dproduct(gemm, 'T', 'N', u, w, m, y[l], dt, 0, results[2 * l]);
        if (l)
            dproduct(gemm, 'T', 'N', u, w, m, t[l], d, 1, results[2 * l]);
        memset(results[2 * l + 1], 0, w * sizeof(double));
        for (long i = 0; i < m; i++)
            for (long j = 0; j < w; j++)
                results[2 * l + 1][j] += dt[i * w + j];
        if (!l)
            break;
        dproduct(gemm, 'N', 'T', m, u, w, d, a[2 * l], 0, e);
        dproduct(gemm, 'N', 'T', m, u, w, dt, a[2 * l], 0, et);
        dproduct(gemm, 'N', 'T', m, u, w, d, v[2 * l], 1, et);
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
    free(memory);
}
