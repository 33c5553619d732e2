/* An LSTM layer over embedded characters that predicts the next, under cross-entropy.

   a: bias, embedding, head, head_bias, hidden, input; characters, their successors; value, derivatives; gemm.
   n: steps, batch, symbols, width, hidden units, of which there are whole pairs of vectors.
   There are fewer symbols than characters: the embedding's product with the weights is taken once for each symbol. The
   products inside the steps are small and many with the same weights, which are arranged once for a kernel of our own:
   BLAS, which arranges them in each call, takes half as long again. */
#include "adam.h"

enum { BIAS, EMBEDDING, HEAD, HEAD_BIAS, HIDDEN, INPUT, LEAVES };
enum { WIDE = 2 * LANES, TILE = 8 };

/* Columns in panels as wide as two vectors: w is (rows x columns), or transposed. */
static void arranged(const TYPE *restrict w, long rows, long columns, int transposed, TYPE *restrict to)
{
    for (long p = 0; p < columns; p += WIDE)
        for (long k = 0; k < rows; k++)
            for (long j = 0; j < WIDE; j++)
                *to++ = transposed ? w[(p + j) * rows + k] : w[k * columns + p + j];
}

/* y = begin + x w: rows of y begin with what lies where `begin` says. A tile that is not whole repeats the last row. */
static void multiply(const TYPE *restrict x, const TYPE *restrict w, long rows, long columns, long deep,
                     const TYPE *const *begin, TYPE *y)
{
    for (long p = 0; p < columns; p += WIDE, w += deep * WIDE)
        for (long i = 0; i < rows; i += TILE) {
            vector sums[TILE][2];
            const TYPE *row[TILE];
#pragma GCC unroll 8
            for (int r = 0; r < TILE; r++) {
                const long at = i + r < rows ? i + r : rows - 1;
                row[r] = x + at * deep;
                sums[r][0] = *(const anywhere *)(begin[at] + p);
                sums[r][1] = *(const anywhere *)(begin[at] + p + LANES);
            }
            for (long k = 0; k < deep; k++) {
                const vector left = *(const vector *)(w + k * WIDE), right = *(const vector *)(w + k * WIDE + LANES);
#pragma GCC unroll 8
                for (int r = 0; r < TILE; r++) {
                    sums[r][0] += row[r][k] * left;
                    sums[r][1] += row[r][k] * right;
                }
            }
            for (int r = 0; r < TILE && i + r < rows; r++) {
                *(anywhere *)(y + (i + r) * columns + p) = sums[r][0];
                *(anywhere *)(y + (i + r) * columns + p + LANES) = sums[r][1];
            }
        }
}

/* The gates input, forget, change, output lie beside each other. */
static void cell(TYPE *restrict gates, const TYPE *restrict before, long units, TYPE *restrict after,
                 TYPE *restrict curved, TYPE *restrict h)
{
    for (long j = 0; j < units; j++) {
        const TYPE i = sigmoid(gates[j]), f = sigmoid(gates[units + j]);
        const TYPE g = hyperbolic(gates[2 * units + j]), o = sigmoid(gates[3 * units + j]);
        const TYPE c = f * before[j] + i * g;
        gates[j] = i;
        gates[units + j] = f;
        gates[2 * units + j] = g;
        gates[3 * units + j] = o;
        after[j] = c;
        curved[j] = hyperbolic(c);
        h[j] = o * curved[j];
    }
}

/* Overwrites the gates with the derivatives of what they are of. */
static void cell_back(TYPE *restrict gates, const TYPE *restrict before, const TYPE *restrict curved,
                      const TYPE *restrict h_bar, long units, TYPE *restrict c_bar)
{
    for (long j = 0; j < units; j++) {
        const TYPE i = gates[j], f = gates[units + j], g = gates[2 * units + j], o = gates[3 * units + j];
        const TYPE bar = c_bar[j] + h_bar[j] * o * (1 - curved[j] * curved[j]);
        gates[j] = bar * g * i * (1 - i);
        gates[units + j] = bar * before[j] * f * (1 - f);
        gates[2 * units + j] = bar * i * (1 - g * g);
        gates[3 * units + j] = h_bar[j] * curved[j] * o * (1 - o);
        c_bar[j] = bar * f;
    }
}

