"""The linked explorer: pickers, the 3D view, a map of environments, the rotation hand, and two layers side by side.

Beside them, on request, explanations: of a prediction by atoms and by irreps, of a channel that is steered, of a layer
that is probed.

Logic and widgets are apart: `asking`, `explanations`, `steered`, `recorded`, `choices`, `drawing`, `power`,
`environments`, `rotation_hand` and `likeness` know no widget; `pane`, `face` and all panels hold no logic.
"""
