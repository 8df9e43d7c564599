// How far a scene reaches, and the camera that shows all of it.

import { frameOf } from "./camera";
import { glyphRadii } from "./glyphs";
import type { Triple } from "./header";
import type { CameraState, Layer } from "./scene";
import { cellCorner } from "./segments";
import { radii } from "./spheres";
import { dot, minus } from "./vector";

const HOME_DIRECTION: Triple = [0.42, -0.82, 0.39];
const HOME_UP: Triple = [0, 0, 1];
const MARGIN = 1.1;

export interface Bounds { low: Triple; high: Triple; centre: Triple; radius: number }

type Visit = (x: number, y: number, z: number, reach: number) => void;

/** Calls `visit` for points of the layers, each with a radius about it. */
function eachPoint(layers: Layer[], visit: Visit): void {
  for (const layer of layers) {
    if (layer.kind === "atoms") eachRow(layer.positions, radii(layer), visit);
    else if (layer.kind === "glyphs") eachRow(layer.origins, glyphRadii(layer), visit);
    else if (layer.kind === "labels") eachRow(layer.positions, null, visit);
    else if (layer.kind === "cell") for (let k = 0; k < 8; k++) visitPoint(cellCorner(layer, [k & 1, (k >> 1) & 1, k >> 2]), visit);
    else if (layer.kind === "arrows") {
      eachRow(layer.origins, null, visit);
      eachRow(layer.origins.map((origin, k) => origin + layer.magnify * layer.vectors[k]), null, visit);
    }
  }
}

function eachRow(points: Float32Array, reach: Float32Array | null, visit: Visit): void {
  for (let k = 0; 3 * k < points.length; k++) visit(points[3 * k], points[3 * k + 1], points[3 * k + 2], reach ? reach[k] : 0);
}

function visitPoint(point: number[], visit: Visit): void {
  visit(point[0], point[1], point[2], 0);
}

/** The box and the sphere about everything that is drawn. Points that are no numbers are left out. */
export function boundsOf(layers: Layer[]): Bounds {
  const low: Triple = [Infinity, Infinity, Infinity];
  const high: Triple = [-Infinity, -Infinity, -Infinity];
  eachPoint(layers, (x, y, z, reach) => {
    const point = [x, y, z];
    for (let k = 0; k < 3; k++) {
      if (point[k] - reach < low[k]) low[k] = point[k] - reach;
      if (point[k] + reach > high[k]) high[k] = point[k] + reach;
    }
  });
  if (!(low[0] <= high[0])) return { low: [-1, -1, -1], high: [1, 1, 1], centre: [0, 0, 0], radius: 1 };
  const centre = low.map((value, k) => (value + high[k]) / 2) as Triple;
  let radius = 0;
  eachPoint(layers, (x, y, z, reach) => {
    const far = Math.hypot(x - centre[0], y - centre[1], z - centre[2]) + reach;
    if (far > radius) radius = far;
  });
  return { low, high, centre, radius: radius || 1 };
}

/** The camera at the start where Python gave none: all of the scene, seen a little from above. */
export function homeCamera(layers: Layer[], bounds: Bounds, aspect: number): CameraState {
  const camera: CameraState = { direction: HOME_DIRECTION, up: HOME_UP, centre: bounds.centre, height: 1 };
  const { right, up } = frameOf(camera);
  let [wide, tall] = [0, 0];
  eachPoint(layers, (x, y, z, reach) => {
    const from = minus([x, y, z], bounds.centre);
    wide = Math.max(wide, Math.abs(dot(from, right)) + reach || 0);
    tall = Math.max(tall, Math.abs(dot(from, up)) + reach || 0);
  });
  const height = 2 * MARGIN * Math.max(tall, wide / aspect);
  const { direction } = frameOf(camera);
  return { ...camera, direction, up, height: height || 2 * bounds.radius };
}
