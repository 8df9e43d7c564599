"""A spectrum in plain words."""

from __future__ import annotations

from collections.abc import Sequence

from equiviz.equivariance.block_spectrum import BlockSpectrum
from equiviz.equivariance.orbit_moments import Character
from equiviz.equivariance.percent import percent
from equiviz.symmetry.irreps import Irrep

MOST = 4
"""Blocks that get a sentence of their own: the first that varies, then outputs."""
UNRESOLVED = 0.01
"""A break of which more than this part lies beyond the largest lambda is not resolved."""
UNSETTLED = 0.05
"""A variance that changes by more than this from the smaller rule to the larger has not converged."""


def sentences(blocks: Sequence[BlockSpectrum], highest: int, limit: int, smaller: int | None) -> list[str]:
    """What varies and how, then what could not be said, then whether the rule was fine enough."""
    varying = [block for block in blocks if block.status == "varies"]
    told = [*varying[:1], *(block for block in varying[1:] if block.raw is not None)][:MOST]
    lines = [_break(block) for block in told] or [_nothing(blocks)]
    if len(varying) > len(told):
        lines.append(f"Blocks that vary besides: {len(varying) - len(told)}; to_frame() holds them all.")
    lines += [
        f"{block.stage}, {block.irrep}, is {block.status}: it says nothing about symmetry."
        for block in blocks
        if block.status in ("not finite", "drowned in rounding")
    ]
    return [*lines, *_resolution(varying, highest, limit, smaller)]


def character_words(character: Character) -> str:
    """What it means that a number changes with orientation as this character does."""
    degree, sigma = character
    if sigma == 0:
        return f"as the components of an l = {degree} tensor do"
    if character == (0, -1):
        return "by inversion alone: rotations keep it, inversion turns its sign"
    irrep = Irrep(degree, sigma * (-1) ** degree)
    what = {"1o": "a vector", "1e": "an axial vector"}.get(str(irrep), f"an l = {degree} tensor")
    return f"as the components of {what} ({irrep}) fixed in space do"


def character_name(character: Character) -> str:
    """The character in words: "lambda = 2, sigma = +1"; on SO(3), "lambda = 2"."""
    degree, sigma = character
    return f"lambda = {degree}" + {1: ", sigma = +1", -1: ", sigma = -1", 0: ""}[sigma]


def _break(block: BlockSpectrum) -> str:
    what = f"{block.stage}'s {block.irrep} block"
    size = f"standard deviation {percent(block.relative_std)} of its rms"
    if not block.broken:
        return f"{what} varies over the group ({size}); the band limit resolves no lambda above 0."
    first, *others = sorted(block.broken, key=block.share_of_break, reverse=True)
    if block.beyond_of_break > block.share_of_break(first):
        share = percent(block.beyond_of_break)
        return f"{share} of the break of {what} ({size}) lies beyond what the band limit resolves."
    words = (
        f"{percent(block.share_of_break(first))} of the break of {what} ({size}) sits at {character_name(first)}: "
        f"it changes {character_words(first)}"
    )
    rest = [c for c in others[:2] if block.share_of_break(c) > 0.05]
    more = "".join(f", {percent(block.share_of_break(c))} at {character_name(c)}" for c in rest)
    return f"{words}{more}."


def _nothing(blocks: Sequence[BlockSpectrum]) -> str:
    told = [block for block in blocks if block.status == "constant"]
    if not told:
        return "No block says anything: all are zero, not finite, or drowned in rounding."
    largest = max(told, key=lambda block: block.relative_std)
    return (
        f"No block varies by more than rounding: the largest standard deviation is {percent(largest.relative_std)} of "
        f"the rms ({largest.stage}, {largest.irrep}); up to {percent(largest.tolerance)} counts as rounding."
    )


def _resolution(varying: Sequence[BlockSpectrum], highest: int, limit: int, smaller: int | None) -> list[str]:
    rule = (
        f"A rule of band limit L integrates squares exactly for content up to lambda = L / 2; this one, {limit}, "
        f"resolves lambda up to {highest}."
    )
    lines = [rule]
    missed = [block for block in varying if block.beyond_of_break > UNRESOLVED]
    if missed:
        worst = max(missed, key=lambda block: block.beyond_of_break)
        lines.append(
            f"That is not enough for {worst.stage}'s {worst.irrep} block: {percent(worst.beyond_of_break)} of its "
            "break lies beyond, and is partly counted at lower lambda. Raise band_limit."
        )
    if smaller is not None and varying:
        lines.append(_convergence(varying, limit, smaller))
    return lines


def _convergence(varying: Sequence[BlockSpectrum], limit: int, smaller: int) -> str:
    worst = max(varying, key=lambda block: block.change)
    verdict = "they have converged" if worst.change <= UNSETTLED else "they may still be off. Raise band_limit"
    return (
        f"From band limit {smaller} to {limit} the variances change by at most {percent(worst.change)} "
        f"({worst.stage}, {worst.irrep}): {verdict}."
    )
