// What stands about the picture and follows what is shown: the key, the sliders, the notes on what is left out.

import { element } from "./elements";
import { MOST_LABELS } from "./labels";
import { keyOf, legendElement } from "./legend";
import { MOST_BONDS, MOST_GLYPHS } from "./picture";
import { type Layer, rowsOf, type SlabState } from "./scene";
import type { Showing } from "./showing";
import { IsolationPanel, SlabPanel } from "./slab_panel";

export class Panels {
  readonly slab: SlabPanel;
  readonly isolation: IsolationPanel;
  readonly notes = element("div", "eqv-note", "", { hidden: true });
  legend: HTMLElement = element("div");

  constructor(slabChanged: (slab: SlabState) => void, radiusChanged: (radius: number) => void, guard: (action: () => void) => void) {
    this.slab = new SlabPanel(slabChanged, guard);
    this.isolation = new IsolationPanel(radiusChanged, guard);
  }

  refresh(showing: Showing, dark: boolean): void {
    const legend = legendElement(keyOf(showing.layers), dark);
    this.legend.replaceWith(legend);
    this.legend = legend;
    const { lengthUnit } = showing.scene;
    this.slab.show(showing.slab, showing.bounds, lengthUnit);
    this.isolation.show(showing.isolation?.radius ?? null, 2 * showing.bounds.radius, lengthUnit);
  }

  /** Says what is not drawn, and why. */
  note(layers: Layer[], hiddenLabels: number): void {
    const notes = layers.map(leftOut).filter(Boolean);
    if (hiddenLabels) notes.push(`${hiddenLabels} labels are not drawn: more than ${MOST_LABELS} at once cannot be read. Slice, isolate or zoom in.`);
    this.notes.textContent = notes.join(" ");
    this.notes.hidden = !notes.length;
  }
}

function leftOut(layer: Layer): string {
  const most = layer.kind === "bonds" ? MOST_BONDS : layer.kind === "glyphs" ? MOST_GLYPHS : Infinity;
  const rows = rowsOf(layer);
  return rows > most ? `${rows} ${layer.kind} are not drawn: more than ${most} would freeze the page.` : "";
}
