"""Formulas from textbooks that lose digits: how many bits are wrong as written, stabilized, and searched for."""
