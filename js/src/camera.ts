// An orthographic camera as plain data, and the motions of it. `direction` points from the centre to the eye.

import type { Triple } from "./header";
import type { CameraState } from "./scene";
import { add, apply, cross, dot, type Matrix, minus, norm, rotation, times, unit } from "./vector";

export const RADIANS_PER_HEIGHT = Math.PI; // a drag across the height of the picture is half a turn

export interface Frame { right: Triple; up: Triple; direction: Triple }

/** The three axes of the picture: to the right, upwards, to the reader. */
export function frameOf(camera: CameraState): Frame {
  const direction = unit(camera.direction);
  let right = cross(camera.up, direction);
  if (norm(right) < 1e-9) right = cross(Math.abs(direction[0]) < 0.6 ? [1, 0, 0] : [0, 1, 0], direction);
  right = unit(right);
  return { right, up: cross(direction, right), direction };
}

/** The rotation of a trackball dragged by (dx, dy), in shares of the picture's height, y downwards. */
export function trackball(camera: CameraState, dx: number, dy: number): Matrix | null {
  const { right, up } = frameOf(camera);
  const axis = add(times(up, dx), times(right, dy));
  const length = norm(axis);
  return length > 0 ? rotation(times(axis, 1 / length), length * RADIANS_PER_HEIGHT) : null;
}

/** The scene seems to follow the drag, so the camera goes the other way. */
export function orbit(camera: CameraState, dx: number, dy: number): CameraState {
  const turn = trackball(camera, -dx, -dy);
  if (!turn) return camera;
  const { up, direction } = frameOf(camera);
  return { ...camera, direction: unit(apply(turn, direction)), up: unit(apply(turn, up)) };
}

export function pan(camera: CameraState, dx: number, dy: number): CameraState {
  const { right, up } = frameOf(camera);
  const shift = add(times(right, -dx * camera.height), times(up, dy * camera.height));
  return { ...camera, centre: add(camera.centre, shift) };
}

/** Zooms in by `factor` and keeps the point at (x, y) where it is; shares of the height from the picture's centre, y upwards. */
export function zoomAt(camera: CameraState, factor: number, x: number, y: number): CameraState {
  const { right, up } = frameOf(camera);
  const gain = camera.height * (1 - 1 / factor);
  return { ...camera, centre: add(camera.centre, add(times(right, x * gain), times(up, y * gain))), height: camera.height / factor };
}

/** Where a point stands in the picture: (x, y) in shares of the height from the centre, y upwards, and towards the reader in length units. */
export function project(camera: CameraState, frame: Frame, point: Triple): Triple {
  const from = minus(point, camera.centre);
  return [dot(from, frame.right) / camera.height, dot(from, frame.up) / camera.height, dot(from, frame.direction)];
}

export interface Ray { origin: Triple; direction: Triple }

/** The line of sight through (x, y), in shares of the height from the centre, y upwards; from the eye's side inwards. */
export function rayThrough(camera: CameraState, x: number, y: number, distance: number): Ray {
  const { right, up, direction } = frameOf(camera);
  const inPlane = add(camera.centre, add(times(right, x * camera.height), times(up, y * camera.height)));
  return { origin: add(inPlane, times(direction, distance)), direction: times(direction, -1) };
}
