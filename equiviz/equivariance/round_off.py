"""How large an error rounding alone explains: the tolerance of a check, and why it is what it is."""

from __future__ import annotations

import torch

# Relative errors below these are rounding in any network that we know. Measured on exact e3nn networks of four layers:
# 5e-7 to 3e-6 in float32, 1e-15 to 6e-15 in float64. In float64 the Wigner matrices themselves are good to 1e-13.
_TOLERANCE: dict[torch.dtype, float] = {
    torch.float64: 1e-12,
    torch.float32: 2e-5,
    torch.float16: 3e-2,
    torch.bfloat16: 2e-1,
}
# An input disturbed by one unit in the last place samples rounding errors; turning it samples them again, and the two
# samples differ: by a factor of 2 at most in the exact networks of tests/equivariance, so five times that is no
# rounding.
MARGIN = 10.0
# Above this floor, rounding makes up a hundredth of the values, and ten times it a tenth: the block says nothing about
# symmetry. (A real break of a tenth or less would hide behind the margin.)
DROWNED = 0.01
# A relative error above this in a float64 copy is no rounding: constants that were made in float32 leave 1e-8 or so.
REAL = 1e-6


def base_tolerance(dtype: torch.dtype) -> float:
    """Relative error that passes as rounding in this dtype, for a well-conditioned network."""
    return _TOLERANCE.get(dtype, 1e-12)


def tolerance(dtype: torch.dtype, floor: float) -> float:
    """The tolerance of one block: the dtype's, or a margin above the floor that was measured for it."""
    return max(base_tolerance(dtype), MARGIN * floor)


def tolerance_words(dtype: torch.dtype) -> str:
    """The tolerance and its reason, as a sentence."""
    name = str(dtype).removeprefix("torch.")
    return (
        f"An error counts above {base_tolerance(dtype):.0e} ({name}: exact networks of several layers stay a tenth of "
        f"that or less), or above {MARGIN:.0f} times the floor where the model amplifies rounding."
    )
