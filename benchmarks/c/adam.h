/* The step of training behind a file's `gradient` of (parameters, batch, targets; value, derivatives; gemm). */
#include "network.h"

program gradient;

/* A step of training with Adam (Kingma and Ba, 2015, algorithm 1), in place.
   a: parameters, derivatives, means, squares (all in one row each), count; what `gradient` is given.
   n: how many parameters; the sizes that `gradient` is given. */
void step(void *const *a, const long *n)
{
    TYPE *restrict p = a[0], *restrict m = a[2], *restrict s = a[3];
    const TYPE *restrict g = a[1];
    const TYPE first = 0.9, second = 0.999, epsilon = 1e-8;
    gradient(a + 5, n + 1);
    const double count = ++*(double *)a[4];
    const TYPE rate = 1e-3 / (1 - pow(0.9, count)), root = 1 / sqrt(1 - pow(0.999, count));
    for (long i = 0; i < n[0]; i++) {
        m[i] = first * m[i] + (1 - first) * g[i];
        s[i] = second * s[i] + (1 - second) * g[i] * g[i];
        p[i] -= rate * m[i] / (sqrt(s[i]) * root + epsilon);
    }
}
