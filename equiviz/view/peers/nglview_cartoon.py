"""A protein in nglview's cartoon, with the face of `equiviz.view.cartoon.Cartoon`. Needs ``nglview==4.0``.

It gets the same PDB text as our cartoon, so that no word of a file reaches its page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import traitlets
from ipywidgets import HTML, VBox

from equiviz.view.cartoon_key import CartoonKey, check_paint
from equiviz.view.cartoon_structure import CartoonStructure
from equiviz.view.escape import escape
from equiviz.view.peers.nglview_package import nglview

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from equiviz.view.cartoon_structure import Macromolecule

MARK = "#dc1478"
_DRAWING = ("addRepresentation", "removeAllRepresentations", "removeRepresentationsByName")


class NglviewCartoon(VBox):
    """A protein that is drawn by nglview; R residues. Traits as those of `Cartoon`.

    Attributes:
        view: the `nglview.NGLWidget`.
        selected: number of the chosen residue or None, both ways.
        frame: which frame of a trajectory is shown.
    """

    selected = traitlets.Int(None, allow_none=True)
    frame = traitlets.Int(0)

    def __init__(self, molecule: Macromolecule, frames: NDArray[np.float64] | None = None, height: int = 420) -> None:
        self._nglview = nglview()
        self._drawn = CartoonStructure.of(molecule)
        self.residues = len(molecule.residue_names)
        self._rows = [np.flatnonzero(self._drawn.residue == k) for k in range(self.residues)]
        every = None if frames is None else np.frombuffer(self._drawn.frames(frames), dtype=np.float32)
        self._frames = None if every is None else every.reshape(len(cast(Any, frames)), -1, 3)
        self.view: Any = self._nglview.NGLWidget(self._nglview.TextStructure(self._drawn.text, ext="pdb"))
        self.view.layout.height = f"{height}px"
        self.view.clear_representations()
        self.key = HTML()
        super().__init__([self.view, self.key])
        self.view.observe(self._picked, "picked")
        self.observe(lambda _: self._mark(), "selected")
        self.observe(lambda _: self._move(), "frame")

    def paint(self, colours: Sequence[str], labels: Sequence[str], key: CartoonKey) -> None:
        """Colour the residues, and say what the colours mean.

        Raises:
            ViewError: another number of colours or labels than residues, or what is no colour.
        """
        check_paint(colours, labels, self.residues)
        scheme = [[colours[k], _atoms(rows)] for k, rows in enumerate(self._rows) if len(rows)]
        name = f"equiviz{id(self)}"
        registry = self._nglview.color.ColormakerRegistry
        for trait in ("_msg_ar", "_msg_q"):  # what it tells every page that connects: the last scheme is enough
            setattr(registry, trait, [sent for sent in getattr(registry, trait) if name not in sent["args"]])
        registry.add_selection_scheme(name, scheme)
        self._forget()
        self.view.clear_representations()
        self.view.add_representation("cartoon", color=name)
        self.view.add_representation("licorice", selection="hetero and not polymer")
        self._mark()
        stops = ", ".join(f"{colour} {100 * place:.0f}%" for place, colour in key.scale)
        self.key.value = (
            f'{escape(key.title)}<div style="height:8px;max-width:420px;background:linear-gradient(to right,{stops})">'
            f"</div>{escape(f'{key.low:.2g} to {key.high:.2g}')}"
        )

    def _picked(self, change: dict[str, Any]) -> None:
        atom: dict[str, Any] = dict(change["new"] or {}).get("atom1") or dict(change["new"] or {}).get("atom") or {}
        place = atom.get("index")
        if isinstance(place, int) and 0 <= place < len(self._drawn.residue):
            self.selected = int(self._drawn.residue[place])

    def _mark(self) -> None:
        self._forget("equiviz_mark")
        self.view._remote_call("removeRepresentationsByName", args=["equiviz_mark", 0])
        rows = None if self.selected is None else self._rows[self.selected]
        if rows is not None and len(rows):
            self.view.add_representation("hyperball", selection=_atoms(rows), color=MARK, name="equiviz_mark")

    def _forget(self, of: str | None = None) -> None:
        """Take from what a page hears when it connects what the next call makes void; else it grows with each click."""
        self.view._ngl_msg_archive = [
            sent
            for sent in self.view._ngl_msg_archive
            if sent["methodName"] not in _DRAWING
            or sent.get("component_index", 0) != 0
            or of not in (None, sent["kwargs"].get("name"), *sent["args"][:1])
        ]

    def _move(self) -> None:
        if self._frames is not None:
            self.view.set_coordinates({0: self._frames[self.frame]})


def _atoms(rows: NDArray[np.int64]) -> str:
    return "@" + ",".join(map(str, rows.tolist()))