void gradient(void *const *a, const long *n)
{
    const long steps = n[0], batch = n[1], symbols = n[2], d = n[3], units = n[4], four = 4 * units;
    const long rows = steps * batch, one = batch * units;
    TYPE *const *p = (TYPE *const *)a, *const *bars = p + LEAVES + 3;
    const long *text = a[LEAVES], *next = a[LEAVES + 1];
    gemm_ *gemm = a[2 * LEAVES + 3];
    TYPE *memory = kept(2 * symbols * four + 2 * units * four + rows * (four + 4 * units + symbols) + 3 * one + 256);
    TYPE *table = taken(&memory, symbols * four), *table_bar = taken(&memory, symbols * four);
    TYPE *forward = taken(&memory, units * four), *back = taken(&memory, units * four);
    TYPE *gates = taken(&memory, rows * four), *c = taken(&memory, one + rows * units);
    TYPE *curved = taken(&memory, rows * units), *h = taken(&memory, one + rows * units);
    TYPE *h_bar = taken(&memory, rows * units), *logits = taken(&memory, rows * symbols);
    TYPE *c_bar = taken(&memory, one);
    const TYPE *begin[batch];
    arranged(p[HIDDEN], units, four, 0, forward);
    arranged(p[HIDDEN], four, units, 1, back);
    for (long s = 0; s < symbols; s++)
        memcpy(table + s * four, p[BIAS], four * sizeof(TYPE));
    product(gemm, 'N', 'N', symbols, four, d, p[EMBEDDING], p[INPUT], 1, table);
    memset(c, 0, one * sizeof(TYPE)); /* states lie behind those before the first step */
    memset(h, 0, one * sizeof(TYPE));
    for (long t = 0; t < steps; t++) {
        for (long b = 0; b < batch; b++)
            begin[b] = table + text[t * batch + b] * four;
        multiply(h + t * one, forward, batch, four, units, begin, gates + t * batch * four);
        for (long r = t * batch; r < (t + 1) * batch; r++)
            cell(gates + r * four, c + r * units, units, c + one + r * units, curved + r * units, h + one + r * units);
    }
    for (long r = 0; r < rows; r++)
        memcpy(logits + r * symbols, p[HEAD_BIAS], symbols * sizeof(TYPE));
    product(gemm, 'N', 'N', rows, symbols, units, h + one, p[HEAD], 1, logits);
    *p[LEAVES + 2] = cross_entropy(logits, next, rows, symbols, rows) / rows;
    product(gemm, 'T', 'N', units, symbols, rows, h + one, logits, 0, bars[HEAD]);
    product(gemm, 'N', 'T', rows, units, symbols, logits, p[HEAD], 0, h_bar);
    memset(bars[HEAD_BIAS], 0, symbols * sizeof(TYPE));
    memset(bars[BIAS], 0, four * sizeof(TYPE));
    memset(table_bar, 0, symbols * four * sizeof(TYPE));
    memset(c_bar, 0, one * sizeof(TYPE));
    add_rows(logits, rows, symbols, bars[HEAD_BIAS]);
    for (long t = steps - 1; t >= 0; t--) {
        TYPE *bar = h_bar + t * one;
        for (long b = 0; b < batch; b++)
            begin[b] = bar + b * units;
        if (t + 1 < steps)
            multiply(gates + (t + 1) * batch * four, back, batch, units, four, begin, bar);
        for (long b = 0, r = t * batch; b < batch; b++, r++) {
            cell_back(gates + r * four, c + r * units, curved + r * units, bar + b * units, units, c_bar + b * units);
            add_rows(gates + r * four, 1, four, table_bar + text[r] * four);
        }
    }
    product(gemm, 'T', 'N', units, four, rows, h, gates, 0, bars[HIDDEN]);
    add_rows(table_bar, symbols, four, bars[BIAS]);
    product(gemm, 'T', 'N', d, four, symbols, p[EMBEDDING], table_bar, 0, bars[INPUT]);
    product(gemm, 'N', 'T', symbols, d, four, table_bar, p[INPUT], 0, bars[EMBEDDING]);
}
