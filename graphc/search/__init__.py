"""Accuracy search: more accurate formulas by equality saturation, judged at sampled points."""
