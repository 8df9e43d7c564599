"""The families, found by looking into this folder: each module with a `FAMILY` is one.

Nothing is imported until somebody asks, and nothing is registered by running code: a family is a value that a file
holds.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType

from equiviz.models.configuration import read_config
from equiviz.models.errors import DuplicateFamily, UnknownFamily
from equiviz.nn.equivariant_model import EquivariantModel
from equiviz.structures.structure import Structure
from equiviz.structures.typed_tensors import TypedTensors

# `example(atoms, seed)` gives a structure with every attribute that the family reads, or what it reads instead.
Example = Callable[[int, int], "Structure | TypedTensors"]


@dataclass(frozen=True)
class Family:
    """One published architecture.

    Attributes:
        name: what users type: ``equiviz.models.registry.build("glassy")``.
        config_class: a frozen dataclass.
        model_class: the model; its only argument is a configuration.
        paper: the reference, as one line with a DOI or arXiv number.
        group: the symmetry claimed, as in `EquivariantModel`.
        small: settings of a quick network of this family, for tests and demonstrations.
        example: makes a structure of a given number of atoms (0, 1, 2 ... must work) from a seed, with all attributes
            that the family reads; None when any structure of species 1 and 2 will do.
        references: by the name of shipped weights, what others reach on the like, with its source: for the table of
            models.
    """

    name: str
    config_class: type
    model_class: type[EquivariantModel]
    paper: str
    group: str
    small: Mapping[str, object] = field(default_factory=dict)
    example: Example | None = None
    references: Mapping[str, str] = field(default_factory=dict)

    def configure(self, values: Mapping[str, object] | None = None) -> object:
        """A configuration of this family from plain values. Raises ConfigError on one that does not fit."""
        return read_config(self.config_class, values or {}, self.name)

    def build(self, config: Mapping[str, object] | object | None = None) -> EquivariantModel:
        """A model with fresh weights, from plain values or from a configuration."""
        if config is None or isinstance(config, Mapping):
            config = self.configure(config)
        return self.model_class(config)


def families() -> dict[str, Family]:
    """All families by name, in alphabetical order. The folder is scanned once, on the first call."""
    return dict(_scanned())


def family(name: str) -> Family:
    """The family of that name. Raises UnknownFamily, which lists the known ones."""
    known = _scanned()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownFamily(f"There is no family {name!r}.{hint} Known families: {', '.join(known) or 'none'}.")


def build(name: str, config: Mapping[str, object] | object | None = None) -> EquivariantModel:
    """A model with fresh weights: ``build("glassy", {"lmax": 2})``.

    Raises:
        UnknownFamily: no family bears the name.
        ConfigError: an entry is unknown, missing or of the wrong kind.
    """
    return family(name).build(config)


def collect(modules: Iterable[ModuleType]) -> dict[str, Family]:
    """The families that these modules declare, sorted by name.

    Raises:
        DuplicateFamily: two modules declare the same name; both are named.
    """
    found: dict[str, Family] = {}
    origin: dict[str, str] = {}
    for module in modules:
        declared = getattr(module, "FAMILY", None)
        if not isinstance(declared, Family):
            continue
        if declared.name in found:
            raise DuplicateFamily(
                f"The family {declared.name!r} is declared twice: in {origin[declared.name]} and in {module.__name__}. "
                "Rename one of them."
            )
        found[declared.name], origin[declared.name] = declared, module.__name__
    return dict(sorted(found.items()))


@functools.cache
def _scanned() -> dict[str, Family]:
    package = importlib.import_module("equiviz.models")
    names = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg]
    return collect(importlib.import_module(f"equiviz.models.{name}") for name in names)
