from pathlib import Path

import pytest

from equiviz.holograms import Protein
from tests.holograms.written_protein import helix


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A PDB file of 30 residues."""
    path = tmp_path / "helix.pdb"
    path.write_text(helix())
    return path


@pytest.fixture
def protein(written: Path) -> Protein:
    return Protein.read(written)
