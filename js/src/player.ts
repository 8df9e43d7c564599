// The frames of a trajectory: play, pause, slider, label.

import { element, icon, slider } from "./elements";
import type { Frame } from "./scene";

const INTERVAL = 1000 / 12;
const PLAY = "M7 4.500v15l12-7.500z";
const PAUSE = "M8 5v14M16 5v14";

export class Player {
  readonly row = element("div", "eqv-row", "", { role: "group", "aria-label": "Trajectory", hidden: true });
  private readonly button = element("button", "eqv-button", "", { type: "button" });
  private readonly label = element("span", "eqv-label");
  private slider: HTMLInputElement;
  private frames: Frame[] = [];
  private timer: ReturnType<typeof setTimeout> | 0 = 0;
  private at = 0;

  /** `chosen` draws a frame; `ready` says whether the last one has been drawn. */
  constructor(private readonly chosen: (frame: number) => void, private readonly ready: () => boolean, private readonly guard: (action: () => void) => void) {
    this.slider = slider("Frame", 0, 0, 1, (frame) => guard(() => this.go(frame)));
    this.button.addEventListener("click", () => guard(() => this.toggle()));
    this.row.append(this.button, this.slider, this.label);
    this.refresh();
  }

  load(frames: Frame[], at: number): void {
    this.pause();
    this.frames = frames;
    this.row.hidden = !frames.length;
    this.slider.max = String(Math.max(0, frames.length - 1));
    this.at = Math.min(Math.max(0, at), Math.max(0, frames.length - 1));
    this.refresh();
  }

  get playing(): boolean {
    return this.timer !== 0;
  }

  get frame(): number {
    return this.at;
  }

  toggle(): void {
    if (this.playing) this.pause();
    else if (this.frames.length) this.tick();
    this.refresh();
  }

  pause(): void {
    clearTimeout(this.timer || undefined);
    this.timer = 0;
    this.refresh();
  }

  step(by: number): void {
    if (!this.frames.length) return;
    this.pause();
    this.go((this.at + by + this.frames.length) % this.frames.length);
  }

  /** Shows a frame that someone else chose. */
  show(frame: number): void {
    this.at = Math.min(Math.max(0, Math.round(frame)), Math.max(0, this.frames.length - 1));
    this.refresh();
  }

  private go(frame: number): void {
    this.show(frame);
    this.chosen(this.at);
  }

  private tick(): void {
    this.timer = setTimeout(() => this.guard(() => {
      if (this.ready()) this.go((this.at + 1) % this.frames.length);
      this.tick();
    }), INTERVAL);
  }

  private refresh(): void {
    const words = this.playing ? "Pause" : "Play";
    this.button.replaceChildren(icon(this.playing ? PAUSE : PLAY));
    this.button.title = words;
    this.button.setAttribute("aria-label", words);
    this.slider.value = String(this.at);
    const label = this.frames[this.at]?.label ?? "";
    this.label.textContent = label || (this.frames.length ? `frame ${this.at + 1} of ${this.frames.length}` : "");
    this.slider.setAttribute("aria-valuetext", this.label.textContent);
  }
}
