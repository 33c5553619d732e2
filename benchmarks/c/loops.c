/* Loops with indexed writes, and their reverse sweeps. */
#include "by_hand.h"
#include <stdlib.h>

/* Sum of the squares of the solution of a tridiagonal system, by elimination without pivots.
   a: lower, diagonal, upper, right; value, and the derivatives with respect to the four */
void tridiagonal(void *const *a, const long *n)
{
    const long m = n[0];
    const double *lower = a[0], *diagonal = a[1], *upper = a[2], *right = a[3];
    double *lower_bar = a[5], *diagonal_bar = a[6], *upper_bar = a[7], *right_bar = a[8];
    double *b = malloc(m * sizeof *b), *x = malloc(m * sizeof *x);
    double total = 0, d = right[0];
    b[0] = diagonal[0];
    x[0] = d;
    for (long i = 1; i < m; i++) {
        const double w = lower[i] / b[i - 1];
        b[i] = diagonal[i] - w * upper[i - 1];
        x[i] = d = right[i] - w * d;
    }
    x[m - 1] /= b[m - 1];
    for (long i = m - 2; i >= 0; i--)
        x[i] = (x[i] - upper[i] * x[i + 1]) / b[i];
    for (long i = 0; i < m; i++)
        total += x[i] * x[i];
    /* A x = r: r_bar solves A' r_bar = 2 x, and A_bar = -r_bar x'. The same pivots eliminate A'. */
    double y = 2 * x[0] / b[0];
    right_bar[0] = y;
    for (long i = 1; i < m; i++)
        right_bar[i] = y = (2 * x[i] - upper[i - 1] * y) / b[i];
    lower_bar[0] = upper_bar[m - 1] = 0;
    for (long i = m - 2; i >= 0; i--)
        right_bar[i] -= lower[i + 1] / b[i] * right_bar[i + 1];
    for (long i = 0; i < m; i++)
        diagonal_bar[i] = -right_bar[i] * x[i];
    for (long i = 1; i < m; i++) {
        lower_bar[i] = -right_bar[i] * x[i - 1];
        upper_bar[i - 1] = -right_bar[i - 1] * x[i];
    }
    *(double *)a[4] = total;
    free(b);
    free(x);
}

/* Sum of the squares of y[i] = sin(a[i] y[i-1]) + x[i]; a: a, x; value, and the derivatives with respect to both */
void prefix(void *const *a, const long *n)
{
    const double *w = a[0], *x = a[1];
    double *w_bar = a[3], *x_bar = a[4], total = x[0] * x[0];
    double *y = malloc(n[0] * sizeof *y), *slope = malloc(n[0] * sizeof *slope);
    y[0] = x[0];
    for (long i = 1; i < n[0]; i++) {
        const double u = w[i] * y[i - 1];
        y[i] = sin(u) + x[i];
        slope[i] = cos(u);
        total += y[i] * y[i];
    }
    double y_bar = 0;
    for (long i = n[0] - 1; i > 0; i--) {
        x_bar[i] = y_bar += 2 * y[i];
        w_bar[i] = y_bar * slope[i] * y[i - 1];
        y_bar *= slope[i] * w[i];
    }
    w_bar[0] = 0;
    x_bar[0] = y_bar + 2 * y[0];
    *(double *)a[2] = total;
    free(y);
    free(slope);
}
