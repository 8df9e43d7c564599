"""The outputs of a recorded pass: how a capture names them, and which one is meant."""

from __future__ import annotations

from collections.abc import Iterable

from equiviz.symmetry.errors import EquivizError

OUTPUT = "output."
"""What a capture puts before the names of typed outputs."""


def named_output(names: Iterable[str], asked: str, refusal: type[EquivizError]) -> str:
    """The name in a capture of the output (or stage) that somebody asks for, with or without its prefix.

    Args:
        names: of what was recorded.
        asked: as the user wrote it.
        refusal: what is raised where there is none of this name; the message lists those that there are.
    """
    known = list(names)
    for name in (OUTPUT + asked, asked):
        if name in known:
            return name
    listed = ", ".join(name.removeprefix(OUTPUT) for name in known) or "nothing that is typed"
    raise refusal(f"There is no output {asked!r}; this model gives {listed}.")
