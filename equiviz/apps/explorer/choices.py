"""What can be chosen of a record (stage, irrep, channel, style), and what a choice becomes when another is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from equiviz.features.capture import Capture
from equiviz.symmetry.field import Field
from equiviz.view.drawn_field import ALL
from equiviz.view.errors import ViewError
from equiviz.view.layers import HIGHEST_DEGREE
from equiviz.view.show import Style

MOST_EDGES = 20_000
"""Features on more edges than these are not drawn."""
_LONGEST = 26
"""Letters of irreps in a menu."""
_NAMES = {"0e": "scalar", "0o": "pseudoscalar", "1o": "vector", "1e": "pseudovector", "2e": "l = 2 tensor"}


@dataclass(frozen=True)
class Choice:
    """What is looked at.

    Attributes:
        structure: its number.
        stage: its name.
        block: label of an irrep, or "all" for one glyph of all degrees; "" where the stage holds nothing.
        channel: which copy.
        style: as in `equiviz.show`.
        shared: whether all channels of a block have one scale, so that they can be compared.
    """

    structure: int
    stage: str
    block: str
    channel: int = 0
    style: Style = "auto"
    shared: bool = True


def first_choice(capture: Capture, structure: int = 0) -> Choice:
    """What is shown at first: of the last stage on nodes that has more than scalars, the highest degree.

    True tensors go before pseudo-tensors, hidden stages before outputs, fine grids before coarse ones; the channel is
    the strongest.
    """
    every = {name: len(field) for name, field in capture.items() if field.support == "node"}
    nodes = [name for name, rows in every.items() if rows == max(every.values())]
    shaped = [name for name in nodes if any(degree(label) for label in blocks(capture[name]))]
    hidden = [name for name in shaped if not name.startswith("output.")]
    stage = (hidden or shaped or nodes or list(capture))[-1]
    labels = list(blocks(capture[stage]))
    block = max(labels, key=lambda label: (_is_natural(label), degree(label) or 0), default="")
    return Choice(structure, stage, block, _strongest(capture[stage], block))


def _strongest(field: Field, block: str) -> int:
    if block not in field.representation.labels():
        return 0
    power = field[block].abs().square().flatten(1, -2).sum((0, 2))  # [copies]
    return int(power.nan_to_num().argmax()) if len(power) else 0


def fitted(choice: Choice, capture: Capture) -> Choice:
    """The same choice, as far as this record has what was chosen; else what comes closest to it."""
    if choice.stage not in capture:
        return replace(first_choice(capture, choice.structure), style=choice.style, shared=choice.shared)
    offered = offered_blocks(capture[choice.stage])
    block = choice.block if choice.block in offered else next(iter(offered), "")
    channel = min(max(choice.channel, 0), max(0, offered.get(block, 1) - 1))
    style = choice.style if choice.style in offered_styles(block) else "auto"
    return replace(choice, block=block, channel=channel, style=style)


def blocks(field: Field) -> dict[str, int]:
    """Number of copies of each irrep."""
    found: dict[str, int] = {}
    for block in field.blocks:
        found[block.label] = found.get(block.label, 0) + block.multiplicity
    return found


def offered_blocks(field: Field) -> dict[str, int]:
    """`blocks`, and "all" where several degrees make up one function on the sphere."""
    found = blocks(field)
    natural = {label: count for label, count in found.items() if _is_natural(label)}
    if field.support == "graph" or len(natural) < 2:
        return found
    return {**found, ALL: max(natural.values())}


def offered_styles(block: str) -> tuple[Style, ...]:
    """The styles in which a block can be drawn."""
    if block == ALL:
        return ("auto",)
    found = degree(block)
    if found is None or found == 0 or found > HIGHEST_DEGREE:
        return ("auto", "glyphs") if found == 0 else ("auto",)
    return ("auto", "colour", "arrows", "glyphs") if found == 1 else ("auto", "colour", "glyphs")


def why_not_drawn(field: Field, whole: str = "structure") -> str:
    """Why a stage is told in words or numbers instead of drawn; "" where it is drawn. `whole`: what is looked at."""
    if field.support == "graph":
        return f"one value for the whole {whole}: shown as numbers"
    if field.support == "edge" and len(field) > MOST_EDGES:
        return f"features on {len(field):,} edges, more than {MOST_EDGES:,}: left out of the picture"
    if field.support not in ("node", "edge"):
        return f"features on {field.support}s: left out of the picture"
    if field.values.ndim != 2:
        return f"values of shape {list(field.values.shape)}, with an axis of their own: left out of the picture"
    if field.values.is_complex():
        return "complex numbers: left out of the picture"
    if not field.blocks:
        return "it holds no components"
    return ""


def stage_title(name: str, field: Field) -> str:
    """A stage in a menu."""
    irreps = str(field.representation)
    short = irreps if len(irreps) <= _LONGEST else irreps[: _LONGEST - 1] + "…"
    return f"{name}  ({short}{'' if field.support == 'node' else f', {field.support}s'})"


def block_title(label: str, copies: int) -> str:
    """A block in a menu: "1o: vector (4 channels)"."""
    many = f"{copies} channel{'s' * (copies != 1)}"
    if label == ALL:
        return f"all degrees in one glyph ({many})"
    found = degree(label)
    words = "" if found is None else f"l = {found}, {'even' if label.endswith('e') else 'odd'}"
    return f"{label}: {_NAMES.get(label, words) or 'components'} ({many})"


def numbers(field: Field, block: str, channel: int) -> list[list[float]]:
    """One copy of one block, row by row."""
    copies = field[block].flatten(1, -2)  # [rows, copies, size]
    real = copies.abs() if copies.is_complex() else copies
    return real[:, channel].tolist()


def rows_of(text: str, count: int, noun: str = "atom") -> list[int]:
    """The numbers in "3, 17-20".

    Raises:
        ViewError: what is no number, or no atom, or whatever they are numbers of.
    """
    rows: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        low, _, high = part.partition("-")
        if not low.strip().isdecimal() or not (high.strip() or "0").isdecimal():
            raise ViewError(f"Expected numbers of {noun}s such as 3, 17-20, got {part!r}.")
        rows |= set(range(int(low), min(int(high or low), int(low) + count) + 1))
    if rows and max(rows) >= count:
        raise ViewError(f"There is no {noun} {max(rows)}: they are numbered from 0 to {count - 1}.")
    return sorted(rows)


def by_stage(capture: Capture) -> Mapping[str, str]:
    """Titles of the stages by name, in the order in which they passed."""
    return {name: stage_title(name, field) for name, field in capture.items()}


def degree(label: str) -> int | None:
    """l of "2e"; None where the block is no irrep of O(3)."""
    return int(label[:-1]) if label[:-1].isdecimal() and label[-1] in "eo" else None


def _is_natural(label: str) -> bool:
    found = degree(label)
    return found is not None and found <= HIGHEST_DEGREE and label[-1] == "eo"[found % 2]
