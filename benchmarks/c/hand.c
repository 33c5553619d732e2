/* Hand tracking: residuals, and their derivatives with respect to the pose and to coordinates within triangles.

   Bones: a wrist, five fingers of four, a forearm. A number of a finger moves that finger's bones alone, from its second
   or a later one on. Points go through in blocks; matrices are three rows of four, what is below them is known. */
#include "by_hand.h"

enum { FINGERS = 5, BONES = 22, BLOCK = 32 };
typedef double lanes[BLOCK] __attribute__((aligned(64)));
typedef double affine[12];

typedef struct {
    affine placed[BONES];             /* of points at rest */
    affine moving[FINGERS][4][4];     /* minus the derivative of the last three bones, by number and bone, turned */
    double turn[9], turning[3][9];    /* the rotation, and minus its derivatives */
} posed;

/* a b, where what is below b is 0 0 0 last */
static void product(const double *a, const double *b, double last, double *out)
{
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++)
            out[4 * r + c] = a[4 * r] * b[c] + a[4 * r + 1] * b[4 + c] + a[4 * r + 2] * b[8 + c]
                             + (c == 3 ? last * a[4 * r + 3] : 0);
}

/* a turned, and its sign changed */
static void turned(const double *R, const double *a, double *out)
{
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 4; c++)
            out[4 * r + c] = -(R[3 * r] * a[c] + R[3 * r + 1] * a[4 + c] + R[3 * r + 2] * a[8 + c]);
}

static void rotate(const double *r, double *R, double (*minus)[9])
{
    const double angle = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    if (angle < 1e-4) {
        for (int i = 0; i < 9; i++)
            R[i] = i % 4 == 0, minus[0][i] = minus[1][i] = minus[2][i] = 0;
        return;
    }
    const double a[3] = {r[0] / angle, r[1] / angle, r[2] / angle}, s = sin(angle), c = cos(angle);
    const double across[9] = {0, -a[2], a[1], a[2], 0, -a[0], -a[1], a[0], 0};
    for (int i = 0; i < 9; i++)
        R[i] = a[i / 3] * a[i % 3] * (1 - c) + (i % 4 == 0) * c + s * across[i];
    for (int k = 0; k < 3; k++) {
        double d[3];
        for (int i = 0; i < 3; i++)
            d[i] = ((i == k) - a[i] * a[k]) / angle;
        const double d_across[9] = {0, -d[2], d[1], d[2], 0, -d[0], -d[1], d[0], 0};
        for (int i = 0; i < 9; i++)
            minus[k][i] = -((d[i / 3] * a[i % 3] + a[i / 3] * d[i % 3]) * (1 - c) + a[i / 3] * a[i % 3] * s * a[k]
                            - (i % 4 == 0) * s * a[k] + c * a[k] * across[i] + s * d_across[i]);
    }
}

/* base: four bones; inverse: of the same at rest; out: their transforms; by: their derivatives */
static void finger(const double *angles, const double *wrist, const double *base, const double *inverse,
                   const double *turn, affine *out, affine (*by)[4])
{
    affine bone, next, relative, d, ds[4];
    product(wrist, base, 1, bone);
    product(bone, inverse, 1, out[0]);
    for (int k = 1; k < 4; k++) {
        const double flexion = angles[k == 1 ? 0 : k], spread = k == 1 ? angles[1] : 0;
        const double cx = cos(flexion), sx = sin(flexion), cz = cos(spread), sz = sin(spread);
        const affine bend = {cz, -sz * cx, sz * sx, 0, sz, cz * cx, -cz * sx, 0, 0, sx, cx, 0};
        const affine by_x = {0, sz * sx, sz * cx, 0, 0, -cz * sx, -cz * cx, 0, 0, cx, -sx, 0};
        const affine by_z = {-sz, -cz * cx, cz * sx, 0, cz, -sz * cx, sz * sx, 0, 0, 0, 0, 0};
        product(base + 16 * k, bend, 1, relative);
        for (int j = 0; k > 1 && j < k; j++) { /* numbers of earlier bones */
            product(ds[j], relative, 1, d);
            memcpy(ds[j], d, sizeof d);
        }
        product(base + 16 * k, by_x, 0, d);
        product(bone, d, 0, ds[k == 1 ? 0 : k]);
        if (k == 1) {
            product(base + 16 * k, by_z, 0, d);
            product(bone, d, 0, ds[1]);
        }
        product(bone, relative, 1, next);
        memcpy(bone, next, sizeof bone);
        product(bone, inverse + 16 * k, 1, out[k]);
        for (int j = 0; j <= k; j++) {
            product(ds[j], inverse + 16 * k, 1, d);
            turned(turn, d, by[j][k]);
        }
    }
}

