"""What all tests share: a generator of random numbers, and the demand that no test leaves a transformation open."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator

import hypothesis
import numpy as np
import pytest

from wengert.compile import compiled, kernel_check
from wengert.core import check
from wengert.core.dispatch import active

from . import fuzzing

# Found examples are the same in every run: a failure can be repeated, and an unlucky draw cannot break a build.
hypothesis.settings.register_profile(
    "default", deadline=None, derandomize=True, max_examples=50, database=None
)
hypothesis.settings.register_profile(
    "slow", parent=hypothesis.settings.get_profile("default"), max_examples=2000
)
hypothesis.settings.register_profile(  # other programs each time, and how to repeat what fails
    "fuzz", parent=hypothesis.settings.get_profile("default"), derandomize=False, print_blob=True
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz", type=int, metavar="N", help="try N random programs in each test marked fuzz")
    parser.addoption("--fuzz-from", type=int, metavar="K", help="from number K on")


def pytest_configure(config: pytest.Config) -> None:
    fuzzing.ask(config.getoption("--fuzz"), config.getoption("--fuzz-from"))
    check.always(True)  # every graph that is made
    kernel_check.always(True)  # every program
    compiled.switched_on[0] = False  # machine code has its own tests, which switch it on
    hypothesis.settings.load_profile("slow" if config.getoption("-m") == "slow" else "default")
    if config.getoption("--fuzz"):
        hypothesis.settings.load_profile("fuzz")
    objects = tempfile.TemporaryDirectory(prefix="wengert-objects-")  # the user's own are left alone
    os.environ["WENGERT_CACHE_DIR"] = objects.name
    config.add_cleanup(objects.cleanup)


# Tests of graphs run twice: by NumPy, and as machine code. Not those that are about memory or the order of steps, which
# only NumPy's way has, and not random programs, which have tests of their own in tests/compile.
BOTH_WAYS = {"control", "fit", "jit", "optim"}
ONE_WAY = {"test_random", "test_checkpoint", "test_schedules"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    path = metafunc.definition.path
    if path.parent.name in BOTH_WAYS and path.stem not in ONE_WAY:
        metafunc.fixturenames.append("way")
        metafunc.parametrize("way", ["by NumPy", "as machine code"], indirect=True)


@pytest.fixture
def way(request: pytest.FixtureRequest) -> Iterator[str]:
    """Let `jit` compile, or not."""
    compiled.switched_on[0] = request.param == "as machine code"
    yield request.param
    compiled.switched_on[0] = False


@pytest.fixture
def machine_code() -> Iterator[None]:
    """Let `jit` compile."""
    compiled.switched_on[0] = True
    yield
    compiled.switched_on[0] = False


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1964)  # the year of Wengert's paper


@pytest.fixture(autouse=True)
def no_state_is_left_behind() -> Iterator[None]:
    """Fail a test after which a transformation is still open, or NumPy or Python is set otherwise than before."""
    errors, limit = np.geterr(), sys.getrecursionlimit()
    yield
    assert active() == ()
    assert np.geterr() == errors
    assert sys.getrecursionlimit() == limit
