"""The typing law: `infer` names the type that `eval` gives, in every precision and for empty operands too."""

import numpy as np

from wengert.core.primitive import Primitive
from wengert.types import ArrayType, type_of

from .cases import Case, cast, complexes
from .rules import results


def infer(prim: Primitive, case: Case) -> None:
    """The law on a sample, its float32 form, and its complex form where there is one."""
    assert prim.infer is not None, "there is no infer rule"
    variants = [case]
    if prim.differentiable:
        variants.append(cast(case, np.float32))
    if prim.complex:
        variants += complexes(case)
    for variant in variants:
        expected = tuple(type_of(y) for y in results(prim.eval(*variant.xs, **variant.params)))
        inferred = prim.infer(*[type_of(x) for x in variant.xs], **variant.params)
        types = tuple(inferred) if prim.multiple else (inferred,)
        assert all(isinstance(t, ArrayType) for t in types), f"{types} are not types"
        shown = [str(t) for t in types], [str(t) for t in expected]
        assert types == expected, f"{variant.label}: inferred {shown[0]}, evaluated {shown[1]}"