static void pose_bones(const double *pose, void *const *model, posed *out)
{
    const double *wrist = model[0], *forearm = model[1], *base = model[2], *inverse = model[3];
    rotate(pose, out->turn, out->turning);
    product(wrist, inverse, 1, out->placed[0]);
    product(forearm, inverse + 16 * (BONES - 1), 1, out->placed[BONES - 1]);
    for (int f = 0; f < FINGERS; f++)
        finger(pose + 6 + 4 * f, wrist, base + 64 * f, inverse + 16 * (1 + 4 * f), out->turn, out->placed + 1 + 4 * f,
               out->moving[f]);
}

/* what a matrix makes of weighted points, added */
static inline void add(const double *restrict m, lanes *restrict q, lanes *restrict to)
{
    for (int i = 0; i < BLOCK; i++) {
        to[0][i] += m[0] * q[0][i] + m[1] * q[1][i] + m[2] * q[2][i] + m[3] * q[3][i];
        to[1][i] += m[4] * q[0][i] + m[5] * q[1][i] + m[6] * q[2][i] + m[7] * q[3][i];
        to[2][i] += m[8] * q[0][i] + m[9] * q[1][i] + m[10] * q[2][i] + m[11] * q[3][i];
    }
}

/* rows of residuals: m p + t */
static inline void write(const double *m, lanes *p, const double *t, double *to, long n, long some)
{
    for (int r = 0; r < 3; r++) {
        lanes row;
        for (int i = 0; i < BLOCK; i++)
            row[i] = m[3 * r] * p[0][i] + m[3 * r + 1] * p[1][i] + m[3 * r + 2] * p[2][i] + t[r];
        memcpy(to + r * n, row, some * sizeof *row);
    }
}

/* q: points at rest, weighted for each bone; p: where the bones take them; out: residuals and columns, from here on */
static void block(const posed *at, const double *pose, lanes (*q)[4], lanes *p, const double *points, double *residuals,
                  double *columns, long n, long some)
{
    static const double none[3];
    write(at->turn, p, pose + 3, residuals, n, some);
    for (int r = 0; r < 3; r++)
        for (long i = 0; i < some; i++)
            residuals[r * n + i] = points[r * n + i] - residuals[r * n + i];
    for (int k = 0; k < 3; k++)
        write(at->turning[k], p, none, columns + 3 * k * n, n, some);
    for (int k = 0; k < 9; k++)
        for (long i = 0; i < some; i++)
            columns[(9 + k) * n + i] = k % 4 == 0 ? -1 : 0;
    for (int f = 0; f < FINGERS; f++)
        for (int j = 0; j < 4; j++) {
            lanes sum[3] = {0};
            for (int k = j < 2 ? 1 : j; k < 4; k++)
                add(at->moving[f][j][k], q[1 + 4 * f + k], sum);
            for (int r = 0; r < 3; r++)
                memcpy(columns + (3 * (6 + 4 * f + j) + r) * n, sum[r], some * sizeof(double));
        }
}

