"""Programs with branches, conditions and exits."""

import math

import numpy as np

V = np.array([0.7, -1.3, 0.4, 2.1, -0.2])


def pieces(x):
    if x > 2:
        y = x * x
    elif x > 0:
        y = 3 * x
        y = y + 1
    else:
        y = -x
    return y


def early(x):
    if x < 0:
        return -x
    y = math.exp(-x)
    if y < 0.2:
        return y, 1
    return x * y, 2


def one_sided(x):
    y = x
    if x > 1:
        y = y * x
        y += 1
    return y


def only_in_branches(x):
    if x > 0:
        a, b = x, 1.0
    else:
        b, a = x, 2.0
    return a * b


def numbers_and_arrays(x):
    n = 0
    if x > 0:
        n = 3
    elif x < -1:
        n = 7
    return x * n


def both_and_either(x, y):
    if x > 0 and y > 0:
        return x * y
    if x > 1 or y > 1:
        return x - y
    return x + y if not (x < -1) else x


def guarded_index(x, k):
    if k < len(x) and x[k] > 0:
        return x[k] * 2
    return x[0]


def values_of_and(x, y):
    a = x and y
    b = x or y
    return a * 2 + b


def chained(x):
    if 0 < x <= 1 < x + 1:
        return x * x
    return 1.0 if -1 < x < 0 else x


def ternaries(x):
    y = x if x > 0 else -x
    return (y * 2 if y > 1 else y) + (1.0 if x > y - 1 else math.sin(x))


def nested(x, y):
    if x > 0:
        if y > 0:
            z = x * y
        else:
            z = x
            if x > 2:
                return z
        z = z + 1
    else:
        z = y
    return z * z


def writes(x):
    y = np.zeros(4)
    if x[0] > 0:
        y[1] = x[0]
        y[2:] += x[1]
    else:
        y[0] = x[2]
    y[3] *= 2
    return y


def writes_argument_copy(x):
    y = x.copy()
    z = y
    if x[1] > 0:
        y[0] = x[1]
    else:
        y *= 2
    return z


def writes_view(x):
    y = x * 1.0
    row = y[1:3]
    if x[0] > 0:
        row[0] = x[0] * 5
    else:
        y[2] = x[1]
    return y, row


def through_with(x):
    with np.errstate(invalid="ignore"):
        if x < 0:
            return x
        y = math.sqrt(x)
    return y + x


def through_try(x):
    try:
        y = 1 / x
    except ZeroDivisionError:
        y = x
    if y > 1:
        y = y * y
    return y


def raises(x):
    if x < 0:
        message = "negative"
        raise ValueError(message)
    return math.sqrt(x)


def asserts(x):
    assert x == x
    if x > 1:
        return x * x
    return x


def dictionaries(x):
    state = {"a": x, "b": x * x}
    if x > 1:
        state["a"] = state["b"] * 2
    else:
        state["b"] = state["a"]
    return state


def deleted(x):
    y = x * 2
    if x > 0:
        z = y
        del y
    else:
        z = x
    return z


def bools(x):
    positive = x > 0
    large = abs(x) > 1
    flag = positive and not large
    return x * flag + (positive or large)


def matched(x, kind):
    match kind:
        case "a":
            y = x
        case _:
            y = x * 2
    return y if x > 0 else -y


PROGRAMS = {
    "pieces": (pieces, (3.0,), (1.0,), (-2.0,)),
    "early return": (early, (-1.0,), (0.5,), (3.0,)),
    "one-sided": (one_sided, (2.0,), (0.5,)),
    "only in branches": (only_in_branches, (2.0,), (-0.5,)),
    "numbers": (numbers_and_arrays, (2.0,), (-0.5,), (-2.0,)),
    "and, or, not": (both_and_either, (1.5, 2.0), (1.5, -2.0), (-2.0, 0.5), (-0.5, 0.5)),
    "short circuit": (guarded_index, (V, 3), (V, 1), (V, 7)),
    "values of and, or": (values_of_and, (1.5, 2.0), (0.0, 3.0), (2.0, 0.0)),
    "chained": (chained, (0.5,), (-0.5,), (2.0,)),
    "ternaries": (ternaries, (0.5,), (-3.0,), (1.5,)),
    "nested": (nested, (1.0, 2.0), (1.0, -2.0), (3.0, -2.0), (-1.0, 0.5)),
    "writes": (writes, (V,), (-V,)),
    "writes under two names": (writes_argument_copy, (V,), (-V,)),
    "writes through views": (writes_view, (V,), (-V,)),
    "with": (through_with, (2.0,), (-2.0,)),
    "try": (through_try, (2.0,), (0.5,)),
    "raise": (raises, (2.0,), (-2.0,)),
    "assert": (asserts, (2.0,), (0.5,)),
    "dictionaries": (dictionaries, (2.0,), (0.5,)),
    "del": (deleted, (2.0,), (-0.5,)),
    "truth values": (bools, (0.5,), (-0.5,), (3.0,)),
    "match": (matched, (2.0, "a"), (-2.0, "b")),
}

STEPPED = frozenset({"values of and, or"})
