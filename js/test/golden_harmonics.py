"""Writes golden_harmonics.json: e3nn's harmonics at random directions, which the page's must equal to 1e-5.

Run: .venv/bin/python js/test/golden_harmonics.py
"""

import json
from pathlib import Path

import torch
from e3nn import o3

LMAX = 6
torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(4)
directions = torch.nn.functional.normalize(torch.randn(17, 3, generator=generator, dtype=torch.float64), dim=1)
directions = torch.cat([torch.eye(3, dtype=torch.float64), directions])  # the poles too
values = o3.spherical_harmonics(list(range(LMAX + 1)), directions, normalize=True, normalization="norm")
rotation = o3.angles_to_matrix(*(torch.tensor(a, dtype=torch.float64) for a in (0.3, 1.1, -0.7)))
coefficients = torch.randn((LMAX + 1) ** 2, generator=generator, dtype=torch.float64)
irreps = o3.Irreps([(1, (l, 1)) for l in range(LMAX + 1)])
turned = irreps.D_from_matrix(rotation).to(torch.float64) @ coefficients
golden = {
    "source": "e3nn.o3.spherical_harmonics(l, x, normalize=True, normalization='norm')",
    "lmax": LMAX,
    "directions": directions.tolist(),
    "values": values.tolist(),
    "rotation": rotation.flatten().tolist(),
    "coefficients": coefficients.tolist(),
    "turned_coefficients": turned.tolist(),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
