"""A second view beside the first: another layer, or another model, seen from the same side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from equiviz.apps.explorer.choices import Choice, first_choice, fitted
from equiviz.apps.explorer.likeness import likeness
from equiviz.apps.explorer.pane import Pane
from equiviz.apps.explorer.place import carried_over
from equiviz.apps.explorer.recorded import Recorded
from equiviz.equivariance.check_widget.look import line, say
from equiviz.explain.errors import LikenessError

if TYPE_CHECKING:
    from equiviz.symmetry.field import Field

SIZES = "They are of other structures, whose atoms do not correspond: no likeness."
VECTORS = "The vectors of two stages do not correspond one by one: no likeness."
SUPPORTS = "Likeness is told of two stages on the same nodes, of which there are four or more."


class ComparePanel:
    """The second pane, and what the two stages have in common.

    Attributes:
        left: the first pane.
        right: the second; its cameras and selection are those of the first.
        words: how alike the two are.
        box: all of it.
    """

    def __init__(self, left: Pane, models: dict[str, Recorded], height: int, linked: str) -> None:
        from ipywidgets import VBox, jslink

        self.left, self._marking = left, False
        other = next((known for known in models.values() if known is not left.recorded), left.recorded)
        self.right = Pane(models, other, _beside(left.choice, left.recorded, other), height, linked)
        self.words = line()
        self.box = VBox([self.right.box, self.words])
        left.followers.append(self.follow)
        self.right.followers.append(self._say)
        left.view.observe(left.view.guarded(lambda _: self._mark(left, self.right)), "selected")
        self.right.view.observe(left.view.guarded(lambda _: self._mark(self.right, left)), "selected")
        jslink((left.view, "slab"), (self.right.view, "slab"))
        self._say()

    def follow(self) -> None:
        """The first pane shows something else: so does the second, where it shows the same structure's features."""
        if self.left.choice.structure != self.right.choice.structure:
            self.right.choose(replace(self.right.choice, structure=self.left.choice.structure))
        self._say()

    def _mark(self, source: Pane, target: Pane) -> None:
        """Select the same in the other view; what that selects does not come back, for its grid may be coarser."""
        if self._marking or source.choice.structure != target.choice.structure:
            return
        self._marking = True
        try:
            target.view.selected = carried_over(source.view.selected, source.drawn_on, target.drawn_on)
        finally:
            self._marking = False

    def _say(self) -> None:
        say(self.words, self._told(), "equiviz-quiet")

    def _told(self) -> str:
        left, right = self.left, self.right
        if left.choice.structure != right.choice.structure:
            return SIZES
        if left.recorded.moving:
            return VECTORS
        try:
            found = likeness(left.field, right.field)
        except LikenessError as problem:
            return f"No likeness: {problem}"
        if found is None:
            return SUPPORTS
        return " ".join(filter(None, [found.words(), _difference(left, right)]))


def _difference(left: Pane, right: Pane) -> str:
    """Of two blocks of one type with as many channels: the relative difference of their values."""
    from equiviz.equivariance.percent import percent
    from equiviz.equivariance.squares import difference_of

    one, other = _block(left.field, left.choice), _block(right.field, right.choice)
    if left.choice.block != right.choice.block or one is None or other is None or one.shape != other.shape:
        return ""
    what = f"Relative difference of all channels of {left.choice.block}"
    return f"{what}: {percent(difference_of(one.double(), other.double()))}."


def _block(field: Field, choice: Choice) -> Tensor | None:
    return field[choice.block] if choice.block in field.representation.labels() else None


def _beside(choice: Choice, recorded: Recorded, other: Recorded) -> Choice:
    """The same stage of another model; of the same model, the stage before it that can be drawn in the same irrep."""
    capture = other.seen(choice.structure)
    if other is not recorded:
        return fitted(choice, capture) if choice.stage in capture else first_choice(capture, choice.structure)
    names = [name for name, field in capture.items() if choice.block in field.representation.labels()]
    names = [name for name in names if capture[name].support == capture[choice.stage].support]
    place = names.index(choice.stage) if choice.stage in names else 0
    return fitted(replace(choice, stage=names[place - 1] if names else choice.stage), capture)
