"""Texts of graphs as they must stay: a change of staging, of simplification or of the text shows here."""
