/* A mixture of Gaussians with a Wishart prior (gamma 1, m 0): value and gradient, whitening by products of BLAS.

   a: weights (K), means (K x d), factors (K x d (d + 1) / 2), points (n x d); value, three derivatives; dgemm.
   n: K, d, number of points. */
#include "by_hand.h"
#include <stdlib.h>

typedef void dgemm_(char *, char *, int *, int *, int *, double *, const double *, int *, const double *, int *, double *,
                    double *, int *);

void mixture(void *const *a, const long *n)
{
    const long K = n[0], p = n[2], width = n[1] * (n[1] + 1) / 2;
    int d = n[1], points = p;
    const double *alpha = a[0], *mean = a[1], *factor = a[2], *x = a[3];
    double *alpha_bar = a[5], *mean_bar = a[6], *factor_bar = a[7], one = 1, zero = 0;
    dgemm_ *gemm = a[8];
    double *L = calloc(d * d, sizeof(double)), *L_bar = malloc((d * d + d) * sizeof(double)), *sum = L_bar + d * d;
    double *centred = malloc((p * d + 2 * K * p * d + K * p + 3 * p) * sizeof(double));
    double *whitened = centred + p * d, *apart = whitened + K * p * d, *main = apart + K * p * d;
    double *largest = main + K * p, *total = largest + p, value = 0, prior = 0;
    for (long k = 0; k < K; k++) {
        const double *f = factor + k * width, *mu = mean + k * d;
        double *y = whitened + k * p * d, *c = apart + k * p * d, logarithms = 0;
        long at = d;
        for (long j = 0; j < d; j++) { /* row-major, lower */
            L[j * d + j] = exp(f[j]);
            logarithms += f[j];
            prior += 0.5 * L[j * d + j] * L[j * d + j];
            for (long i = j + 1; i < d; i++, at++) {
                L[i * d + j] = f[at];
                prior += 0.5 * f[at] * f[at];
            }
        }
        for (long i = 0; i < p; i++)
            for (long j = 0; j < d; j++)
                c[i * d + j] = x[i * d + j] - mu[j];
        gemm("T", "N", &d, &points, &d, &one, L, &d, c, &d, &zero, y, &d);
        for (long i = 0; i < p; i++) {
            double square = 0;
            for (long j = 0; j < d; j++)
                square += y[i * d + j] * y[i * d + j];
            main[k * p + i] = alpha[k] + logarithms - 0.5 * square;
        }
    }
    for (long i = 0; i < p; i++) {
        largest[i] = main[i];
        total[i] = 0;
    }
    for (long k = 1; k < K; k++)
        for (long i = 0; i < p; i++)
            largest[i] = main[k * p + i] > largest[i] ? main[k * p + i] : largest[i];
    for (long k = 0; k < K; k++)
        for (long i = 0; i < p; i++)
            total[i] += main[k * p + i] = exp(main[k * p + i] - largest[i]);
    for (long i = 0; i < p; i++) {
        value += largest[i] + log(total[i]);
        total[i] = 1 / total[i];
    }
    double peak = alpha[0], weights = 0;
    for (long k = 1; k < K; k++)
        peak = alpha[k] > peak ? alpha[k] : peak;
    for (long k = 0; k < K; k++)
        weights += exp(alpha[k] - peak);
    for (long k = 0; k < K; k++) {
        const double *f = factor + k * width;
        double *y = whitened + k * p * d, *c = apart + k * p * d, *g = factor_bar + k * width, share = 0;
        long at = d;
        for (long i = 0; i < p; i++) {
            const double r = main[k * p + i] * total[i];
            share += r;
            for (long j = 0; j < d; j++)
                y[i * d + j] *= -r; /* of the whitened point */
        }
        alpha_bar[k] = share - p * exp(alpha[k] - peak) / weights;
        /* L_bar = y_bar' c; mean_bar = -(sum of y_bar) L */
        gemm("N", "T", &d, &d, &points, &one, c, &d, y, &d, &zero, L_bar, &d);
        memset(sum, 0, d * sizeof(double));
        for (long i = 0; i < p; i++)
            for (long j = 0; j < d; j++)
                sum[j] += y[i * d + j];
        for (long j = 0; j < d; j++) {
            const double diagonal = exp(f[j]);
            double bar = sum[j] * diagonal;
            g[j] = share + (L_bar[j * d + j] + diagonal) * diagonal;
            for (long i = j + 1; i < d; i++, at++) {
                g[at] = L_bar[i * d + j] + f[at];
                bar += sum[i] * f[at];
            }
            mean_bar[k * d + j] = -bar;
        }
    }
    /* the constants: see _normaliser */
    const double freedom = d + 1, pi = 3.14159265358979323846;
    double normaliser = -0.5 * freedom * d * log(2) - 0.25 * d * (d - 1) * log(pi);
    for (long j = 0; j < d; j++)
        normaliser -= lgamma(0.5 * (freedom - j));
    value -= p * (peak + log(weights)) + 0.5 * p * d * log(2 * pi) + K * normaliser;
    *(double *)a[4] = value + prior;
    free(L);
    free(L_bar);
    free(centred);
}
