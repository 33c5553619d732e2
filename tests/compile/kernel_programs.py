"""Programs whose texts are kept: each statement of the grammar, and each way in which a loop is written."""

from wengert.compile.kernel import Address, Index, Joined, Parallel

from .kernels import Kernel, number


def saturate():
    """A loop over lanes that reads, computes, writes and adds up; 13 entries are a vector and part of one."""
    k = Kernel("saturate")
    x, y, s = k.argument("f64", 13, "x"), k.result("f64", 13, "y"), k.result("f64", 1, "s")
    with k.loop(13, number(0.0), lanes=True) as loop:
        value = k("mul", k.load(x, loop.counter), number(0.5))
        k.store(value, y, loop.counter)
        loop.next(k("add", loop.entries[0], value), by="add")
    k.store(loop.results[0], s)
    return k.program


def blocks():
    """A sum of as many entries as a value says."""
    k = Kernel("blocks")
    n, x, s = k.argument("i64", 1, "n"), k.argument("f32", 5000, "x"), k.result("f32", 1, "s")
    with k.loop(k.load(n), number(0.0, "f32"), lanes=True) as loop:
        loop.next(k("add", loop.entries[0], k.load(x, loop.counter)), by="add")
    k.store(loop.results[0], s)
    return k.program


def product():
    """Loops in loops, in steps."""
    k = Kernel("product")
    a, b, c = k.argument("f64", 6, "a"), k.argument("f64", 6, "b"), k.result("f64", 4, "c")
    with k.loop(2) as rows, k.loop(2, reverse=True) as columns:
        with k.loop(3, number(0.0)) as inner:
            left = k.load(a, (rows.counter, 3), inner.counter)
            right = k.load(b, (inner.counter, 2), columns.counter)
            inner.next(k("add", inner.entries[0], k("mul", left, right)))
        k.store(inner.results[0], c, (rows.counter, 2), columns.counter)
    return k.program


def newton():
    """A while loop, a branch, a failure, a routine, and memory to work in."""
    k = Kernel("newton")
    a, x = k.argument("f64", 1, "a"), k.result("f64", 1, "x")
    t, flags = k.arena("f64", 2), k.arena("bool", 3, "flags")
    square = k.load(a)
    k.fail(k("lt", square, number(0.0)), 2)
    with k.repeat(square, number(0, "i64")) as loop:
        root, count = loop.entries
        better = k("mul", number(0.5), k("add", root, k("div", square, root)))
        loop.test(k("lt", count, number(9, "i64")))
        loop.next(better, k("add", count, number(1, "i64")))

    def so():
        k.store(number(True, "bool"), flags, offset=1)
        return (loop.results[0],)

    (found,) = k.branch(k("gt", square, number(1.0)), so, lambda: (square,))
    k.store(found, t)
    k.call("wg.blas.dscal", number(1, "i64"), number(2.0), Address(t, Index(0)), number(1, "i64"))
    k.store(k.load(t), x)
    return k.program


def lookup():
    """Indices that are values, whose lanes may fail; a stride; a boolean in memory."""
    k = Kernel("lookup")
    order, x = k.argument("i64", 20, "order"), k.argument("f64", 40, "x")
    y, marks = k.result("f64", 20, "y"), k.result("bool", 20, "marks")
    with k.loop(20, lanes=True) as loop:
        place = k.load(order, loop.counter)
        k.fail(k("gt", place, number(39, "i64")), 1)
        value = k.load(x, place)
        k.store(k("sub", value, k.load(x, (loop.counter, 2), offset=1)), y, (loop.counter, -1), offset=19)
        k.store(k("ne", value, number(0.0)), marks, loop.counter)
    return k.program


def rows():
    """A loop that threads share: what it reads from outside, buffers that each part has, a failure, and a sum."""
    k = Kernel("rows")
    scale, x = k.argument("f64", 1, "scale"), k.argument("f64", 160, "x")
    y, s, t = k.result("f64", 160, "y"), k.result("f64", 1, "s"), k.arena("f64", 8, "t")
    c, parts = k.result("f64", 8, "c"), k.arena("f64", 32, "parts")
    with k.loop(8, lanes=True) as loop:
        k.store(number(0.0), c, loop.counter)
    factor = k.load(scale)
    with k.loop(20, number(0.0)) as loop:
        with k.loop(8, loop.entries[0], lanes=True) as inner:
            value = k("mul", factor, k.load(x, (loop.counter, 8), inner.counter))
            k.store(value, t, inner.counter)
            k.store(k("add", k.load(c, inner.counter), value), c, inner.counter)
            inner.next(k("add", inner.entries[0], value), by="add")
        (total,) = inner.results
        k.fail(k("eq", k.load(t, offset=7), number(0.0)), 3)
        with k.loop(8, lanes=True) as inner:
            k.store(
                k("div", k.load(t, inner.counter), k.load(t, offset=7)), y, (loop.counter, 8), inner.counter
            )
        loop.next(total, by="add")
    k.program.body[-1].parallel = Parallel(6, (t,), (Joined(c, "add", parts),))
    k.store(loop.results[0], s)
    return k.program


PROGRAMS = {each.__name__: each for each in (saturate, blocks, product, newton, lookup, rows)}
