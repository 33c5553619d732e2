"""Every function NumPy lets us overload: what Wengert makes of it, and calls that show it."""
