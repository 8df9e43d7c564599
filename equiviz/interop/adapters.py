"""Which adapter a foreign model needs, told by the package of its class; nothing foreign is imported to find out.

The adapters are found by looking into this folder: each module with an `ADAPTER` is one.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from equiviz.interop.errors import InteropError
from equiviz.nn.equivariant_model import EquivariantModel

# What torch.package puts before the names of the modules that it loads.
_PACKAGED = re.compile(r"^<torch_package_\d+>\.")


@dataclass(frozen=True)
class Adapter:
    """How models of one package are wrapped.

    Attributes:
        package: the package's import name, as it begins the module path of its classes.
        install: the pip requirement that brings it.
        adapt: makes an `EquivariantModel` of one of its models.
    """

    package: str
    install: str
    adapt: Callable[[nn.Module], EquivariantModel]


def adapted(model: nn.Module) -> nn.Module:
    """The model as an `EquivariantModel`, if an adapter knows its package; else the model itself.

    A model of equiviz's own is handed back as it came. Subclasses are recognised too: the first known package in the
    order of inheritance counts. The foreign model is held by the wrapper, not copied, and not changed.

    Raises:
        InteropError: the package is known, but this model of it cannot be taken; the message says why.
    """
    if isinstance(model, EquivariantModel):
        return model
    adapter = _adapter_of(type(model))
    return model if adapter is None else adapter.adapt(model)


def adapters() -> dict[str, Adapter]:
    """All adapters by package, in alphabetical order."""
    return dict(_scanned())


def _adapter_of(model_class: type) -> Adapter | None:
    known = _scanned()
    packages = (_package(parent) for parent in model_class.__mro__)
    return next((known[package] for package in packages if package in known), None)


def _package(model_class: type) -> str:
    return _PACKAGED.sub("", model_class.__module__).partition(".")[0]


@functools.cache
def _scanned() -> dict[str, Adapter]:
    folder = importlib.import_module("equiviz.interop")
    names = [info.name for info in pkgutil.iter_modules(folder.__path__)]
    modules = [importlib.import_module(f"equiviz.interop.{name}") for name in names]
    found = [module.ADAPTER for module in modules if isinstance(getattr(module, "ADAPTER", None), Adapter)]
    by_package = {adapter.package: adapter for adapter in sorted(found, key=lambda adapter: adapter.package)}
    if len(by_package) < len(found):
        raise InteropError(f"Two adapters claim one package: {sorted(adapter.package for adapter in found)}.")
    return by_package
