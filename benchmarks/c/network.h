/* What the networks by hand share: their type, which the compiler is told, products by BLAS, and memory that is kept.

   Matrices are row-major: BLAS, whose matrices are column-major, is told the transposed product. */
#include "by_hand.h"
#include <stdlib.h>
#include <tgmath.h>

#ifndef TYPE
#define TYPE float
#endif
#define ALIGNED __attribute__((aligned(64)))
#define MOST(a, b) ((a) > (b) ? (a) : (b))

enum { LANES = 64 / sizeof(TYPE) };
typedef TYPE vector __attribute__((vector_size(64)));
typedef TYPE anywhere __attribute__((vector_size(64), aligned(sizeof(TYPE)))); /* not at a line's beginning */
typedef void gemm_(const char *, const char *, const int *, const int *, const int *, const TYPE *, const TYPE *,
                   const int *, const TYPE *, const int *, const TYPE *, TYPE *, const int *);

/* c (m x n) = alpha p q + beta c, where p is a (m x k) or, transposed, a (k x m), and q likewise; lines have lengths */
static inline void strided(gemm_ *gemm, char ta, char tb, int m, int n, int k, TYPE alpha, const TYPE *a, int la,
                           const TYPE *b, int lb, TYPE beta, TYPE *c, int lc)
{
    gemm(&tb, &ta, &n, &m, &k, &alpha, b, &lb, a, &la, &beta, c, &lc);
}

static inline void product(gemm_ *gemm, char ta, char tb, int m, int n, int k, const TYPE *a, const TYPE *b, TYPE beta,
                           TYPE *c)
{
    strided(gemm, ta, tb, m, n, k, 1, a, ta == 'N' ? k : m, b, tb == 'N' ? n : k, beta, c, n);
}

/* Memory for so many numbers, which stays for the next call. */
static inline TYPE *kept(long count)
{
    static TYPE *memory;
    static long size;
    if (size < count) {
        free(memory);
        memory = aligned_alloc(64, (count * sizeof(TYPE) + 63) / 64 * 64);
        size = count;
    }
    return memory;
}

/* The first numbers of memory, which whole lines follow. */
static inline TYPE *taken(TYPE **memory, long count)
{
    TYPE *begin = *memory;
    *memory += (count + LANES - 1) / LANES * LANES;
    return begin;
}

/* The exponential, so that loops with it are vectorised: 2^k exp(r) with |r| <= log(2) / 2, where the Taylor polynomial
   of degree 7 (12) leaves 5e-9 (2e-16). Below the least normal number it is that number's, nearly 0. */
static inline TYPE exponential(TYPE x)
{
    static const double least = sizeof(TYPE) == 4 ? -87 : -708, most = sizeof(TYPE) == 4 ? 88 : 709;
    x = x < (TYPE)least ? (TYPE)least : x;
    x = x > (TYPE)most ? (TYPE)most : x;
    const TYPE k = rint(x * (TYPE)1.4426950408889634), r = x - k * (TYPE)0.6931471805599453;
    TYPE p = sizeof(TYPE) == 4 ? 1 / (TYPE)5040 : 1 / (TYPE)479001600;
    if (sizeof(TYPE) == 8) {
        p = p * r + 1 / (TYPE)39916800;
        p = p * r + 1 / (TYPE)3628800;
        p = p * r + 1 / (TYPE)362880;
        p = p * r + 1 / (TYPE)40320;
        p = p * r + 1 / (TYPE)5040;
    }
    p = p * r + 1 / (TYPE)720;
    p = p * r + 1 / (TYPE)120;
    p = p * r + 1 / (TYPE)24;
    p = p * r + 1 / (TYPE)6;
    p = p * r + 1 / (TYPE)2;
    p = p * r + 1;
    p = p * r + 1;
    if (sizeof(TYPE) == 4) {
        union { int bits; float power; } two = {.bits = ((int)k + 127) << 23};
        return p * two.power;
    }
    union { long bits; double power; } two = {.bits = ((long)k + 1023) << 52};
    return p * two.power;
}

static inline TYPE sigmoid(TYPE x)
{
    return 1 / (1 + exponential(-x));
}

static inline TYPE hyperbolic(TYPE x)
{
    return 1 - 2 / (1 + exponential(2 * x));
}

/* The cross-entropy of the softmax of rows of logits, of which the mean over `count` rows is taken: returns its sum over
   these rows, and writes the derivative over them. */
static inline TYPE cross_entropy(TYPE *restrict logits, const long *restrict labels, long rows, long width, long count)
{
    TYPE value = 0;
    for (long i = 0; i < rows; i++) {
        TYPE *restrict z = logits + i * width;
        TYPE largest = z[0], sum = 0;
        for (long j = 1; j < width; j++)
            largest = MOST(z[j], largest);
        value -= z[labels[i]] - largest;
        for (long j = 0; j < width; j++)
            sum += z[j] = exponential(z[j] - largest);
        value += log(sum);
        const TYPE scale = 1 / (sum * count);
        for (long j = 0; j < width; j++)
            z[j] *= scale;
        z[labels[i]] -= 1 / (TYPE)count;
    }
    return value;
}

/* sums += the rows' sum */
static inline void add_rows(const TYPE *restrict rows, long count, long width, TYPE *restrict sums)
{
    for (long i = 0; i < count; i++)
        for (long j = 0; j < width; j++)
            sums[j] += rows[i * width + j];
}
