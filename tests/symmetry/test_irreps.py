"""Is e3nn's notation read as e3nn reads it, and anything else refused in words?"""

from __future__ import annotations

import time

import pytest
from e3nn import o3
from hypothesis import given, settings
from hypothesis import strategies as st

from equiviz.symmetry import Irrep, Irreps, IrrepsError

PROPERTY = settings(max_examples=25, deadline=None)  # no deadline: a busy machine is not a failure
TERMS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 11), st.sampled_from("eo")), max_size=6)


@PROPERTY
@given(terms=TERMS)
def test_vs_e3nn(terms: list[tuple[int, int, str]]) -> None:
    text = "+".join(f"{mul}x{degree}{parity}" for mul, degree, parity in terms)
    ours, theirs = Irreps(text), o3.Irreps(text)
    assert (str(ours), ours.dim, ours.num_irreps) == (str(theirs), theirs.dim, theirs.num_irreps)
    assert ours.slices() == theirs.slices()
    assert ours.to_e3nn() == theirs
    assert Irreps.from_e3nn(theirs) == ours


def test_ways_to_write_the_same() -> None:
    expected = Irreps("2x0e+1x1o")
    assert Irreps(" 2x0e + 1o ") == Irreps([(2, "0e"), (1, Irrep(1, -1))]) == Irreps(expected) == expected
    assert expected[1] == (1, Irrep.parse("1o"))
    assert expected[1:] + Irreps("0e") == Irreps("1o+0e")
    assert Irreps.spherical(2, 4) == Irreps("4x0e+4x1o+4x2e")
    assert Irreps("").dim == 0
    assert Irreps("").lmax == -1


@pytest.mark.parametrize("text", ["8x0", "1z", "1o,2e", "x1o", "-1x0e", "1o+", "0e++1o", "1.5x0e", "٣x0e+", "²e"])
def test_not_irreps(text: str) -> None:
    with pytest.raises(IrrepsError, match=r"Cannot read .* in irreps .*: expected terms such as '8x0e' or '1o'"):
        Irreps(text)


def test_one_irrep() -> None:
    with pytest.raises(IrrepsError, match="Expected one irrep such as '0e' or '1o', got '2x1o'"):
        Irrep.parse("2x1o")
    with pytest.raises(IrrepsError, match=r"parity p=1 \(even\) or p=-1 \(odd\), got p=0"):
        Irrep(1, 0)


def test_giants_are_refused_at_once() -> None:
    start = time.process_time()
    with pytest.raises(IrrepsError, match="dimension 1000000 at most, got 3000000"):
        Irreps("1000000x1o")
    with pytest.raises(IrrepsError, match="degree l from 0 to 64, got l=999999999"):
        Irreps("999999999e")
    with pytest.raises(IrrepsError, match=r"Cannot read '9{80}\.\.\.'"):
        Irreps("9" * 1_000_000)
    assert time.process_time() - start < 1


def test_negative_multiplicity() -> None:
    with pytest.raises(IrrepsError, match="multiplicity of 0 or more, got -2"):
        Irreps([(-2, "0e")])
