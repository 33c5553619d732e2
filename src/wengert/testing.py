"""Checking derivatives against difference quotients that know nothing of the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import tree
from wengert.api.arguments import as_input, fresh
from wengert.api.products import jvp, vjp
from wengert.errors import ArgumentError, GradientCheckError
from wengert.explain.faults.wrong_rule import Guilty, accused
from wengert.methods.finite_difference import directional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["check_grads"]

_EPS = float(np.finfo(np.float64).eps)


def check_grads(
    fun: Callable[..., Any],
    args: Any,
    order: int = 2,
    modes: Sequence[str] = ("forward", "reverse"),
    *,
    rtol: float | None = None,
    seed: int = 0,
) -> None:
    """Check every derivative rule that a function uses, against differences and against each other.

    Parameters
    ----------
    fun : callable
        Any function of pytrees of floating or complex arrays.
    args : tuple
        The point: positional arguments of `fun`, away from kinks.
    order : int
        Derivatives of orders 1 to `order` are checked, in every nesting of the modes.
    modes : sequence of {"forward", "reverse"}
        Which modes to check; with both, also that they are adjoint.
    rtol : float, optional
        Allowed relative error; by default ten times the estimated error of the difference quotient, plus
        1e-10.
    seed : int
        Seed of the random directions.

    Raises
    ------
    GradientCheckError
        Naming the mode, the order, the worst entry, and the operation whose own derivative is wrong, with its line.
    ArgumentError
        If the modes are unknown or the arguments are no tuple.

    Notes
    -----
    The differences are complex steps where the function is analytic and takes complex arguments, otherwise
    five-point central differences at the best of a ladder of steps, entry by entry. The adjoint identity
    Re<y_bar, f'(x) x_dot> = Re<f'(x)^T y_bar, x_dot> needs no differences, and is held to 1e-10 of its terms.

    Examples
    --------
    >>> check_grads(lambda x: np.sum(np.sin(x) * x), (np.array([1.0, 2.0]),), order=3)
    """
    modes = tuple({"fwd": "forward", "rev": "reverse"}.get(mode, mode) for mode in modes)
    if not modes or set(modes) - {"forward", "reverse"}:
        raise ArgumentError(f"modes is {modes!r}", instead='give "forward", "reverse" or both.')
    if not isinstance(args, tuple | list):
        raise ArgumentError("check_grads takes the arguments as a tuple", instead="check_grads(f, (x,)).")
    _check(fun, tuple(args), order, modes, rtol, np.random.default_rng(seed), "")


def _check(
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    order: int,
    modes: tuple[str, ...],
    rtol: Any,
    rng: Any,
    path: str,
) -> None:
    if order < 1:
        return
    space = _Space(args)
    v = space.random(rng)
    try:
        out, y_bar = _check_first(fun, args, (space, v), modes, rtol, rng, path)
    except GradientCheckError as error:
        raise _explained(error, fun, args, modes, rtol) from None
    if "forward" in modes:
        _check(
            lambda *xs: jvp(fun, xs, space.tree(v))[1],
            args,
            order - 1,
            modes,
            rtol,
            rng,
            f"{path}forward of ",
        )
    if "reverse" in modes:
        _check(
            lambda *xs: vjp(fun, *xs)[1](out.tree(y_bar)),
            args,
            order - 1,
            modes,
            rtol,
            rng,
            f"{path}reverse of ",
        )


def _check_first(
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    along: tuple[_Space, Any],
    modes: tuple[str, ...],
    rtol: Any,
    rng: Any,
    path: str,
) -> tuple[_Space, Any]:
    """Check the first derivatives along a direction; return the space of results, and a cotangent there."""
    space, v = along
    expected, error = _difference(fun, space, v)
    y = fun(*tree.map_leaves(fresh, args))  # the function may write into its arguments
    out = _Space(y)
    y_bar = out.random(rng)
    if "forward" in modes:
        _, y_dot = jvp(fun, args, space.tree(v))
        _compare(out.vector(y_dot), expected, error, rtol, f"{path}forward")
    if "reverse" in modes:
        _, pullback = vjp(fun, *args)
        # the pairing Re(sum(y_bar * y_dot)) in real coordinates: conjugate one side
        x_bar = space.vector(pullback(out.tree(y_bar)), conj=True)
        bound = np.sum(np.abs(out.conj(y_bar)) * error)
        _compare(np.sum(x_bar * v), np.sum(out.conj(y_bar) * expected), bound, rtol, f"{path}reverse")
        if "forward" in modes:
            terms = np.sum(np.abs(x_bar * v)) + np.sum(np.abs(y_bar * out.vector(y_dot)))
            gap = abs(np.sum(x_bar * v) - np.sum(out.conj(y_bar) * out.vector(y_dot)))
            if not gap <= 1e-10 * terms:
                raise GradientCheckError(
                    f"{path}forward and reverse mode are not adjoint: they differ by {gap:.3g} in {terms:.3g}",
                    why="one of the two rules of some primitive is wrong.",
                )
    return out, y_bar


def _explained(
    error: GradientCheckError,
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    modes: tuple[str, ...],
    rtol: Any,
) -> GradientCheckError:
    """Return an error that names the operation whose own derivative is wrong at its operands."""

    def check(local: Callable[..., Any], xs: tuple[Any, ...]) -> str | None:
        space, rng = _Space(xs), np.random.default_rng(0)
        try:
            _check_first(local, xs, (space, space.random(rng)), modes, rtol, rng, "")
        except GradientCheckError as found:
            return found.what
        return None

    guilty = accused(fun, args, check)
    if isinstance(guilty, Guilty):
        return GradientCheckError(
            error.what,
            where=guilty.where,
            why=guilty.text,
            instead=guilty.instead,
        )
    return GradientCheckError(
        error.what, why=f"{error.why} {guilty}", instead=error.instead, where=error.where
    )


class _Space:
    """Trees of one structure as vectors of real coordinates."""

    def __init__(self, example: Any) -> None:
        leaves, self.structure = tree.flatten(example)
        self.leaves = [as_input(x, lambda: "a leaf") for x in leaves]
        self.any_complex = any(x.dtype.kind == "c" for x in self.leaves)

    def vector(self, value: Any, *, conj: bool = False) -> Any:
        """Return the coordinates of a tree: real parts, then imaginary parts, leaf by leaf."""
        parts = []
        for x, like in zip(tree.flatten(value)[0], self.leaves, strict=True):
            entries = np.ravel(x)
            if like.dtype.kind == "c":
                parts += [entries.real, -entries.imag if conj else entries.imag]
            else:
                parts.append(entries)
        return np.concatenate(parts) if parts else np.zeros(0)

    def conj(self, vector: Any) -> Any:
        """Return a vector with the signs of the imaginary coordinates flipped."""
        return self.vector(self.tree(vector), conj=True)

    def tree(self, vector: Any) -> Any:
        """Return the tree of a vector; a complex vector (of a complex step) needs real leaves, which become complex."""
        leaves, start = [], 0
        for like in self.leaves:
            n = np.size(like)
            entries = vector[start : start + n]
            start += n
            if like.dtype.kind == "c":
                entries = entries + 1j * vector[start : start + n]
                start += n
            dtype = like.dtype if vector.dtype.kind != "c" else vector.dtype
            leaves.append(np.reshape(entries.astype(dtype), np.shape(like))[()])
        return tree.unflatten(self.structure, leaves)

    def random(self, rng: Any) -> Any:
        """Return a random vector."""
        n = sum(np.size(x) * (2 if x.dtype.kind == "c" else 1) for x in self.leaves)
        return rng.standard_normal(n)


def _difference(fun: Callable[..., Any], space: _Space, v: Any) -> tuple[Any, Any]:
    """Return the directional derivative by differences, and its error bound."""
    out = _Space(fun(*space.tree(space.vector(tree.unflatten(space.structure, space.leaves)))))

    def along(t: Any) -> Any:
        return out.vector(fun(*space.tree(t)))

    kind = "five_point" if space.any_complex or out.any_complex else "auto"
    x = space.vector(tree.unflatten(space.structure, space.leaves)).astype(float)
    estimate = directional(along, x, v, kind)
    return np.asarray(estimate.value), np.asarray(estimate.error)


def _compare(found: Any, expected: Any, error: Any, rtol: float | None, name: str) -> None:
    allowed = (
        10.0 * error + (1e-10 if rtol is None else rtol) * (np.abs(expected) + np.abs(found)) + 100 * _EPS
    )
    gap = np.abs(found - expected)
    if np.all(gap <= allowed):
        return
    worst = int(np.argmax(np.where(np.isnan(gap), np.inf, gap - allowed)))
    raise GradientCheckError(
        f"the {name} derivative is {np.ravel(found)[worst]:.10g}, "
        f"differences give {np.ravel(expected)[worst]:.10g}",
        why=f"entry {worst}; allowed difference {np.ravel(allowed)[worst]:.3g}.",
        instead="check the rules of the primitives on the way; at a kink no difference quotient is right.",
    )
