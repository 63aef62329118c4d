"""The target llvm: machine code for the host, made with llvmlite."""
