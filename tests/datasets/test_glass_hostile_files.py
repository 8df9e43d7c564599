"""Can a file make the loaders run code, eat memory, or fail with an error that nobody documented?"""

from __future__ import annotations

import io
import os
import pickle
import pickletools
import random
import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.glass.bapst import read_bapst
from equiviz.datasets.glass.folder import read_configurations
from equiviz.datasets.glass.inert_pickle import read_inert_pickle
from equiviz.datasets.npz_file import read_npz, write_npz

MUTATIONS = pytest.mark.parametrize("count", [400, pytest.param(100_000, marks=pytest.mark.slow)])


class _Calls:
    """An object whose pickle calls ``function(*arguments)`` when it is loaded."""

    def __init__(self, function: object, *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple:
        return self._call


def _marker_command(folder: Path) -> str:
    return f"touch {folder / 'executed'}"


def _hostile_pickles(folder: Path) -> dict[str, bytes]:
    command = _marker_command(folder)
    spoof = b"cnumpy.core.multiarray\n_reconstruct\n"
    return {
        "os.system": pickle.dumps(_Calls(os.system, command)),
        "builtins.eval": pickle.dumps(_Calls(eval, f"__import__('os').system({command!r})")),
        "builtins.exec": pickle.dumps({"positions": [_Calls(exec, f"import os; os.system({command!r})")]}),
        "subprocess.Popen": pickle.dumps(_Calls(subprocess.Popen, command)),
        "inside an array": pickle.dumps({"positions": np.array([_Calls(os.system, command)], dtype=object)}),
        "protocol 0": pickle.dumps(_Calls(os.system, command), protocol=0),
        "numpy's own exec": b"\x80\x02cnumpy.testing._private.utils\nrunstring\n(X\x01\x00\x00\x00a}tR.",
        "nested global": b"\x80\x04\x8c\x08builtins\x8c\x0fgetattr.__call__\x93.",
        "dotted through numpy": b"\x80\x04\x8c\x05numpy\x8c\x17core.multiarray.fromfile\x93\x8c\x0b/etc/passwd\x85R.",
        "instance": b"(ios\nsystem\n(X\x02\x00\x00\x00lsR.",
        "object": b"\x80\x02(cos\nsystem\nX\x02\x00\x00\x00lso.",
        "extension": b"\x80\x02\x82\x01.",
        "persistent": b"\x80\x02X\x01\x00\x00\x00aQ.",
        "newobj": b"\x80\x02cnumpy\nndarray\n(tR.",
        "call of a list": b"\x80\x02](tR.",
        "bare class": b"\x80\x02cnumpy\nndarray\n.",
        "array never built": b"\x80\x02" + spoof + b"(tR.",
        "object dtype": pickle.dumps(np.array([None, 1], dtype=object)),
        "record dtype": pickle.dumps(np.zeros(2, dtype=[("a", "f8")])),
    }


def test_hostile_pickles_do_run_in_python_itself(tmp_path: Path) -> None:
    """The control: what the reader must refuse would act if it were unpickled."""
    pickle.loads(_hostile_pickles(tmp_path)["os.system"])
    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", sorted(_hostile_pickles(Path())))
def test_hostile_pickles_are_refused_and_nothing_runs(tmp_path: Path, name: str) -> None:
    path = tmp_path / "hostile.pickle"
    path.write_bytes(_hostile_pickles(tmp_path)[name])
    with pytest.raises(DatasetError, match=r"refused: the pickle holds .*Nothing was executed|damaged"):
        read_inert_pickle(path)
    assert not (tmp_path / "executed").exists()


def test_refusal_names_what_was_refused(tmp_path: Path) -> None:
    path = tmp_path / "hostile.pickle"
    path.write_bytes(pickle.dumps(_Calls(os.system, "true")))
    with pytest.raises(
        DatasetError, match=r"the name 'posix\.system'; only numpy arrays and plain containers are read"
    ):
        read_bapst(path)


def _memory_bombs() -> dict[str, bytes]:
    array = pickle.dumps(np.zeros(4), protocol=2)
    shared = b"\x80\x02]q\x00" + b"".join(
        b"](" + b"h" + bytes([n]) + (b"h" + bytes([n])) * 9 + b"eq" + bytes([n + 1]) for n in range(12)
    )
    nested = b"\x80\x02" + b"(" * 20_000 + b"."
    return {
        "bytes of 2^60": b"\x80\x04\x8e" + struct.pack("<Q", 2**60) + b".",
        "bytes of 4 GB": b"\x80\x03B" + struct.pack("<I", 2**32 - 1) + b".",
        "text of 2^60": b"\x80\x04\x8d" + struct.pack("<Q", 2**60) + b".",
        "frame of 2^62": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b".",
        "shape of 10^12": array.replace(b"K\x04\x85", b"\x8a\x06" + (10**12).to_bytes(6, "little") + b"\x85"),
        "memo index of 2^32": b"\x80\x02]r" + struct.pack("<I", 2**32 - 1) + b"0.",
        "shared lists": shared + b".",
        "marks": nested,
        "tuples in tuples": b"\x80\x02)" + b"\x85" * 20_000 + b".",
        "integer of 10 MB": b"\x80\x02\x8b" + struct.pack("<i", 10_000_000) + b"\x01" * 10_000_000 + b".",
    }


@pytest.mark.parametrize("name", sorted(_memory_bombs()))
def test_pickles_cannot_allocate_more_than_their_size(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.pickle"
    path.write_bytes(_memory_bombs()[name])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DatasetError):
        read_inert_pickle(path)
    # ru_maxrss is in KiB; 200 MB is far below any of the declared sizes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def _time_bombs() -> dict[str, bytes]:
    """Tuples of ten times the tuple before, thirty deep: to print, hash or compare one would take for ever."""
    shared = b")q\x00" + b"".join(b"(" + (b"h" + bytes([n])) * 10 + b"tq" + bytes([n + 1]) for n in range(30))
    array = b"cnumpy.core.multiarray\n_reconstruct\n)Rq\x40"
    kind = b"cnumpy\ndtype\nX\x02\x00\x00\x00f8\x85Rq\x41"
    bomb = b"h\x1e"
    return {
        "as a dtype": b"\x80\x02" + shared + b"cnumpy\ndtype\n" + bomb + b"\x85R.",
        "as text to encode": b"\x80\x02" + shared + b"c_codecs\nencode\n" + bomb + b"X\x06\x00\x00\x00latin1\x86R.",
        "as an argument of bytes": b"\x80\x02" + shared + b"c__builtin__\nbytes\n" + bomb + b"\x85R.",
        "as a name": b"\x80\x04" + shared + bomb + b"\x93.",
        "as a shape": b"\x80\x02" + shared + kind + array + b"(K\x01" + bomb + b"h\x41\x89U\x00tb.",
        "as a byte order": b"\x80\x02" + shared + kind + b"K\x03" + bomb + b"\x86b.",
    }


@pytest.mark.parametrize("name", sorted(_time_bombs()))
def test_containers_that_unfold_are_refused_before_they_are_looked_through(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.pickle"
    path.write_bytes(_time_bombs()[name])
    read = "import sys; from pathlib import Path; from equiviz.datasets.glass.inert_pickle import read_inert_pickle\n"
    read += (
        "try: read_inert_pickle(Path(sys.argv[1]))\nexcept Exception as refused: print(type(refused).__name__, refused)"
    )
    done = subprocess.run(
        [sys.executable, "-c", read, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.startswith("DatasetError"), done.stdout
    assert "refused: the pickle holds" in done.stdout
    assert "instruction" not in done.stdout  # the bomb itself was met, no opcode on the way to it


def test_a_missing_pickle_is_a_dataset_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a pickle file, there is none"):
        read_bapst(tmp_path / "absent.pickle")


def test_plain_pickles_come_back_as_they_were(tmp_path: Path) -> None:
    content = {
        "floats": [0.5, -1.0],
        "nested": {"text": "Kob Andersen", "none": None, "flags": (True, False), 3: -70_000},
        "array": np.arange(12.0).reshape(3, 4),
        "fortran": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "big endian": np.arange(3, dtype=">i4"),
        "bytes": b"abc",
    }
    path = tmp_path / "plain.pickle"
    for protocol in (2, 3, 4):
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        back = read_inert_pickle(path)
        assert back.keys() == content.keys()
        assert back["nested"] == content["nested"]
        for key in ("array", "fortran", "empty", "big endian"):
            np.testing.assert_array_equal(back[key], content[key])
            assert back[key].dtype == content[key].dtype


def test_file_larger_than_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.pickle"
    path.write_bytes(pickle.dumps(list(range(100))))
    with pytest.raises(DatasetError, match=r"expected a pickle of at most 10 bytes, got \d+"):
        read_inert_pickle(path, max_bytes=10)


@MUTATIONS
def test_damaged_pickles_raise_only_the_documented_error(tmp_path: Path, count: int) -> None:
    """Mutations of a small file: bytes changed, cut out, repeated."""
    whole = pickle.dumps({"a": np.arange(6.0), "b": [1, 2.5, "x", {"c": (None, True)}]}, protocol=2)
    rng = random.Random(0)
    path = tmp_path / "mutant.pickle"
    refused = 0
    for _ in range(count):
        path.write_bytes(_mutated(whole, rng))
        try:
            read_inert_pickle(path)
        except DatasetError:
            refused += 1
    assert refused > count // 3  # most mutations matter; the others change a number


def _mutated(whole: bytes, rng: random.Random) -> bytes:
    content = bytearray(whole)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(content))
        kind = rng.randrange(3)
        if kind == 0:
            content[at] = rng.randrange(256)
        elif kind == 1:
            del content[at : at + rng.randint(1, 8)]
        else:
            content[at:at] = content[at : at + rng.randint(1, 8)]
    return bytes(content)


# --- npz --------------------------------------------------------------------------------------------------------------


def _npz(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def test_zip_bomb_is_refused_by_its_declared_size(tmp_path: Path) -> None:
    """50 MB of zeros in 50 kB; the limit stands for the 2 GB of the default."""
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(50_000_000, dtype=np.int8))
    path = _npz(tmp_path / "bomb.npz", {"a.npy": buffer.getvalue()})
    assert path.stat().st_size < 100_000
    with pytest.raises(DatasetError, match=r"declares 5\d{7} bytes of arrays, at most 1000000 are read"):
        read_npz(path, max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"), "declares 8000000000000 bytes"),
        (_npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", pickle.dumps([1])), "dtype object; refused"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", bytes(90_000)), "declares 8 bytes, holds 9"),
        (_npy("{'descr': __import__('os'), 'fortran_order': False, 'shape': (1,), }"), "expected an .npz file"),
        (b"not an array", "expected an .npz file"),
    ],
)
def test_hostile_members_are_refused(tmp_path: Path, member: bytes, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_npz(_npz(tmp_path / "hostile.npz", {"a.npy": member}))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="at most 256 arrays, found 300"):
        read_npz(_npz(tmp_path / "many.npz", {f"{n}.npy": b"" for n in range(300)}))


@MUTATIONS
def test_damaged_npz_raises_only_the_documented_error(tmp_path: Path, count: int) -> None:
    path = tmp_path / "whole.npz"
    write_npz(path, {"a": np.arange(50.0), "b": np.array("text")}, compress=True)
    whole, rng, refused = path.read_bytes(), random.Random(1), 0
    for _ in range(count):
        path.write_bytes(_mutated(whole, rng))
        try:
            read_npz(path)
        except DatasetError:
            refused += 1
    assert refused > count // 3


def _generated(**other: np.ndarray) -> dict[str, np.ndarray]:
    arrays = {"format": np.array("equiviz-glass-1"), "types": np.zeros(4, int), "box": np.full(3, 9.0)}
    arrays |= {"temperature": np.array(0.5), "times": np.array([1.0]), "replicas": np.array(4)}
    arrays |= {"positions": np.arange(12.0).reshape(4, 3), "propensity": np.ones((1, 4))}
    return {**arrays, **other}


WORDS = np.array(["a"])


@pytest.mark.parametrize(
    "other",
    [
        {"temperature": np.ones(2)},
        {"replicas": WORDS},
        {"times": WORDS},
        {"positions": WORDS},
        {"box": np.array(["a", "b", "c"])},
        {"box": np.zeros(3)},
        {"propensity": np.ones((1, 3))},
        {"types": np.full(4, 7)},
    ],
    ids=lambda other: f"{next(iter(other))} {next(iter(other.values())).shape}",
)
def test_arrays_of_another_kind_are_a_dataset_error_that_names_the_file(
    tmp_path: Path, other: dict[str, np.ndarray]
) -> None:
    path = tmp_path / "configuration_0000.npz"
    np.savez(path, **_generated())
    assert len(read_configurations(path)) == 1  # the control
    np.savez(path, **_generated(**other))
    with pytest.raises(DatasetError, match=r"configuration_0000\.npz: "):
        read_configurations(path)


def test_words_in_a_botan_file_are_a_dataset_error(tmp_path: Path) -> None:
    path = tmp_path / "isoconfig_N4T0.44_1_tc07.npz"
    np.savez(path, types=np.zeros(4, int), initial_positions=WORDS, positions=np.zeros((2, 4, 3)))
    with pytest.raises(DatasetError, match="BOTAN format: arrays that do not belong together"):
        read_configurations(path)


def test_every_opcode_that_could_act_is_refused() -> None:
    """The list of admitted opcodes holds none of those by which a pickle imports, calls or asks its owner."""
    from equiviz.datasets.glass import inert_pickle

    acting = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER"}
    known = {opcode.name for opcode in pickletools.opcodes}
    assert acting <= known
    assert not acting & set(inert_pickle._STEPS)
    assert set(inert_pickle._STEPS) <= known


def test_reading_never_imports_what_a_file_names(tmp_path: Path) -> None:
    path = tmp_path / "import.pickle"
    path.write_bytes(b"\x80\x02cantigravity\nfly\n.")
    with pytest.raises(DatasetError, match=r"antigravity\.fly"):
        read_inert_pickle(path)
    assert "antigravity" not in sys.modules
