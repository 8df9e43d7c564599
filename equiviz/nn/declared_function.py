"""DeclaredFunction: any function or module on tensors, as a model, once its outputs are declared."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import FunctionType, ModuleType
from typing import Any, Literal, TypeAlias, cast

from torch import Tensor, nn

from equiviz.nn.equivariant_model import EquivariantModel, claimed_group
from equiviz.nn.errors import ModelError
from equiviz.nn.rebound_function import rebound
from equiviz.structures.declared_types import DeclaredType
from equiviz.structures.errors import StructureError
from equiviz.structures.graph import Graph
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import ONLY, TypedTensors
from equiviz.symmetry.field import Field, Support
from equiviz.symmetry.representations import Representation

Outputs: TypeAlias = "str | Representation | Sequence[str | Representation] | Mapping[str, str | Representation]"
Per: TypeAlias = Literal["node", "edge", "graph"]
SINGLE = "output"
"""The name of the output of a function that returns one tensor."""


class DeclaredFunction(EquivariantModel):
    """A function of typed tensors as a model: `forward` calls it with plain tensors, and types what it returns.

    Args:
        function: takes one tensor; several, in their order; the dict of tensors; or, where its parameters bear the
            names of the inputs, each by its name. A module is registered, so that its typed submodules are recorded as
            stages; so are modules that a function closes over, whose state is put back after a run.
        outputs: the type of the one tensor it returns, or of each entry of the tuple or dict it returns; "1o per edge"
            says what the rows are.
        per: what the rows of outputs are; None infers it from their number.

    Raises:
        ModelError: `function` cannot be called.
    """

    family = ""

    def __init__(self, function: Callable[..., object], outputs: Outputs, per: Per | None = None) -> None:
        super().__init__(None)
        if not callable(function):
            raise ModelError(f"Expected a function or a torch.nn.Module, got {type(function).__name__}.")
        self.function = function
        self.group = claimed_group(function)  # type: ignore[misc]
        self.held = held_modules(function)
        self.outputs = outputs
        self.per: Per | None = per
        self.training = any(m.training for m in (function, *self.held.children()) if isinstance(m, nn.Module))

    def of(self, function: Callable[..., object]) -> DeclaredFunction:
        """Another function with the same declarations."""
        return DeclaredFunction(function, self.outputs, self.per)

    def __deepcopy__(self, memo: dict[int, Any]) -> DeclaredFunction:
        """A copy whose function reads copies of the modules that it closes over. Raises ModelError where it cannot."""
        if isinstance(self.function, nn.Module):
            made = self.of(copy.deepcopy(self.function, memo))
        else:
            held = copy.deepcopy(self.held, memo)
            made = self.of(rebound(self.function, dict(zip(self.held.modules(), held.modules(), strict=True))))
        made.training = self.training
        if set(made.modules()) & set(self.modules()):
            raise ModelError(f"{self.title} holds modules in places where no copy of it would find theirs.")
        return made

    @property
    def observed(self) -> nn.Module:
        """The module whose parts are stages: the user's own, or those that the function closes over."""
        return self.function if isinstance(self.function, nn.Module) else self.held

    @property
    def title(self) -> str:
        """What reports call it."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def prepare(self, structures: Structure | Sequence[Structure]) -> Graph:
        """Functions take typed tensors, not structures. Raises ModelError."""
        raise ModelError(f"{self.title} was declared as a function of tensors; give it tensors, not {structures!r}.")

    def fresh(self) -> EquivariantModel:
        """Not known of a function. Raises ModelError."""
        raise ModelError(f"How to build another {self.title} is not known.")

    def forward(self, x: TypedTensors) -> dict[str, Field]:  # type: ignore[override]
        """Call the function, and type what it returns.

        Raises:
            ModelError: another output than declared.
        """
        found = self._called(x)
        if isinstance(self.outputs, (str, Representation)):
            return {SINGLE: self._typed(SINGLE, found, self.outputs, x)}
        types, returned = _entries(self.outputs), _entries(found)
        if not set(types) <= set(returned):
            got = ", ".join(map(str, returned)) or type(found).__name__
            form = "dict" if isinstance(self.outputs, Mapping) else "tuple"
            raise ModelError(f"{self.title}: expected a {form} with {', '.join(types)}, got {got}.")
        return {name: self._typed(name, returned[name], kind, x) for name, kind in types.items()}

    def _called(self, x: TypedTensors) -> object:
        tensors = x.tensors()
        if x.form == "one" and not self._takes_names(tensors):
            return self.function(tensors[ONLY])
        if x.form == "several":
            return self.function(*tensors.values())
        return self.function(**tensors) if self._takes_names(tensors) else self.function(tensors)

    def _takes_names(self, tensors: Mapping[str, object]) -> bool:
        called = self.function.forward if isinstance(self.function, nn.Module) else self.function
        try:
            parameters = inspect.signature(called).parameters
        except (TypeError, ValueError):
            return False
        return set(tensors) <= {
            name for name, p in parameters.items() if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        }

    def _typed(self, name: str, value: object, kind: str | Representation, x: TypedTensors) -> Field:
        carried, support = self._declared(name, kind)
        if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
            raise ModelError(f"{self.title}: expected a floating-point tensor for {name!r}, got {_got(value, kind)}.")
        support = support or self._support(name, value, carried, x)
        rows = {"node": x.count, "graph": 1, "edge": x.edges}.get(support)
        width = carried.dim * (rows if rows is not None else max(1, len(value) if value.ndim else 1))
        if value.numel() != width:
            raise ModelError(
                f"{self.title}: {name!r} is declared as {carried} per {support}, {width} numbers in all, but came with "
                f"shape {list(value.shape)}. Declare what it is, or say what its rows are, as in '{carried} per graph'."
            )
        return Field(value.reshape(-1, carried.dim) if carried.dim else value, carried, support)

    def _declared(self, name: str, kind: str | Representation) -> tuple[Representation, Support | None]:
        try:
            told = DeclaredType.parse(name, kind)
        except StructureError as cause:
            raise ModelError(f"{self.title}: output {cause.why}") from cause
        if not isinstance(told.carried, Representation):
            raise ModelError(f"{self.title}: output {name!r} should have irreps, got {kind!r}.")
        return told.carried, told.support or self.per

    def _support(self, name: str, value: Tensor, carried: Representation, x: TypedTensors) -> Support:
        """Rows of nodes, of edges, or one row for all."""
        rows = len(value) if value.ndim else 1
        if value.numel() == carried.dim:
            return "graph"
        if rows == x.count == x.edges:
            raise ModelError(
                f"{self.title}: {name!r} has {rows} rows, and there are as many nodes as edges. Say what they are: "
                f"'{carried} per node' or '{carried} per edge'."
            )
        return "edge" if rows == x.edges and rows != x.count else "node"


def _entries(several: object) -> dict[str, Any]:
    """What a tuple, list or dict holds, by place or by name; nothing of anything else."""
    if isinstance(several, Mapping):
        return {str(name): value for name, value in cast("Mapping[object, object]", several).items()}
    if isinstance(several, (tuple, list)):
        return {str(place): value for place, value in enumerate(cast("Sequence[object]", several))}
    return {}


def _got(value: object, kind: str | Representation) -> str:
    """What came in place of a floating-point tensor, and what would fit it."""
    if isinstance(value, Tensor):
        return f"one of {value.dtype}"
    entries = _entries(value)
    if not entries:
        return f"{type(value).__name__}"
    form, types = "tuple", ", ".join([f"{str(kind)!r}", *["..."] * (len(entries) - 1)])
    if isinstance(value, Mapping):
        form, types = "dict", ", ".join(f"{name!r}: {str(kind)!r}" for name in entries)
        types = f"{{{types}}}"
    else:
        types = f"({types}{',' * (len(entries) == 1)})"
    return f"a {type(value).__name__} with {', '.join(entries)}: give a {form} of types, outputs={types}"


def held_modules(function: object) -> nn.Module:
    """Modules that a function reads without being one, as parts of one module.

    They are looked for in the owner of a bound method, in variables of a closure, globals and defaults, in what a
    `functools.partial` holds, and in the attributes of objects that are no modules; of each of those, in lists, tuples
    and dicts too, one level deep.
    """
    held = nn.Module().eval()
    if isinstance(function, nn.Module):
        return held
    known: set[nn.Module] = set()
    for name, value in _reached(function):
        for path, module in _with_entries(name, value):
            if isinstance(module, nn.Module) and module not in known:
                known.add(module)
                free = path.replace(".", "_")
                while hasattr(held, free):
                    free += "_"
                held.add_module(free, module)
    return held


def _reached(function: object) -> Iterator[tuple[str, object]]:
    """What a function reads, by name."""
    if isinstance(function, functools.partial):
        yield from ((f"argument_{place}", value) for place, value in enumerate(function.args))
        yield from function.keywords.items()
        yield from [("function", function.func), *_reached(function.func)]
        return
    yield from _owned(getattr(function, "__self__", None))
    plain = getattr(function, "__func__", function)
    if not inspect.isfunction(plain):  # an object that is called
        yield from _attributes(function)
        plain = type(function).__call__
    if inspect.isfunction(plain):
        yield from _read(plain)
    if hasattr(function, "__wrapped__"):  # by a decorator
        yield from _reached(cast(Any, function).__wrapped__)


def _owned(owner: object) -> list[tuple[str, object]]:
    """The owner of a bound method, or what it holds."""
    if owner is None or inspect.ismodule(owner):
        return []
    return [("owner", owner)] if isinstance(owner, nn.Module) else _attributes(owner)


def _read(function: FunctionType) -> Iterator[tuple[str, object]]:
    """Globals, variables of the closure, and defaults of a function."""
    try:
        closed = inspect.getclosurevars(function)
        yield from {**closed.globals, **closed.nonlocals}.items()
    except ValueError:  # a variable of the closure has no value yet
        pass
    yield from ((f"default_{place}", value) for place, value in enumerate(function.__defaults__ or ()))
    yield from (function.__kwdefaults__ or {}).items()


def _with_entries(name: str, value: object) -> Iterator[tuple[str, object]]:
    """A value; the entries of a list, tuple, set or dict; what a partial, or an object that is no module, holds."""
    yield name, value
    if isinstance(value, functools.partial):
        named = value.keywords.items()
        parts: Iterable[tuple[object, object]] = [("function", value.func), *enumerate(value.args), *named]
    elif isinstance(value, Mapping):
        parts = list(cast("Mapping[object, object]", value).items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        parts = enumerate(cast("Iterable[object]", value))
    else:
        parts = [] if isinstance(value, (nn.Module, type, ModuleType)) else _attributes(value)
    yield from ((f"{name}.{part}", entry) for part, entry in parts)


def _attributes(holder: object) -> list[tuple[str, object]]:
    return list(cast("dict[str, object]", vars(holder)).items()) if hasattr(holder, "__dict__") else []


def declared(function: Callable[..., object], outputs: Outputs | None, per: Per | None = None) -> DeclaredFunction:
    """As the class; refuses a missing declaration.

    Raises:
        ModelError: no outputs are declared.
    """
    if outputs is None:
        raise ModelError(
            "Expected the type of the outputs beside that of the inputs, for example "
            "inputs='8x0e+4x1o', outputs='1x0e+1o'."
        )
    return DeclaredFunction(function, outputs, per)
