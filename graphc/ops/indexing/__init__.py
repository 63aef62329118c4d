"""Reading and writing at computed positions: along one axis, at places that several arrays name, by segments."""

from graphc.ops.indexing.along import (
    ScatterAdd,
    ScatterAddAlongAxis,
    Take,
    TakeAlongAxis,
    one_hot,
    take,
    take_along_axis,
)
from graphc.ops.indexing.bounds import Gathering, Indexed, Scattering
from graphc.ops.indexing.put import Gather, Put, PutAdd, PutMax, PutMin, PutMultiply, Putting, put_along_axis, put_at
from graphc.ops.indexing.segments import bincount, segment_max, segment_mean, segment_min, segment_prod, segment_sum

__all__ = [
    "Gather",
    "Gathering",
    "Indexed",
    "Put",
    "PutAdd",
    "PutMax",
    "PutMin",
    "PutMultiply",
    "Putting",
    "ScatterAdd",
    "ScatterAddAlongAxis",
    "Scattering",
    "Take",
    "TakeAlongAxis",
    "bincount",
    "one_hot",
    "put_along_axis",
    "put_at",
    "segment_max",
    "segment_mean",
    "segment_min",
    "segment_prod",
    "segment_sum",
    "take",
    "take_along_axis",
]
