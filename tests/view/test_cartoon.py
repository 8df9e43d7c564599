"""Does the cartoon carry every residue to the viewer, no word of a file, and every atom of large proteins?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from equiviz.holograms import Protein
from equiviz.view.cartoon import Cartoon
from equiviz.view.cartoon_fragment import SCRIPTS, cartoon_fragment
from equiviz.view.cartoon_key import CartoonKey
from equiviz.view.cartoon_structure import MOST_ATOMS, WIDEST, CartoonStructure
from equiviz.view.colours import DIVERGING
from equiviz.view.errors import ViewError
from equiviz.view.shades import shades
from tests.apps.small_network import hostile_protein, written
from tests.hostile_strings import HOSTILE

KEY = CartoonKey("score (nats)", -1.0, 1.0, DIVERGING)


@pytest.fixture
def protein(tmp_path: Path) -> Protein:
    return Protein.read(written(tmp_path))


def repeated(protein: Protein, times: int) -> Protein:
    """As many copies, each a chain of its own, far from the others."""
    atoms, residues = len(protein), len(protein.numbers)
    shift = np.repeat(np.arange(times), atoms)[:, None] * np.array([0.01, 0.0, 0.0])
    every = {name: np.tile(getattr(protein, name), times) for name in ("elements", "atom_names", "residue_names")}
    return replace(
        protein,
        positions=np.tile(protein.positions, (times, 1)) + shift,
        residue=np.tile(protein.residue, times) + np.repeat(np.arange(times) * residues, atoms),
        chains=np.repeat([f"c{k}".encode() for k in range(times)], residues),
        numbers=np.tile(protein.numbers, times),
        insertion_codes=np.tile(protein.insertion_codes, times),
        **every,
    )


def test_every_atom_is_written_with_its_residue(protein: Protein, tmp_path: Path) -> None:
    drawn = CartoonStructure.of(protein)
    path = tmp_path / "drawn.pdb"
    path.write_text(drawn.text)
    back = Protein.read(path)
    np.testing.assert_allclose(back.positions, protein.positions - drawn.middle, atol=6e-4)
    assert drawn.residue.tolist() == protein.residue.tolist() == back.residue.tolist()
    assert back.residue_names.tolist() == protein.residue_names.tolist()
    assert back.atom_names.tolist() == protein.atom_names.tolist()


def test_no_word_of_a_file_reaches_the_viewer(tmp_path: Path) -> None:
    text = CartoonStructure.of(hostile_protein(tmp_path)).text
    assert not set(text) & set('<>&"\\/{}$%;')
    assert all(len(line) in (3, 78) for line in text.splitlines())


def test_large_proteins_are_drawn_from_their_main_chains(protein: Protein) -> None:
    large = repeated(protein, 120_000 // len(protein))
    assert len(large) > MOST_ATOMS
    drawn = CartoonStructure.of(large)
    assert set(drawn.residue.tolist()) == set(range(len(large.numbers))), "no residue is lost"
    assert set(large.atom_names[drawn.atoms].tolist()) == {b"N", b"CA", b"C", b"O"}


def test_more_atoms_than_a_pdb_file_can_count(protein: Protein) -> None:
    ligands = repeated(protein, 120_000 // len(protein))
    ligands = replace(ligands, atom_names=np.full(len(ligands), b"C1"))  # no main chain: all of it is drawn
    drawn = CartoonStructure.of(ligands)
    assert len(drawn.residue) == len(ligands) > 99_999
    assert all(len(line) in (3, 78) for line in drawn.text.splitlines())


def test_long_chains_get_a_second_letter(protein: Protein) -> None:
    long = replace(repeated(protein, 300), chains=np.full(300 * len(protein.numbers), b"A"))
    lines = CartoonStructure.of(long).text.splitlines()[:-1]
    assert {line[21] for line in lines} == {"A", "B"}
    assert max(int(line[22:26]) for line in lines) == 9_999


def test_frames_are_about_the_same_origin(protein: Protein) -> None:
    drawn = CartoonStructure.of(protein)
    moved = np.stack([protein.positions, protein.positions + 1.0])
    sent = np.frombuffer(drawn.frames(moved), dtype=np.float32).reshape(2, -1, 3)
    np.testing.assert_allclose(sent[0], protein.positions - drawn.middle, atol=1e-5)
    np.testing.assert_allclose(sent[1] - sent[0], 1.0, atol=1e-5)


def test_what_cannot_be_drawn_is_told(protein: Protein) -> None:
    far = protein.positions.copy()
    far[0] += 3 * WIDEST
    with pytest.raises(ViewError, match=r"an atom lies .* Å from the middle; expected up to 999 Å"):
        CartoonStructure.of(replace(protein, positions=far))
    with pytest.raises(ViewError, match="with atoms, got none"):
        CartoonStructure.of(protein.taken(np.zeros(len(protein), bool)))


def test_colours_are_checked_before_they_are_sent(protein: Protein) -> None:
    cartoon, count = Cartoon(protein), len(protein.numbers)
    cartoon.paint(["#112233"] * count, ["x"] * count, KEY)
    assert cartoon.colours == ["#112233"] * count
    with pytest.raises(ViewError, match="for each of 40 residues, got 39 and 40"):
        cartoon.paint(["#112233"] * 39, ["x"] * count, KEY)
    with pytest.raises(ViewError, match=r"expected colours such as '#4477AA', got '<img"):
        cartoon.paint(["#112233"] * 39 + [HOSTILE[1]], ["x"] * count, KEY)
    assert cartoon.colours == ["#112233"] * count


def test_a_fragment_brings_its_scripts_and_escapes_its_data(tmp_path: Path) -> None:
    protein = hostile_protein(tmp_path)
    labels = [protein.label(k) for k in range(len(protein.numbers))]
    piece = cartoon_fragment(protein, [(HOSTILE[1], ["#112233"] * len(labels), labels, KEY)], {"names": list(HOSTILE)})
    assert piece.scripts == SCRIPTS
    assert "<img" not in piece.html
    assert piece.html.count("</script>") == 1
    with pytest.raises(ViewError, match="at least one way to colour it"):
        cartoon_fragment(protein, [], {})


def test_shades_run_from_one_end_to_the_other() -> None:
    found = shades([-9.0, -1.0, 0.0, 1.0, np.nan], -1.0, 1.0, DIVERGING)
    assert found == ["#001261", "#001261", "#ece5e0", "#590008", "#8C8C8C"]
