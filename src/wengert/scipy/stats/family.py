"""What the distributions of one variable share: arguments, location and scale, support, and complements.

A distribution is a record of formulas for the standard variable z = (x - loc) / scale, written in NumPy and
scipy.special that dispatch. The record adds once what is the same for all:

* outside the support the density is 0 and its logarithm -inf, with derivative zero; at an edge it is
one-sided; * invalid parameters (a scale that is not positive, say) give NaN, in derivatives too; * what a
record does not say follows from what it says: pdf = exp(logpdf), sf = 1 - cdf, logcdf = log(cdf).

Everything is computed in double precision, as in SciPy.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert.core.numpy_protocol import operand, traced_leaves
from wengert.errors import RefusedError, RuleMissingError
from wengert.scipy.mirror import refusing

__all__ = ["Continuous", "Discrete", "Family", "Frozen", "complement_log", "log_or_minus_inf", "select"]

Formula = Callable[..., Any]
Edge = float | Formula


def select(condition: Any, x: Any, y: Any) -> Any:
    """Return np.where(condition, x, y), a NumPy scalar instead of a 0-d array."""
    chosen = np.where(condition, x, y)
    return chosen[()] if type(chosen) is np.ndarray else chosen


def log_or_minus_inf(p: Any) -> Any:
    """Return log(p) of a probability; -inf with derivative zero where p has underflowed to 0."""
    positive = p != 0.0
    return np.where(positive, np.log(np.where(positive, p, 1.0)), -np.inf)


def complement_log(p: Any, q: Any) -> Any:
    """Return log(p) where q = 1 - p is known as well: from the smaller of the two, which has more digits."""
    small = ~(p > 0.5)
    return np.where(small, log_or_minus_inf(np.where(small, p, 0.5)), np.log1p(-np.where(small, 0.5, q)))


def _valid_if_positive(*shapes: Any) -> Any:
    return np.all([np.ones((), bool)]) if not shapes else _all([shape > 0.0 for shape in shapes])


def _all(conditions: Sequence[Any]) -> Any:
    found = conditions[0]
    for condition in conditions[1:]:
        found = found & condition
    return found


def _not_a_number_unless(valid: Any) -> Any:
    """Return a factor that is 1 where the parameters are valid."""
    return np.where(valid, 1.0, np.nan)


def _at(edge: Edge, shapes: Sequence[Any]) -> Any:
    return edge(*shapes) if callable(edge) else edge


def _bind(
    name: str, shapes: Sequence[str], args: Sequence[Any], kwds: dict[str, Any], rest: Any
) -> list[Any]:
    """Return the values of shapes and of what has a default, given by position or by name, as SciPy takes them."""
    names = [*shapes, *rest]
    if len(args) > len(names):
        message = f"{name} takes at most {len(names)} parameters: {', '.join(names)}"
        raise TypeError(message)
    given = dict(zip(names, args, strict=False))
    twice = given.keys() & kwds.keys()
    unknown = kwds.keys() - set(names)
    if twice or unknown:
        message = f"{name} got {'several values for' if twice else 'an unknown'} parameter {min(twice or unknown)!r}"
        raise TypeError(message)
    given = {**rest, **given, **kwds}
    missing = [shape for shape in shapes if shape not in given]
    if missing:
        message = f"{name} misses its parameter {missing[0]!r}"
        raise TypeError(message)
    return [operand(given[name]) for name in names]


def _of_scipy(name: str) -> Any:
    """Return SciPy's distribution; scipy.stats, which is slow to load, loads when it is first asked for."""
    return getattr(importlib.import_module("scipy.stats"), name)


def _method_of_scipy(distribution: Any, owner: str, name: str) -> Any:
    """Return what a distribution of SciPy's has under a name; its methods refuse traced values."""
    found = getattr(distribution, name)
    return refusing(found, f"scipy.stats.{owner}.{name}") if callable(found) else found


class Family:
    """What has a name in scipy.stats: called with parameters it is frozen; methods it lacks are SciPy's own."""

    name: str

    def __call__(self, *args: Any, **kwds: Any) -> Frozen:
        """Return the distribution with these parameters."""
        return Frozen(self, args, kwds)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _method_of_scipy(_of_scipy(self.name), self.name, name)

    def __repr__(self) -> str:
        return f"<distribution {self.name}>"


class Frozen:
    """A distribution with its parameters: `norm(loc=1.0).logpdf(x)`."""

    def __init__(self, family: Family, args: tuple[Any, ...], kwds: dict[str, Any]) -> None:
        self._family, self._args, self._kwds = family, args, kwds

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in vars(type(self._family)):
            method = getattr(self._family, name)
            return lambda x: method(x, *self._args, **self._kwds)
        if traced_leaves((self._args, self._kwds)):
            raise RefusedError(
                f"{name} of scipy.stats.{self._family.name} was asked for with traced parameters",
                why="it has no derivative rule.",
                instead=f"pass plain parameters, or compose {name} of densities and probabilities.",
            )
        frozen = _of_scipy(self._family.name)(*self._args, **self._kwds)
        return _method_of_scipy(frozen, self._family.name, name)

    def __repr__(self) -> str:
        return f"<frozen {self._family.name}>"


