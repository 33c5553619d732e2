/* One pre-norm block of a transformer under the mean squared error; attention looks back only.

   a: down, down_bias, norm1 (scale, shift), norm2, out, qkv, up, up_bias; x, y; value, derivatives; gemm.
   n: sequences, length, width, inner width, heads. GROUP: sequences; BLOCK: rows of scores.
   Sequences go through forward and backward one group after the other, so that what is kept stays near. Of the scores
   only blocks that touch the past are computed. */
#include "adam.h"

enum { DOWN, DOWN_BIAS, SCALE1, SHIFT1, SCALE2, SHIFT2, OUT, QKV, UP, UP_BIAS, LEAVES };
#ifndef GROUP
#define GROUP 2
#endif
#ifndef BLOCK
#define BLOCK 64
#endif

static void normalise(const TYPE *restrict x, const TYPE *restrict scale, const TYPE *restrict shift, long rows,
                      long width, TYPE *restrict hat, TYPE *restrict inverse, TYPE *restrict y)
{
    for (long i = 0; i < rows; i++, x += width, hat += width, y += width) {
        TYPE sum = 0, squares = 0;
        for (long j = 0; j < width; j++)
            sum += x[j];
        const TYPE mean = sum / width;
        for (long j = 0; j < width; j++)
            squares += (x[j] - mean) * (x[j] - mean);
        const TYPE factor = inverse[i] = 1 / sqrt(squares / width + (TYPE)1e-5);
        for (long j = 0; j < width; j++) {
            hat[j] = (x[j] - mean) * factor;
            y[j] = hat[j] * scale[j] + shift[j];
        }
    }
}

/* Adds to the derivatives of scale and shift, and to that of the input where it is asked for. */
static void normalise_back(const TYPE *restrict bar, const TYPE *restrict scale, const TYPE *restrict hat,
                           const TYPE *restrict inverse, long rows, long width, TYPE *restrict scale_bar,
                           TYPE *restrict shift_bar, TYPE *restrict x_bar)
{
    for (long i = 0; i < rows; i++, bar += width, hat += width) {
        TYPE sum = 0, along = 0;
        for (long j = 0; j < width; j++) {
            scale_bar[j] += bar[j] * hat[j];
            shift_bar[j] += bar[j];
            sum += bar[j] * scale[j];
            along += bar[j] * scale[j] * hat[j];
        }
        if (!x_bar)
            continue;
        sum /= width;
        along /= width;
        for (long j = 0; j < width; j++)
            x_bar[i * width + j] += inverse[i] * (bar[j] * scale[j] - sum - hat[j] * along);
    }
}

/* One head: its queries, keys and values lie in rows of 3 x width; the softmax is kept, with zeros in the future. */
static void attend(gemm_ *gemm, const TYPE *q, const TYPE *k, const TYPE *v, long length, long d, long width,
                   TYPE *softmax, TYPE *mixed)
{
    for (long first = 0; first < length; first += BLOCK) {
        const long end = first + BLOCK < length ? first + BLOCK : length, rows = end - first;
        TYPE *block = softmax + first * length;
        strided(gemm, 'N', 'T', rows, end, d, 1 / sqrt((TYPE)d), q + first * 3 * width, 3 * width, k, 3 * width, 0,
                block, length);
        for (long i = first; i < end; i++) {
            TYPE *restrict p = softmax + i * length, largest = p[0], sum = 0;
            for (long j = 1; j <= i; j++)
                largest = MOST(p[j], largest);
            for (long j = 0; j <= i; j++)
                sum += p[j] = exponential(p[j] - largest);
            const TYPE scale = 1 / sum;
            for (long j = 0; j <= i; j++)
                p[j] *= scale;
            for (long j = i + 1; j < end; j++)
                p[j] = 0;
        }
        strided(gemm, 'N', 'N', rows, d, end, 1, block, length, v, 3 * width, 0, mixed + first * width, width);
    }
}

/* Overwrites the derivatives of queries, keys and values; scores: memory for one block of scores. */
static void attend_back(gemm_ *gemm, const TYPE *q, const TYPE *k, const TYPE *v, long length, long d, long width,
                        const TYPE *softmax, const TYPE *mixed, const TYPE *mixed_bar, TYPE *scores, TYPE *q_bar,
                        TYPE *k_bar, TYPE *v_bar)
{
    const long w = 3 * width;
    const TYPE scale = 1 / sqrt((TYPE)d);
    TYPE beta = 0; /* the last block comes first: it looks back at everything */
    for (long first = (length - 1) / BLOCK * BLOCK; first >= 0; first -= BLOCK, beta = 1) {
        const long end = first + BLOCK < length ? first + BLOCK : length, rows = end - first;
        const TYPE *block = softmax + first * length, *bar = mixed_bar + first * width;
        strided(gemm, 'T', 'N', end, d, rows, 1, block, length, bar, width, beta, v_bar, w);
        strided(gemm, 'N', 'T', rows, end, d, 1, bar, width, v, w, 0, scores, end);
        for (long i = 0; i < rows; i++) {
            const TYPE *restrict p = block + i * length, *restrict m = mixed + (first + i) * width;
            TYPE *restrict s = scores + i * end, along = 0;
            for (long j = 0; j < d; j++)
                along += m[j] * bar[i * width + j];
            for (long j = 0; j < end; j++)
                s[j] = p[j] * (s[j] - along) * scale;
        }
        strided(gemm, 'N', 'N', rows, d, end, 1, scores, end, k, w, 0, q_bar + first * w, w);
        strided(gemm, 'T', 'N', end, d, rows, 1, scores, end, q + first * w, w, beta, k_bar, w);
    }
}

