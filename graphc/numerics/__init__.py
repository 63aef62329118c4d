"""What the compiler did to numbers, and where they go bad: histories of graphs go in, explanations come out."""
