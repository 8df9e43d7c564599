"""`sphere_map(model, x)`: the error of a model's outputs against the axis about which its input is turned."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from equiviz.equivariance.errors import CheckError
from equiviz.equivariance.output_errors import OutputErrors
from equiviz.equivariance.percent import percent
from equiviz.equivariance.round_off import base_tolerance, tolerance_words
from equiviz.features.model_input import ModelInput
from equiviz.features.model_state import as_found
from equiviz.nn.declared_function import Outputs, Per
from equiviz.nn.stage import Support
from equiviz.structures.typed_tensors import Inputs
from equiviz.symmetry.groups import O3
from equiviz.view.report import Report

if TYPE_CHECKING:
    from pandas import DataFrame
    from plotly.graph_objects import Figure, Heatmap

_LATITUDES = (-90, -60, -45, -30, -15, 0, 15, 30, 45, 60, 90)


@dataclass(eq=False, repr=False)
class SphereMap(Report):
    """Relative errors on a grid of axes whose cells all have the same solid angle.

    Latitude is counted from the xy plane towards z, longitude from x towards y. Rows are equidistant in the sine of
    the latitude, so that a tenth of the picture is a tenth of all axes.

    Attributes:
        model: class name.
        angle: of the rotations, in radians.
        latitudes, longitudes: in degrees, of the rows ``[H]`` and columns ``[W]``.
        errors: ``[H, W, outputs]``.
        outputs: their names.
        dtype: the coarsest floating type among parameters and stages.
    """

    model: str
    angle: float
    latitudes: Tensor
    longitudes: Tensor
    errors: Tensor
    outputs: list[str]
    dtype: torch.dtype

    @property
    def title(self) -> str:  # type: ignore[override]
        """Heading of the report."""
        return f"{self.model} turned by {math.degrees(self.angle):.4g}° about every axis"

    @property
    def largest(self) -> Tensor:
        """The largest error of any output, ``[H, W]``."""
        return self.errors.amax(-1)

    @property
    def worst(self) -> O3:
        """The worst of these rotations."""
        row, column = divmod(int(self.largest.argmax()), len(self.longitudes))
        return O3.rotation(_axis(self.latitudes[row], self.longitudes[column]), self.angle)

    def to_frame(self) -> DataFrame:
        """One row per axis and output: latitude_deg, longitude_deg, axis_x, axis_y, axis_z, output, error."""
        import pandas as pd

        rows = [
            [float(latitude), float(longitude), *_axis(latitude, longitude).tolist(), name, float(error)]
            for latitude, row in zip(self.latitudes, self.errors, strict=True)
            for longitude, cell in zip(self.longitudes, row, strict=True)
            for name, error in zip(self.outputs, cell, strict=True)
        ]
        names = ["latitude_deg", "longitude_deg", "axis_x", "axis_y", "axis_z", "output", "error"]
        return pd.DataFrame(rows, columns=names)

    def figure(self) -> Figure:
        """The sphere of axes as an equal-area map; logarithmic colours, from the smallest to the largest error."""
        from equiviz.view.escape import escape
        from equiviz.view.template import figure

        chart = figure(escape(self.title), height=420)
        chart.add_trace(self._cells())
        marks = torch.tensor(_LATITUDES, dtype=torch.float64)
        chart.update_xaxes(
            title_text="longitude of the axis, from x towards y (°)",
            tickvals=list(range(-180, 181, 45)),
            range=[-180, 180],
        )
        chart.update_yaxes(
            title_text="latitude of the axis, from xy towards z (°)",
            tickvals=_height(marks).tolist(),
            ticktext=[str(latitude) for latitude in _LATITUDES],
            range=[-1, 1],
        )
        return chart

    def _cells(self) -> Heatmap:
        import plotly.graph_objects as graphs

        from equiviz.view.colours import ERRORS

        shown = self.largest
        low, high = self._range()
        ticks = [step * 10.0**decade for decade in range(-20, 1) for step in (1, 2, 5)]
        ticks = [tick for tick in ticks if low <= tick <= high]
        ticks = ticks if len(ticks) <= 9 else ticks[:: len(ticks) // 6]
        title = {"text": "relative error", "side": "right"}
        return graphs.Heatmap(
            z=shown.clamp(low, high).log10().numpy(),
            x=self.longitudes.numpy(),
            y=_height(self.latitudes).numpy(),
            customdata=torch.stack([self.latitudes[:, None].expand_as(shown), shown], -1).numpy(),
            hovertemplate=(
                "latitude %{customdata[0]:.1f}°, longitude %{x:.1f}°<br>relative error %{customdata[1]:.2e}"
                "<extra></extra>"
            ),
            zmin=math.log10(low),
            zmax=math.log10(high),
            colorscale=ERRORS,
            colorbar={
                "title": title,
                "tickvals": [math.log10(t) for t in ticks],
                "ticktext": [f"{t:.0e}" for t in ticks],
            },
        )

    def _range(self) -> tuple[float, float]:
        """The scale: that of all reports where nothing breaks, else three decades at most below the largest error."""
        finite = self.largest[self.largest.isfinite()]
        rounding = base_tolerance(self.dtype)
        most = float(finite.max()) if len(finite) else 1.0
        if most <= rounding:
            return rounding / 1e3, 1.0
        return min(max(float(finite.min()), most / 1e3), most / 2), most

    def describe(self) -> str:
        """The range of errors, the worst axis, and the share of axes that break."""
        errors = self.largest
        bound = base_tolerance(self.dtype)
        broken = float((errors > bound).double().mean())
        return (
            f"{self.model} turned by {math.degrees(self.angle):.4g}° about {errors.numel()} axes: relative error of "
            f"its outputs {percent(float(errors.median()))} in the median, {percent(float(errors.max()))} at most, at "
            f"{self.worst!r}. Above rounding about {percent(broken)} of all axes.\n{tolerance_words(self.dtype)}"
        )


def sphere_map(
    model: nn.Module | Callable[..., object],
    x: ModelInput | Tensor | Sequence[object] | Mapping[str, object],
    angle: float = math.pi / 2,
    points: int = 512,
    *,
    supports: Mapping[str, Support] | None = None,
    inputs: Inputs | None = None,
    outputs: Outputs | None = None,
    per: Per | None = None,
) -> SphereMap:
    """Turn the input by one angle about axes all over the sphere.

    Args:
        model: anything that `equiviz.check` takes.
        x: as in `equiviz.check`.
        angle: of all rotations, in radians.
        points: about how many axes; each is one run of the model, many in one batch.
        supports: as in `equiviz.capture`.
        inputs: as in `equiviz.check`.
        outputs: as in `equiviz.check`.
        per: as in `equiviz.check`.

    Raises:
        CheckError: fewer than two points; and as `equiviz.check`.
        CaptureError, ModelError, StructureError: as `equiviz.check`.
    """
    if points < 2:
        raise CheckError(f"Expected at least two points on the sphere of axes, got points={points}.")
    latitudes, longitudes = _grid(rows=max(1, round(math.sqrt(points / 2))))
    axes = _axis(latitudes[:, None], longitudes[None]).flatten(0, 1)  # [H * W, 3]
    turns = torch.stack([O3.rotation(axis, angle).matrix for axis in axes])
    with as_found(model):
        errors = OutputErrors.of(model, x, supports, inputs, outputs, per)
        found = errors.at(turns).reshape(len(latitudes), len(longitudes), -1)
    title, dtype = errors.runs.reference.model, errors.runs.dtype
    return SphereMap(title, angle, latitudes, longitudes, found, errors.names, dtype)


def _grid(rows: int) -> tuple[Tensor, Tensor]:
    """Latitudes ``[rows]`` and longitudes ``[2 rows]`` in degrees, at the centres of cells of one solid angle."""
    height = (2 * torch.arange(rows, dtype=torch.float64) + 1) / rows - 1
    longitudes = (torch.arange(2 * rows, dtype=torch.float64) + 0.5) * (180 / rows) - 180
    return torch.rad2deg(torch.asin(height)), longitudes


def _axis(latitude: Tensor, longitude: Tensor) -> Tensor:
    """Unit vectors ``[..., 3]`` from degrees."""
    up, round_ = torch.deg2rad(latitude), torch.deg2rad(longitude)
    parts = torch.broadcast_tensors(up.cos() * round_.cos(), up.cos() * round_.sin(), up.sin())
    return torch.stack(parts, -1)


def _height(latitude: Tensor) -> Tensor:
    """Where a latitude lies on the map: equal areas stay equal."""
    return torch.deg2rad(latitude).sin()
