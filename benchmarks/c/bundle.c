/* Bundle adjustment: the block of derivatives of each observation, 16 observations at a time, one in each lane.

   a: cameras (11 numbers each), points (3), weights, observed (camera, point), features (2);
   derivatives with respect to camera (2 x 11), point (2 x 3), weight (2), and of 1 - weight^2. n: observations. */
#include "by_hand.h"

enum { LANES = 16 };
typedef double lanes[LANES] __attribute__((aligned(64)));

static void block(const lanes *restrict in, lanes *restrict out)
{
    lanes angle, sines, cosines;
    for (int i = 0; i < LANES; i++)
        angle[i] = sqrt(in[0][i] * in[0][i] + in[1][i] * in[1][i] + in[2][i] * in[2][i]);
    for (int i = 0; i < LANES; i++)
        sines[i] = sin(angle[i]);
    for (int i = 0; i < LANES; i++)
        cosines[i] = cos(angle[i]);
    for (int i = 0; i < LANES; i++) {
        const double r0 = in[0][i], r1 = in[1][i], r2 = in[2][i];
        const double d0 = in[11][i] - in[3][i], d1 = in[12][i] - in[4][i], d2 = in[13][i] - in[5][i];
        const double f = in[6][i], u = in[7][i], v = in[8][i], k1 = in[9][i], k2 = in[10][i], w = in[14][i];
        /* turned = c d + A (r x d) + B (r . d) r, with A = sin t / t, B = (1 - cos t) / t^2; their slopes are along r */
        const double t = angle[i], c = cosines[i], still = t == 0, by = 1 / (t * t + still);
        const double A = still ? 1 : sines[i] / (t + still), B = still ? 0.5 : (1 - c) * by;
        const double slope_a = still ? 0 : (c - A) * by, slope_b = still ? 0 : (A - 2 * B) * by;
        const double x0 = r1 * d2 - r2 * d1, x1 = r2 * d0 - r0 * d2, x2 = r0 * d1 - r1 * d0;
        const double m = r0 * d0 + r1 * d1 + r2 * d2;
        const double y0 = c * d0 + A * x0 + B * m * r0, y1 = c * d1 + A * x1 + B * m * r1,
                     y2 = c * d2 + A * x2 + B * m * r2;
        /* along r: e, and beside it A (e_j x d) + B (d_j r + m e_j) */
        const double e0 = slope_a * x0 + slope_b * m * r0 - A * d0, e1 = slope_a * x1 + slope_b * m * r1 - A * d1,
                     e2 = slope_a * x2 + slope_b * m * r2 - A * d2;
        const double z = 1 / y2, p0 = y0 * z, p1 = y1 * z, q = p0 * p0 + p1 * p1;
        const double L = 1 + k1 * q + k2 * q * q, slope = 2 * (k1 + 2 * k2 * q), wf = w * f;
        /* of the residual with respect to turned */
        const double s00 = wf * (L + slope * p0 * p0), s01 = wf * slope * p0 * p1, s11 = wf * (L + slope * p1 * p1);
        const double g00 = s00 * z, g01 = s01 * z, g02 = -(s00 * p0 + s01 * p1) * z;
        const double g10 = g01, g11 = s11 * z, g12 = -(s01 * p0 + s11 * p1) * z;
        /* the rotation, row by row */
        const double R00 = c + B * r0 * r0, R01 = B * r0 * r1 - A * r2, R02 = B * r0 * r2 + A * r1;
        const double R10 = B * r1 * r0 + A * r2, R11 = c + B * r1 * r1, R12 = B * r1 * r2 - A * r0;
        const double R20 = B * r2 * r0 - A * r1, R21 = B * r2 * r1 + A * r0, R22 = c + B * r2 * r2;
#define ROW(K, G0, G1, G2, P)                                                                                          \
    {                                                                                                                  \
        const double along = G0 * e0 + G1 * e1 + G2 * e2, on_r = B * (G0 * r0 + G1 * r1 + G2 * r2);                    \
        out[K + 0][i] = along * r0 + on_r * d0 + m * B * G0 + A * (G2 * d1 - G1 * d2);                                 \
        out[K + 1][i] = along * r1 + on_r * d1 + m * B * G1 + A * (G0 * d2 - G2 * d0);                                 \
        out[K + 2][i] = along * r2 + on_r * d2 + m * B * G2 + A * (G1 * d0 - G0 * d1);                                 \
        const double X0 = G0 * R00 + G1 * R10 + G2 * R20, X1 = G0 * R01 + G1 * R11 + G2 * R21,                         \
                     X2 = G0 * R02 + G1 * R12 + G2 * R22;                                                              \
        out[K + 3][i] = -X0;                                                                                           \
        out[K + 4][i] = -X1;                                                                                           \
        out[K + 5][i] = -X2;                                                                                           \
        out[K + 6][i] = w * P * L;                                                                                     \
        out[K + 7][i] = K == 0 ? w : 0;                                                                                \
        out[K + 8][i] = K == 0 ? 0 : w;                                                                                \
        out[K + 9][i] = wf * P * q;                                                                                    \
        out[K + 10][i] = wf * P * q * q;                                                                               \
        out[22 + K / 11 * 3][i] = X0;                                                                                  \
        out[23 + K / 11 * 3][i] = X1;                                                                                  \
        out[24 + K / 11 * 3][i] = X2;                                                                                  \
    }
        ROW(0, g00, g01, g02, p0)
        ROW(11, g10, g11, g12, p1)
        out[28][i] = p0 * L * f + u - in[15][i];
        out[29][i] = p1 * L * f + v - in[16][i];
    }
}

void bundle(void *const *a, const long *n)
{
    const double *cameras = a[0], *points = a[1], *weights = a[2], *features = a[4];
    const long *observed = a[3];
    double *camera_bar = a[5], *point_bar = a[6], *weight_bar = a[7], *last = a[8];
    lanes in[17], out[30];
    for (long first = 0; first < n[0]; first += LANES) {
        const long some = n[0] - first < LANES ? n[0] - first : LANES;
        for (long i = 0; i < LANES; i++) {
            const long k = first + (i < some ? i : 0);
            for (int j = 0; j < 11; j++)
                in[j][i] = cameras[11 * observed[2 * k] + j];
            for (int j = 0; j < 3; j++)
                in[11 + j][i] = points[3 * observed[2 * k + 1] + j];
            in[14][i] = weights[k];
            in[15][i] = features[2 * k];
            in[16][i] = features[2 * k + 1];
        }
        block(in, out);
        for (long i = 0; i < some; i++) {
            for (int j = 0; j < 22; j++)
                camera_bar[22 * (first + i) + j] = out[j][i];
            for (int j = 0; j < 6; j++)
                point_bar[6 * (first + i) + j] = out[22 + j][i];
            weight_bar[2 * (first + i)] = out[28][i];
            weight_bar[2 * (first + i) + 1] = out[29][i];
        }
    }
    for (long i = 0; i < n[0]; i++)
        last[i] = -2 * weights[i];
}
