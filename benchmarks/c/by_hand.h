/* What every file of derivatives by hand begins with: functions of an array of pointers and an array of sizes. */
#include <math.h>
#include <string.h>

typedef void program(void *const *, const long *);

/* Calls a program many times, so that what calls it does not count. */
void repeat(program *f, void *const *a, const long *n, long times)
{
    program *volatile called = f;
    for (long k = 0; k < times; k++)
        called(a, n);
}
