"""Seeing derivatives: evaluation traces, and expressions read from text."""
