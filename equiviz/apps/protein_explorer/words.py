"""What is said of a site, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.holograms.protein import AMINO_ACIDS

if TYPE_CHECKING:
    from equiviz.explain.proteins.responsible import Responsible
    from equiviz.explain.proteins.scan import Scan

NO_SITE = (
    "is no site. Sites are standard amino acids with a CA atom; of chains with the same sequence, those of the first."
)


def site_words(scan: Scan, site: int, reasons: Responsible) -> str:
    """What is preferred here, and what the decision rests on."""
    probabilities = scan.log_probabilities[site].exp()
    wild, first = int(scan.classes[site]), int(probabilities.argmax())
    told = f"{scan.sites[site]}: p({AMINO_ACIDS[wild]}) = {float(probabilities[wild]):.3f}"
    if first == wild:
        told += ", the preferred amino acid"
    else:
        told += f"; preferred is {AMINO_ACIDS[first]} with {float(probabilities[first]):.3f}"
    return f"{told}. Entropy {float(scan.entropies[site]):.2f} nats. {reasons.describe()}"
