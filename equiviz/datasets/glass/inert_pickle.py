"""Reading pickles of plain data without unpickling them.

Python's unpickler runs whatever a file tells it to. This reader never imports and never calls: it walks through the
opcodes (``pickletools.genops`` only decodes them) with a stack of its own, and knows only the names that
numpy writes for its arrays (and protocol 2 for bytes), which it rebuilds by itself. Any other name or opcode is
refused.
"""

from __future__ import annotations

import math
import pickletools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from equiviz.datasets.errors import DatasetError

Plain: TypeAlias = Any
"""None, bool, int, float, str, bytes, numpy arrays, and dicts, lists and tuples of these."""

MAX_FILE_BYTES = 1024**3
MAX_OPCODES = 2_000_000
_MAX_DEPTH = 16
_MAX_NODES = 100_000
_MAX_INTEGER_BITS = 64
_MAX_AXES = 32

_NAMES = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    "__builtin__ bytes": "bytes",
}
_DTYPES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})


class _RefusedError(Exception):
    """Something in the pickle that plain data do not need; the message names it."""


class _Mark:
    """Where an opcode MARK stood on the stack."""


@dataclass(frozen=True)
class _Name:
    """One of the known names."""

    kind: str


@dataclass
class _Dtype:
    code: str
    order: str = "<"

    def build(self, state: Plain) -> None:
        order = state[1] if isinstance(state, tuple) and len(state) >= 2 else None
        if not (isinstance(order, str) and order in ("<", ">", "|", "=")):
            raise _RefusedError("a dtype with an unusual state")
        if any(item is not None for item in state[2:5]):
            raise _RefusedError("a dtype with fields or sub-arrays")
        self.order = order


def _is_size(length: Plain) -> bool:
    return type(length) is int and 0 <= length < 2**40


@dataclass
class _Array:
    values: NDArray[Any] | None = None

    def build(self, state: Plain) -> None:
        """State: (version, shape, dtype, Fortran order?, bytes)."""
        if not (isinstance(state, tuple) and len(state) == 5 and isinstance(state[2], _Dtype)):
            raise _RefusedError("an array with an unusual state")
        _, shape, kind, fortran, content = state
        if isinstance(content, str):  # written by Python 2
            content = content.encode("latin1")
        dtype = np.dtype(kind.order.replace("|", "=") + kind.code)
        if not isinstance(shape, tuple) or len(shape) > _MAX_AXES or not all(_is_size(n) for n in shape):
            raise _RefusedError(f"an array whose shape is no tuple of at most {_MAX_AXES} lengths")
        if not isinstance(content, bytes) or math.prod(shape) * dtype.itemsize != len(content):
            raise _RefusedError(f"an array of shape {shape!r} whose bytes do not fill it")
        flat = np.frombuffer(content, dtype=dtype)
        self.values = flat.reshape(shape, order="F" if fortran else "C").copy()


