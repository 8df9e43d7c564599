// From where a view looks, and how the scene is turned: kept here, told to Python, shared with linked views.

import { type Bounds, homeCamera } from "./bounds";
import { frameOf, orbit, pan, trackball, zoomAt } from "./camera";
import type { Json } from "./packet";
import { cameraOf, Link, type Linked, type Pose, poseOf } from "./linked";
import { type CameraState, type Layer, readCamera } from "./scene";
import type { Traits } from "./traits";
import type { Triple } from "./header";
import { add, apply, IDENTITY, type Matrix, minus, orthonormal, product, readMatrix } from "./vector";

export class Looking implements Linked {
  private own: CameraState | null = null; // null: at the start
  private given: CameraState | null = null; // the start that Python chose
  private start: CameraState | null = null;
  private layers: Layer[] = [];
  private bounds: Bounds | null = null;
  private before: CameraState | null = null; // the camera before it approached something
  private aspect = 1.6;
  private readonly link = new Link(this);
  turn: Matrix = IDENTITY;

  constructor(private readonly traits: Traits, private readonly changed: () => void) {}

  load(given: CameraState | null, layers: Layer[], bounds: Bounds): void {
    [this.given, this.layers, this.bounds, this.start, this.before] = [given, layers, bounds, null, null];
    this.readTraits();
    this.link.join(String(this.traits.get("linked") ?? ""));
  }

  readTraits(): void {
    this.own = readCamera(this.traits.get("camera") as Json);
    this.turn = readMatrix(this.traits.get("turn")) ?? IDENTITY;
    this.changed();
  }

  /** Python moved the camera or turned the scene: linked views follow. */
  moved(): void {
    this.readTraits();
    this.link.share(poseOf(this.camera, this.home, this.turn));
  }

  join(): void {
    this.link.join(String(this.traits.get("linked") ?? ""));
  }

  leave(): void {
    this.link.leave();
  }

  /** The shape of the picture, width over height: the start shows everything in it. */
  shape(aspect: number): void {
    if (Math.abs(aspect - this.aspect) < 1e-6) return;
    this.aspect = aspect;
    this.start = null;
  }

  get home(): CameraState {
    if (!this.bounds) return { direction: [0, 0, 1], up: [0, 1, 0], centre: [0, 0, 0], height: 1 };
    return (this.start ??= this.given ?? homeCamera(this.layers, this.bounds, this.aspect));
  }

  get camera(): CameraState {
    return this.own ?? this.home;
  }

  /** The point that the scene is turned about. */
  get pivot(): Triple {
    return this.home.centre;
  }

  get pose(): Pose | null {
    return this.own || this.turn.some((entry, k) => entry !== IDENTITY[k]) ? poseOf(this.camera, this.home, this.turn) : null;
  }

  follow(pose: Pose): void {
    this.own = cameraOf(pose, this.home);
    this.turn = pose.turn;
    this.tell();
  }

  /** Dragging by (dx, dy), shares of the height, y downwards: the camera orbits, or the hand turns the scene. */
  push(dx: number, dy: number, hand: boolean): void {
    if (!hand) return this.set(orbit(this.camera, dx, dy));
    const step = trackball(this.camera, dx, dy);
    if (step) this.turn = orthonormal(product(step, this.turn));
    this.finish();
  }

  pan(dx: number, dy: number): void {
    this.set(pan(this.camera, dx, dy));
  }

  zoom(factor: number, x: number, y: number): void {
    const { height } = this.camera;
    const limit = (this.bounds?.radius ?? 1) * 40;
    const bounded = Math.min(height / (1e-6 * limit), Math.max(height / limit, factor));
    this.set(zoomAt(this.camera, bounded, x, y));
  }

  /** Moves to a sphere of the structure, where that is nearer; `comeBack` undoes it. */
  approach(centre: Triple, radius: number): void {
    const height = (2.9 * radius) / Math.min(1, this.aspect);
    this.before = this.camera;
    if (height < this.camera.height) this.set({ ...this.camera, centre: add(this.pivot, apply(this.turn, minus(centre, this.pivot))), height });
  }

  /** Keeps the direction that the reader has chosen since. */
  comeBack(): void {
    const { before } = this;
    this.before = null;
    if (before) this.set({ ...this.camera, centre: before.centre, height: before.height });
  }

  reset(): void {
    this.own = null;
    this.turn = IDENTITY;
    this.finish();
  }

  set(camera: CameraState): void {
    const { up } = frameOf(camera);
    this.own = { ...camera, up };
    this.finish();
  }

  private finish(): void {
    this.tell();
    this.link.share(poseOf(this.camera, this.home, this.turn));
  }

  private tell(): void {
    this.traits.set("camera", this.camera);
    this.traits.set("turn", this.turn);
    this.changed();
  }
}
