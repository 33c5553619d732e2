"""Writing into arrays and looking at one array through several handles, compared with the same code on plain NumPy."""
