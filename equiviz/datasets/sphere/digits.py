"""Digits: pictures with labels, and how they are put on a sphere.

scikit-learn brings 1,797 digits of 8 x 8 pixels (E. Alpaydin, C. Kaynak, UCI, 1998), which need no download. A folder
may hold the files of MNIST instead (28 x 28): ``*images-idx3-ubyte.gz`` and ``*labels-idx1-ubyte.gz``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from equiviz.datasets.errors import DatasetError
from equiviz.datasets.sphere.idx_file import read_idx
from equiviz.structures.sphere_signal import SphereSignal
from equiviz.symmetry.icosahedral_grid import grid

CLASSES = 10
PARTS = {"train": 0.7, "validation": 0.1, "test": 0.2}
"""Shares of the pictures."""
_SHRUNK = 1.6
"""By which the disc is larger than half a picture: corners are at sqrt(2), and half a pixel beyond pictures fade."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures and what they show.

    Attributes:
        pictures: ``[N, height, width]`` float32 from 0 to 1.
        labels: ``[N]`` int64, 0 to 9.
        name: of where they are from.
    """

    pictures: Tensor
    labels: Tensor
    name: str

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.labels)

    def __getitem__(self, chosen: Tensor | slice) -> Digits:
        """Some of them."""
        return Digits(self.pictures[chosen], self.labels[chosen], self.name)

    def part(self, name: str) -> Digits:
        """The "train", "validation" or "test" part: the same each time, nothing in two of them.

        Raises:
            DatasetError: another name.
        """
        if name not in PARTS:
            raise DatasetError(None, f"Expected a part out of {', '.join(PARTS)}, got {name!r}.")
        order = torch.randperm(len(self), generator=torch.Generator().manual_seed(0))
        bounds = np.cumsum([0, *PARTS.values()]) * len(self)
        place = list(PARTS).index(name)
        return self[order[round(bounds[place]) : round(bounds[place + 1])]]

    def on_sphere(self, level: int, turns: Tensor | None = None) -> SphereSignal:
        """Each picture on a sphere of its own.

        The upper hemisphere (y > 0) is projected stereographically from the south pole, as in T. Cohen, M. Geiger,
        J. Koehler, M. Welling, "Spherical CNNs", ICLR 2018, arXiv:1801.10130, section 5.2. The picture reaches 64
        degrees down from the pole, so that it ends, corners and all, before the equator; between pixels it is linear.

        Args:
            level: of the icosahedral grid.
            turns: rotations ``[N, 3, 3]`` of the spheres after that: pictures are sampled where points were before,
                which no grid makes coarser.
        """
        points = grid(level).positions.expand(len(self), -1, 3)  # [N, V, 3]
        before = points if turns is None else points @ turns.to(points)
        down = 1 + before[..., 1:2].clamp(min=0)
        places = (
            _SHRUNK * torch.stack([before[..., 0], before[..., 2]], -1) / down
        )  # [N, V, 2], the picture is [-1, 1]^2
        read = grid_sample(self.pictures[:, None].double(), places[:, None], align_corners=False)[:, :, 0]  # [N, 1, V]
        return SphereSignal.of((read * (before[..., 1] > 0)[:, None]).to(self.pictures.dtype))


def embedded_digits() -> Digits:
    """The 1,797 digits that scikit-learn brings."""
    from sklearn.datasets import load_digits

    found = cast(Any, load_digits())  # a Bunch: the stub only knows that tuples may come, too
    pictures = torch.from_numpy(found.images / 16.0).float()
    return Digits(pictures, torch.from_numpy(found.target).long(), "digits of scikit-learn")


def mnist(folder: str | os.PathLike[str]) -> Digits:
    """The pictures of a folder with MNIST's files: one pair of them, or the one of "t10k".

    Raises:
        DatasetError: no such files, or files that do not fit each other.
    """
    images, labels = (_one(Path(folder), f"*{kind}*") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    pictures, known = read_idx(images), read_idx(labels)
    if pictures.ndim != 3 or known.shape != pictures.shape[:1] or (known >= CLASSES).any():
        raise DatasetError(
            Path(folder),
            f"Expected pictures [N, height, width] and N labels from 0 to 9, got {list(pictures.shape)} in "
            f"{images.name} and {list(known.shape)} in {labels.name}.",
        )
    return Digits(torch.from_numpy(pictures / 255.0).float(), torch.from_numpy(known.astype(np.int64)), "MNIST")


def _one(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern)) if folder.is_dir() else []
    chosen = [path for path in found if path.name.startswith("t10k")] or found
    if len(chosen) != 1:
        raise DatasetError(folder, f"Expected one file {pattern} in this folder, found {len(chosen)}.")
    return chosen[0]
