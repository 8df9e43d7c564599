"""Does a damaged file ever cost more than a StructureError?"""

from __future__ import annotations

import random
import time
import tracemalloc
from pathlib import Path

import pytest

from equiviz.structures import Structure, StructureError, read

SAMPLES = Path(__file__).parent / "sample_files"
NAMES = ("water.extxyz", "liquid.xyz", "POSCAR", "rutile.cif", "glycine.pdb", "glycine.mmcif")
#: What breaks parsers: not finite, too large, too many, not text.
TOKENS = (
    *(
        b"nan",
        b"inf",
        b"-1e400",
        b"1e308",
        b"99999999999",
        b"-1",
        b"0",
        b"",
        b"\0",
        b"\xff\xfe",
        b"'",
        b'"',
        b";",
        b"_",
    ),
    *(
        b"loop_",
        b"data_",
        b"MODEL",
        b"[[[[",
        b"_JSON " + b"[" * 3000,
        b"x" * 5000,
        b"=",
        b"\t",
        b"\r\n",
        b"A",
        b"*****",
    ),
)


def mutated(data: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 5))):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((1, 4, 20, 200)))
        other = rng.randrange(len(data) + 1)
        words = data.split(b" ")
        choice = rng.randrange(6)
        if choice == 0:
            data = data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :]
        elif choice == 1:
            data = data[:start] + data[end:]
        elif choice == 2:
            data = data[:other] + data[start:end] + data[other:]
        elif choice == 3:
            data = data[:start] + rng.choice(TOKENS) + data[start:]
        elif choice == 4:
            words[rng.randrange(len(words))] = rng.choice(TOKENS)
            data = b" ".join(words)
        else:
            data = data[:start] if rng.random() < 0.3 else data[:start] + data[start:end].swapcase() + data[end:]
    return data


def outcomes(name: str, folder: Path, count: int, seed: int) -> dict[str, int]:
    rng = random.Random(seed)
    path = folder / name
    names = ("A", "B") if name == "liquid.xyz" else ()
    found = {"read": 0, "refused": 0, "slowest ms": 0}
    for _ in range(count):
        path.write_bytes(mutated((SAMPLES / name).read_bytes(), rng))
        started = time.process_time()
        try:
            frames = read(path, slice(None), species_names=names)
            assert all(isinstance(frame, Structure) and frame.positions.isfinite().all() for frame in frames)
            found["read"] += 1
        except StructureError as error:
            found["refused"] += bool(error.path == str(path) and error.why)
        found["slowest ms"] = max(found["slowest ms"], round(1000 * (time.process_time() - started)))
    assert found["read"] + found["refused"] == count, "each refusal names the file and says why"
    return found


@pytest.mark.parametrize("name", NAMES)
def test_mutated_file_is_read_or_refused(name: str, tmp_path: Path) -> None:
    found = outcomes(name, tmp_path, count=50, seed=1)
    assert found["refused"] > 5, "the mutations must bite, or this test says nothing"
    assert found["slowest ms"] < 2000


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_mutated_files_are_read_or_refused(name: str, tmp_path: Path) -> None:
    found = outcomes(name, tmp_path, count=20_000, seed=2)
    assert found["slowest ms"] < 2000


@pytest.mark.parametrize("name", ["water.extxyz", "POSCAR", "glycine.pdb"])
def test_mutated_file_costs_little_memory(name: str, tmp_path: Path) -> None:
    outcomes(name, tmp_path, count=1, seed=3)  # imports are not the file's cost
    tracemalloc.start()
    try:
        outcomes(name, tmp_path, count=5, seed=4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6, "files of 2 kB must not cost 20 MB"
