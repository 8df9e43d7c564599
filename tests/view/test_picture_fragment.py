"""Are still pictures of scenes part of the page, in both looks, with words that are safe?"""

from __future__ import annotations

import numpy as np

from equiviz.view.layers import Atoms
from equiviz.view.page import Page, Section
from equiviz.view.picture_fragment import picture_fragment
from equiviz.view.scene import Scene


def test_a_picture_for_light_and_for_dark_pages_with_its_words_escaped() -> None:
    scene = Scene([Atoms(np.zeros((1, 3)), np.ones(1))])
    fragment = picture_fragment(scene, '"><script>alert(1)</script>', 80, 60)
    assert fragment.html.count("data:image/png;base64,") == 2
    assert "prefers-color-scheme: dark" in fragment.html
    assert "<script>" not in fragment.html
    assert fragment.html in Page("Page", sections=[Section("Pictures", "", [fragment])]).html()
