"""Targets: reference, llvm, cuda, cuda-emulator."""

if __name__ != "graphc.backends":
    raise ImportError("import graphc.backends, not backends: a second copy of every class would appear")
