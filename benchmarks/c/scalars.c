/* Programs of a few numbers. Pointers: the inputs, then the value, then the derivatives with respect to each input. */
#include "by_hand.h"

/* ln x + x y - sin y */
void call2(void *const *a, const long *n)
{
    const double x = *(double *)a[0], y = *(double *)a[1];
    *(double *)a[2] = log(x) + x * y - sin(y);
    *(double *)a[3] = 1 / x + y;
    *(double *)a[4] = x - cos(y);
}

/* l <- 4 l (1 - l), and its derivative beside it: l_dot <- 4 l_dot (1 - 2 l) */
void logistic(void *const *a, const long *n)
{
    double l = *(double *)a[0], l_dot = 1;
    for (long k = 0; k < n[0]; k++) {
        l_dot *= 4 - 8 * l;
        l = 4 * l * (1 - l);
    }
    *(double *)a[1] = l;
    *(double *)a[2] = l_dot;
}

/* Newton's iteration for x = cos(p x): the derivative of the root is that of the equation (implicit function theorem),
   but what is differentiated here is the iteration itself, as the others do it. */
void newton(void *const *a, const long *n)
{
    const double p = *(double *)a[0];
    double x = 0.5, x_dot = 0, g = 1;
    while (fabs(g) > 1e-12) {
        const double s = sin(p * x), c = cos(p * x);
        const double u_dot = x + p * x_dot; /* of p x */
        const double h = 1 + p * s, h_dot = s + p * c * u_dot;
        const double g_dot = x_dot + s * u_dot;
        g = x - c;
        x_dot -= (g_dot - g / h * h_dot) / h;
        x -= g / h;
    }
    *(double *)a[1] = x;
    *(double *)a[2] = x_dot;
}

/* Lotka-Volterra, x' = a x - b x y, y' = d x y - c y, by the classical Runge-Kutta method, with six tangents in the lanes
   of a vector: cheaper than a reverse sweep, as each step waits for the one before it. */
typedef double v8 __attribute__((vector_size(64)));
typedef struct { double x, y; v8 x_dot, y_dot; } state;

static inline state slope(const double *p, state s)
{
    static const v8 da = {1}, db = {0, 1}, dc = {0, 0, 1}, dd = {0, 0, 0, 1};
    const double a = p[0], b = p[1], c = p[2], d = p[3], xy = s.x * s.y;
    const v8 xy_dot = s.x * s.y_dot + s.y * s.x_dot;
    return (state){a * s.x - b * xy, d * xy - c * s.y,
                   a * s.x_dot + s.x * da - b * xy_dot - xy * db,
                   d * xy_dot + xy * dd - c * s.y_dot - s.y * dc};
}

static inline state moved(state s, double h, state k)
{
    return (state){s.x + h * k.x, s.y + h * k.y, s.x_dot + h * k.x_dot, s.y_dot + h * k.y_dot};
}

void lotka(void *const *a, const long *n)
{
    const double p[4] = {*(double *)a[0], *(double *)a[1], *(double *)a[2], *(double *)a[3]}, h = 0.01;
    state s = {*(double *)a[4], *(double *)a[5], {0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 1}};
    for (long k = 0; k < n[0]; k++) {
        const state k1 = slope(p, s), k2 = slope(p, moved(s, h / 2, k1));
        const state k3 = slope(p, moved(s, h / 2, k2)), k4 = slope(p, moved(s, h, k3));
        s = moved(moved(s, h / 6, k1), h / 6, k4);
        s = moved(moved(s, h / 3, k2), h / 3, k3);
    }
    *(double *)a[6] = s.x + s.y;
    const v8 total = s.x_dot + s.y_dot;
    for (int i = 0; i < 6; i++)
        *(double *)a[7 + i] = total[i];
}
