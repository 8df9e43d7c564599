"""Do charts hold the numbers they were given, and refuse those they cannot draw?"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from equiviz.view import (
    Ceiling,
    HeatMap,
    Series,
    ViewError,
    bars,
    error_heat_map,
    heat_map,
    heat_map_row,
    learning_curves,
    line_chart,
    parity,
)
from equiviz.view.colours import DIVERGING, ON_DARK, Scale
from equiviz.view.template import DARK


def test_line_chart_holds_curve_interval_and_ceiling() -> None:
    curve = Series("rho", [0.1, 1, 10], torch.tensor([0.5, 0.6, 0.7]), [0.4, 0.5, 0.6], [0.6, 0.7, 0.8])
    ceiling = Ceiling("noise ceiling", [0.1, 10], [0.9, 0.95])
    chart = line_chart([curve], "time", "rho", x_log=True, y_range=(0, 1), ceiling=ceiling)
    by_name = {trace.name: trace for trace in chart.data if trace.name}
    assert np.allclose(by_name["rho"].y, [0.5, 0.6, 0.7], atol=1e-7)  # float32 came in
    assert list(by_name["noise ceiling"].y) == [0.9, 0.95]
    bands = [trace for trace in chart.data if trace.fill == "toself"]
    assert max(bands[0].y) == 1, "the region above the ceiling reaches the top of the chart"
    assert list(bands[1].y) == [0.6, 0.7, 0.8, 0.6, 0.5, 0.4]
    assert chart.layout.xaxis.type == "log"


def test_log_axis_below_two_decades_names_its_ticks() -> None:
    chart = learning_curves([Series("loss", [0, 1], [0.05, 1.0])])
    assert "0.2" in chart.layout.yaxis.ticktext


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ([], "expected at least one Series, got none"),
        ([Series("a", [1, 2], [1, 2, 3])], r"x of series 'a': expected numbers of shape \[3\], got shape \[2\]"),
        ([Series("a", [1], [[1]])], r"series 'a': expected numbers of shape \[n\], got shape \[1, 1\]"),
        ([Series("a", [1], [1], [1, 2], [2])], r"interval of 'a': expected numbers of shape \[1\], got shape \[2\]"),
    ],
)
def test_line_chart_says_what_is_wrong(series: list[Series], message: str) -> None:
    with pytest.raises(ViewError, match=message):
        line_chart(series, "x", "y")


def test_bars_have_asymmetric_intervals() -> None:
    chart = bars(["a", "b"], [Series("s", [], [1.0, 2.0], [0.5, 1.9], [1.1, 2.5])], "rho", horizontal=True, ceiling=3)
    assert np.allclose(chart.data[0].error_x.array, [0.1, 0.5])
    assert np.allclose(chart.data[0].error_x.arrayminus, [0.5, 0.1])
    assert chart.layout.shapes[0].x0 == 3


def test_heat_map_is_centred_for_signed_data_and_empty_where_unknown() -> None:
    frame = pd.DataFrame({"a": [-1.0, np.nan], "b": [3.0, 0.5]}, index=["r", "s"])
    trace = heat_map(frame, "r", signed=True).data[0]
    assert (trace.zmin, trace.zmax) == (-3, 3)
    assert trace.text[1][0] == ""
    assert trace.text[0][1] == "3.00"


def test_error_map_floors_colours_but_not_numbers() -> None:
    frame = pd.DataFrame({"0e": [1e-20, 0.0], "1o": [1e-3, np.inf], "2e": [np.nan, 5.0]}, index=["a", "b"])
    trace = error_heat_map(frame, floor=1e-16).data[0]
    assert np.allclose(trace.z[:, 0], -16)
    assert trace.text[0] == ("1e-20", "1e-03", "") or list(trace.text[0]) == ["1e-20", "1e-03", ""]
    assert list(trace.text[1]) == ["0", "inf", "5e+00"]
    assert trace.z[1][1] == 0, "infinity is coloured as the worst fault"
    assert np.isnan(trace.z[0][2])


def test_empty_table_is_refused() -> None:
    with pytest.raises(ViewError, match="at least one row and one column"):
        heat_map(pd.DataFrame(), "r")


def test_parity_counts_each_point_once() -> None:
    generator = np.random.default_rng(0)
    x, y = generator.uniform(size=(2, 5_000))
    dense = parity(x, y, "u")
    inside = dense.data[0].customdata.sum()
    assert 0.99 * 5_000 < inside <= 5_000  # one in a thousand lies beyond the quantiles that the map covers
    few = parity([1.0, 2.0, np.nan], [1.0, 2.0, 3.0], "u", groups=["A", "B", "B"])
    assert [len(trace.x) for trace in few.data[:2]] == [1, 1]


def test_parity_refuses_what_does_not_pair() -> None:
    with pytest.raises(ViewError, match="got 1 and 2"):
        parity([1.0, 2.0], [1.0], "u")
    with pytest.raises(ViewError, match="one group name per point, 2 in all, got 1"):
        parity([1.0, 2.0], [1.0, 2.0], "u", groups=["A"])


def test_each_curve_has_its_ceiling_in_its_colour() -> None:
    curves = [Series(name, [1, 2], [0.5, 0.6]) for name in "AB"]
    tops = [Ceiling(f"ceiling {name}", [1, 2], [top, top]) for name, top in (("A", 0.9), ("B", 0.95))]
    made = {trace.name: trace for trace in line_chart(curves, "t", "rho", ceiling=tops).data if trace.name}
    for name in "AB":
        assert made[f"ceiling {name}"].line.color == made[name].line.color
        assert made[f"ceiling {name}"].line.dash == "dash"


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of ``#RRGGBB``."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("pair", ON_DARK)
def test_no_colour_vanishes_on_a_dark_page(pair: tuple[Scale, Scale]) -> None:
    def contrast(colour: str) -> float:
        return (luminance(colour) + 0.05) / (luminance(DARK.paper) + 0.05)

    light, dark = pair
    assert min(contrast(colour) for _, colour in dark) >= 3
    assert contrast(light[0][1]) < 1.5  # the control: why there are two
    rising = [colour for place, colour in dark if light is not DIVERGING or place <= 0.5]
    assert rising == sorted(rising, key=luminance)


def test_a_long_title_of_colours_breaks_instead_of_running_into_the_tools_above() -> None:
    frame = pd.DataFrame([[1.0], [2.0]], index=["a", "b"], columns=["0e"])
    bar = heat_map(frame, "score, in the unit of the sum of energy").data[0].colorbar
    lines = bar.title.text.split("<br>")
    assert max(map(len, lines)) <= 20  # about seven pixels each, of the 130 that a low map has
    assert " ".join(lines) == "score, in the unit of the sum of energy"
    assert heat_map(frame, "<b>R2</b>").data[0].colorbar.title.text == "&lt;b&gt;R2&lt;/b&gt;"


def test_heat_maps_in_a_row_share_their_rows() -> None:
    frame = pd.DataFrame([[0.5, -0.001]], index=["<q>"], columns=["a", "b"])
    made = heat_map_row([HeatMap(frame, "R2", (0, 1)), HeatMap(frame, "gain", (-1, 1), signed=True)], "t")
    assert [list(trace.text[0]) for trace in made.data] == [["0.50", "0.00"]] * 2
    assert made.data[0].y[0] == "&lt;q&gt;"
    assert made.layout.yaxis2.showticklabels is False
    assert made.layout.meta["least"] >= 500
    with pytest.raises(ViewError, match="at least one HeatMap"):
        heat_map_row([])
