"""Numbers from wherever they live (lists, numpy, torch on any device) as float64 arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from equiviz.view.errors import ViewError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def numbers(data: ArrayLike | torch.Tensor) -> NDArray[np.float64]:
    """``data`` as a float64 array of the same shape, detached from any graph; a copy where a conversion is needed.

    Raises :class:`~equiviz.view.errors.ViewError` for complex numbers, whose imaginary part would be lost.
    """
    array = data.detach().cpu() if isinstance(data, torch.Tensor) else np.asarray(data)
    if isinstance(array, torch.Tensor):
        array = (array if array.is_complex() else array.to(torch.float64)).numpy()
    if np.iscomplexobj(array):
        raise ViewError("Complex numbers cannot be drawn; pass their real part, their modulus, or norms().")
    return np.asarray(array, dtype=np.float64)