@dataclass
class _Machine:
    """The stack machine of the pickle format, with the inert half of its instructions."""

    stack: list[Plain] = field(default_factory=list)
    memo: dict[int, Plain] = field(default_factory=dict)

    def pop(self) -> Plain:
        item = self.stack.pop()
        if isinstance(item, _Mark):
            raise _RefusedError("a stack that does not add up")
        return item

    def pop_to_mark(self) -> list[Plain]:
        items: list[Plain] = []
        while not isinstance(item := self.stack.pop(), _Mark):
            items.append(item)
        return items[::-1]

    def name(self, text: str) -> None:
        if text not in _NAMES:
            raise _RefusedError(f"the name {text.replace(' ', '.')!r}; only numpy arrays and plain containers are read")
        self.stack.append(_Name(_NAMES[text]))

    def global_name(self) -> None:
        name, module = self.pop(), self.pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise _RefusedError("a name that is no text")
        self.name(f"{module} {name}")

    def reduce(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise _RefusedError("a call of something that is not an array")
        # Containers may share their parts many times over: hashing, comparing or printing one could take for ever.
        plain = [argument if isinstance(argument, str) else None for argument in arguments[:2]]
        if function.kind == "array":
            self.stack.append(_Array())
        elif function.kind == "dtype" and arguments and plain[0] in _DTYPES:
            self.stack.append(_Dtype(str(plain[0])))
        elif function.kind == "encode" and len(arguments) == 2 and plain[0] is not None and plain[1] == "latin1":
            self.stack.append(plain[0].encode("latin1"))  # how protocol 2 writes bytes
        elif function.kind == "bytes" and not arguments:
            self.stack.append(b"")
        else:
            told = ", ".join(repr(a[:40]) if isinstance(a, str) else type(a).__name__ for a in arguments[:4])
            raise _RefusedError(f"a call of {function.kind} with ({told}); only dtypes of numbers are read")

    def build(self) -> None:
        state, item = self.pop(), self.stack[-1]
        if not isinstance(item, (_Array, _Dtype)):
            raise _RefusedError("a state for something that is not an array")
        item.build(state)

    def append(self, items: list[Plain]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise _RefusedError("an append to something that is not a list")
        target.extend(items)

    def set_items(self, items: list[Plain]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            raise _RefusedError("an item of something that is not a dict")
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | int):
                raise _RefusedError("a dict key that is neither text nor integer")
            target[key] = value

    def put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def constant(self, value: Plain) -> None:
        if type(value) is int and value.bit_length() > _MAX_INTEGER_BITS:
            raise _RefusedError("an integer of more than 64 bits")
        self.stack.append(value)


_Step = Callable[[_Machine, Any], None]

_STEPS: dict[str, _Step] = {
    "MARK": lambda m, _: m.stack.append(_Mark()),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_TUPLE": lambda m, _: m.stack.append(()),
    "NONE": lambda m, _: m.stack.append(None),
    "NEWTRUE": lambda m, _: m.stack.append(True),
    "NEWFALSE": lambda m, _: m.stack.append(False),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.pop_to_mark())),
    "TUPLE1": lambda m, _: m.stack.append((m.pop(),)),
    "TUPLE2": lambda m, _: m.stack.append((m.pop(), m.pop())[::-1]),
    "TUPLE3": lambda m, _: m.stack.append((m.pop(), m.pop(), m.pop())[::-1]),
    "APPEND": lambda m, _: m.append([m.pop()]),
    "APPENDS": lambda m, _: m.append(m.pop_to_mark()),
    "SETITEM": lambda m, _: m.set_items([m.pop(), m.pop()][::-1]),
    "SETITEMS": lambda m, _: m.set_items(m.pop_to_mark()),
    "GLOBAL": lambda m, text: m.name(text),
    "STACK_GLOBAL": lambda m, _: m.global_name(),
    "REDUCE": lambda m, _: m.reduce(),
    "BUILD": lambda m, _: m.build(),
    "MEMOIZE": lambda m, _: m.put(len(m.memo)),
    "PROTO": lambda m, _: None,
    "FRAME": lambda m, _: None,
}
_STEPS.update({name: lambda m, index: m.put(int(index)) for name in ("PUT", "BINPUT", "LONG_BINPUT")})
_STEPS.update({name: lambda m, index: m.stack.append(m.memo[int(index)]) for name in ("GET", "BINGET", "LONG_BINGET")})
_STEPS.update(
    {
        name: lambda m, value: m.constant(value)
        for name in (
            *("BININT", "BININT1", "BININT2", "LONG1", "INT", "LONG", "BINFLOAT", "FLOAT", "BINSTRING"),
            *(
                "SHORT_BINSTRING",
                "BINUNICODE",
                "SHORT_BINUNICODE",
                "BINUNICODE8",
                "BINBYTES",
                "SHORT_BINBYTES",
                "BINBYTES8",
            ),
        )
    }
)


def read_inert_pickle(path: Path, max_bytes: int = MAX_FILE_BYTES) -> Plain:
    """Read a pickle of numpy arrays and plain containers; nothing in it is imported or called.

    Raises:
        DatasetError: any other content (the message names it), a damaged file, or one larger than ``max_bytes``.
    """
    if not path.is_file():
        raise DatasetError(path, "expected a pickle file, there is none")
    size = path.stat().st_size
    if size > max_bytes:
        raise DatasetError(
            path, f"expected a pickle of at most {max_bytes} bytes, got {size}; raise max_bytes if trusted"
        )
    try:
        with warnings.catch_warnings():  # of odd escapes in damaged strings, which are refused or harmless
            warnings.simplefilter("ignore", DeprecationWarning)
            return _plain(_run(path.read_bytes()), 0, [_MAX_NODES])
    except _RefusedError as why:
        raise DatasetError(path, f"refused: the pickle holds {why}. Nothing was executed") from None
    except (ValueError, IndexError, KeyError, TypeError, RecursionError, OverflowError) as cause:
        raise DatasetError(path, f"expected a pickle of plain data, this one is damaged ({cause})") from cause


def _run(content: bytes) -> Plain:
    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if count > MAX_OPCODES:
            raise _RefusedError(f"more than {MAX_OPCODES} instructions")
        if opcode.name == "STOP":
            return machine.pop()
        if opcode.name not in _STEPS:
            raise _RefusedError(f"the instruction {opcode.name}, which plain data do not need")
        _STEPS[opcode.name](machine, argument)
    raise ValueError("it ends before STOP")


def _plain(item: Plain, depth: int, left: list[int]) -> Plain:
    """Arrays in place of their shells; counts nodes, so that shared lists cannot unfold into billions."""
    left[0] -= 1
    if depth > _MAX_DEPTH or left[0] < 0:
        raise _RefusedError("containers that are nested too deep or unfold to too many items")
    if isinstance(item, _Array):
        if item.values is None:
            raise _RefusedError("an array without content")
        return item.values
    if isinstance(item, list | tuple):
        return type(item)(_plain(part, depth + 1, left) for part in item)
    if isinstance(item, dict):
        return {key: _plain(value, depth + 1, left) for key, value in item.items()}
    if isinstance(item, _Name | _Dtype | _Mark):
        raise _RefusedError("a bare class")
    return item
