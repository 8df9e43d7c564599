"""From a plain dict (JSON, command line) to a family's frozen configuration, and back, with errors that help."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from equiviz.models.errors import ConfigError

ConfigT = TypeVar("ConfigT")


def read_config(config_class: type[ConfigT], values: Mapping[str, object], owner: str) -> ConfigT:
    """Build ``config_class(**values)``: unknown names are refused, lists become tuples, whole numbers become floats.

    Args:
        config_class: a frozen dataclass whose fields are annotated with plain types (numbers, strings, tuples,
            Literals, unions).
        values: the entries, as JSON gives them.
        owner: whose configuration it is, for the messages (``"glassy"``).

    Raises:
        ConfigError: unknown, missing or ill-typed entry, or one that the dataclass itself refuses.
    """
    fields = {f.name: f for f in dataclasses.fields(config_class) if f.init}  # type: ignore[arg-type]
    _refuse_unknown(values, list(fields), owner)
    _refuse_missing(values, fields, owner)
    hints = get_type_hints(config_class)
    accepted = {name: _accept(value, hints[name], f"{owner}.{name}") for name, value in values.items()}
    try:
        return config_class(**accepted)
    except (ValueError, TypeError) as problem:
        raise ConfigError(f"The configuration of {owner!r} does not hold together: {problem}") from problem


def write_config(config: object) -> dict[str, object]:
    """The entries of a configuration as plain values that JSON can hold (tuples as lists)."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise ConfigError(f"A configuration is a frozen dataclass, but {type(config).__name__} came.")
    return {f.name: _plain(getattr(config, f.name)) for f in dataclasses.fields(config) if f.init}


def _plain(value: object) -> object:
    if isinstance(value, (tuple, list)):
        return [_plain(entry) for entry in value]
    return value


def _refuse_unknown(values: Mapping[str, object], known: list[str], owner: str) -> None:
    for name in values:
        if name in known:
            continue
        near = difflib.get_close_matches(str(name), known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"{owner!r} has no setting {name!r}.{hint} It has: {', '.join(known)}.")


def _refuse_missing(values: Mapping[str, object], fields: Mapping[str, dataclasses.Field[object]], owner: str) -> None:
    empty = dataclasses.MISSING
    needed = [n for n, f in fields.items() if f.default is empty and f.default_factory is empty]
    missing = [name for name in needed if name not in values]
    if missing:
        raise ConfigError(f"{owner!r} needs a value for {', '.join(missing)}; none was given and there is no default.")


def _accept(value: object, hint: object, where: str) -> object:
    """The value as the hint wants it, or a ConfigError that names `where`."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return _accept_union(value, hint, where)
    if origin is Literal:
        return _accept_literal(value, hint, where)
    if origin is tuple:
        return _accept_tuple(value, hint, where)
    return _accept_plain(value, hint, where)


def _accept_union(value: object, hint: object, where: str) -> object:
    for option in get_args(hint):
        try:
            return _accept(value, option, where)
        except ConfigError:
            continue
    raise _mismatch(value, " or ".join(_spelled(option) for option in get_args(hint)), where)


def _accept_literal(value: object, hint: object, where: str) -> object:
    if value in get_args(hint):
        return value
    raise _mismatch(value, "one of " + ", ".join(repr(option) for option in get_args(hint)), where)


def _accept_tuple(value: object, hint: object, where: str) -> object:
    if not isinstance(value, (list, tuple)):
        raise _mismatch(value, "a list", where)
    entries = get_args(hint)
    if len(entries) == 2 and entries[1] is Ellipsis:
        entries = (entries[0],) * len(value)
    if len(entries) != len(value):
        raise _mismatch(value, f"a list of {len(entries)} entries", where)
    return tuple(
        _accept(entry, kind, f"{where}[{i}]") for i, (entry, kind) in enumerate(zip(value, entries, strict=True))
    )


def _accept_plain(value: object, hint: object, where: str) -> object:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) and hint in (int, float):
        raise _mismatch(value, _spelled(hint), where)
    # Parametrised containers other than tuples are checked on the outside only: the dataclass knows the rest.
    kind = get_origin(hint) or hint
    if isinstance(kind, type) and not isinstance(value, kind):
        raise _mismatch(value, _spelled(hint), where)
    return value


def _spelled(hint: object) -> str:
    return "None" if hint is NoneType else getattr(hint, "__name__", str(hint))


def _mismatch(value: object, expected: str, where: str) -> ConfigError:
    return ConfigError(f"{where} should be {expected}, but {value!r} ({type(value).__name__}) was given.")
