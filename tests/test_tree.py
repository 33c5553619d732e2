"""Pytrees: what is a container, and that derivatives come back in the containers of their arguments."""

import threading
from collections import OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field, make_dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert import tree
from wengert.errors import NotDifferentiableError


class Point(NamedTuple):
    x: Any
    y: Any


Old = namedtuple("Old", "x y")  # noqa: PYI024 - the untyped kind is a container too


@dataclass
class Plain:
    x: Any
    y: Any


@dataclass(frozen=True)
class Frozen:
    x: Any
    y: Any


@dataclass(slots=True)
class Slotted:
    x: Any
    y: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Strict:
    x: Any
    y: Any


@dataclass
class Converting:
    """Its constructor would not survive a traced value."""

    x: Any
    y: Any
    total: Any = field(init=False)

    def __post_init__(self) -> None:
        self.total = float(self.x) + float(self.y)


@dataclass
class Derived(Plain):
    z: Any = 1.0


class Registered:
    def __init__(self, x: Any, y: Any, label: str = "") -> None:
        self.x, self.y, self.label = x, y, label

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Registered) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


tree.register(Registered, lambda r: ((r.x, r.y), r.label), lambda label, xy: Registered(*xy, label))


def by_attribute(t: Any) -> Any:
    return t.x**2 * t.y


def by_item(t: Any) -> Any:
    first, second = t.values() if hasattr(t, "values") else t
    return first**2 * second


TREES: dict[
    str, tuple[Any, Any, Any]
] = {  # the function, the point (2, 3), its gradient (12, 4) in the same container
    "tuple": (by_item, (2.0, 3.0), (12.0, 4.0)),
    "list": (by_item, [2.0, 3.0], [12.0, 4.0]),
    "dict": (by_item, {"a": 2.0, "b": 3.0}, {"a": 12.0, "b": 4.0}),
    "dict out of order": (by_item, {"b": 2.0, "a": 3.0}, {"b": 12.0, "a": 4.0}),
    "dict with mixed keys": (by_item, {1: 2.0, "a": 3.0}, {1: 12.0, "a": 4.0}),
    "OrderedDict": (by_item, OrderedDict(b=2.0, a=3.0), OrderedDict(b=12.0, a=4.0)),
    "defaultdict": (by_item, defaultdict(list, b=2.0, a=3.0), defaultdict(list, b=12.0, a=4.0)),
    "deque": (by_item, deque([2.0, 3.0], maxlen=2), deque([12.0, 4.0], maxlen=2)),
    "NamedTuple": (by_attribute, Point(2.0, 3.0), Point(12.0, 4.0)),
    "namedtuple": (by_attribute, Old(2.0, 3.0), Old(12.0, 4.0)),
    "dataclass": (by_attribute, Plain(2.0, 3.0), Plain(12.0, 4.0)),
    "frozen dataclass": (by_attribute, Frozen(2.0, 3.0), Frozen(12.0, 4.0)),
    "slotted dataclass": (by_attribute, Slotted(2.0, 3.0), Slotted(12.0, 4.0)),
    "frozen slotted dataclass": (by_attribute, Strict(x=2.0, y=3.0), Strict(x=12.0, y=4.0)),
    "derived dataclass": (by_attribute, Derived(2.0, 3.0), Derived(12.0, 4.0, 0.0)),
    "registered class": (by_attribute, Registered(2.0, 3.0, "r"), Registered(12.0, 4.0, "r")),
    "None inside": (lambda t: by_item(t[1:]), (None, 2.0, 3.0), (None, 12.0, 4.0)),
    "empty containers inside": (
        lambda t: by_item(t["v"]),
        {"v": [2.0, 3.0], "e": [], "d": {}},
        {"v": [12.0, 4.0], "e": [], "d": {}},
    ),
    "nested": (
        lambda t: t[0]["p"].x ** 2 * t[1].y[0],
        [{"p": Point(2.0, None)}, Frozen(None, (3.0,))],
        [{"p": Point(12.0, None)}, Frozen(None, (4.0,))],
    ),
}
trees = pytest.mark.parametrize(("fun", "point", "gradient"), TREES.values(), ids=list(TREES))


@trees
def test_gradients_have_the_structure_of_their_argument(fun: Any, point: Any, gradient: Any) -> None:
    found = wg.grad(fun)(point)
    assert type(found) is type(gradient)
    assert found == gradient
    assert list(tree.flatten(found)[0]) == list(tree.flatten(gradient)[0])
    assert wg.grad(lambda _a, t: fun(t), argnums=1)(0.0, point) == gradient


