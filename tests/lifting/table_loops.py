"""Programs with loops: plain Python on numbers and NumPy arrays."""

import math

import numpy as np

V = np.array([0.7, -1.3, 0.4, 2.1, -0.2])
LONG = np.sin(np.arange(40.0)) + 0.1


def horner(c, x):
    y = 0.0
    for a in c:
        y = y * x + a
    return y


def power(x, n):
    y = 1.0
    for _ in range(n):
        y *= x
    return y


def between(x, a, b):
    s = x * 0
    for k in range(a, b):
        s = s + x**k / (k + 1)
    return s


def countdown(x, n):
    s = 0.0
    for k in range(n, 0, -3):
        s += x * k
    return s


def striding(x, n):
    s = 0.0
    for k in range(2, n, 3):
        s += math.cos(x * k)
    return s


def filled(x):
    y = np.zeros(len(x))
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] + np.sin(x[i])
    return y


def filled_2d(x):
    n = len(x)
    a = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a[i, j] = x[i] * x[j] if i != j else x[i]
    return a


def filled_like(x):
    y, z = np.ones_like(x), np.full(x.shape, 2.0)
    for i, v in enumerate(x):
        y[i] += v * v
        z[-1 - i] *= v
    return y + z


def appended(x):
    out = []
    for v in x:
        out.append(v * v)  # noqa: PERF401 - this is what is lifted
    return np.stack(out)


def prefix_products(x):
    y = x.copy()
    for i in range(1, x.shape[0]):
        y[i] *= y[i - 1]
    return y


def zipped(x, w):
    s = 0.0
    for a, (k, b) in zip(x, enumerate(w, 1)):  # noqa: B905
        s += a * b / k
    return s


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def bisection(c):
    low, high = 0.0, 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        if middle * middle * middle - c > 0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


def first_above(x, bound):
    k = -1
    for i in range(len(x)):
        if x[i] > bound:
            k = i
            break
    return x[k] * k


def found_or_not(x, bound):
    for v in x:
        if v > bound:
            result = v * v
            break
    else:
        result = -bound
    return result


def skipping(x):
    s = 0.0
    for v in x:
        if v < 0:
            continue
        s += math.sqrt(v)
    return s


def skipping_deep(x):
    s = 0.0
    for v in x:
        if v < 0:
            if v < -0.25:
                continue
            s += 1.0
        s += v * v
    return s


def assigning_condition(x):
    while (half := x * 0.5) > 1:
        x = half
    return x + half


def search(x, bound):
    for i in range(len(x)):
        if x[i] * i > bound:
            return x[i]
    return bound


def forever(x):
    n = 0
    while True:
        x = 0.9 * x
        n += 1
        if abs(x) < 0.1:
            return x * n


def nested(x, n):
    s = 0.0
    for i in range(n):
        for j in range(i):
            if (i + j) % 3 == 0:
                continue
            s += x * i - j
            if s > 50:
                break
    return s


def fibonacci(x, n):
    a, b = x, x * x
    for _ in range(n):
        a, b = b, a + b
    return a


def buffers(x):
    old, new = x.copy(), np.zeros_like(x)
    for _ in range(20):
        for i in range(1, len(x) - 1):
            new[i] = 0.5 * (old[i - 1] + old[i + 1])
        old, new = new, old
    return old


def counted_bins(x):
    counts = np.zeros(3, int)
    sums = np.zeros(3)
    for v in x:
        k = min(int(abs(v)), 2)
        counts[k] += 1
        sums[k] += v
    return sums / (counts + 1)


def last_index(x):
    for i in range(len(x)):
        y = x[i] + i
    return y * i


def runge_kutta(y, h):
    t = 0.0
    while t < 2.0:
        step = min(h, 2.0 - t)
        k1 = -y + math.sin(t)
        k2 = -(y + step * k1) + math.sin(t + step)
        y = y + 0.5 * step * (k1 + k2)
        t += step
    return y


def euler_system(x):
    state = [x, x * 0]
    for _ in range(30):
        position, speed = state
        state = [position + 0.1 * speed, speed - 0.1 * position]
    return state[0]


def written_list(x):
    acc = [0.0, x]
    for k in range(20):
        acc[k % 2] = acc[k % 2] * 0.5 + x
    return acc[0] * acc[1]


def rows(a):
    s = np.zeros(a.shape[1])
    for row in a:
        s += row * row[0]
    return s


def float32(x):
    s = 0.0
    for v in x:
        s = s + 0.5 * v
    return s


PROGRAMS = {
    "horner": (horner, (LONG, 0.3), (V, -0.4)),
    "power": (power, (1.2, 3), (0.9, 0), (1.01, 100)),
    "range of two": (between, (0.3, 1, 4), (0.7, 2, 30), (0.7, 3, 2)),
    "range backwards": (countdown, (0.3, 10), (0.4, 100), (0.4, 0)),
    "range with step": (striding, (0.3, 10), (0.4, 100)),
    "filled": (filled, (V,), (LONG,)),
    "filled in two dimensions": (filled_2d, (V,), (LONG[:20],)),
    "filled like": (filled_like, (V,), (LONG,)),
    "appended": (appended, (V,), (LONG,)),
    "prefix products": (prefix_products, (V,), (LONG,)),
    "zip and enumerate": (zipped, (V, V * 2), (LONG, LONG[:30])),
    "newton": (newton, (2.0,), (9.5,)),
    "gcd": (gcd, (48, 18), (17, 5)),
    "collatz": (collatz, (6,), (27,)),
    "bisection": (bisection, (2.0,), (0.3,)),
    "break": (first_above, (V, 0.5), (V, 9.0), (LONG, 1.0)),
    "for else": (found_or_not, (V, 1.0), (V, 9.0), (LONG, 1.0)),
    "continue": (skipping, (np.abs(V),), (LONG,)),
    "continue deep inside": (skipping_deep, (V,), (LONG,)),
    "condition that assigns": (assigning_condition, (9.0,), (1.0,)),
    "return in a loop": (search, (V, 1.0), (V, 50.0), (LONG, 20.0), (LONG, 90.0)),
    "while True": (forever, (3.0,), (-1.0,)),
    "nested": (nested, (0.3, 5), (1.43, 12)),
    "swapped": (fibonacci, (0.3, 4), (0.2, 30)),
    "two buffers": (buffers, (V,), (LONG[:20],)),
    "counted": (counted_bins, (V,), (LONG,)),
    "loop variable after": (last_index, (V,), (LONG,)),
    "runge kutta": (runge_kutta, (1.0, 0.3), (0.5, 0.053)),
    "list that is replaced": (euler_system, (1.0,)),
    "list that is written": (written_list, (0.7,)),
    "rows": (rows, (np.outer(V, V),), (np.outer(LONG, V),)),
    "float32": (float32, (V.astype(np.float32),), (LONG.astype(np.float32),)),
}

# Their values jump or have kinks everywhere: difference quotients are no reference.
STEPPED = frozenset({"bisection", "nested"})
