"""Primitives, dispatch, tracers: no array arithmetic here."""
