"""Reading a folder of configurations in any of the supported formats, recognised by content."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.bapst import read_bapst
from equiviz.datasets.glass.botan import is_botan, read_botan
from equiviz.datasets.glass.configuration import GlassConfiguration
from equiviz.datasets.glass.generated import is_generated, read_generated
from equiviz.datasets.glass.packed import is_packed, read_packed

_FORMATS = "BOTAN .npz, Bapst .pickle, or files of `equiviz generate glass`, packed sets"
_PICKLES = (".pickle", ".pkl")


def read_configurations(path: Path | str, time: float | None = None) -> list[GlassConfiguration]:
    """Read the configurations of one file (one, unless it is packed); its content tells the format.

    Args:
        path: The file.
        time: Time of a BOTAN file [LJ] whose name does not tell it. The other formats state their times.

    Raises:
        DatasetError: of no supported format, damaged or hostile; or a time for a file that states its own.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetError(path, "expected a file, there is none")
    names = frozenset[str]() if path.suffix in _PICKLES else _names(path)
    if is_botan(names) and not is_packed(names) and not is_generated(names):
        return [read_botan(path, time)]
    if time is not None:
        raise DatasetError(path, f"expected a BOTAN file for time={time:g}; leave the time out: other formats state it")
    if path.suffix in _PICKLES:
        return [read_bapst(path)]
    if is_packed(names):
        return read_packed(path)
    if is_generated(names):
        return [read_generated(path)]
    raise DatasetError(path, f"expected {_FORMATS}; found an npz with {', '.join(sorted(names)[:12]) or 'nothing'}")


def read_folder(folder: Path | str, time: float | None = None) -> list[GlassConfiguration]:
    """Read every configuration in a folder, in natural order of their names (2 before 10).

    Args:
        folder: Of configurations in any of the supported formats.
        time: Time of its BOTAN files [LJ], where their names do not tell it; as in `read_configurations`.

    Raises:
        DatasetError: no such folder, nothing in it, or a file that cannot be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        there = "this is a file" if folder.exists() else "no such folder"
        raise DatasetError(folder, f"{there}; expected a folder of configurations ({_FORMATS})")
    paths = [path for path in folder.iterdir() if _is_data(path)]
    if not paths:
        inside = sorted(path.name for path in folder.iterdir() if path.is_dir() and any(map(_is_data, path.iterdir())))
        hint = f"; there are some in {', '.join(inside)}: give one of these, as {folder / inside[0]}" if inside else ""
        raise DatasetError(folder, f"expected {_FORMATS}, found no .npz or .pickle file in the folder itself{hint}")
    return [one for path in sorted(paths, key=_natural) for one in read_configurations(path, time)]


def read_splits(
    folder: Path | str, time: float | None = None
) -> tuple[list[GlassConfiguration], list[GlassConfiguration] | None]:
    """Read the configurations of a folder to train on, and those to validate on, where the folder tells them apart.

    A folder with data in its subfolder ``train`` is a set with splits: ``validation`` is taken if it is there, and
    ``test`` is left alone. Any other folder is read as a whole.

    Args:
        folder, time: as in `read_folder`.

    Returns:
        the configurations, and those for validation, or None where the folder does not tell.

    Raises:
        DatasetError: as `read_folder`.
    """
    folder = Path(folder)
    if not folder.is_dir() or any(map(_is_data, folder.iterdir())) or not (folder / "train").is_dir():
        return read_folder(folder, time), None
    held = read_folder(folder / "validation", time) if (folder / "validation").is_dir() else None
    return read_folder(folder / "train", time), held


def _is_data(path: Path) -> bool:
    return path.suffix in (".npz", *_PICKLES) and path.name[0] != "."


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _names(path: Path) -> frozenset[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(name.removesuffix(".npy") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as cause:
        raise DatasetError(path, f"expected {_FORMATS}; this is not a readable npz ({cause})") from cause
