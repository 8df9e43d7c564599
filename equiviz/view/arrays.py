"""Numbers from wherever they live (lists, numpy, torch on any device) as float64 arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def numbers(data: ArrayLike | torch.Tensor) -> NDArray[np.float64]:
    """``data`` as a float64 array of the same shape, detached from any graph; a copy where a conversion is needed."""
    if isinstance(data, torch.Tensor):
        data = data.detach().to("cpu", torch.float64).numpy()
    return np.asarray(data, dtype=np.float64)
