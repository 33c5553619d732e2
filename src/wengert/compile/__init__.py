"""From graphs to machine code: loops over scalar operations, then LLVM's text, then a function of the process."""
