// What is painted over the picture: labels, the axes, and in screenshots the title and the key.

import type { Frame } from "./camera";
import { labelsInSight, paintLabels, type Sight } from "./labels";
import { type Key, paintLegend } from "./legend";
import type { Picker } from "./pick";
import type { Layer } from "./scene";
import { paintTitle } from "./screenshot";
import type { Theme } from "./theme";
import { paintTripod } from "./tripod";

export interface Overlay {
  width: number; height: number; theme: Theme; frame: Frame; sight: Sight;
  layers: Layer[]; states: Uint8Array[]; labelled: boolean; picker: Picker;
}

/** Paints in CSS pixels; says how many labels were too many to paint. */
export function paintOverlay(paint: CanvasRenderingContext2D, overlay: Overlay, title?: string, key?: Key): number {
  const { width, height, theme, frame, sight, layers, states, labelled, picker } = overlay;
  const { labels, hidden } = labelled ? labelsInSight(layers, states, sight, picker) : { labels: [], hidden: 0 };
  paintLabels(paint, labels, width, height, theme);
  paintTripod(paint, frame, height, theme);
  if (title) paintTitle(paint, title, width, theme);
  if (key) paintLegend(paint, key, width, height, theme);
  return hidden;
}
