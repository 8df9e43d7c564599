"""Do the doors of the verbs take what people keep structures in?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import equiviz
from equiviz.features.errors import CaptureError
from equiviz.structures import Structure, StructureError, as_structure, as_structures
from tests.toy_networks import molecule, toy

FILES = Path(__file__).parent / "sample_files"
pytestmark = pytest.mark.filterwarnings("ignore")  # torch_geometric warns about itself on import
WATER = FILES / "water.extxyz"


def forms(structure: Structure) -> dict[str, object]:
    return {"Structure": structure, "ASE": structure.to_ase(), "PyG": structure.to_pyg()}


@pytest.mark.parametrize("form", ["Structure", "ASE", "PyG"])
def test_a_structure_in_any_form_is_taken(form: str) -> None:
    given = forms(molecule())[form]
    assert torch.equal(as_structure(given).positions, molecule().positions)
    listed = as_structures([given, given])
    assert isinstance(listed, list)
    assert [len(one) for one in listed] == [len(molecule())] * 2


@pytest.mark.parametrize("form", [str, Path])
def test_the_path_of_a_file_is_taken(form: type) -> None:
    assert repr(as_structure(form(WATER))) == repr(equiviz.read(WATER))
    with pytest.raises(StructureError, match="no such file"):
        as_structure(form("nowhere.xyz"))


def test_subclasses_are_told_as_well() -> None:
    from ase import Atoms

    class Mine(Atoms):
        pass

    assert as_structure(Mine("H2", [[0, 0, 0], [0, 0, 0.7]])).labels == ["H", "H"]


@pytest.mark.parametrize("form", ["ASE", "PyG"])
def test_verbs_give_the_same_for_every_form(form: str) -> None:
    network, structure = toy(), molecule()
    other = forms(structure)[form]
    for x, y in ((structure, other), ([structure, structure], [other, other])):
        wanted, found = equiviz.capture(network, x), equiviz.capture(network, y)
        assert all(torch.equal(found[name].values, field.values) for name, field in wanted.items())
    assert len(equiviz.show(other).layers) == len(equiviz.show(structure).layers)


def test_show_takes_a_path() -> None:
    assert equiviz.show(str(WATER)).title == equiviz.read(WATER).name


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (3, "expected a Structure, ase.Atoms, a PyG Data or the path of a file, got int; .*from_dict"),
        ({"positions": 1}, "got dict; arrays become a structure by Structure.from_dict"),
        ([], "got list"),
    ],
)
def test_anything_else_is_refused_in_words(given: object, words: str) -> None:
    with pytest.raises(StructureError, match=words):
        equiviz.show(given)  # type: ignore[arg-type]


def test_a_batch_is_taken_apart_by_its_owner() -> None:
    from torch_geometric.data import Batch

    batch = Batch.from_data_list([molecule().to_pyg()] * 2)
    with pytest.raises(StructureError, match="of a batch take its to_data_list"):
        as_structure(batch)
    with pytest.raises(CaptureError, match="to_data_list"):
        equiviz.capture(toy(), batch)


def test_to_tell_what_it_is_imports_neither_ase_nor_pyg() -> None:
    program = """
import sys, torch
from equiviz.structures import Structure, as_structure
as_structure(Structure(torch.zeros(1, 3), torch.ones(1, dtype=torch.long)))
try:
    as_structure(3)
except Exception as problem:
    pass
print([name for name in ("ase", "torch_geometric", "gemmi") if name in sys.modules])
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert run.stdout.strip() == "[]"
