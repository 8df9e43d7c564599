"""Adapters to foreign models, one file each: mace, nequip, schnetpack, graph_pes, pyg.

`adapted(model)` recognises a model by the package of its class and wraps it as an `EquivariantModel`, so that every
verb takes it. `undisturbed()` keeps what those packages do to the process (default dtype, seeds, environment) inside
one ``with``. No foreign package is imported unless a model comes from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.lazy_names import lazy_names

if TYPE_CHECKING:
    from equiviz.interop.adapters import adapted as adapted
    from equiviz.interop.errors import InteropError as InteropError
    from equiviz.interop.foreign_model import ForeignModel as ForeignModel
    from equiviz.interop.global_state import undisturbed as undisturbed
    from equiviz.interop.taps import Tap as Tap

_HOME = {
    "ForeignModel": "foreign_model",
    "InteropError": "errors",
    "Tap": "taps",
    "adapted": "adapters",
    "undisturbed": "global_state",
}

__all__ = ["ForeignModel", "InteropError", "Tap", "adapted", "undisturbed"]

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return list(__all__)
