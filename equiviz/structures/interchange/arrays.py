"""Structure <-> flat dict of numpy arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from equiviz.structures.attributes import GRAPH_NAMES, Kind, Types, known_type, representation_text, typed_fields
from equiviz.structures.errors import StructureError

if TYPE_CHECKING:
    from equiviz.structures.structure import SpeciesNames, Structure

#: Keys that are not attributes. "types" holds {"node": {name: text}, "graph": {name: text}}.
RESERVED = ("positions", "species", "cell", "pbc", "length_unit", "species_names", "name", "types")

#: Those of them that hold no numbers.
_WORDS = ("length_unit", "species_names", "name", "types")


def attribute_types(structure: Structure) -> dict[str, dict[str, str]]:
    """Return {"node": {name: representation}, "graph": {...}} of a structure, as text."""
    return {
        "node": {name: representation_text(item.representation) for name, item in structure.node.items()},
        "graph": {name: representation_text(item.representation) for name, item in structure.graph.items()},
    }


def to_dict(structure: Structure) -> dict[str, object]:
    """Return positions [N, 3], species [N], cell [3, 3] or None, pbc [3], each attribute under its name, and "types".

    Raises:
        StructureError: a node and a graph attribute with one name, or an attribute named like a key of the format.
    """
    typed = [*structure.node.items(), *structure.graph.items()]
    names = [*RESERVED, *(name for name, _ in typed)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise StructureError(None, None, f"a flat dict needs different names; rename the attributes {doubled}")
    return {
        "positions": structure.positions.detach().cpu().numpy(),
        "species": structure.species.cpu().numpy(),
        "cell": None if structure.cell is None else structure.cell.detach().cpu().numpy(),
        "pbc": np.asarray(structure.pbc),
        "length_unit": structure.length_unit,
        "species_names": structure.species_names,
        "name": structure.name,
        "types": attribute_types(structure),
        **{name: item.values.detach().cpu().numpy() for name, item in typed},
    }


def from_dict(arrays: Mapping[str, object], attributes: Types | None = None) -> Structure:
    """Make a structure of a dict of arrays, as `to_dict` returns or written by hand.

    Args:
        arrays: "positions" [N, 3] and "species" [N] are needed; the other reserved keys are optional ("pbc" is all True
            where there is a cell); every further key is an attribute. Numpy arrays, nested lists, or tensors in main
            memory.
        attributes: name -> representation for attributes whose names are not usual (see
            `equiviz.structures.attributes`). Attributes without a type are left out.

    Raises:
        StructureError: missing keys, arrays that do not fit each other or their type, tensors on another device.
    """
    from equiviz.structures.structure import Structure

    missing = [key for key in ("positions", "species") if key not in arrays]
    if missing:
        raise StructureError(None, None, f"a dict of arrays needs 'positions' and 'species'; {missing} missing")
    arrays = {name: value if name in _WORDS else _in_memory(name, value) for name, value in arrays.items()}
    species = _tensor("species", arrays["species"])
    count = _count(species)
    node, graph = _attributes(arrays, count)
    cell = arrays.get("cell")
    pbc = arrays.get("pbc")
    return Structure(
        positions=_tensor("positions", arrays["positions"]),
        species=species,
        cell=None if cell is None else _tensor("cell", cell),
        pbc=_flags(cell is not None if pbc is None else pbc),
        node=typed_fields("node", node, count, _types(arrays, "node", attributes)),
        graph=typed_fields("graph", graph, count, _types(arrays, "graph", attributes)),
        length_unit=str(arrays.get("length_unit", "Å")),
        species_names=cast("SpeciesNames", arrays.get("species_names")),
        name=str(arrays.get("name", "")),
    )


def _types(arrays: Mapping[str, object], kind: Kind, attributes: Types | None) -> Types:
    own = cast("Mapping[str, Types]", arrays.get("types", {}))
    return {**own.get(kind, {}), **(attributes or {})}


def _in_memory(name: str, value: object) -> object:
    """Return a tensor as it is, None, or a numpy array of anything else; refuse what numpy cannot hold."""
    if isinstance(value, torch.Tensor):
        if value.device.type != "cpu":
            why = f"expected arrays in main memory, but {name!r} is a tensor on {value.device}; pass its .cpu(), "
            raise StructureError(
                None, None, f"{why}and move the structure afterwards: structure.to({str(value.device)!r})"
            )
        return value
    try:
        return None if value is None else np.asarray(value)
    except (TypeError, ValueError) as error:
        why = f"expected an array of numbers for {name!r}, got {type(value).__name__} that is none ({error}); "
        raise StructureError(None, None, f"{why}give every row the same length") from error


def _tensor(name: str, value: object) -> torch.Tensor:
    """Return a tensor; Python numbers become float64 or int64, whatever the default dtype."""
    if isinstance(value, torch.Tensor):
        return value
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biufc":
        what = "None" if value is None else f"values of type {np.asarray(value).dtype}"
        hint = "; write atomic numbers, or type numbers with species_names" if name == "species" else ""
        raise StructureError(None, None, f"expected numbers for {name!r}, got {what}{hint}")
    return torch.as_tensor(value)


def _count(species: torch.Tensor) -> int:
    if species.ndim != 1:
        why = f"'species' must have shape [N], one number per point, got shape {list(species.shape)}"
        raise StructureError(None, None, f"{why}; for a single point write [8], not 8" if not species.ndim else why)
    return len(species)


def _flags(value: object) -> tuple[bool, bool, bool]:
    flags = np.asarray(value)
    if flags.shape not in ((), (1,), (3,)) or flags.dtype.kind not in "biuf":
        why = f"'pbc' must be one boolean, or three, one per lattice vector, got {str(value)[:60]}"
        raise StructureError(
            None, None, f"{why} of shape {list(flags.shape)}; write pbc=[True, True, False] or the like"
        )
    first, second, third = np.broadcast_to(flags.astype(bool), 3).tolist()
    return first, second, third


def _attributes(arrays: Mapping[str, object], points: int) -> tuple[dict[str, object], dict[str, object]]:
    """Split the attributes into those of points and those of the whole."""
    kinds: dict[Kind, dict[str, object]] = {"node": {}, "graph": {}}
    for name, array in arrays.items():
        if name not in RESERVED:
            kinds[_kind(arrays, name, array, points)][name] = array
    return kinds["node"], kinds["graph"]


def _kind(arrays: Mapping[str, object], name: str, array: object, points: int) -> Kind:
    for kind in ("node", "graph"):
        if name in _types(arrays, kind, None):
            return kind
    shape = tuple(array.shape) if isinstance(array, (torch.Tensor, np.ndarray)) else ()
    if known_type("graph", name, math.prod(shape)) and name.lower() in GRAPH_NAMES:
        return "graph"
    return "node" if shape[:1] == (points,) else "graph"
