"""Glassy liquids: configurations, propensities, and the simulations behind them.

Names are imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equiviz.lazy_names import lazy_names

if TYPE_CHECKING:
    from equiviz.datasets.glass.bapst import read_bapst as read_bapst
    from equiviz.datasets.glass.botan import read_botan as read_botan
    from equiviz.datasets.glass.configuration import GlassConfiguration as GlassConfiguration
    from equiviz.datasets.glass.folder import read_configurations as read_configurations
    from equiviz.datasets.glass.folder import read_folder as read_folder
    from equiviz.datasets.glass.propensity import structure_factor as structure_factor
    from equiviz.datasets.glass.recipe import GlassRecipe as GlassRecipe
    from equiviz.datasets.glass.shipped import load_shipped as load_shipped
    from equiviz.datasets.glass.statistics import noise_ceiling as noise_ceiling

_HOME = {
    "GlassConfiguration": "configuration",
    "GlassRecipe": "recipe",
    "load_shipped": "shipped",
    "noise_ceiling": "statistics",
    "read_bapst": "bapst",
    "read_botan": "botan",
    "read_configurations": "folder",
    "read_folder": "folder",
    "structure_factor": "propensity",
}

__all__ = [
    "GlassConfiguration",
    "GlassRecipe",
    "load_shipped",
    "noise_ceiling",
    "read_bapst",
    "read_botan",
    "read_configurations",
    "read_folder",
    "structure_factor",
]


__getattr__ = lazy_names(__name__, _HOME)
