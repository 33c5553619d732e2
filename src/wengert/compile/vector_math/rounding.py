"""Functions that are one instruction, or a few, of the machine."""

from __future__ import annotations

from wengert.compile.vector_math.definitions import function
from wengert.compile.vector_math.instructions import Body

function("sqrt")(Body.sqrt)
function("fabs")(Body.abs)
function("copysign", 2)(Body.copysign)
for _name in ("floor", "ceil", "trunc", "rint"):
    function(_name)(lambda body, x, name=_name: body.intrinsic(name, x))
