"""Pack the rhodopsin that nglview ships into data/proteins: a structure file and every second frame of its trajectory.

    python -m benchmarks.pack_rhodopsin NGLVIEW/datafiles       (nglview 4.0, MIT licence; its md_1u19.pdb and .trr)

Positions become differences between frames in hundredths of Å.
"""

from __future__ import annotations

import argparse
import gzip
import io
from pathlib import Path

import numpy as np

from equiviz.structures.atomic_file import write_atomically
from equiviz.structures.formats.trr import read_trr

APART = 40.0
"""ps between the frames that are kept; the file's own times are 20 apart."""
OUT = Path(__file__).resolve().parents[1] / "data" / "proteins"


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    kept = read_trr(folder / "md_1u19.trr")[::2]
    hundredths = np.rint(100 * kept).astype(np.int32)
    steps = np.diff(hundredths, axis=0, prepend=0).astype(np.int16)  # the first frame as it is, then the changes
    file = io.BytesIO()
    np.savez_compressed(file, steps=steps, times=APART * np.arange(len(kept)))
    write_atomically(OUT / "rhodopsin_frames.npz", file.getvalue())
    text = (folder / "md_1u19.pdb").read_bytes()
    write_atomically(OUT / "rhodopsin.pdb.gz", gzip.compress(text, 9, mtime=0))
    print(f"{len(kept)} frames, {APART:g} ps apart, {steps.shape[1]} atoms")


if __name__ == "__main__":
    main()
