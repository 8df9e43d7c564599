"""What is a site, who are its neighbours, and what happens to everything else that a file may hold?"""

import gzip
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from equiviz.holograms import AMINO_ACIDS, HologramError, Neighbourhoods, Protein, project
from equiviz.holograms.protein import LETTERS
from equiviz.structures import StructureError
from tests.holograms.written_protein import atom, chain_lines, helix


def read(folder: Path, lines: list[str]) -> Protein:
    path = folder / "made.pdb"
    path.write_text("\n".join([*lines, "END", ""]))
    return Protein.read(path)


def test_letters_and_names_are_in_one_order() -> None:
    import gemmi

    letters = [gemmi.find_tabulated_residue(name).one_letter_code for name in AMINO_ACIDS]
    assert "".join(letters) == LETTERS


def test_a_chain_is_read_in_its_order(protein: Protein) -> None:
    assert protein.sequences == {"A": (LETTERS + LETTERS)[:30]}
    assert protein.label(0) == "A ALA 1"
    around = Neighbourhoods.of(protein)
    assert around.residues.tolist() == list(range(30))
    assert around.classes[:3].tolist() == [0, 1, 2]


def test_neighbours_are_those_within_the_radius_without_the_residue_itself(protein: Protein) -> None:
    around = Neighbourhoods.of(protein, 7.0)
    for site in (0, 12, 29):
        distances = np.linalg.norm(protein.positions - around.centres[site], axis=1)
        wanted = np.flatnonzero((distances <= 7.0) & (protein.residue != around.residues[site]))
        found = around.neighbours[around.first[site] : around.first[site + 1]]
        assert sorted(found.tolist()) == wanted.tolist()
    np.testing.assert_allclose(around.offsets() + around.centres[around.site], protein.positions[around.neighbours])


def test_waters_hydrogens_and_other_conformations_do_not_count(tmp_path: Path) -> None:
    lines = chain_lines(["ALA", "GLY", "SER"])
    plain = read(tmp_path, lines)
    more = [
        *lines,
        atom(90, "CB", "ALA", 1, np.ones(3), altloc="B"),
        atom(91, "H", "GLY", 2, np.zeros(3), element="H"),
        atom(92, "O", "HOH", 101, np.zeros(3), record="HETATM"),
    ]
    around, other = Neighbourhoods.of(plain), Neighbourhoods.of(read(tmp_path, more))
    assert sorted(around.neighbours.tolist()) == sorted(other.neighbours.tolist())
    with_hydrogens = Neighbourhoods.of(read(tmp_path, more), hydrogens=True)
    assert len(with_hydrogens.neighbours) == len(around.neighbours) + 2


def test_of_alternative_conformations_the_first_counts(tmp_path: Path) -> None:
    lines = chain_lines(["ALA", "GLY"])
    twice = [line for line in lines for line in (line[:16] + "A" + line[17:], line[:16] + "B" + line[17:])]
    assert len(read(tmp_path, twice)) == len(read(tmp_path, lines))


def test_insertion_codes_make_residues(tmp_path: Path) -> None:
    lines = [*chain_lines(["ALA"]), *(line[:26] + "B" + line[27:] for line in chain_lines(["GLY"], shift=4.0))]
    protein = read(tmp_path, lines)
    assert [protein.label(k) for k in range(2)] == ["A ALA 1", "A GLY 1B"]
    assert len(Neighbourhoods.of(protein)) == 2


def test_residues_without_ca_and_modified_ones_are_no_sites_but_neighbours(tmp_path: Path) -> None:
    lines = chain_lines(["ALA", "GLY", "SER"])
    lines = [line for line in lines if not (" GLY " in line and " CA " in line)]
    lines += [atom(80, "SE", "MSE", 9, np.array([0.0, 0.0, 1.0]), record="HETATM", element="SE")]
    around = Neighbourhoods.of(read(tmp_path, lines))
    assert [around.protein.label(int(k)) for k in around.residues] == ["A ALA 1", "A SER 3"]
    assert 34 in around.protein.elements[around.neighbours]


def test_calcium_is_no_ca(tmp_path: Path) -> None:
    lines = [*chain_lines(["ALA", "GLY"]), atom(70, "CA", "CA", 50, np.zeros(3), record="HETATM", element="CA")]
    assert len(Neighbourhoods.of(read(tmp_path, lines))) == 2


def test_equal_chains_give_sites_once_and_atoms_always(tmp_path: Path) -> None:
    lines = [*chain_lines(["ALA", "GLY"], "A"), *chain_lines(["ALA", "GLY"], "B", shift=6.0)]
    protein = read(tmp_path, lines)
    around = Neighbourhoods.of(protein)
    assert [protein.label(int(k)) for k in around.residues] == ["A ALA 1", "A GLY 2"]
    assert set(protein.chains[protein.residue[around.neighbours]].tolist()) == {b"A", b"B"}
    assert len(Neighbourhoods.of(protein, unique_chains=False)) == 4


