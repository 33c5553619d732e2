"""Primitives that carry functions: their rules call transformations."""
