"""Structure <-> flat dict of numpy arrays."""

from __future__ import annotations

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
            where there is a cell); every further key is an attribute.
        attributes: name -> representation for attributes whose names are not usual (see
            `equiviz.structures.attributes`). Attributes without a type are left out.

    Raises:
        StructureError: missing keys, arrays that do not fit each other or their type.
    """
    from equiviz.structures.structure import Structure

    missing = [key for key in ("positions", "species") if key not in arrays]
    if missing:
        raise StructureError(None, None, f"a dict of arrays needs 'positions' and 'species'; {missing} missing")
    count = len(np.asarray(arrays["species"]))
    node, graph = _attributes(arrays, count)
    cell = arrays.get("cell")
    pbc = arrays.get("pbc")
    return Structure(
        positions=_tensor(arrays["positions"]),
        species=_tensor(arrays["species"]),
        cell=None if cell is None else _tensor(cell),
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


def _tensor(value: object) -> torch.Tensor:
    """Return a tensor; Python numbers become float64 or int64, whatever the default dtype."""
    return value if isinstance(value, torch.Tensor) else torch.as_tensor(np.asarray(value))


def _flags(value: object) -> tuple[bool, bool, bool]:
    first, second, third = np.broadcast_to(np.asarray(value, dtype=bool), 3).tolist()
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
    if known_type("graph", name, int(np.size(np.asarray(array)))) and name.lower() in GRAPH_NAMES:
        return "graph"
    return "node" if np.asarray(array).shape[:1] == (points,) else "graph"
