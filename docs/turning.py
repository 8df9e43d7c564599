"""Makes docs/turning.webp, at the top of the README: a molecule turns, and its features turn with it, or not.

    python docs/turning.py          (from the top of the repository; no browser, half a minute)

Left and right: the density of the neighbours of each atom in ethanol, expanded in spherical harmonics of l = 1, 2, 3,
and gated by its own norm. On the right somebody applied ReLU to the components of l = 1. The meter tells how far the
features of the turned molecule are from the turned features, as `equiviz.check` measures it.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from ase.build import molecule
from e3nn.o3 import spherical_harmonics
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from equiviz.symmetry.field import Field
from equiviz.symmetry.groups import O3
from equiviz.view import Camera, Scene
from equiviz.view.scene import SceneRow
from equiviz.view.show import show

IRREPS = "1x1o+1x2e+1x3o"
FRAMES, WIDTH, HEIGHT, METER = 48, 880, 400, 56
TITLES = ("equivariant", "ReLU on vector components")


def features(points: Tensor, broken: bool) -> Field:
    """``[N, 15]``: sum over neighbours of exp(-r^2 / 2 A^2) Y(r), gated by its norm, smoothly or with a mistake."""
    arms = points[None] - points[:, None]  # [N, N, 3]
    weight = torch.exp(-arms.square().sum(-1) / 2) * (1 - torch.eye(len(points), dtype=points.dtype))
    basis = spherical_harmonics([1, 2, 3], arms, normalize=True, normalization="norm")
    density = (weight[..., None] * basis).sum(1)  # [N, 15]
    if broken:
        density = torch.cat([torch.relu(density[:, :3]), density[:, 3:]], dim=1)
    return Field(density * torch.tanh(density.norm(dim=1, keepdim=True)), IRREPS, "node")


def frame(turn: O3, broken: bool) -> tuple[Scene, float]:
    """The turned molecule with its features, and the relative error."""
    ethanol = molecule("CH3CH2OH")
    points = torch.from_numpy(ethanol.positions - ethanol.positions.mean(0))
    found, wanted = features(points @ turn.matrix.T, broken), features(points, broken).transform(turn)
    error = float((found.values - wanted.values).norm() / wanted.values.norm())
    ethanol.positions = (points @ turn.matrix.T).numpy()
    camera = Camera((0.6, 0.35, 1.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.0), 5.8)
    scene = show(ethanol, found, block="all", name="feature", title=TITLES[broken], magnify=0.45)
    return Scene(scene.layers, scene.title, scene.length_unit, camera=camera), error


def metered(picture: Image.Image, errors: tuple[float, float]) -> Image.Image:
    """The picture with a meter under each panel."""
    whole = Image.new("RGB", (WIDTH, HEIGHT + METER), picture.getpixel((0, 0)))
    whole.paste(picture, (0, 0))
    pen, font = ImageDraw.Draw(whole), ImageFont.load_default(15)
    for side, error in enumerate(errors):
        left, wide = side * WIDTH // 2 + 40, WIDTH // 2 - 80
        share = np.clip((np.log10(max(error, 1e-17)) + 17) / 17, 0, 1)
        colour = "#228833" if error < 1e-12 else "#EE6677"
        pen.rounded_rectangle((left, HEIGHT + 8, left + wide, HEIGHT + 18), 5, fill="#E1E4EA")
        pen.rounded_rectangle((left, HEIGHT + 8, left + max(10, wide * share), HEIGHT + 18), 5, fill=colour)
        words = f"equivariance error {error:.0e}" if error < 1e-3 else f"equivariance error {error:.0%}"
        pen.text((left, HEIGHT + 26), words, fill="#1f2430", font=font)
    return whole


def main() -> None:
    """Turn once about a skew axis."""
    axis = (0.3, 1.0, 0.2)
    pictures = []
    for angle in np.linspace(0, 2 * np.pi, FRAMES, endpoint=False):
        turn = O3.rotation(axis, float(angle))
        (left, right), errors = zip(*(frame(turn, broken) for broken in (False, True)), strict=True)
        drawn = SceneRow((left, right)).png(WIDTH, HEIGHT, scale=1.0)
        pictures.append(metered(Image.open(io.BytesIO(drawn)).convert("RGB"), errors))
    target = Path(__file__).with_suffix(".webp")
    pictures[0].save(target, save_all=True, append_images=pictures[1:], duration=80, loop=0, quality=80, method=6)
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
