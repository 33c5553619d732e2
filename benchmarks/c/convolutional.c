/* Two convolutions of 3 x 3 with rectified pools of 2 x 2 behind them, and a dense layer under cross-entropy.

   a: kernel and bias, twice; weights and bias; images of one channel, labels; value, derivatives; gemm.
   n: images, side, classes. MIDDLE and LAST: channels, which fill registers.
   Channels lie innermost, padded to whole vectors. The four outputs of a pool are computed together and never stored:
   only the largest, and the place where it was found. There alone has the output of a convolution a derivative, so that
   its reverse takes a quarter of the products. */
#include "adam.h"

#ifndef MIDDLE
#define MIDDLE 16
#endif
#ifndef LAST
#define LAST 32
#endif
enum { W1, B1, W2, B2, W3, B3, IMAGES, LABELS, VALUE, BARS, GEMM = BARS + 6 };
enum { V1 = (MIDDLE + LANES - 1) / LANES, V2 = (LAST + LANES - 1) / LANES, C1 = V1 * LANES, C2 = V2 * LANES };
typedef typeof((vector){0} > (vector){0}) mask;

typedef struct {
    ALIGNED TYPE first[9][C1], second[9][MIDDLE][C2], transposed[LAST][9][C1]; /* taps */
    ALIGNED TYPE bias1[C1], bias2[C2];
} weights;

typedef struct {
    ALIGNED TYPE first[9][C1], bias1[C1], second[LAST][9][C1];
} derivatives;

static void arranged(const TYPE *w1, const TYPE *b1, const TYPE *w2, const TYPE *b2, weights *to)
{
    for (int c = 0; c < MIDDLE; c++)
        for (int t = 0; t < 9; t++)
            to->first[t][c] = w1[c * 9 + t];
    for (int o = 0; o < LAST; o++)
        for (int c = 0; c < MIDDLE; c++)
            for (int t = 0; t < 9; t++)
                to->second[t][c][o] = to->transposed[o][t][c] = w2[(o * MIDDLE + c) * 9 + t];
    memcpy(to->bias1, b1, MIDDLE * sizeof(TYPE));
    memcpy(to->bias2, b2, LAST * sizeof(TYPE));
}

/* The largest of four, if it is positive, and where it was; or 0 and nowhere */
static inline void pool(const TYPE *restrict four, const TYPE *restrict bias, int channels, TYPE *restrict y,
                        TYPE *restrict place)
{
    for (int c = 0; c < channels; c++) {
        TYPE best = four[c], at = 0;
        for (int q = 1; q < 4; q++) {
            at = four[q * channels + c] > best ? q : at;
            best = MOST(four[q * channels + c], best);
        }
        best += bias[c];
        y[c] = best > 0 ? best : 0;
        place[c] = best > 0 ? at : -1;
    }
}

static void first(const TYPE *restrict x, long side, const weights *w, TYPE *restrict y, TYPE *restrict place)
{
    const long pools = (side - 2) / 2;
    const vector *taps = (const vector *)w->first;
    for (long i = 0; i < pools; i++)
        for (long j = 0; j < pools; j++, y += C1, place += C1) {
            const TYPE *corner = x + 2 * i * side + 2 * j;
            vector four[4][V1] = {0};
#pragma GCC unroll 9
            for (int t = 0; t < 9; t++)
#pragma GCC unroll 4
                for (int q = 0; q < 4; q++)
#pragma GCC unroll 2
                    for (int v = 0; v < V1; v++)
                        four[q][v] += corner[(q / 2 + t / 3) * side + q % 2 + t % 3] * taps[t * V1 + v];
            pool((TYPE *)four, w->bias1, C1, y, place);
        }
}

static void second(const TYPE *restrict x, long side, const weights *w, TYPE *restrict y, TYPE *restrict place)
{
    const long pools = (side - 2) / 2;
    for (long i = 0; i < pools; i++)
        for (long j = 0; j < pools; j++, y += C2, place += C2) {
            vector four[4][V2] = {0};
            for (int t = 0; t < 9; t++) {
                const TYPE *corner = x + ((2 * i + t / 3) * side + 2 * j + t % 3) * C1;
                const vector *taps = (const vector *)w->second[t];
#pragma GCC unroll 2
                for (int c = 0; c < MIDDLE; c++)
#pragma GCC unroll 4
                    for (int q = 0; q < 4; q++)
#pragma GCC unroll 4
                        for (int v = 0; v < V2; v++)
                            four[q][v] += corner[(q / 2 * side + q % 2) * C1 + c] * taps[c * V2 + v];
            }
            pool((TYPE *)four, w->bias2, C2, y, place);
        }
}