def test_the_first_of_several_models_counts(tmp_path: Path) -> None:
    lines = chain_lines(["ALA", "GLY"])
    models = ["MODEL        1", *lines, "ENDMDL", "MODEL        2", *lines, "ENDMDL"]
    assert len(read(tmp_path, models)) == len(lines)


def test_mmcif_and_gzip_say_the_same(tmp_path: Path, written: Path) -> None:
    import gemmi

    cif, packed = tmp_path / "helix.cif", tmp_path / "helix.pdb.gz"
    gemmi.read_structure(str(written)).make_mmcif_document().write_file(str(cif))
    packed.write_bytes(gzip.compress(written.read_bytes()))
    wanted = project(written)
    for path in (cif, packed):
        found = project(path)
        assert found.coefficients.equal(wanted.coefficients)
        assert found.sites == wanted.sites


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no atoms at all"),
        ("HEADER    only words\n", r"no atoms at all \(the file may have been cut short\); expected a protein"),
        (atom(1, "O", "HOH", 1, np.zeros(3)), "no atoms but water; expected a protein"),
        ("\n".join(chain_lines(["ALA"])).replace("CA ", "CX "), "chain A has 1 residues, 1 of them standard .*, 0 of"),
        (atom(1, "P", "DA", 1, np.zeros(3)), "chain A has 1 residues, 0 of them standard"),
        ("ATOM      1  CA  ALA A   1         nan   0.000   0.000  1.00  0.00           C", "line 1: .*finite coordin"),
        ("ATOM      1  CA  ALA A   1      12.0x0   0.000   0.000  1.00  0.00           C", "line 1: .*coordinate"),
        ("ATOM      1  CA  ALA A   1      12.0", "line 1: expected a finite coordinate"),
    ],
)
def test_useless_files_are_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.pdb"
    path.write_text(text)
    with pytest.raises(StructureError, match=words):
        project(path)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "water.xyz"
    path.write_text("1\n\nH 0 0 0\n")
    with pytest.raises(StructureError, match=r"expected a protein as \.pdb, \.ent, \.cif or \.mmcif"):
        project(path)


def test_too_many_atoms_are_refused(written: Path) -> None:
    with pytest.raises(StructureError, match="atoms; expected 0 to 10"):
        Protein.read(written, max_atoms=10)


def as_mmcif(text: str) -> str:
    import gemmi

    return gemmi.read_pdb_string(text).make_mmcif_document().as_string()


SOUND = {".pdb": helix(6), ".cif": as_mmcif(helix(6))}
HOSTILE = ["nan", "inf", "-1e400", "?", ".", "'", "\n;\n", "\nloop_\n", "\ndata_x\n", "9" * 20, "-1", "1e308", "1.0(3)",
           "HOH", "CX", "2147483648", "0x10", "é", "ATOM", "A" * 5000, "_atom_site.Cartn_x", "\0", ""]  # fmt: skip


def _mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """The end of a file's name, and what is left of a sound file: bytes are changed, or words of it."""
    ending = draw(st.sampled_from(sorted(SOUND)))
    text = bytearray(SOUND[ending].encode())
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, max(0, len(text) - 1)))
        kind = draw(st.sampled_from(["change", "cut", "double", "drop", "word", "word"]))
        if kind == "change":
            text[place : place + 1] = bytes([draw(st.integers(0, 255))])
        elif kind == "cut":
            del text[place:]
            text += b"\n"
        elif kind == "double":
            text[place:place] = text[place : place + draw(st.integers(1, 200))]
        elif kind == "drop":
            del text[place : place + draw(st.integers(1, 90))]
        else:
            start = text.rfind(b" ", 0, place) + 1
            end = next((k for k in range(start, len(text)) if text[k : k + 1].isspace()), len(text))
            text[start:end] = draw(st.sampled_from(HOSTILE)).encode()
    return ending, bytes(text)


mutated = st.composite(_mutated)()
SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


def _survives(folder: Path, damaged: tuple[str, bytes]) -> None:
    ending, content = damaged
    path = folder / f"mutated{ending}"
    path.write_bytes(content)
    with suppress(StructureError):  # and nothing else
        assert project(path, n_max=4, l_max=2).coefficients.isfinite().all()


@given(mutated)
@settings(max_examples=500, **SETTINGS)
def test_damaged_files_give_an_error_or_a_result(tmp_path: Path, damaged: tuple[str, bytes]) -> None:
    _survives(tmp_path, damaged)


