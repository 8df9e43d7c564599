"""The set that comes with the package: 60 configurations at T = 0.56 (see ``data/glass/README.md``)."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.packed import configurations_of, write_packed
from equiviz.datasets.npz_file import read_npz
from equiviz.structures.atomic_file import write_atomically

Split: TypeAlias = Literal["train", "validation", "test"]

_MANIFEST = "manifest.json"
_FILE = "configurations.npz"
_RUNS_OUTSIDE_TRAINING = {0: "test", 1: "validation"}


def load_shipped(split: Split, folder: Path | None = None) -> list[GlassConfiguration]:
    """Load one split of the shipped set; its SHA-256 is checked first.

    Configurations of one simulation run are all in the same split.

    Args:
        split: "train" (40 configurations), "validation" (10) or "test" (10).
        folder: Another folder made by `pack`.

    Raises:
        DatasetError: unknown split, files missing, or a checksum that does not match.
    """
    if split not in get_args(Split):
        raise DatasetError(None, f"split: expected 'train', 'validation' or 'test', got {split!r}")
    folder = shipped_folder() if folder is None else folder
    entry = _manifest(folder)["splits"][split]
    path = folder / split / _FILE
    _verify(path, str(entry["sha256"]))
    return configurations_of(path, read_npz(path))


def shipped_folder() -> Path:
    """Folder of the shipped set: inside the installed package, or ``data/glass`` of the repository.

    Raises:
        DatasetError: it is in neither place.
    """
    package = Path(str(files("equiviz")))
    for folder in (package / "data" / "glass", package.parent / "data" / "glass"):
        if (folder / _MANIFEST).is_file():
            return folder
    raise DatasetError(package, "expected data/glass inside the package or beside it; install equiviz again")


def pack(generated: Path | str, out: Path | str) -> Path:
    """Pack the folder of a finished `generate` into a set with splits, manifest and equilibration record.

    Run 0 becomes the test split, run 1 validation, all others training.

    Returns:
        The path of the manifest.

    Raises:
        DatasetError: a split would be empty.
    """
    source, out = Path(generated), Path(out)
    groups: dict[str, list[Path]] = {split: [] for split in get_args(Split)}
    for path in sorted(source.glob("configuration_*.npz")):
        groups[_RUNS_OUTSIDE_TRAINING.get(int(read_npz(path)["run"]), "train")].append(path)
    splits: dict[str, Any] = {}
    for split, paths in groups.items():
        if not paths:
            raise DatasetError(
                source, f"expected configurations for each split, the {split} split has none; use 3 runs"
            )
        (out / split).mkdir(parents=True, exist_ok=True)
        write_packed(paths, out / split / _FILE)
        splits[split] = {"configurations": len(paths), "sha256": _sha256(out / split / _FILE)}
    _write_equilibration(source, out)
    manifest = {"format": "equiviz-glass-manifest-1", "recipe": json.loads((source / "recipe.json").read_text())}
    write_atomically(out / _MANIFEST, json.dumps({**manifest, "splits": splits}, indent=1) + "\n")
    return out / _MANIFEST


def _write_equilibration(source: Path, out: Path) -> None:
    """Mean potential energy, temperature and F_s(lag) of every segment of every run: the evidence of equilibrium."""
    rows: list[dict[str, object]] = []
    for path in sorted((source / "runs").glob("run_*_*.npz")):
        arrays = read_npz(path)
        if "energies" in arrays:
            _, run, segment = path.stem.split("_")
            means = {key: round(float(arrays[key].mean()), 6) for key in ("energies", "temperatures", "scattering")}
            rows.append({"run": int(run), "segment": int(segment), **means})
    lines = ",\n ".join(json.dumps(row) for row in rows)
    write_atomically(out / "equilibration.json", f"[\n {lines}\n]\n")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        content = json.loads((folder / _MANIFEST).read_text())
        return {"splits": {split: content["splits"][split] for split in get_args(Split)}}
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DatasetError(
            folder / _MANIFEST, f"expected the manifest of a packed set, could not read it ({cause!r})"
        ) from cause


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _verify(path: Path, expected: str) -> None:
    if not path.is_file():
        raise DatasetError(path, "expected a file of the shipped set, there is none; install equiviz again")
    found = _sha256(path)
    if found != expected:
        raise DatasetError(
            path, f"expected SHA-256 {expected}, got {found}; the file is damaged: install equiviz again"
        )
