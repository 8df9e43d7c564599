from pathlib import Path

import pytest
import torch

from equiviz.models.hcnn import Hcnn, HcnnConfig
from tests.holograms.written_protein import helix

SMALL = {"orders": 4, "l_max": 2, "width": 4, "layers": 1, "hidden": 8}


@pytest.fixture
def network() -> Hcnn:
    """Small, with random weights that leave no output constant."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return Hcnn(HcnnConfig(**SMALL)).eval()


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A PDB file of 30 residues, chain A."""
    path = tmp_path / "helix.pdb"
    path.write_text(helix())
    return path
