"""What may be wrong with a gradient: each kind of fault in a file of its own, on one sweep through the program."""
