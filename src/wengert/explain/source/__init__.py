"""Derivatives as source: a gradient written down as a program that a person can read, run and change.

Reading order: `primal` stages the function, `sweeps` writes its derivative into one graph with notes on what is what,
`naming` reads names from the user's lines, `writer` turns graphs into statements of NumPy with `literals`,
`spelling`, `assignments`, `loops` and `transplant`; `c_writer` does so in C99.
"""
