"""The progress bar of long work: it shows itself late, and only to somebody, at a terminal or in a notebook."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from torch import nn

if TYPE_CHECKING:
    from tqdm.std import tqdm

Part = TypeVar("Part")

PATIENCE = 2.0
"""Seconds after which it is shown."""


def late_bar(doing: str, total: int | None = None, unit: str = " runs", *, progress: bool = True) -> tqdm[Any]:
    """A bar that counts runs of the model, or whatever else; none at all where `progress` is False."""
    from tqdm.auto import tqdm

    watched = progress and (sys.stderr.isatty() or _in_notebook())
    return tqdm(desc=doing, total=total, unit=unit, delay=PATIENCE, leave=False, disable=not watched)


def _in_notebook() -> bool:
    """Whether a kernel runs this: that its package is loaded says nothing, for widgets load it anywhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def counted(parts: Iterable[Part], doing: str, unit: str = " parts", *, progress: bool = True) -> Iterable[Part]:
    """The parts one after the other, while a late bar counts them."""
    total = len(parts) if isinstance(parts, Sized) else None
    with late_bar(doing, total, unit, progress=progress) as bar:
        for part in parts:
            yield part
            bar.update()


@contextmanager
def counting_runs(model: nn.Module, doing: str, *, progress: bool = True) -> Generator[None]:
    """Meanwhile, a late bar counts how often the model is run."""
    if not progress:
        yield
        return
    with late_bar(doing) as bar:

        def count(*_: object) -> None:  # what a hook returns would be put in the place of the output
            bar.update()

        handle = model.register_forward_hook(count)
        try:
            yield
        finally:
            handle.remove()
