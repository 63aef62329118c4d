"""Graph passes, program passes and the rewrite rules."""

if __name__ != "graphc.passes":
    raise ImportError("import graphc.passes, not passes: a second copy of every class would appear")
