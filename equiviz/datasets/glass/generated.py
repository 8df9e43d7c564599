"""Our own format: one ``.npz`` per configuration, as ``equiviz.datasets.glass.generate`` and the shipped set hold it.

Arrays are named as the fields of `GlassConfiguration`; ``format`` is ``equiviz-glass-1``. The shipped set leaves out
what follows from the rest, and stores halves and energies in half precision (see ``data/glass/README.md``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.configuration import GlassConfiguration, expect_keys, liquid_structure, naming, tensor
from equiviz.datasets.npz_file import read_npz
from equiviz.symmetry.field import Field

FORMAT = "equiviz-glass-1"
_KEYS = ("format", "types", "box", "temperature", "times", "positions", "propensity", "replicas")

Arrays = Mapping[str, NDArray[Any]]


def is_generated(names: frozenset[str]) -> bool:
    """Whether an npz with these arrays is of this format."""
    return "format" in names and "propensity" in names


def read_generated(path: Path | str) -> GlassConfiguration:
    """Read one configuration that ``equiviz generate glass`` wrote.

    Raises:
        DatasetError: not this format, damaged or hostile.
    """
    path = Path(path)
    return configuration_of(path, path.stem, read_npz(path))


def configuration_of(path: Path, name: str, arrays: Arrays) -> GlassConfiguration:
    """Build a configuration from the arrays of our format; ``path`` is only for messages. Raises DatasetError."""
    expect_keys(path, arrays, _KEYS, FORMAT)
    if str(arrays["format"]) != FORMAT:
        raise DatasetError(path, f"expected format {FORMAT!r}, got {str(arrays['format'])!r}; a newer equiviz wrote it")
    with naming(path, FORMAT):
        return _configuration(name, arrays)


def _configuration(name: str, arrays: Arrays) -> GlassConfiguration:
    positions = tensor(arrays["positions"])
    optional = {key: tensor(arrays[key]) for key in _OPTIONAL if key in arrays}
    structure = liquid_structure(name, positions, arrays["types"], arrays["box"], _attributes(positions, optional))
    return GlassConfiguration(
        structure=structure,
        times=tensor(arrays["times"]),
        propensity=tensor(arrays["propensity"]),
        half_propensities=optional.get("half_propensities"),
        mean_displacement=optional.get("mean_displacement"),
        temperature=float(arrays["temperature"]),
        replicas=int(arrays["replicas"]),
        inherent_positions=optional.get("inherent_positions"),
        inherent_energies=optional.get("inherent_energies"),
        thermal_energies=optional.get("thermal_energies"),
        scattering=optional.get("scattering"),
        run=int(arrays["run"]) if "run" in arrays else None,
    )


_OPTIONAL = (
    *("half_propensities", "mean_displacement", "inherent_positions", "inherent_energies", "thermal_energies"),
    "scattering",
)


def _attributes(positions: Tensor, optional: Mapping[str, Tensor]) -> dict[str, Field]:
    """Typed attributes of the structure: what a model may take besides positions and species."""
    node = {}
    if "inherent_positions" in optional:
        node["inherent_displacement"] = Field(optional["inherent_positions"] - positions, "1x1o", "node")
    for name, key in (("inherent_energy", "inherent_energies"), ("thermal_energy", "thermal_energies")):
        if key in optional:
            node[name] = Field(optional[key][:, None], "1x0e", "node")
    return node


__all__ = ["FORMAT", "configuration_of", "is_generated", "read_generated"]
