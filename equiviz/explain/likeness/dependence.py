"""Dependence of single numbers: correlation, and mutual information where the dependence may be curved."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

COMPONENTS = 6
"""Leading components of a stage whose mutual information with a descriptor is estimated."""


def correlations(x: Tensor, y: Tensor) -> Tensor:
    """Pearson's correlation of each column of [N, F] with each of [N, T]: [F, T]; 0 for constant columns."""
    left, right = (_unit(columns) for columns in (x, y))
    return left.T @ right


def mutual_information(x: Tensor, y: Tensor, seed: int) -> float:
    """The largest mutual information, in nats, of a column of [N, D] and one of [N, E]; at least 0.

    Nearest-neighbour estimate of Kraskov, Stoegbauer and Grassberger, Phys. Rev. E 69, 066138 (2004), as scikit-learn
    makes it (3 neighbours). It is a lower bound of what all columns tell together, up to its noise; the largest of many
    is above zero by chance, so that shuffled environments must stand beside it.
    """
    from sklearn.feature_selection import mutual_info_regression

    if not x.shape[1] or not y.shape[1]:
        return float("nan")
    x, y = x[:, :COMPONENTS], y[:, :COMPONENTS]
    found = [mutual_info_regression(x.numpy(), own, random_state=seed) for own in y.T.numpy()]
    return float(np.max(found))


def _unit(columns: Tensor) -> Tensor:
    centred = columns - columns.mean(0)
    sizes = centred.norm(dim=0)
    return torch.where(sizes > 0, centred / sizes.clamp(min=1e-300), 0.0)