/* a: pose; wrist, forearm, fingers, inverse, vertices, weights; seen, points; residuals, columns.
   n: vertices of the mesh, points */
void simple(void *const *a, const long *n)
{
    const double *vertices = a[5], *weights = a[6], *points = a[8];
    const long *seen = a[7], size = n[0], count = n[1];
    posed at;
    pose_bones(a[0], a + 1, &at);
    for (long first = 0; first < count; first += BLOCK) {
        const long some = count - first < BLOCK ? count - first : BLOCK;
        long v[BLOCK];
        lanes rest[3], q[BONES][4], p[3] = {0};
        for (int i = 0; i < BLOCK; i++) {
            v[i] = seen[first + (i < some ? i : 0)];
            for (int r = 0; r < 3; r++)
                rest[r][i] = vertices[r * size + v[i]];
        }
        for (int b = 0; b < BONES; b++) {
            for (int i = 0; i < BLOCK; i++) {
                const double w = q[b][3][i] = weights[b * size + v[i]];
                for (int r = 0; r < 3; r++)
                    q[b][r][i] = w * rest[r][i];
            }
            add(at.placed[b], q[b], p);
        }
        block(&at, a[0], q, p, points + first, (double *)a[9] + first, (double *)a[10] + first, count, some);
    }
}

/* a: pose, within; wrist, forearm, fingers, inverse, vertices, weights; triangles, seen, points; residuals, columns, and
   those of the coordinates. n: vertices of the mesh, points */
void complicated(void *const *a, const long *n)
{
    const double *within = a[1], *vertices = a[6], *weights = a[7], *points = a[10];
    const long *triangles = a[8], *seen = a[9], size = n[0], count = n[1];
    static const double none[3];
    double minus[9];
    posed at;
    pose_bones(a[0], a + 2, &at);
    for (int i = 0; i < 9; i++)
        minus[i] = -at.turn[i];
    for (long first = 0; first < count; first += BLOCK) {
        const long some = count - first < BLOCK ? count - first : BLOCK;
        long v[3][BLOCK];
        lanes rest[3][3], u[3], q[BONES][4], corner[3][3] = {0}, p[3], e[3][4];
        for (int i = 0; i < BLOCK; i++) {
            const long k = first + (i < some ? i : 0);
            u[0][i] = within[2 * k];
            u[1][i] = within[2 * k + 1];
            u[2][i] = 1 - u[0][i] - u[1][i];
            for (int c = 0; c < 3; c++) {
                v[c][i] = triangles[3 * seen[k] + c];
                for (int r = 0; r < 3; r++)
                    rest[c][r][i] = vertices[r * size + v[c][i]];
            }
        }
        for (int b = 0; b < BONES; b++) {
            for (int c = 0; c < 3; c++) {
                for (int i = 0; i < BLOCK; i++) {
                    const double w = e[c][3][i] = weights[b * size + v[c][i]];
                    for (int r = 0; r < 3; r++)
                        e[c][r][i] = w * rest[c][r][i];
                }
                add(at.placed[b], e[c], corner[c]);
            }
            for (int r = 0; r < 4; r++)
                for (int i = 0; i < BLOCK; i++)
                    q[b][r][i] = u[0][i] * e[0][r][i] + u[1][i] * e[1][r][i] + u[2][i] * e[2][r][i];
        }
        for (int r = 0; r < 3; r++)
            for (int i = 0; i < BLOCK; i++) {
                p[r][i] = u[0][i] * corner[0][r][i] + u[1][i] * corner[1][r][i] + u[2][i] * corner[2][r][i];
                corner[0][r][i] -= corner[2][r][i];
                corner[1][r][i] -= corner[2][r][i];
            }
        block(&at, a[0], q, p, points + first, (double *)a[11] + first, (double *)a[12] + first, count, some);
        for (int c = 0; c < 2; c++)
            write(minus, corner[c], none, (double *)a[13] + 3 * c * count + first, count, some);
    }
}
