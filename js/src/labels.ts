// Labels, drawn as text on top of the picture: at most 500 at once.

import { type Frame, project, rayThrough } from "./camera";
import type { Triple } from "./header";
import { SHOWN } from "./painter";
import { nearestSphere, type Picker } from "./pick";
import type { AtomsLayer, CameraState, LabelsLayer, Layer } from "./scene";
import { css, type Theme } from "./theme";
import { applyInverse, type Matrix, minus, add } from "./vector";

export const MOST_LABELS = 500;
const MOST_SIGHT_TESTS = 3_000_000; // atoms looked at, to see which labels are hidden behind atoms

/** How the scene is looked at. `place` takes a point of the structure to where it is drawn. */
export interface Sight { camera: CameraState; frame: Frame; aspect: number; turn: Matrix; pivot: Triple; depth: number; place: (point: Triple) => Triple }
export interface Label { text: string; x: number; y: number; towards: number; share: number }

/** The labels that show now, from back to front; null where they are too many to draw. */
export function labelsInSight(layers: Layer[], states: Uint8Array[], sight: Sight, picker: Picker): { labels: Label[]; hidden: number } {
  const labels: (Label & { layer: LabelsLayer; row: number })[] = [];
  for (const [k, layer] of layers.entries()) if (layer.kind === "labels") labels.push(...layerLabels(layer, states[k], sight));
  if (labels.length > MOST_LABELS) return { labels: [], hidden: labels.length };
  const seen = labels.filter((label) => !isCovered(label, labels.length, layers, states, sight, picker));
  return { labels: seen.sort((a, b) => a.towards - b.towards), hidden: 0 };
}

function layerLabels(layer: LabelsLayer, states: Uint8Array, sight: Sight): (Label & { layer: LabelsLayer; row: number })[] {
  const result: (Label & { layer: LabelsLayer; row: number })[] = [];
  for (let row = 0; row < states.length; row++) {
    if (!(states[row] & SHOWN) || !layer.texts[row]) continue;
    const [x, y, towards] = project(sight.camera, sight.frame, sight.place(pointOf(layer, row)));
    if (Math.abs(x) > sight.aspect / 2 || Math.abs(y) > 0.5) continue;
    result.push({ text: layer.texts[row], x, y, towards, share: Math.min(1, Math.max(0, 0.5 - towards / sight.depth)), layer, row });
  }
  return result;
}

function pointOf(layer: LabelsLayer, row: number): Triple {
  return [layer.positions[3 * row], layer.positions[3 * row + 1], layer.positions[3 * row + 2]];
}

// Another atom in front of this label's atom covers it.
function isCovered(label: { layer: LabelsLayer; row: number; x: number; y: number }, count: number, layers: Layer[], states: Uint8Array[], sight: Sight, picker: Picker): boolean {
  const { of } = label.layer;
  if (of === null || count * states[of].length > MOST_SIGHT_TESTS) return false;
  const atoms = layers[of] as AtomsLayer;
  const ray = structureRay(sight, label.x, label.y);
  const hit = nearestSphere(atoms.positions, picker.radiiOf(atoms), states[of], ray);
  return hit !== null && hit.row !== label.row;
}

/** The line of sight through (x, y), in the coordinates of the structure. */
export function structureRay(sight: Sight, x: number, y: number): { origin: Triple; direction: Triple } {
  const ray = rayThrough(sight.camera, x, y, sight.depth);
  return { origin: add(sight.pivot, applyInverse(sight.turn, minus(ray.origin, sight.pivot))), direction: applyInverse(sight.turn, ray.direction) };
}

/** Paints labels into a context that measures in CSS pixels. */
export function paintLabels(paint: CanvasRenderingContext2D, labels: Label[], width: number, height: number, theme: Theme): void {
  paint.font = "600 12px system-ui, -apple-system, 'Segoe UI', sans-serif";
  paint.textAlign = "center";
  paint.textBaseline = "middle";
  paint.lineJoin = "round";
  for (const { text, x, y, share } of labels) {
    paint.globalAlpha = 1 - 0.55 * share;
    paint.lineWidth = 3.5;
    paint.strokeStyle = css(theme.background);
    paint.fillStyle = css(theme.ink);
    const [left, top] = [width / 2 + x * height, height / 2 - y * height];
    paint.strokeText(text, left, top);
    paint.fillText(text, left, top);
  }
  paint.globalAlpha = 1;
}