/* What one channel of the second convolution adds, from each pool: to its taps, and to the derivative of the input */
static void second_back(const TYPE *restrict x, long side, const TYPE *restrict bar, const int *restrict offset,
                        long pools, const TYPE *w, TYPE *restrict w_bar, TYPE *restrict x_bar)
{
    vector taps[9][V1];
    memcpy(taps, w_bar, sizeof taps);
    for (long p = 0; p < pools; p++)
#pragma GCC unroll 9
        for (int t = 0; t < 9; t++)
#pragma GCC unroll 2
            for (int v = 0; v < V1; v++)
                taps[t][v] += bar[p] * *(vector *)(x + offset[p] + (t / 3 * side + t % 3) * C1 + v * LANES);
    memcpy(w_bar, taps, sizeof taps);
    memcpy(taps, w, sizeof taps);
    for (long p = 0; p < pools; p++)
#pragma GCC unroll 9
        for (int t = 0; t < 9; t++)
#pragma GCC unroll 2
            for (int v = 0; v < V1; v++)
                *(vector *)(x_bar + offset[p] + (t / 3 * side + t % 3) * C1 + v * LANES) += bar[p] * taps[t][v];
}

static void first_back(const TYPE *restrict x, long side, const TYPE *restrict bar, const TYPE *restrict place,
                       derivatives *to)
{
    const long pools = (side - 2) / 2;
    vector taps[9][V1], bias[V1];
    memcpy(taps, to->first, sizeof taps);
    memcpy(bias, to->bias1, sizeof bias);
    for (long i = 0; i < pools; i++)
        for (long j = 0; j < pools; j++, bar += C1, place += C1) {
            const TYPE *corner = x + 2 * i * side + 2 * j;
#pragma GCC unroll 4
            for (int q = 0; q < 4; q++)
#pragma GCC unroll 2
                for (int v = 0; v < V1; v++) {
                    const mask here = ((const vector *)place)[v] == (TYPE)q;
                    const vector g = (vector)((mask)((const vector *)bar)[v] & here);
                    bias[v] += g;
#pragma GCC unroll 9
                    for (int t = 0; t < 9; t++)
                        taps[t][v] += corner[(q / 2 + t / 3) * side + q % 2 + t % 3] * g;
                }
        }
    memcpy(to->first, taps, sizeof taps);
    memcpy(to->bias1, bias, sizeof bias);
}

void gradient(void *const *a, const long *n)
{
    static weights w; /* what pads it stays 0 */
    static derivatives to;
    const long m = n[0], side = n[1], classes = n[2], one = (side - 2) / 2, two = (one - 2) / 2, pools = two * two;
    const long near = one * one * C1, far = pools * C2, features = pools * LAST;
    TYPE *const *p = (TYPE *const *)a, *const *bars = p + BARS;
    gemm_ *gemm = a[GEMM];
    TYPE *memory = kept(m * (2 * near + far + 2 * features + classes) + near + far + pools + 16 * LANES);
    TYPE *y1 = taken(&memory, m * near), *place1 = taken(&memory, m * near), *place2 = taken(&memory, m * far);
    TYPE *y2 = taken(&memory, far), *flat = taken(&memory, m * features), *flat_bar = taken(&memory, m * features);
    TYPE *logits = taken(&memory, m * classes), *bar1 = taken(&memory, near), *bar = taken(&memory, pools);
    int offset[pools];
    arranged(p[W1], p[B1], p[W2], p[B2], &w);
    for (long i = 0; i < m; i++) {
        first(p[IMAGES] + i * side * side, side, &w, y1 + i * near, place1 + i * near);
        second(y1 + i * near, one, &w, y2, place2 + i * far);
        for (long c = 0; c < LAST; c++)
            for (long k = 0; k < pools; k++)
                flat[i * features + c * pools + k] = y2[k * C2 + c];
        memcpy(logits + i * classes, p[B3], classes * sizeof(TYPE));
    }
    product(gemm, 'N', 'N', m, classes, features, flat, p[W3], 1, logits);
    *p[VALUE] = cross_entropy(logits, a[LABELS], m, classes, m) / m;
    product(gemm, 'T', 'N', features, classes, m, flat, logits, 0, bars[W3]);
    product(gemm, 'N', 'T', m, features, classes, logits, p[W3], 0, flat_bar);
    memset(bars[B3], 0, classes * sizeof(TYPE));
    memset(bars[B2], 0, LAST * sizeof(TYPE));
    memset(&to, 0, sizeof to);
    add_rows(logits, m, classes, bars[B3]);
    for (long i = 0; i < m; i++) {
        memset(bar1, 0, near * sizeof(TYPE));
        for (int o = 0; o < LAST; o++) {
            for (long k = 0; k < pools; k++) {
                const int q = (int)place2[i * far + k * C2 + o], at = q < 0 ? 0 : q;
                offset[k] = (int)(((2 * (k / two) + at / 2) * one + 2 * (k % two) + at % 2) * C1);
                bar[k] = q < 0 ? 0 : flat_bar[i * features + o * pools + k];
                bars[B2][o] += bar[k];
            }
            second_back(y1 + i * near, one, bar, offset, pools, *w.transposed[o], *to.second[o], bar1);
        }
        first_back(p[IMAGES] + i * side * side, side, bar1, place1 + i * near, &to);
    }
    for (int c = 0; c < MIDDLE; c++)
        for (int t = 0; t < 9; t++) {
            bars[W1][c * 9 + t] = to.first[t][c];
            for (int o = 0; o < LAST; o++)
                bars[W2][(o * MIDDLE + c) * 9 + t] = to.second[o][t][c];
        }
    memcpy(bars[B1], to.bias1, MIDDLE * sizeof(TYPE));
}
