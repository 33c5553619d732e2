"""Compiled functions beside plain ones."""
