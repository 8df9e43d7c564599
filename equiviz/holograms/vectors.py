# numba infers the types of these parameters from each call.
# pyright: reportMissingParameterType=false
"""Vectors of numbers inside compiled functions: loops along an axis that LLVM does not find are written out.

A vector holds `LANES` numbers of an array's kind, and adds, subtracts and multiplies as numbers do; a tile is `ROWS`
of them. LLVM maps them on the registers that a processor has: one of AVX-512, two of AVX2, four of NEON.

    load, store             LANES numbers of one row of a matrix, from a column on
    load_tile, store_tile   the same of ROWS rows that follow each other
    add_outer               tile[k] += left[row, column + k] * vector: one term of a matrix product
    transpose               a block of LANES x LANES numbers

Nothing checks bounds. Numba's cache sees changes of the file of a kernel only: after a change here, touch
`moments_kernel.py`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic, models, overload, register_model

LANES = 16

#: As many sums at a time as hide the latency of a processor's additions, few enough for its registers.
ROWS = 12

#: Rounding may depend on the order of additions, but NaN and infinities keep their meaning.
FASTMATH = ("contract", "reassoc", "nsz")


#: numba passes the first parameter, the context of types, by itself.
_written = cast("Callable[[Callable[..., Any]], Callable[..., Any]]", intrinsic)


class Vector(types.Type):
    """LANES numbers of one kind."""

    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, kind) -> None:
        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), LANES))


def _arithmetic(symbol, name) -> None:
    @_written
    def apply(typing, left, right):
        def make(context, builder, signature, args):
            return getattr(builder, name)(*args, flags=FASTMATH)

        return left(left, right), make

    @overload(symbol)
    def of_vectors(left, right):
        if isinstance(left, Vector) and left == right:
            return lambda left, right: apply(left, right)
        return None


_arithmetic(operator.add, "fadd")
_arithmetic(operator.sub, "fsub")
_arithmetic(operator.mul, "fmul")


@_written
def splat(typing, value):
    """The same number in all lanes."""

    def make(context, builder, signature, args):
        return _spread(builder, args[0])

    return Vector(value)(value), make


@_written
def zeros(typing, values):
    """A vector of zeros, of the kind of an array."""
    made = Vector(values.dtype)

    def make(context, builder, signature, args):
        return ir.Constant(context.get_value_type(made), None)

    return made(values), make


@_written
def zero_tile(typing, values):
    """A tile of zeros, of the kind of an array."""
    made = types.UniTuple(Vector(values.dtype), ROWS)

    def make(context, builder, signature, args):
        return ir.Constant(context.get_value_type(made), None)

    return made(values), make


@_written
def load(typing, values, row, column):
    """values[row, column : column + LANES]."""

    def make(context, builder, signature, args):
        return _Matrix(context, builder, signature, args).load(0)

    return Vector(values.dtype)(values, row, column), make


@_written
def store(typing, values, row, column, vector):
    """values[row, column : column + LANES] = vector."""

    def make(context, builder, signature, args):
        _Matrix(context, builder, signature, args).store(0, args[3])
        return context.get_dummy_value()

    return types.void(values, row, column, vector), make


@_written
def load_tile(typing, values, row, column):
    """The vectors of values[row : row + ROWS, column : column + LANES]."""

    def make(context, builder, signature, args):
        matrix = _Matrix(context, builder, signature, args)
        return context.make_tuple(builder, signature.return_type, [matrix.load(k) for k in range(ROWS)])

    return types.UniTuple(Vector(values.dtype), ROWS)(values, row, column), make


@_written
def store_tile(typing, values, row, column, tile):
    """values[row : row + ROWS, column : column + LANES] = tile, from the first row to the last."""

    def make(context, builder, signature, args):
        matrix = _Matrix(context, builder, signature, args)
        for k, vector in enumerate(cgutils.unpack_tuple(builder, args[3])):
            matrix.store(k, vector)
        return context.get_dummy_value()

    return types.void(values, row, column, tile), make


@_written
def store_rows(typing, values, start, step, tile):
    """values[start + k step : start + k step + LANES] = tile[k], from the first row to the last."""

    def make(context, builder, signature, args):
        place, step = (context.cast(builder, args[k], signature.args[k], types.intp) for k in (1, 2))
        array = context.make_array(values)(context, builder, args[0])
        size = context.get_abi_sizeof(context.get_data_type(values.dtype))
        for vector in cgutils.unpack_tuple(builder, args[3]):
            pointer = cgutils.get_item_pointer(context, builder, values, array, [place], wraparound=False)
            builder.store(vector, builder.bitcast(pointer, vector.type.as_pointer()), align=size)
            place = builder.add(place, step)
        return context.get_dummy_value()

    return types.void(values, start, step, tile), make


@_written
def add_outer(typing, tile, left, row, column, vector):
    """The tile, to whose k-th vector left[row, column + k] times the vector has been added.

    These numbers are neighbours in memory, so that no addresses are left to be calculated.
    """

    def make(context, builder, signature, args):
        matrix = _Matrix(context, builder, signature.args[1:4], args[1:4])
        sums = []
        for k, before in enumerate(cgutils.unpack_tuple(builder, args[0], ROWS)):
            part = builder.fmul(_spread(builder, builder.load(matrix.place(0, k))), args[4], flags=FASTMATH)
            sums.append(builder.fadd(before, part, flags=FASTMATH))
        return context.make_tuple(builder, signature.return_type, sums)

    return tile(tile, left, row, column, vector), make


@_written
def transpose(typing, source, row, column, target, to_row, to_column):
    """target[to_row + k, to_column + j] = source[row + j, column + k], for j and k below LANES."""

    def make(context, builder, signature, args):
        read = _Matrix(context, builder, signature.args[:3], args[:3])
        vectors = [read.load(j) for j in range(LANES)]
        half, lanes = LANES // 2, range(LANES)
        halves = [_lanes([start + k // 2 + k % 2 * LANES for k in lanes]) for start in (0, half)]
        for _ in range(LANES.bit_length() - 1):  # each round interleaves the first half of the vectors with the second
            vectors = [builder.shuffle_vector(vectors[k // 2], vectors[k // 2 + half], halves[k % 2]) for k in lanes]
        written = _Matrix(context, builder, signature.args[3:], args[3:])
        for k, vector in enumerate(vectors):
            written.store(k, vector)
        return context.get_dummy_value()

    return types.void(source, row, column, target, to_row, to_column), make


class _Matrix:
    """The part of a matrix that begins at a row and a column: the first three arguments of a function above."""

    def __init__(self, context, builder, signature, args) -> None:
        kinds = cast("tuple[types.Array, ...]", getattr(signature, "args", signature))
        self.context, self.builder, self.kind = context, builder, kinds[0]
        self.array = context.make_array(self.kind)(context, builder, args[0])
        self.row, self.column = (context.cast(builder, args[k], kinds[k], types.intp) for k in (1, 2))

    def place(self, row, column=0):
        """A pointer to a number, of which row and column count from where the part begins."""
        at = [self._shifted(self.row, row), self._shifted(self.column, column)]
        return cgutils.get_item_pointer(self.context, self.builder, self.kind, self.array, at, wraparound=False)

    def _shifted(self, place, by):
        return self.builder.add(place, ir.Constant(ir.IntType(place.type.width), by))

    def load(self, k):
        return self.builder.load(self._vector(k), align=self._size())

    def store(self, k, vector) -> None:
        self.builder.store(vector, self._vector(k), align=self._size())

    def _vector(self, k):
        number = self.context.get_data_type(self.kind.dtype)
        return self.builder.bitcast(self.place(k), ir.VectorType(number, LANES).as_pointer())

    def _size(self):
        """Of one number: vectors may stand anywhere."""
        return self.context.get_abi_sizeof(self.context.get_data_type(self.kind.dtype))


def _spread(builder, number):
    kind = ir.VectorType(number.type, LANES)
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, one, _lanes([0] * LANES))


def _lanes(numbers):
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), numbers)
