"""Layers: modules of one operation each, and what puts them together."""