@pytest.mark.slow
@given(mutated)
@settings(max_examples=10_000, **SETTINGS)
def test_many_damaged_files_give_an_error_or_a_result(tmp_path: Path, damaged: tuple[str, bytes]) -> None:
    _survives(tmp_path, damaged)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("2.3 0 0", "nan 0 0", r"line 55: 1 atoms have coordinates that are no finite numbers"),
        ("2.3 0 0", "2.3 0.0x 0", r"line 55: 1 atoms have coordinates that are no finite numbers"),
        ("2.3 0 0", "2.3 ? inf", r"line 55: 1 atoms have coordinates that are no finite numbers"),
        ("_atom_site.Cartn_x", "_atom_site.elsewhere", "no atoms: the file has no _atom_site.Cartn_x"),
        ("_atom_site.Cartn_z", "_atom_site.Cartn_y", "duplicate tag _atom_site.Cartn_y"),
        ("_atom_site.Cartn_x", "Cartn_x", r"line 34: .*Wrong number of values in loop"),
    ],
)
def test_useless_mmcif_files_are_refused_in_words(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "bad.cif"
    sound = as_mmcif("\n".join(chain_lines(["ALA"])))
    assert sound.count(old) == 1
    path.write_text(sound.replace(old, new))
    with pytest.raises(StructureError, match=words) as caught:
        project(path)
    if "line" in words:
        assert caught.value.line is not None


PEAK = """
import re, sys
from pathlib import Path
import numpy as np
from equiviz.holograms import project

def peak():  # of this program: ru_maxrss would be that of the program which started it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024

project(sys.argv[1])
before = peak()
print(*[len(project(path)) for path in sys.argv[2:]])
print(peak() - before)
before = peak()
np.ones(400 * 2**17)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_stays_bounded_on_a_large_complex(tmp_path: Path, written: Path) -> None:
    """15,000 atoms in 30 chains, in both formats: 2,940 sites, whose coefficients take 15 MB."""
    random, lines = np.random.default_rng(0), list[str]()
    for k, chain in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcd"):
        lines += chain_lines(random.choice(AMINO_ACIDS, 98).tolist(), chain, 6.0 * k, seed=k)
    assert 15_000 < len(lines) < 15_500
    text = "\n".join([*lines, "END", ""])
    paths = [tmp_path / "complex.pdb", tmp_path / "complex.cif"]
    for path, content in zip(paths, [text, as_mmcif(text)], strict=True):
        path.write_text(content)
    told = subprocess.run([sys.executable, "-c", PEAK, written, *paths], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    *sites, grown, control = map(float, told.stdout.split())
    assert sites == [2940, 2940]
    assert grown < 300  # MiB
    assert control > 300  # 400 MiB of ones


def test_the_side_chain_is_where_bonded_neighbours_say(real_data: Path) -> None:
    protein = Protein.read(real_data / "proteins" / "2lzm.pdb")
    around = Neighbourhoods.of(protein, centre="side chain")
    alphas, betas = protein.positions[protein.alphas[around.residues]], protein.first_atoms("CB")[around.residues]
    shift = around.centres - alphas
    ends = np.linalg.norm(shift, axis=1) == 0
    assert np.flatnonzero(ends).tolist() == [0, len(around) - 1]  # nothing is bonded on one of their sides
    np.testing.assert_allclose(np.linalg.norm(shift[~ends], axis=1), 2.5)
    inside = ~ends & (betas >= 0)
    true = protein.positions[betas[inside]] - alphas[inside]
    cosines = (true * shift[inside]).sum(1) / np.linalg.norm(true, axis=1) / 2.5
    assert np.median(cosines) > 0.99  # the files' own CB: 0.14 Å of 1.53 Å were measured elsewhere
    assert (np.linalg.norm(around.offsets(), axis=1) <= around.radius).all()


def test_side_chain_centres_turn_with_the_protein_and_look_at_nothing_of_the_residue(protein: Protein) -> None:
    turned = replace(protein, positions=Rotation.random(random_state=1).apply(protein.positions) + 3.0)
    one, other = (Neighbourhoods.of(each, centre="side chain") for each in (protein, turned))
    back = Rotation.random(random_state=1).inv().apply(other.centres - 3.0)
    np.testing.assert_allclose(back, one.centres, atol=1e-9)
    own = protein.residue == 7
    moved = protein.positions.copy()
    moved[own & (protein.atom_names != b"CA")] += 5.0
    after = Neighbourhoods.of(replace(protein, positions=moved), centre="side chain")
    np.testing.assert_array_equal(after.centres[7], one.centres[7])


def test_unknown_centres_are_refused(protein: Protein) -> None:
    with pytest.raises(HologramError, match="Expected centre 'CA' or 'side chain' or 'both', got 'CB'"):
        Neighbourhoods.of(protein, centre="CB")  # type: ignore[arg-type]
