// Two canvases, one on the other: the picture from the graphics processor, and what is painted over it by hand.

import { element } from "./elements";

export class Canvases {
  readonly stage = element("div", "eqv-stage");
  readonly picture = element("canvas", "eqv-picture", "", { tabindex: 0, role: "img" });
  readonly overlay = element("canvas", "eqv-overlay", "", { "aria-hidden": true });
  readonly paint = context(this.picture);
  private readonly over = context(this.overlay);

  constructor() {
    this.stage.append(this.picture, this.overlay);
  }

  get width(): number {
    return this.stage.clientWidth;
  }

  get height(): number {
    return this.stage.clientHeight;
  }

  get devicePixels(): number {
    return Math.min(3, globalThis.devicePixelRatio || 1);
  }

  /** Gives both canvases as many pixels as the screen has there. Setting a size wipes a canvas, so only where it differs. */
  fit(): void {
    const [width, height] = [this.width, this.height].map((side) => Math.max(1, Math.round(side * this.devicePixels)));
    for (const canvas of [this.picture, this.overlay]) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
    }
  }

  /** An empty overlay that measures in CSS pixels. */
  clearedOverlay(): CanvasRenderingContext2D {
    this.over.setTransform(1, 0, 0, 1, 0, 0);
    this.over.clearRect(0, 0, this.overlay.width, this.overlay.height);
    this.over.scale(this.devicePixels, this.devicePixels);
    return this.over;
  }
}

export function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const made = canvas.getContext("2d");
  if (!made) throw new Error("This browser gives no 2D canvas.");
  return made;
}
