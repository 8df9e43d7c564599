"""Cartoon: a protein in a notebook, coloured by residue, in which residues are chosen. Needs anywidget.

Drawn by 3Dmol.js (BSD-3-Clause), which is part of the package: nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import anywidget
import traitlets

from equiviz.view.cartoon_key import CartoonKey, check_paint
from equiviz.view.cartoon_structure import CartoonStructure
from equiviz.view.document import static

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from equiviz.view.cartoon_structure import Macromolecule


@lru_cache(maxsize=1)
def _script() -> str:
    """3Dmol.js, unless the page has it, then ours. Where a page has a module loader, 3Dmol.js must not see it."""
    hidden = "if (!globalThis.$3Dmol) (function () { var define, exports, module;"
    home = f"{hidden} {static('3Dmol-min.js')}\n}}).call(globalThis);"
    return "\n".join([home, static("cartoon.js"), static("cartoon_widget.js")])


class Cartoon(anywidget.AnyWidget):
    """A protein that is drawn in the notebook; R residues.

    Attributes:
        structure: a PDB text, see `CartoonStructure`.
        colours: ``[R]``, "#rrggbb"; `paint` sets them.
        labels: ``[R]``, what is said of the residue under the pointer.
        selected: number of the chosen residue or None, both ways.
        frame: which frame of a trajectory is shown.
        height: in CSS pixels.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    structure = traitlets.Unicode("").tag(sync=True)
    residue_of = traitlets.Bytes(b"").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    colours = traitlets.List(traitlets.Unicode()).tag(sync=True)
    key = traitlets.Dict().tag(sync=True)
    turn = traitlets.List(traitlets.Float()).tag(sync=True)
    selected = traitlets.Int(None, allow_none=True).tag(sync=True)
    frames = traitlets.Bytes(b"").tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    height = traitlets.Int(420).tag(sync=True)

    def __init__(self, molecule: Macromolecule, frames: NDArray[np.float64] | None = None, height: int = 420) -> None:
        drawn = CartoonStructure.of(molecule)
        self.residues = len(molecule.residue_names)
        super().__init__(
            _esm=_script(),
            structure=drawn.text,
            residue_of=drawn.residue.tobytes(),
            turn=list(drawn.turn),
            frames=b"" if frames is None else drawn.frames(frames),
            height=height,
        )

    def paint(self, colours: Sequence[str], labels: Sequence[str], key: CartoonKey) -> None:
        """Colour the residues, and say what the colours mean.

        Raises:
            ViewError: another number of colours or labels than residues, or what is no colour.
        """
        check_paint(colours, labels, self.residues)
        with self.hold_sync():
            self.colours, self.labels, self.key = list(colours), list(labels), key.to_dict()
