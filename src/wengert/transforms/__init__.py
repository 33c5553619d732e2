"""Transformations: one interpreter over the rules of primitives, and one driver, per file."""
