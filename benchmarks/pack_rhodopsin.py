"""Pack the rhodopsin that nglview ships into data/proteins: a structure file and every second frame of its trajectory.

    python -m benchmarks.pack_rhodopsin NGLVIEW/datafiles       (nglview 4.0, MIT licence; its md_1u19.pdb and .trr)

The trajectory is in GROMACS' TRR format: big-endian, a header of counts and then numbers (nm); positions become
differences between frames in hundredths of Å.
"""

from __future__ import annotations

import argparse
import gzip
import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from equiviz.structures.atomic_file import write_atomically

OUT = Path(__file__).resolve().parents[1] / "data" / "proteins"
MAGIC = 1993
SIZES = 13  # integers of the header: sizes of eleven blocks, atoms, step


def frames(path: Path) -> Iterator[tuple[float, np.ndarray]]:
    """Time (ps) and positions ``[A, 3]`` (Å) of each frame."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        magic, _, length = struct.unpack_from(">iii", data, at)
        if magic != MAGIC:
            raise ValueError(f"{path}: no frame at byte {at}")
        at += 12 + length + (-length) % 4
        numbers = struct.unpack_from(f">{SIZES}i", data, at)
        box, vir, pres, x, v, f, atoms = (numbers[k] for k in (2, 3, 4, 7, 8, 9, 10))
        at += 4 * SIZES
        (time,) = struct.unpack_from(">f", data, at)
        at += 8 + box + vir + pres
        places = np.frombuffer(data, ">f4", 3 * atoms, at).reshape(atoms, 3)
        at += x + v + f
        yield time, 10.0 * places.astype(np.float64)


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    kept = list(frames(folder / "md_1u19.trr"))[::2]
    hundredths = np.rint(100 * np.array([places for _, places in kept])).astype(np.int32)
    steps = np.diff(hundredths, axis=0, prepend=0).astype(np.int16)  # the first frame as it is, then the changes
    file = io.BytesIO()
    np.savez_compressed(file, steps=steps, times=np.array([time for time, _ in kept], np.float64))
    write_atomically(OUT / "rhodopsin_frames.npz", file.getvalue())
    text = (folder / "md_1u19.pdb").read_bytes()
    write_atomically(OUT / "rhodopsin.pdb.gz", gzip.compress(text, 9, mtime=0))
    print(f"{len(kept)} frames, {kept[0][0]:g} to {kept[-1][0]:g} ps, {steps.shape[1]} atoms")


if __name__ == "__main__":
    main()