/* y = gelu(x + bias), by its formula with tanh, and its slope over x */
static void gelu(TYPE *restrict x, const TYPE *restrict bias, long rows, long width, TYPE *restrict y)
{
    const TYPE c = 0.7978845608028654, cubic = 0.044715;
    for (long i = 0; i < rows; i++, x += width, y += width)
        for (long j = 0; j < width; j++) {
            const TYPE u = x[j] + bias[j], s = sigmoid(2 * c * u * (1 + cubic * u * u)); /* (1 + tanh) / 2 */
            y[j] = u * s;
            x[j] = s + u * s * (1 - s) * 2 * c * (1 + 3 * cubic * u * u);
        }
}

void gradient(void *const *a, const long *n)
{
    const long length = n[1], d = n[2], wide = n[3], heads = n[4], head = d / heads;
    const long group = n[0] < GROUP ? n[0] : GROUP, most = group * length;
    TYPE *const *p = (TYPE *const *)a, *const *bars = p + LEAVES + 3;
    gemm_ *gemm = a[2 * LEAVES + 3];
    const long lengths[LEAVES] = {wide * d, d, d, d, d, d, d * d, 3 * d * d, d * wide, wide};
    TYPE *memory = kept(most * (14 * d + 2 * wide + 2 * LANES + heads * length) + BLOCK * length + 32 * LANES);
    TYPE *hat1 = taken(&memory, most * d), *normal1 = taken(&memory, most * d), *inverse1 = taken(&memory, most);
    TYPE *qkv = taken(&memory, 3 * most * d), *softmax = taken(&memory, most * heads * length);
    TYPE *mixed = taken(&memory, most * d), *sum1 = taken(&memory, most * d);
    TYPE *hat2 = taken(&memory, most * d), *normal2 = taken(&memory, most * d), *inverse2 = taken(&memory, most);
    TYPE *slope = taken(&memory, most * wide), *curved = taken(&memory, most * wide);
    TYPE *bar = taken(&memory, most * d), *other = taken(&memory, most * d), *qkv_bar = taken(&memory, 3 * most * d);
    TYPE *scores = taken(&memory, BLOCK * length), value = 0;
    const TYPE scale = 2 / (TYPE)(n[0] * length * d);
    for (long l = 0; l < LEAVES; l++)
        memset(bars[l], 0, lengths[l] * sizeof(TYPE));
    for (long s = 0; s < n[0]; s += group) {
        const long sequences = n[0] - s < group ? n[0] - s : group, m = sequences * length;
        const TYPE *x = p[LEAVES] + s * length * d, *y = p[LEAVES + 1] + s * length * d;
        const TYPE beta = s > 0;
        normalise(x, p[SCALE1], p[SHIFT1], m, d, hat1, inverse1, normal1);
        product(gemm, 'N', 'N', m, 3 * d, d, normal1, p[QKV], 0, qkv);
        for (long i = 0; i < sequences * heads; i++) {
            const long row = i / heads * length, h = i % heads * head;
            const TYPE *q = qkv + row * 3 * d + h;
            attend(gemm, q, q + d, q + 2 * d, length, head, d, softmax + i * length * length, mixed + row * d + h);
        }
        memcpy(sum1, x, m * d * sizeof(TYPE));
        product(gemm, 'N', 'N', m, d, d, mixed, p[OUT], 1, sum1);
        normalise(sum1, p[SCALE2], p[SHIFT2], m, d, hat2, inverse2, normal2);
        product(gemm, 'N', 'N', m, wide, d, normal2, p[UP], 0, slope);
        gelu(slope, p[UP_BIAS], m, wide, curved);
        product(gemm, 'N', 'N', m, d, wide, curved, p[DOWN], 1, sum1);
        for (long i = 0; i < m; i++)
            for (long j = 0; j < d; j++) {
                const TYPE e = sum1[i * d + j] + p[DOWN_BIAS][j] - y[i * d + j];
                value += e * e;
                bar[i * d + j] = scale * e;
                bars[DOWN_BIAS][j] += scale * e;
            }
        product(gemm, 'T', 'N', wide, d, m, curved, bar, beta, bars[DOWN]);
        product(gemm, 'N', 'T', m, wide, d, bar, p[DOWN], 0, curved);
        for (long i = 0; i < m; i++)
            for (long j = 0; j < wide; j++)
                bars[UP_BIAS][j] += curved[i * wide + j] *= slope[i * wide + j];
        product(gemm, 'T', 'N', d, wide, m, normal2, curved, beta, bars[UP]);
        product(gemm, 'N', 'T', m, d, wide, curved, p[UP], 0, other);
        normalise_back(other, p[SCALE2], hat2, inverse2, m, d, bars[SCALE2], bars[SHIFT2], bar);
        product(gemm, 'T', 'N', d, d, m, mixed, bar, beta, bars[OUT]);
        product(gemm, 'N', 'T', m, d, d, bar, p[OUT], 0, other);
        for (long i = 0; i < sequences * heads; i++) {
            const long row = i / heads * length, h = i % heads * head;
            const TYPE *q = qkv + row * 3 * d + h;
            TYPE *b = qkv_bar + row * 3 * d + h;
            attend_back(gemm, q, q + d, q + 2 * d, length, head, d, softmax + i * length * length,
                        mixed + row * d + h, other + row * d + h, scores, b, b + d, b + 2 * d);
        }
        product(gemm, 'T', 'N', d, 3 * d, m, normal1, qkv_bar, beta, bars[QKV]);
        product(gemm, 'N', 'T', m, d, 3 * d, qkv_bar, p[QKV], 0, other);
        normalise_back(other, p[SCALE1], hat1, inverse1, m, d, bars[SCALE1], bars[SHIFT1], 0);
    }
    *p[LEAVES + 2] = value / (n[0] * length * d);
}
