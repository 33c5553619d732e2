"""Tests of Wengert: laws over the registry, and what no law says."""
