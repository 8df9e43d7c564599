"""The registry of descriptor families: one file in `families/` is one family, and nothing else has to change.

A family file ends with `FAMILY = DescriptorFamily(...)`. Files are imported when the registry is first asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, TypeAlias

from equiviz.descriptors import families
from equiviz.descriptors.descriptor import Descriptor, DescriptorConfig
from equiviz.descriptors.errors import DescriptorError

AnyDescriptor: TypeAlias = "Descriptor[Any]"


@dataclass(frozen=True)
class DescriptorFamily:
    """One family of descriptors.

    Attributes:
        name: how the registry and the command line call it.
        config_class: its frozen dataclass of options.
        descriptor_class: its descriptor; `descriptor_class(config)` makes one.
        source: the paper that wrote it down.
        summary: what it measures, in one plain sentence.
    """

    name: str
    config_class: type[DescriptorConfig]
    descriptor_class: type[AnyDescriptor]
    source: str
    summary: str


def available() -> dict[str, DescriptorFamily]:
    """Return all families by name, in alphabetical order.

    Raises:
        DescriptorError: a file without FAMILY, or two files with the same family name.
    """
    return dict(_families())


def build(name: str, **options: Any) -> AnyDescriptor:
    """Return the descriptor of a family with these options (the fields of its config).

    Raises:
        DescriptorError: an unknown family or option, or options that the config refuses.
    """
    family = _family(name)
    fields = family.config_class.__dataclass_fields__
    unknown = sorted(set(options) - set(fields))
    if unknown:
        raise DescriptorError(f"{name} has no option {unknown[0]!r}; its options are: {', '.join(fields)}")
    return family.descriptor_class(family.config_class(**options))


def standard(
    name: str, cutoff: float, species: tuple[int, ...] = (), species_names: tuple[str, ...] = ()
) -> AnyDescriptor:
    """Return the descriptor of a family with its customary options for a cutoff (length unit of the structure).

    Raises:
        DescriptorError: an unknown family, or a cutoff that is not positive and finite.
    """
    family = _family(name)
    return family.descriptor_class(family.config_class.standard(cutoff, species, species_names))


def _family(name: str) -> DescriptorFamily:
    found = _families().get(name)
    if found is None:
        raise DescriptorError(f"there is no descriptor family {name!r}; available: {', '.join(_families())}")
    return found


@cache
def _families() -> dict[str, DescriptorFamily]:
    found: dict[str, DescriptorFamily] = {}
    for module in sorted(entry.name for entry in iter_modules(families.__path__)):
        family = getattr(import_module(f"{families.__name__}.{module}"), "FAMILY", None)
        register(found, family, f"{families.__name__}.{module}")
    return dict(sorted(found.items()))


def register(found: dict[str, DescriptorFamily], family: object, module: str) -> None:
    """Enter the family of a module among those found.

    Raises:
        DescriptorError: the module's FAMILY is missing or of another type, or its name is taken.
    """
    if not isinstance(family, DescriptorFamily):
        raise DescriptorError(f"{module} must end with FAMILY = DescriptorFamily(...), found {family!r}")
    if family.name in found:
        taken = found[family.name].descriptor_class.__module__
        raise DescriptorError(f"{module} registers the family {family.name!r}, but {taken} has that name; rename one")
    found[family.name] = family
