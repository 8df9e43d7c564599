// Views of one page with the same word move together: they share a pose, relative to each one's own start.

import { once } from "./shared";
import type { CameraState } from "./scene";
import { add, type Matrix, minus } from "./vector";
import type { Triple } from "./header";

export interface Pose { direction: Triple; up: Triple; shift: Triple; zoom: number; turn: Matrix }

export interface Linked {
  readonly pose: Pose | null;
  follow(pose: Pose): void;
}

const groups = (): Map<string, Set<Linked>> => once("linked", () => new Map<string, Set<Linked>>());

export function poseOf(camera: CameraState, home: CameraState, turn: Matrix): Pose {
  return { direction: camera.direction, up: camera.up, shift: minus(camera.centre, home.centre), zoom: camera.height / home.height, turn };
}

export function cameraOf(pose: Pose, home: CameraState): CameraState {
  return { direction: pose.direction, up: pose.up, centre: add(home.centre, pose.shift), height: home.height * pose.zoom };
}

/** Membership of one view in the group of a word. */
export class Link {
  private word = "";

  constructor(private readonly view: Linked) {}

  /** Joins the group of `word`, and takes over the pose that it has. */
  join(word: string): void {
    if (word === this.word) return;
    this.leave();
    this.word = word;
    if (!word) return;
    const group = groups().get(word) ?? new Set<Linked>();
    groups().set(word, group);
    const pose = [...group].map((other) => other.pose).find((known) => known);
    group.add(this.view);
    if (pose) this.view.follow(pose);
  }

  share(pose: Pose): void {
    if (!this.word) return;
    for (const other of groups().get(this.word) ?? []) if (other !== this.view) other.follow(pose);
  }

  leave(): void {
    const group = groups().get(this.word);
    group?.delete(this.view);
    if (group?.size === 0) groups().delete(this.word);
    this.word = "";
  }
}
