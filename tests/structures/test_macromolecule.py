"""Is every damaged coordinate of a PDB file found, by the quick look at the whole text as by the one at each line?"""

from pathlib import Path

import pytest

from equiviz.structures import StructureError
from equiviz.structures.formats.macromolecule import parse
from equiviz.structures.formats.source import Source

LINE = "ATOM      1  CA  ALA A   1    {}  1.00  0.00           C"
SOUND = ("  12.345-123.4561234.567", "  -0.001   0.000   0.000")


def atoms(text: str, max_atoms: int = 10) -> int:
    structure = parse(Source(Path("made.pdb"), text, max_atoms))
    return structure[0].count_atom_sites() if len(structure) else 0


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_sound_ones_are_read(end: str) -> None:
    text = end.join(["REMARK", *(LINE.format(words) for words in SOUND), "END", ""])
    assert atoms(text) == 2
    assert atoms("REMARK é" + end + text) == 2  # letters that are no single byte: line by line


@pytest.mark.parametrize(
    "words",
    [
        "     nan   0.000   0.000",
        "  12.3 5   0.000   0.000",
        "  1-.345   0.000   0.000",
        "  --.345   0.000   0.000",
        " 1 2.345   0.000   0.000",
        "        " * 3,
        "   0.000   0.000   0.0x0",
    ],
)
@pytest.mark.parametrize("record", ["ATOM", "atom"])
def test_damaged_ones_are_refused_by_line(words: str, record: str) -> None:
    text = "\n".join(["REMARK", LINE.format(SOUND[0]), LINE.format(words).replace("ATOM", record), "END"])
    with pytest.raises(StructureError, match="line 3: expected a finite coordinate"):
        atoms(text)


def test_a_record_that_ends_early_is_refused() -> None:
    for length in (30, 53):
        with pytest.raises(StructureError, match="line 1: "):
            atoms(LINE.format(SOUND[0])[:length] + "\n" + LINE.format(SOUND[1]))


def test_small_letters_count_as_atoms() -> None:
    text = "\n".join([LINE.format(SOUND[0]).replace("ATOM", "atom")] * 11)
    with pytest.raises(StructureError, match="11 atoms; expected 0 to 10"):
        atoms(text)
