/* Programs of one array: value and gradient in one pass over it. */
#include "by_hand.h"

/* Rosenbrock's function: sum of 100 (x[i+1] - x[i]^2)^2 + (1 - x[i])^2 */
void rosen(void *const *a, const long *n)
{
    const double *restrict x = a[0];
    double *restrict g = a[2];
    const long last = n[0] - 1;
    double total = 0;
    for (long i = 1; i < last; i++) { /* what entry i adds, and its share of what entry i - 1 adds */
        const double e = x[i + 1] - x[i] * x[i], r = 1 - x[i], before = x[i] - x[i - 1] * x[i - 1];
        total += 100 * e * e + r * r;
        g[i] = 200 * before - 400 * e * x[i] - 2 * r;
    }
    const double e = x[1] - x[0] * x[0], r = 1 - x[0];
    g[0] = -400 * e * x[0] - 2 * r;
    g[last] = 200 * (x[last] - x[last - 1] * x[last - 1]);
    *(double *)a[1] = total + 100 * e * e + r * r;
}

/* sum of tanh x e^(-x^2) + sin x ln(1 + x^2), a block that stays in the first cache at a time. The cosine has a loop of
   its own: beside the sine, gcc takes both from one function, of which there is none for vectors. */
void elementwise(void *const *a, const long *n)
{
    enum { BLOCK = 512 };
    const double *restrict x = a[0];
    double *restrict g = a[2];
    double total = 0, c[BLOCK];
    for (long first = 0; first < n[0]; first += BLOCK) {
        const long last = first + BLOCK < n[0] ? first + BLOCK : n[0];
        for (long i = first; i < last; i++)
            c[i - first] = cos(x[i]);
        for (long i = first; i < last; i++) {
            const double v = x[i], q = v * v, t = tanh(v), e = exp(-q), s = sin(v), l = log1p(q);
            total += t * e + s * l;
            g[i] = e * (1 - t * t - 2 * v * t) + c[i - first] * l + 2 * v * s / (1 + q);
        }
    }
    *(double *)a[1] = total;
}
