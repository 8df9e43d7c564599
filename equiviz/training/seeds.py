"""Random states: borrowed for a while and given back, or written down and restored bit for bit."""

from __future__ import annotations

import random
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class RandomState:
    """The state of the three generators a training may draw from: torch (CPU), numpy's global one, Python's.

    Attributes:
        torch_state: As `torch.get_rng_state` gives it, uint8 [B].
        numpy_state: The Mersenne-Twister key, as int64 [624].
        numpy_rest: Position in the key, whether a Gaussian is in store, and that Gaussian.
        python_state: Key and position, as int64 [625].
        python_gauss: The Gaussian that Python's generator has in store, if any.
    """

    torch_state: Tensor
    numpy_state: Tensor
    numpy_rest: tuple[int, int, float]
    python_state: Tensor
    python_gauss: float | None

    @classmethod
    def now(cls) -> RandomState:
        """The present state; nothing is drawn."""
        _, key, position, has_gauss, cached = np.random.get_state(legacy=True)
        _, numbers, gauss = random.getstate()
        return cls(
            torch.get_rng_state().clone(),
            torch.from_numpy(np.asarray(key).astype(np.int64)),
            (int(position), int(has_gauss), float(cached)),
            torch.tensor(numbers, dtype=torch.int64),
            gauss,
        )

    def restore(self) -> None:
        """Put all three generators back into this state."""
        torch.set_rng_state(self.torch_state)
        np.random.set_state(("MT19937", self.numpy_state.numpy().astype(np.uint32), *self.numpy_rest))
        random.setstate((3, tuple(self.python_state.tolist()), self.python_gauss))

    def tensors(self) -> dict[str, Tensor]:
        """The parts that are tensors, for a bundle."""
        return {"torch": self.torch_state, "numpy": self.numpy_state, "python": self.python_state}

    def scalars(self) -> dict[str, object]:
        """The parts that JSON can hold, for the document of a bundle."""
        return {"numpy_rest": list(self.numpy_rest), "python_gauss": self.python_gauss}

    @classmethod
    def from_parts(cls, tensors: dict[str, Tensor], scalars: dict[str, object]) -> RandomState:
        """The inverse of `tensors` and `scalars`."""
        rest, gauss = scalars["numpy_rest"], scalars["python_gauss"]
        assert isinstance(rest, list)
        return cls(
            tensors["torch"],
            tensors["numpy"],
            (int(rest[0]), int(rest[1]), float(rest[2])),
            tensors["python"],
            None if gauss is None else float(str(gauss)),
        )


@contextmanager
def seeded(seed: int) -> Generator[None, None, None]:
    """Seed torch, numpy and Python inside the block, and leave all three as they were before it.

    Args:
        seed: A whole number >= 0.
    """
    before = RandomState.now()
    try:
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)
        yield
    finally:
        before.restore()


def epoch_order(count: int, seed: int, epoch: int) -> list[int]:
    """The order of `count` examples in an epoch: a function of seed and epoch alone, so that a resumed run finds it."""
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch)).tolist()