@trees
def test_every_transformation_takes_trees(fun: Any, point: Any, gradient: Any) -> None:
    ones = tree.map_leaves(lambda _x: 1.0, point)
    slope = sum(tree.flatten(gradient)[0])
    assert wg.jvp(fun, (point,), (ones,)) == (12.0, slope)
    assert wg.vjp(fun, point)[1](1.0) == (gradient,)
    assert wg.linearize(fun, point)[1](ones) == slope
    assert wg.jacfwd(fun)(point) == wg.jacrev(fun)(point) == wg.jacobian(fun)(point) == gradient
    batch = tree.map_leaves(lambda x: np.array([x, x]), point)
    for values, value in zip(
        tree.flatten(wg.vmap(wg.grad(fun))(batch))[0], tree.flatten(gradient)[0], strict=True
    ):
        assert np.array_equal(values, [value, value])
    rows = wg.hessian(fun)(point)  # a tree of trees
    assert sum(tree.flatten(rows)[0]) == 2.0 * 3.0 + 2 * (2.0 * 2.0)
    assert wg.hvp(fun, (point,), (ones,))[0] == gradient


@trees
def test_trees_are_rebuilt(fun: Any, point: Any, gradient: Any) -> None:
    del fun, gradient
    leaves, structure = tree.flatten(point)
    again = tree.unflatten(structure, leaves)
    assert again == point
    assert type(again) is type(point)
    assert len(tree.paths(point)) == len(leaves)
    assert tree.parts(structure, point) == leaves


def test_trees_as_results() -> None:
    y, y_dot = wg.jvp(lambda x: Frozen({"s": np.sin(x)}, [x, None]), (0.0,), (1.0,))
    assert y == Frozen({"s": 0.0}, [0.0, None])
    assert y_dot == Frozen({"s": 1.0}, [1.0, None])
    _, pull = wg.vjp(lambda x: Frozen({"s": np.sin(x)}, [x, None]), 0.0)
    assert pull(Frozen({"s": 2.0}, [10.0, None])) == (12.0,)


def test_a_constructor_is_not_called_on_traced_values() -> None:
    gradient = wg.grad(lambda c: c.x * c.y + c.total)(Converting(2.0, 3.0))
    assert (gradient.x, gradient.y, gradient.total) == (3.0, 2.0, 1.0)


def test_several_new_dataclasses_at_once() -> None:
    fresh = make_dataclass("Fresh", ["x", "y"])
    assert wg.grad(lambda ts: ts[0].x * ts[1].y)([fresh(2.0, 3.0), fresh(4.0, 5.0)]) == [
        fresh(5.0, 0.0),
        fresh(0.0, 2.0),
    ]


def test_threads_that_meet_a_dataclass_together() -> None:
    classes = [make_dataclass(f"Fresh{i}", ["x"]) for i in range(50)]
    barrier, errors = threading.Barrier(4), []

    def meet() -> None:
        barrier.wait()
        try:
            for cls in classes:
                assert wg.grad(lambda t: t.x**2)(cls(3.0)) == cls(6.0)
        except Exception as error:  # noqa: BLE001 - it is shown by the assertion below
            errors.append(error)

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_registering_a_dataclass_that_was_met_before() -> None:
    cls = make_dataclass("Fresh", ["x", "name"])
    with pytest.raises(NotDifferentiableError, match=r"argument 0\.name"):
        wg.grad(lambda t: t.x**2)(cls(3.0, "n"))
    tree.register(cls, lambda t: ((t.x,), t.name), lambda name, xs: cls(*xs, name))
    assert wg.grad(lambda t: t.x**2)(cls(3.0, "n")) == cls(6.0, "n")


def test_a_class_is_not_its_instance() -> None:
    assert tree.flatten([Plain, 1.0])[0] == [Plain, 1.0]


def test_arrays_and_tracers_are_leaves() -> None:
    x = np.ones((2, 3))
    assert tree.flatten(x)[0][0] is x
    assert tree.children(x) is None
    assert tree.children(None) == ([], ())
    assert tree.children({"b": 1, "a": 2}) == ([2, 1], ("a", "b"))
    assert tree.children(Frozen(1, 2)) == ([1, 2], ("x", "y"))
