"""Run tour.ipynb from top to bottom, and write it with its outputs.

    python examples/notebooks/execute.py [FILE]

Needs nbclient and ipykernel (`pip install wengert[test]`). What differs from run to run and means nothing, times of
execution and versions, is left out: the notebook changes when its outputs do.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent / "tour.ipynb"


def executed(path: Path) -> nbformat.NotebookNode:
    """Return a notebook with new outputs; a cell that raises ends the run."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # what a cell prints comes in as many pieces as the machine likes
    )
    client.execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    return notebook


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else NOTEBOOK
    nbformat.write(executed(NOTEBOOK), target)
    print(f"{target.name} is written")
