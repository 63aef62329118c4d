"""Modified Bessel functions of the first kind, of orders 0 and 1, plain and scaled.

Below 8 they are power series of (x/2)**2, whose terms are all positive; beyond they are exp(x)/sqrt(x) times a
polynomial of 1/x.
"""

from __future__ import annotations

from graphc.ir.node import Node
from graphc.ir.op import Cotangents
from graphc.ir.scalars import Scalars, Value
from graphc.ops.base import Elementwise, floats
from graphc.ops.conversion import function
from graphc.ops.elementwise import sign
from graphc.ops.logic import equal, where
from graphc.ops.special.algorithm import in_double, polynomial

_NEAR_0 = (
    3.629044393852136e-32, 7.068750346348101e-30, 2.3188742980374136e-27, 5.83834910694832e-25,
    1.315968870086412e-22, 2.578901381143264e-20, 4.358392834251182e-18, 6.27608109596305e-16, 7.594058443797458e-14,
    7.594058427386722e-12, 6.151187326808454e-10, 3.936759889140186e-08, 1.929012345679024e-06,
    6.944444444444443e-05, 0.001736111111111111, 0.027777777777777776, 0.25, 1.0,
)  # fmt: skip
_NEAR_1 = (
    1.872945814339199e-33, 3.9787302446555715e-31, 1.3607569822014986e-28, 3.650233687235834e-26,
    8.772796721160262e-24, 1.8420785243417844e-21, 3.352609037952612e-19, 5.2300676651764994e-17,
    6.903689487823121e-15, 7.594058427762737e-13, 6.834652585326692e-11, 4.9209498614257296e-09,
    2.7557319223985947e-07, 1.1574074074074073e-05, 0.00034722222222222224, 0.006944444444444444,
    0.08333333333333333, 0.5,
)  # fmt: skip
_FAR_0 = (
    -7.06893851181878e-11, -1.9216763724933513e-11, 5.181936971288284e-10, 1.4672236659214398e-10,
    -1.7789375042917173e-09, -5.562201990080394e-10, 3.881151253996067e-09, 1.497880830187091e-09,
    -6.188265090497361e-09, -3.4857887470034955e-09, 7.58022133915272e-09, 7.540601378890834e-09,
    -5.4685974495866e-09, -1.3404241991980871e-08, -6.729724111923548e-09, 7.553516470355896e-09,
    2.1545177650836005e-08, 3.932602459703109e-08, 8.87225351128584e-08, 2.973598432479169e-07,
    1.4838475473607391e-06, 1.1143033791556743e-05, 0.00013621607439232746, 0.003360551983667854, 0.4021765094450081,
)  # fmt: skip
_FAR_1 = (
    7.347992441734663e-11, 1.7502497778701306e-11, -5.388285995923524e-10, -1.342266320082222e-10,
    1.8513716745511988e-09, 5.146498826087142e-10, -4.047785403711858e-09, -1.4171698018664596e-09,
    6.4870195719816896e-09, 3.406636130196794e-09, -8.044231276166508e-09, -7.630751970065577e-09,
    6.040877342160988e-09, 1.4029693589852716e-08, 6.715795128085017e-09, -8.426622829598154e-09,
    -2.337059627111857e-08, -4.312935369971356e-08, -1.0001323461066435e-07, -3.483855609009937e-07,
    -1.8349101134666435e-06, -1.5038547201176271e-05, -0.00021923576383430274, -0.009749577193235728,
    0.38939845902587233,
)  # fmt: skip


class I0(Elementwise):
    """The modified Bessel function of the first kind of order 0."""

    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return _bessel(s, x, 0)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("besseli", 0, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * i1(x),)


class I1(Elementwise):
    """The modified Bessel function of the first kind of order 1."""

    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return _bessel(s, x, 1)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.special("besseli", 1, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (i0(x) - _over(y, x)),)


class I0e(Elementwise):
    """exp(-abs(x)) * i0(x)."""

    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return _scaled_bessel(s, x, 0)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.exp(-s.abs(x)) * s.special("besseli", 0, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (i1e(x) - sign(x) * y),)


class I1e(Elementwise):
    """exp(-abs(x)) * i1(x)."""

    accepts = floats

    @in_double
    def scalar(self, s: Scalars, x: Value) -> Value:
        return _scaled_bessel(s, x, 1)

    def exact(self, s: Scalars, x: Value) -> Value:
        return s.exp(-s.abs(x)) * s.special("besseli", 1, x)

    def vjp(self, g: Node, y: Node, x: Node) -> Cotangents:
        return (g * (i0e(x) - sign(x) * y - _over(y, x)),)


def _bessel(s: Scalars, x: Value, order: int) -> Value:
    size = s.abs(x)
    half = s.exp(size * 0.5)  # exp(x) overflows before the function does
    far = s.where(s.equal(size, float("inf")), size, half * _far(s, size, order) * half)
    return _signed(s, x, s.where(s.less(size, 8), _near(s, size, order), far), order)


def _scaled_bessel(s: Scalars, x: Value, order: int) -> Value:
    size = s.abs(x)
    near = s.exp(-size) * _near(s, size, order)
    return _signed(s, x, s.where(s.less(size, 8), near, _far(s, size, order)), order)


def _near(s: Scalars, size: Value, order: int) -> Value:
    w = s.minimum(size, 8.0) * 0.5
    w = w * w
    value = 1 + w * polynomial(w, (_NEAR_0, _NEAR_1)[order])
    return 0.5 * size * value if order else value


def _far(s: Scalars, size: Value, order: int) -> Value:
    return polynomial(16 / s.maximum(size, 8.0) - 1, (_FAR_0, _FAR_1)[order]) / s.sqrt(size)


def _signed(s: Scalars, x: Value, value: Value, order: int) -> Value:
    """The function of abs(x) as that of x: even for order 0, odd for order 1."""
    return s.where(s.less(x, 0), -value, value) if order else value


def _over(y: Node, x: Node) -> Node:
    """i1(x)/x, 1/2 at 0."""
    zero = equal(x, 0)
    return where(zero, 0.5, y / where(zero, 1, x))


i0 = function(I0)
i1 = function(I1)
i0e = function(I0e)
i1e = function(I1e)
