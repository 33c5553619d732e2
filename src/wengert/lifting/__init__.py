"""Lifting: Python's own control flow, from source, as operations on traced values.

source      the syntax of a function, and functions of rewritten syntax
exits       break, continue and early return as flags
liveness    which variables are read later, which are written
rewriting   control flow and calls become calls of the runtime
runtime     decides, while the program runs, what becomes part of a graph
blocks      blocks of statements, staged: what they read and write
branches, loops     graphs of blocks
iteration   what loops go over
calls       what takes the place of functions that are called
"""
