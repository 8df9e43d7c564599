"""The linked explorer: pickers, the 3D view, a map of environments, the rotation hand, and two layers side by side.

Logic and widgets are apart: `recorded`, `choices`, `drawing`, `power`, `environments`, `rotation_hand` and `likeness`
know no widget; `pane`, `side_panel`, `hand_panel` and `face` hold no logic.
"""
