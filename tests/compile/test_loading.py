"""What a process loads once, and threads that are the first to ask for it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

from wengert.compile import loading


class Library:
    """Stands for one."""


def test_what_is_loaded_twice_is_kept_twice() -> None:
    together, made = threading.Barrier(2), []

    def make() -> Any:
        together.wait(10)
        library = Library()
        made.append(weakref.ref(library))
        return library

    once = loading.Once(make)
    assert not once.is_made
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(once())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert once.is_made
    assert found[0] is found[1] is once()
    found.clear()
    gc.collect()
    assert len(made) == 2
    assert all(ref() is not None for ref in made), "there may be addresses in it"


FIRST = """
import sys, threading
import numpy as np, wengert as wg
import llvmlite.binding, scipy.linalg.cython_blas

sys.setswitchinterval(1e-5)
start = threading.Barrier(4)
wrong = []

def work(seed):
    start.wait()
    for n in range(3):
        step = wg.jit(lambda x: x * seed + n)
        x = np.linspace(0.1, 1.0, 3)
        for _ in range(200):
            if not np.allclose(step(x), x * seed + n):
                wrong.append((seed, n))

threads = [threading.Thread(target=work, args=(seed,)) for seed in range(1, 5)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(wrong)
"""


def test_threads_that_are_the_first_to_compile() -> None:
    """In a process in which nothing was compiled before, and with nothing kept on the disk."""
    source = str(Path(loading.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", FIRST],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": source, "WENGERT_CACHE_DIR": ""},
    )
    assert (run.returncode, run.stdout) == (0, "[]\n"), run.stderr
