"""Peers: other libraries that differentiate the same programs, each in the best form that its users would write."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

# From a workload's arguments, a call that computes the whole derivative; what it takes counts with the first call.
Make = Callable[..., Callable[[], Any]]

# A peer's package, and the module beside this one that has its programs.
MODULES = {"jax": "in_jax", "torch": "in_torch", "autograd": "in_autograd", "casadi": "in_casadi"}
COMPILED = ("JAX", "torch.compile", "CasADi")  # those whose first call is another thing than the next


@cache
def installed() -> Mapping[str, Mapping[str, Make]]:
    """Return the programs of each peer that is installed, by the names of the workloads."""
    found: dict[str, Mapping[str, Make]] = {}
    for package, module in MODULES.items():
        if importlib.util.find_spec(package) is not None:
            found |= importlib.import_module(f"peers.{module}").PEERS
    return found
