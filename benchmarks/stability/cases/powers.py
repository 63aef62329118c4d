"""Powers near 1, removable singularities, differences of powers and of roots."""

from benchmarks.stability.case import Case, Family

POSITIVE = [1e-3, 1, 30, 1e6, 1e12]
SMALL = [1e-10, 1e-5, 0.5, 2, 30]

FAMILY = Family(
    "cancelling differences",
    [
        Case("(1 + x)^n", "S35", lambda xp, x: (1 + x) ** 1000, [1e-10, 1e-5, -1e-10, 0.0009765625]),
        Case("(1 + x)^n - 1", "S35", lambda xp, x: (1 + x) ** 12 - 1, [1e-10, 1e-5, -1e-10, 0.5]),
        Case("compound interest (1 + r/n)^n", "S35", lambda xp, r: (1 + r / 1000000) ** 1000000, [0.05, 0.5, 1, 1e-5]),
        Case("annuity r / (1 - (1 + r)^-n)", "S35", lambda xp, r: r / (1 - (1 + r) ** -120), [1e-10, 1e-6, 0.01, 0.5]),
        Case("(e^x - 1) / x", "S36", lambda xp, x: (xp.exp(x) - 1) / x, SMALL),
        Case("(e^x - 1) / x at 0", "S36", lambda xp, x: (xp.exp(x) - 1) / x, [0], values={0: 1}, slopes={0: 0.5}),
        Case("sin(x) / x at 0", "S36", lambda xp, x: xp.sin(x) / x, [0], values={0: 1}, slopes={0: 0}),
        Case("log(1 + x) / x", "S36", lambda xp, x: xp.log(1 + x) / x, SMALL),
        Case("(1 - cos x) / x²", "S59", lambda xp, x: (1 - xp.cos(x)) / x**2, [1e-10, 1e-5, 0.5, 2]),
        Case("√(x + 1) - √x", "S55", lambda xp, x: xp.sqrt(x + 1) - xp.sqrt(x), POSITIVE),
        Case(
            "√(x + a) - √x",
            "S55",
            lambda xp, x, a: xp.sqrt(x + a) - xp.sqrt(x),
            [(1e12, 0.5), (1e6, 1e-3), (30, 4), (1, 3)],
        ),
        Case("√(1 + x) - 1", "S55", lambda xp, x: xp.sqrt(1 + x) - 1, SMALL),
        Case("√(x² + 1) - x", "S55", lambda xp, x: xp.sqrt(x**2 + 1) - x, [1e8, 1e5, 30, 0.5]),
        Case("1/x - 1/(x + 1)", "S56", lambda xp, x: 1 / x - 1 / (x + 1), POSITIVE),
        Case("(x + 1)² - x²", "S57", lambda xp, x: (x + 1) ** 2 - x**2, [0.5, 30, 1e8, 1e12]),
        Case(
            "a² - b²",
            "S57",
            lambda xp, a, b: a**2 - b**2,
            [(1e8 + 1, 1e8), (4097.0, 4096.0), (3, 2)],
            [(8193, 8192), (1e6, 1e6 - 1), (3, 2)],
        ),
        Case("x³ - y³", "S57", lambda xp, a, b: a**3 - b**3, [(1e5 + 1, 1e5), (3, 2)]),
        Case(
            "root of a quadratic, -b + √(b² - 4ac)",
            "S58",
            lambda xp, a, b, c: (-b + xp.sqrt(b**2 - 4 * a * c)) / (2 * a),
            [(1, 1e8, 1), (1, 1e5, 1), (1, -5, 6), (2, 9, 4)],
        ),
        Case("1 - cos x", "S59", lambda xp, x: 1 - xp.cos(x), [1e-10, 1e-3, 1, 30]),
        Case(
            "sin(x + h) - sin(x)", "S59", lambda xp, x, h: xp.sin(x + h) - xp.sin(x), [(1, 1e-8), (0.5, 1e-5), (1, 0.5)]
        ),
        Case(
            "cos(x + h) - cos(x)", "S59", lambda xp, x, h: xp.cos(x + h) - xp.cos(x), [(1, 1e-8), (0.5, 1e-5), (1, 0.5)]
        ),
        Case("tan x - sin x", "S59", lambda xp, x: xp.tan(x) - xp.sin(x), [1e-8, 1e-3, 0.5, 1]),
        Case("log(x + 1) - log(x)", "S41", lambda xp, x: xp.log(x + 1) - xp.log(x), POSITIVE),
        Case("e^(x + h) - e^x", "S32", lambda xp, x, h: xp.exp(x + h) - xp.exp(x), [(1, 1e-8), (10, 1e-5), (1, 0.5)]),
        Case("atan(x + 1) - atan(x)", "S59", lambda xp, x: xp.atan(x + 1) - xp.atan(x), [1e4, 1e6, 30, 0.5]),
        Case("(x + 1)^¼ - x^¼", "S55", lambda xp, x: (x + 1) ** 0.25 - x**0.25, [1e12, 1e6, 30, 0.5]),
        Case("1 - √(1 - x²)", "S55", lambda xp, x: 1 - xp.sqrt(1 - x**2), [1e-8, 1e-4, 0.5, 0.875]),
        Case("acos of a nearly equal direction", "S59", lambda xp, x: xp.acos(1 - x), [1e-14, 1e-7, 0.5]),
        Case(
            "relativistic kinetic energy, γ - 1",
            "S55",
            lambda xp, v: 1 / xp.sqrt(1 - v**2) - 1,
            [1e-8, 1e-4, 0.5, 0.875],
        ),
        Case("x - sin x", "-", lambda xp, x: x - xp.sin(x), [1e-5, 1e-2, 0.5, 2], source="Kahan"),
        Case("e^x - 1 - x", "-", lambda xp, x: xp.exp(x) - 1 - x, [1e-5, 1e-2, 0.5, 2]),
        Case("(e^x - 1)/x - 1", "-", lambda xp, x: (xp.exp(x) - 1) / x - 1, [1e-8, 1e-4, 0.5, 2]),
        Case(
            "logarithmic mean (a - b)/log(a/b)",
            "S41",
            lambda xp, a, b: (a - b) / xp.log(a / b),
            [(1.0000001, 1), (1.001, 1), (3, 2)],
        ),
        Case(
            "haversine distance",
            "S59",
            lambda xp, a, b: xp.acos(xp.sin(a) * xp.sin(b) + xp.cos(a) * xp.cos(b)),
            [
                (0.5, 0.50001),
                (0.5, 0.5009765625),
                (0.5, 1),
            ],
        ),
    ],
)
