"""Mutants: rules that are wrong on purpose. A law that lets one live is no law."""