def _kernel(family: Continuous | Discrete, name: str) -> Formula:
    formula: Formula | None = getattr(family, f"of_{name}")
    if formula is None:
        raise RuleMissingError(
            f"wengert.scipy.stats.{family.name} has no {name}",
            why="it has no closed form in functions whose derivatives are known.",
            instead="integrate the density (wengert.scipy.integrate.quad), or wrap SciPy's with wengert.external.",
        )
    return formula


class _Point(NamedTuple):
    """A point of a distribution in standard form."""

    z: Any  # (x - loc) / scale inside the support, a point of the support elsewhere
    shapes: list[Any]
    scale: Any
    inside: Any
    above: Any  # at or beyond the upper end


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Continuous(Family):
    """A continuous distribution, from formulas for its standard form.

    Attributes
    ----------
    name, doc : str
        Name in SciPy; what it is.
    shapes : tuple of str
        Names of the shape parameters.
    support : (edge, edge)
        Numbers, or functions of the shapes.
    closed : bool
        Whether the ends of the support belong to it; where not, the density tends to 0 there.
    inner : edge
        A point inside the support, at which the formulas are evaluated in place of points outside.
    valid : (*shapes) -> bool
        Whether shapes are allowed; by default they must be positive.
    of_logpdf, of_pdf, of_cdf, of_sf, of_logcdf, of_logsf : (z, *shapes) -> value
        The formulas.
    of_ppf, of_isf : (q, *shapes) -> z
        Inverses of cdf and sf.
    """

    name: str
    doc: str
    shapes: tuple[str, ...] = ()
    support: tuple[Edge, Edge] = (-np.inf, np.inf)
    closed: bool = True
    inner: Edge = 0.5
    valid: Formula = _valid_if_positive
    of_logpdf: Formula
    of_pdf: Formula | None = None
    of_cdf: Formula | None = None
    of_sf: Formula | None = None
    of_logcdf: Formula | None = None
    of_logsf: Formula | None = None
    of_ppf: Formula | None = None
    of_isf: Formula | None = None

    def logpdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """Logarithm of the density at x."""
        with np.errstate(all="ignore"):
            p = self._standard(x, args, kwds)
            return np.where(p.inside, self.of_logpdf(p.z, *p.shapes), -np.inf) - np.log(p.scale)

    def pdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """Density at x."""
        with np.errstate(all="ignore"):
            p = self._standard(x, args, kwds)
            density = self.of_pdf or (lambda *zs: np.exp(self.of_logpdf(*zs)))
            return np.where(p.inside, density(p.z, *p.shapes), 0.0) / p.scale

    def cdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """Probability of values up to x."""
        return self._cumulative(x, args, kwds, self._cdf, 0.0, 1.0)

    def sf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """Probability of values beyond x, 1 - cdf, accurate where it is small."""
        return self._cumulative(x, args, kwds, self._sf, 1.0, 0.0)

    def logcdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """Logarithm of the probability of values up to x."""
        log = self.of_logcdf or (lambda *zs: complement_log(self._cdf(*zs), self._sf(*zs)))
        return self._cumulative(x, args, kwds, log, -np.inf, 0.0)

    def logsf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """Logarithm of the probability of values beyond x."""
        log = self.of_logsf or (lambda *zs: complement_log(self._sf(*zs), self._cdf(*zs)))
        return self._cumulative(x, args, kwds, log, 0.0, -np.inf)

    def ppf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """Point up to which the probability is q: the inverse of cdf."""
        return self._quantile(q, args, kwds, _kernel(self, "ppf"))

    def isf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """Point beyond which the probability is q: the inverse of sf."""
        if self.of_isf is not None:
            return self._quantile(q, args, kwds, self.of_isf)
        ppf = _kernel(self, "ppf")
        return self._quantile(q, args, kwds, lambda q, *shapes: ppf(1.0 - q, *shapes))

    def _cdf(self, z: Any, *shapes: Any) -> Any:
        return _kernel(self, "cdf")(z, *shapes)

    def _sf(self, z: Any, *shapes: Any) -> Any:
        return 1.0 - self._cdf(z, *shapes) if self.of_sf is None else self.of_sf(z, *shapes)

    def _parameters(self, args: Sequence[Any], kwds: dict[str, Any]) -> tuple[list[Any], Any, Any]:
        """Return shapes, loc and scale; NaN where they are invalid."""
        *shapes, loc, scale = _bind(self.name, self.shapes, args, kwds, {"loc": 0.0, "scale": 1.0})
        valid = _not_a_number_unless(self.valid(*shapes) & (scale > 0.0))
        return [shape * valid for shape in shapes], loc, scale * valid

    def _standard(self, x: Any, args: Sequence[Any], kwds: dict[str, Any]) -> _Point:
        shapes, loc, scale = self._parameters(args, kwds)
        z = (operand(x) - loc) / scale
        lower, upper = [_at(edge, shapes) for edge in self.support]
        below, above = (z < lower, z > upper) if self.closed else (z <= lower, z >= upper)
        inside = ~(below | above | np.isinf(z))
        return _Point(np.where(inside, z, _at(self.inner, shapes)), shapes, scale, inside, z >= upper)

    def _cumulative(
        self,
        x: Any,
        args: Sequence[Any],
        kwds: dict[str, Any],
        formula: Formula,
        before: float,
        behind: float,
    ) -> Any:
        with np.errstate(all="ignore"):
            p = self._standard(x, args, kwds)
            return select(p.inside, formula(p.z, *p.shapes), np.where(p.above, behind, before))

    def _quantile(self, q: Any, args: Sequence[Any], kwds: dict[str, Any], formula: Formula) -> Any:
        with np.errstate(all="ignore"):
            shapes, loc, scale = self._parameters(args, kwds)
            q = operand(q)
            q = q * _not_a_number_unless((q >= 0.0) & (q <= 1.0))
            return formula(q, *shapes) * scale + loc


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Discrete(Family):
    """A distribution of whole numbers, from formulas for loc = 0.

    As functions of the real line its functions are steps: the derivative in k and in loc is zero.

    Attributes
    ----------
    name, doc, shapes, valid
        As those of `Continuous`.
    counts : tuple of str
        Shapes that are whole numbers: they carry no derivative.
    support : (edge, edge)
        First and last possible number.
    of_logpmf, of_pmf, of_cdf, of_sf, of_logcdf, of_logsf : (k, *shapes) -> value
        The formulas.
    """

    name: str
    doc: str
    shapes: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    support: tuple[Edge, Edge] = (0.0, np.inf)
    valid: Formula = _valid_if_positive
    of_logpmf: Formula
    of_pmf: Formula | None = None
    of_cdf: Formula | None = None
    of_sf: Formula | None = None
    of_logcdf: Formula | None = None
    of_logsf: Formula | None = None

    def logpmf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """Logarithm of the probability of k."""
        return self._mass(k, args, kwds, self.of_logpmf, -np.inf)

    def pmf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """Probability of k."""
        mass = self.of_pmf or (lambda *ks: np.exp(self.of_logpmf(*ks)))
        return self._mass(k, args, kwds, mass, 0.0)

    def cdf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """Probability of numbers up to k."""
        return self._cumulative(k, args, kwds, _kernel(self, "cdf"), 0.0, 1.0)

    def sf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """Probability of numbers beyond k, accurate where it is small."""
        return self._cumulative(k, args, kwds, _kernel(self, "sf"), 1.0, 0.0)

    def logcdf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """Logarithm of the probability of numbers up to k."""
        cdf, sf = _kernel(self, "cdf"), _kernel(self, "sf")
        log = self.of_logcdf or (lambda *ks: complement_log(cdf(*ks), sf(*ks)))
        return self._cumulative(k, args, kwds, log, -np.inf, 0.0)

    def logsf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """Logarithm of the probability of numbers beyond k."""
        cdf, sf = _kernel(self, "cdf"), _kernel(self, "sf")
        log = self.of_logsf or (lambda *ks: complement_log(sf(*ks), cdf(*ks)))
        return self._cumulative(k, args, kwds, log, 0.0, -np.inf)

    def _standard(self, k: Any, args: Sequence[Any], kwds: dict[str, Any]) -> Any:
        """Return k - loc, the shapes, NaN where they are invalid, and the support."""
        *shapes, loc = _bind(self.name, self.shapes, args, kwds, {"loc": 0.0})
        valid = _not_a_number_unless(self.valid(*shapes))
        shapes = [
            (np.floor(shape) if name in self.counts else shape) * valid
            for name, shape in zip(self.shapes, shapes, strict=True)
        ]
        k = (operand(k) - loc) * valid
        return k, shapes, *[_at(edge, shapes) for edge in self.support]

    def _mass(self, k: Any, args: Any, kwds: dict[str, Any], formula: Formula, outside: float) -> Any:
        with np.errstate(all="ignore"):
            k, shapes, first, last = self._standard(k, args, kwds)
            whole = np.floor(k)
            inside = ~((k < first) | (k > last) | np.isinf(k) | (whole < k))
            return select(inside, formula(np.where(inside, whole, first), *shapes), outside)

    def _cumulative(
        self, k: Any, args: Any, kwds: dict[str, Any], formula: Formula, before: float, behind: float
    ) -> Any:
        with np.errstate(all="ignore"):
            k, shapes, first, last = self._standard(k, args, kwds)
            whole, above = np.floor(k), k >= last
            inside = ~((whole < first) | above)
            safe = np.where(inside, whole, first)
            return select(inside, formula(safe, *shapes), np.where(above, behind, before))
