"""Run benchmarks: all of them, or those named.

python benchmarks/run.py                       all
python benchmarks/run.py eager_overhead        one
python benchmarks/run.py --smoke               tiny sizes, to see that they run
python benchmarks/run.py --dated               keep the results under today's date
"""

from __future__ import annotations

import argparse

import boundary
import compile_time
import compiled
import eager_overhead
import fork_join
import gradient_cost
import harness
import import_time
import kernels
import learning
import mutation
import staging
import vector_math

QUESTIONS = {
    "boundary": boundary.rows,
    "compile_time": compile_time.rows,
    "compiled": compiled.rows,
    "eager_overhead": eager_overhead.rows,
    "fork_join": fork_join.rows,
    "gradient_cost": gradient_cost.rows,
    "import_time": import_time.rows,
    "kernels": kernels.rows,
    "learning": learning.rows,
    "mutation": mutation.rows,
    "staging": staging.rows,
    "vector_math": vector_math.rows,
}


def main() -> None:
    """Measure and report the questions that the command line names."""
    parser = argparse.ArgumentParser(description="Measure Wengert beside its peers.")
    parser.add_argument(
        "questions", nargs="*", metavar="question", help=f"some of {', '.join(QUESTIONS)}; default: all"
    )
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, to see that everything runs")
    parser.add_argument("--dated", action="store_true", help="write results under today's date, to keep them")
    options = parser.parse_args()
    unknown = set(options.questions) - set(QUESTIONS)
    if unknown:
        parser.error(f"no such question: {', '.join(sorted(unknown))}; there are {', '.join(QUESTIONS)}")
    for question in options.questions or QUESTIONS:
        print(f"# {question}")
        path = harness.report(question, QUESTIONS[question](smoke=options.smoke), dated=options.dated)
        print(f"written to {path}\n")


if __name__ == "__main__":
    main()
