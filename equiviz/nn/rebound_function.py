"""The same function on other modules: what a deep copy of a function would be, if Python made one."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import CellType, FunctionType, MethodType
from typing import Any, TypeAlias, cast

from torch import nn

from equiviz.nn.errors import ModelError

Instead: TypeAlias = Mapping[object, object]
_REPLACED = (nn.Module, FunctionType)
_PLAIN = (list, tuple, set, frozenset)


def rebound(function: Callable[..., Any], instead: Instead) -> Callable[..., Any]:
    """A copy of a function that reads other modules in the places where `held_modules` finds them.

    Args:
        function: a function, a bound method, a `functools.partial`, or an object that is called; left as it is.
        instead: by each module that it reads, the one to read.
    """
    if isinstance(function, functools.partial):
        arguments = [_swapped(value, instead) for value in function.args]
        named = {name: _swapped(value, instead) for name, value in function.keywords.items()}
        return functools.partial(rebound(function.func, instead), *arguments, **named)
    if isinstance(function, MethodType):
        owner = _replaced(function.__self__, instead)
        return MethodType(function.__func__, _with_attributes(owner, instead, _swapped))
    if isinstance(function, FunctionType):
        return _reading(function, instead)
    if hasattr(function, "cache_parameters"):
        cached = cast(Any, function)
        return functools.lru_cache(**cached.cache_parameters())(rebound(cached.__wrapped__, instead))
    return function if isinstance(function, type) else _with_attributes(function, instead, _swapped)


def _reading(function: FunctionType, instead: Instead) -> FunctionType:
    """Other globals, variables of the closure, defaults, and another function inside a decorator's."""
    inner: FunctionType | None = getattr(function, "__wrapped__", None)
    if inner is not None and inner not in instead:
        instead = {**instead, inner: rebound(inner, instead)}
    read = {name: _swapped(function.__globals__[name], instead) for name in _globals(function)}
    closure = tuple(_cell(cell, instead) for cell in function.__closure__ or ()) or None
    made = FunctionType(function.__code__, {**function.__globals__, **read}, function.__name__, None, closure)
    made.__dict__.update(function.__dict__)
    if inner is not None:
        made.__dict__["__wrapped__"] = instead[inner]
    made.__defaults__ = tuple(_swapped(value, instead) for value in function.__defaults__ or ()) or None
    made.__kwdefaults__ = {name: _swapped(value, instead) for name, value in (function.__kwdefaults__ or {}).items()}
    return made


def _globals(function: FunctionType) -> list[str]:
    return [name for name in function.__code__.co_names if name in function.__globals__]


def _cell(cell: CellType, instead: Instead) -> CellType:
    try:
        return CellType(_swapped(cell.cell_contents, instead))
    except ValueError:  # it has no value yet
        return cell


def _swapped(value: Any, instead: Instead) -> Any:
    """A value, or what it holds, one level deep; the value itself where nothing in it changes."""
    if isinstance(value, _REPLACED):
        return _replaced(value, instead)
    if isinstance(value, functools.partial):
        return rebound(cast(Any, value), instead)
    entries: Iterable[object] = value.values() if type(value) is dict else value if type(value) in _PLAIN else ()
    swapped = [_replaced(entry, instead) for entry in entries]
    if any(new is not old for new, old in zip(swapped, entries, strict=True)):
        return type(value)(zip(value, swapped, strict=True) if isinstance(value, dict) else swapped)
    if inspect.isroutine(value) or isinstance(value, type):
        return value
    return _with_attributes(value, instead, _replaced)


def _replaced(value: Any, instead: Instead) -> Any:
    """What stands in its place, or the value itself."""
    return instead.get(value, value) if isinstance(value, _REPLACED) else value


def _with_attributes(holder: Any, instead: Instead, swap: Callable[[Any, Instead], Any]) -> Any:
    """A shallow copy of an object whose attributes are to change; the object itself where none is."""
    closed = inspect.ismodule(holder) or isinstance(holder, nn.Module)
    own: dict[str, object] = {} if closed else getattr(holder, "__dict__", {})
    swapped = {name: swap(value, instead) for name, value in own.items()}
    changed = {name: value for name, value in swapped.items() if value is not own[name]}
    if not changed:
        return holder
    made = copy.copy(holder)
    if made is holder or vars(made) is own:  # what it holds is the user's own, and stays
        raise ModelError(f"{type(holder).__name__} holds modules, and has no copy of its own.")
    vars(made).update(changed)
    return made
