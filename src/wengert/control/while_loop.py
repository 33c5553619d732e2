"""The loop with a condition: while_loop.

jvp     the same loop on the tangent graph of the body, under the same condition
vjp     the steps are counted, and then the loop is one with a known number of steps, differentiated as such: it runs
        once more, and residuals are kept for the steps that there are
batch   examples that are done keep their values while the others go on
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import tree
from wengert.control.bodies import Body, as_operands, body_of, promoted, require_same
from wengert.control.call import batched_graph
from wengert.control.carried import full_tangents, moved_carry, selected
from wengert.control.scan import UNKNOWN, Loop, looped
from wengert.core.dispatch import Traced
from wengert.core.graph import Graph
from wengert.core.primitive import Primitive, Site, define
from wengert.errors import ArgumentError, check_callable
from wengert.transforms.batching import Batch
from wengert.transforms.execution import Executor
from wengert.transforms.reverse import record
from wengert.transforms.simplify import simplify
from wengert.transforms.staging import stage
from wengert.types import ArrayType, type_of

__all__ = ["While", "counted", "while_", "while_loop"]

_INT = np.dtype(np.int64)


# Numbers of steps -----------------------------------------------------------------------------------------------------


counted_: Primitive = define(
    name="counted",
    doc="The integers from 0 to n, not included, for an n that is known when the program runs.",
    eval=lambda n: np.arange(int(n)),
    infer=lambda _: ArrayType((UNKNOWN,), _INT),
    differentiable=False,
)


def counted(n: Any) -> Any:
    """Return the integers below n; below the largest n of a batch."""
    while isinstance(n, Traced) and isinstance(n.interpreter, Batch):
        n = np.max(n.value, initial=0)
    return counted_(n)


# The primitive --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class While:
    """A loop: body while condition.

    Attributes
    ----------
    condition, body : Graph
        From constants and carry: one boolean (of each example, if batched); the next carry.
    n_consts : int
    batched : bool
        Whether examples stop at different steps.
    """

    condition: Graph
    body: Graph
    n_consts: int
    batched: bool = False


def _step(loop: While) -> Executor:
    executor = loop.body.derived.get("step")
    if executor is None:
        executor = loop.body.derived["step"] = Executor(loop.body, donated=loop.body.inputs[loop.n_consts :])
    return executor


def _eval(*operands: Any, loop: While) -> tuple[Any, ...]:
    """Return the carry after the last step, and the number of steps."""
    n = loop.n_consts
    consts, carry, steps = list(operands[:n]), list(operands[n:]), 0
    condition, step = Executor(loop.condition), _step(loop)
    while bool(np.any(condition([*consts, *carry])[0][0])):  # type: ignore[index]
        carry[:0] = consts
        carry = step.consume(carry)
        steps += 1
    return (*carry, np.int64(steps))


def _jvp(operands: Sequence[Any], dots: Sequence[Any], *, loop: While) -> tuple[Any, Any]:
    n = loop.n_consts
    const_on = tuple(d is not None for d in dots[:n])
    made, carry_on, moved = moved_carry(loop.body, const_on, tuple(d is not None for d in dots[n:]))
    k, m = n + sum(const_on), len(carry_on)

    def body(*flat: Any) -> list[Any]:
        consts, const_dots, carry, carry_dots = flat[:n], flat[n:k], flat[k : k + m], flat[k + m :]
        ys = made.apply([*consts, *carry, *const_dots, *carry_dots])
        rest = iter(ys[m:])
        y_dots = [next(rest) if has else None for has in moved]
        return [*ys[:m], *full_tangents(loop.body.out_types, y_dots, carry_on)]

    def condition(*flat: Any) -> list[Any]:
        return loop.condition.apply([*flat[:n], *flat[k : k + m]])

    types = loop.body.in_types
    new_types = [*types[:n], *selected(types[:n], const_on), *types[n:], *selected(types[n:], carry_on)]
    new = While(_made(condition, new_types), _made(body, new_types), k, loop.batched)
    carry_dots = full_tangents(operands[n:], dots[n:], carry_on)
    *ys, steps = while_(*operands[:n], *selected(dots[:n], const_on), *operands[n:], *carry_dots, loop=new)
    rest = iter(ys[m:])
    return (*ys[:m], steps), (*[next(rest) if on else None for on in carry_on], None)


def _made(fun: Callable[..., Any], types: Sequence[ArrayType]) -> Graph:
    return simplify(stage(fun, types, fun.__name__)[0])


def _save(*operands: Any, loop: While) -> tuple[Any, Any]:
    """Count the steps, then take them again as a loop that can be reversed."""
    *_, steps = while_(*operands, loop=loop)
    results, pull = record(lambda *xs: _again(xs, steps, loop), operands)
    return (*results, steps), pull


def _again(operands: Sequence[Any], steps: Any, loop: While) -> list[Any]:
    places = counted(steps)
    n = loop.n_consts
    batched = isinstance(steps, Traced) and isinstance(steps.interpreter, Batch)

    def step(*flat: Any) -> list[Any]:
        new = loop.body.apply(flat[:-1])
        if not (batched or loop.batched):
            return new
        going = loop.condition.apply(flat[:-1])[0]
        return [_kept(going, a, b) for a, b in zip(new, flat[n:-1], strict=True)]

    body = _made(step, [*loop.body.in_types, ArrayType((), _INT)])
    made = Loop(body, n, len(operands) - n, np.shape(places)[0])
    return list(looped([*operands, places], made))


def _kept(going: Any, new: Any, old: Any) -> Any:
    extra = np.ndim(new) - np.ndim(going)
    return np.where(np.reshape(going, (*np.shape(going), *[1] * extra)), new, old)


def _vjp(y_bar: Sequence[Any], site: Site, *, loop: While) -> list[Any]:
    del loop
    bars = site.saved(y_bar[:-1])
    return [bar if need else None for bar, need in zip(bars, site.needs, strict=True)]


def _batch(size: int, operands: Sequence[Any], batched: Sequence[bool], *, loop: While) -> Any:
    n = loop.n_consts
    flags = (*batched[:n], *[True] * (len(operands) - n))
    carry = [
        x if on else np.broadcast_to(x, (size, *np.shape(x)))
        for x, on in zip(operands[n:], batched[n:], strict=True)
    ]
    condition = batched_graph(loop.condition, size, flags)
    body = batched_graph(loop.body, size, flags)

    def step(*flat: Any) -> list[Any]:
        going = condition.apply(flat)[0]
        return [_kept(going, a, b) for a, b in zip(body.apply(flat), flat[n:], strict=True)]

    def step_and_count(*flat: Any) -> list[Any]:
        *xs, count = flat
        going = condition.apply(xs)[0]
        return [*step(*xs), count + np.astype(_one_each(going, size), _INT)]

    types = [*body.in_types, ArrayType((size,), _INT)]
    new = While(
        _made(lambda *flat: condition.apply(flat[:-1]), types), _made(step_and_count, types), n, batched=True
    )
    *ys, _ = while_(*operands[:n], *carry, np.zeros(size, _INT), loop=new)
    return tuple(ys)


def _one_each(going: Any, size: int) -> Any:
    """Return which examples go on, of conditions that may have further axes of batches behind."""
    return np.reshape(going, (size, -1))[:, 0] if np.ndim(going) > 1 else going


def _samples(rng: np.random.Generator) -> Any:
    a, x = np.asarray(rng.uniform(1.1, 1.5)), rng.uniform(0.5, 1.0, 2)
    types = [type_of(a), type_of(x)]
    condition, _ = stage(lambda a, x: [np.sum(x) < 4.0 * a], types, "condition")
    body, _ = stage(lambda a, x: [np.sin(x) * 0.2 + a * x], types, "body")
    yield (a, x), {"loop": While(condition, body, 1)}


while_: Primitive = define(
    name="while",
    doc="A loop under a condition: the carry after the last step, and the number of steps.",
    multiple=True,
    eval=_eval,
    infer=lambda *_, loop: (*loop.body.out_types, ArrayType((), _INT)),
    jvp=_jvp,
    save=_save,
    vjp=_vjp,
    batch=_batch,
    samples=_samples,
    complex=True,
)


def while_loop(cond_fun: Callable[..., Any], body_fun: Callable[..., Any], init: Any) -> Any:
    """Do steps as long as a condition holds, carrying a state.

    Parameters
    ----------
    cond_fun : callable
        cond_fun(carry) -> one boolean.
    body_fun : callable
        body_fun(carry) -> carry. Both are staged once; what they close over is constant.
    init : pytree
        The first carry; Python numbers take the dtype that `body_fun` gives them.

    Returns
    -------
    pytree
        The first carry for which the condition does not hold.

    Raises
    ------
    ArgumentError
        If the condition is not one boolean, or a step changes the structure, a shape or a dtype of the carry.

    Notes
    -----
    Differentiable in every mode. Reverse mode runs the loop twice: once to count the steps.

    Examples
    --------
    >>> from wengert.api.gradients import grad
    >>> def root(a):
    ...     return while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)
    >>> round(float(grad(root)(4.0)), 12)
    0.25
    """
    check_callable(cond_fun, "while_loop")
    check_callable(body_fun, "while_loop")
    body, carry, structure = _while_body(body_fun, init)
    one, types = tree.flatten((init,))[1], list(map(type_of, carry))
    condition = body_of(cond_fun, one, types, "the condition of while_loop")
    found = condition.graph.out_types
    if len(found) != 1 or found[0] != ArrayType((), np.dtype(bool)):
        raise ArgumentError(
            f"the condition of while_loop gave {', '.join(map(str, found))}, not one boolean",
            why="it decides whether there is another step.",
            instead="compare, as in x > 0, or reduce with np.any or np.all.",
        )
    n = len(carry)
    captured = [*body.captured, *condition.captured]
    k = len(body.captured)
    in_types = [*map(type_of, captured), *types]
    loop = While(
        _made(lambda *xs: condition.graph.apply([*xs[len(captured) :], *xs[k : len(captured)]]), in_types),
        _made(lambda *xs: body.graph.apply([*xs[len(captured) :], *xs[:k]]), in_types),
        len(captured),
    )
    return tree.unflatten(structure, while_(*captured, *carry, loop=loop)[:n])


def _while_body(body_fun: Callable[..., Any], init: Any) -> tuple[Body, list[Any], Any]:
    """Return the staged body, the first carry in the types that it keeps, and its structure."""
    carry, structure = as_operands(init, "the first carry of while_loop")
    numbers = [type(x) in {bool, int, float, complex} for x in tree.flatten(init)[0]]
    one = tree.flatten((init,))[1]
    body = body_of(body_fun, one, list(map(type_of, carry)), "the body of while_loop")
    if (
        any(numbers)
        and body.structure == structure
        and list(body.graph.out_types) != list(map(type_of, carry))
    ):
        carry = promoted(carry, numbers, body.graph.out_types)
        body = body_of(body_fun, one, list(map(type_of, carry)), "the body of while_loop")
    types = list(map(type_of, carry))
    require_same(
        (structure, types),
        (body.structure, body.graph.out_types),
        "the carry of while_loop changed in a step",
        "the next step takes what this one returns, and a loop is made for one type of it.",
    )
    return body, carry, structure
