"""Lifted programs agree with plain ones, and their loops and branches stay such."""

import pytest

from . import table_branches, table_calls, table_loops
from .agreement import check

CASES = [
    pytest.param(fun, args, name not in table.STEPPED, id=f"{name} {k}")
    for table in (table_loops, table_branches, table_calls)
    for name, (fun, *argss) in table.PROGRAMS.items()
    for k, args in enumerate(argss)
]


@pytest.mark.parametrize(("fun", "args", "smooth"), CASES)
def test_lifted_programs_agree_with_plain_ones(fun, args, smooth):
    check(fun, *args, smooth=smooth)
