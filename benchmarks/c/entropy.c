/* Softmax cross-entropy of rows of logits: value and gradient, a row at a time while it is in the first cache. */
#include "by_hand.h"

/* a: logits (rows x columns), labels; value, gradient */
void entropy(void *const *a, const long *n)
{
    const float *restrict z = a[0];
    const long *label = a[1];
    float *restrict g = a[3];
    const long rows = n[0], columns = n[1];
    float total = 0;
    for (long i = 0; i < rows; i++, z += columns, g += columns) {
        float largest = z[0], sum = 0;
        for (long j = 0; j < columns; j++)
            largest = z[j] > largest ? z[j] : largest;
        for (long j = 0; j < columns; j++) {
            g[j] = expf(z[j] - largest);
            sum += g[j];
        }
        total += logf(sum) - (z[label[i]] - largest);
        const float scale = 1 / (sum * rows);
        for (long j = 0; j < columns; j++)
            g[j] *= scale;
        g[label[i]] -= 1.0f / rows;
    }
    *(float *)a[2] = total / rows;
}
