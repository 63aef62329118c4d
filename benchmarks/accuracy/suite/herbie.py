"""What the nightly reports of the Herbie project state for its own results, as far as they were at hand.

From https://nightly.cs.washington.edu/reports/herbie, pages of 2016 to 2024: average bits of error after, the best of
the reports on a problem. Those of 2024 state percentages of 64 bits. Herbie draws points as they are drawn here, but
counts those too where the exact result is less than the smallest float, where many a formula is right as written.
"""

REPORTED = {
    "2sqrt (3.1)": 0.2,
    "2sin (3.3)": 0.3,
    "2atan (3.5)": 0.3,
    "2isqrt (3.6)": 0.3,
    "2tan (3.3.2)": 0.3,
    "3frac (3.3.3)": 0.1,
    "exp2 (3.3.7)": 0.5,
    "quadp (p42)": 9.3,
    "quad2p (3.2.1)": 9.2,
    "quad2m (3.2.1)": 9.5,
    "invcot (3.9)": 0.0,
    "cos2 (3.4.1)": 0.2,
    "expq3 (3.4.2)": 3.1,
    "sintan (3.4.5)": 0.0,
    "2nthrt (3.4.6)": 2.0,
    "compound interest": 14.7,
    "complex division, real": 25.2,
    "complex division, imaginary": 12.7,
    "hyperbolic tangent": 0.0,
    "hyperbolic arctangent": 0.2,
}
