// What mouse, pen and fingers do on the picture. Places are shares of the picture's height from its centre, y upwards.

export type Spot = [x: number, y: number];

export interface Gestures {
  drag(dx: number, dy: number): void; // shares of the height, y downwards
  pan(dx: number, dy: number): void;
  zoom(factor: number, spot: Spot): void;
  hover(spot: Spot | null): void;
  click(spot: Spot, more: boolean): void;
  doubleClick(spot: Spot): void;
  box(from: Spot, to: Spot, done: boolean, more: boolean): void;
  boxing(): boolean; // whether a plain drag draws a box
  refusedZoom(): void;
}

const STILL = 4; // pixels that a click may move
type Action = "drag" | "pan" | "box";

export class Pointer {
  private readonly down = new Map<number, PointerEvent>();
  private action: Action = "drag";
  private start: PointerEvent | null = null;
  private moved = false;

  constructor(private readonly canvas: HTMLElement, private readonly gestures: Gestures, guard: (action: () => void) => void) {
    const on = <K extends keyof HTMLElementEventMap>(name: K, callback: (event: HTMLElementEventMap[K]) => void) =>
      canvas.addEventListener(name, (event) => guard(() => callback(event)), { passive: false });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", (event) => this.forget(event));
    on("pointerleave", () => gestures.hover(null));
    on("dblclick", (event) => gestures.doubleClick(this.spot(event)));
    on("wheel", (event) => this.wheel(event));
    on("contextmenu", (event) => event.preventDefault());
  }

  get busy(): boolean {
    return this.down.size > 0 && this.moved;
  }

  private spot(event: MouseEvent): Spot {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left - box.width / 2) / box.height, (box.top + box.height / 2 - event.clientY) / box.height];
  }

  private press(event: PointerEvent): void {
    this.canvas.focus({ preventScroll: true });
    this.canvas.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, event);
    this.moved = this.down.size > 1;
    this.start = event;
    this.action = event.button !== 0 || event.ctrlKey || event.metaKey ? "pan" : event.shiftKey || this.gestures.boxing() ? "box" : "drag";
  }

  private move(event: PointerEvent): void {
    const before = this.down.get(event.pointerId);
    if (!before || !this.start) {
      if (event.pointerType !== "touch") this.gestures.hover(this.spot(event));
      return;
    }
    if (!this.moved && Math.hypot(event.clientX - this.start.clientX, event.clientY - this.start.clientY) < STILL) return;
    this.moved = true;
    if (this.down.size === 2) this.pinch(event, before);
    else this.carry(event, before);
    this.down.set(event.pointerId, event);
  }

  private carry(event: PointerEvent, before: PointerEvent): void {
    const height = this.canvas.clientHeight || 1;
    const [dx, dy] = [(event.clientX - before.clientX) / height, (event.clientY - before.clientY) / height];
    if (this.action === "box") this.gestures.box(this.spot(this.start!), this.spot(event), false, event.shiftKey);
    else this.gestures[this.action](dx, dy);
  }

  private pinch(event: PointerEvent, before: PointerEvent): void {
    const other = [...this.down.values()].find((finger) => finger.pointerId !== event.pointerId);
    if (!other) return;
    const gap = (finger: PointerEvent) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY) || 1;
    const height = this.canvas.clientHeight || 1;
    this.gestures.pan((event.clientX - before.clientX) / 2 / height, (event.clientY - before.clientY) / 2 / height);
    this.gestures.zoom(gap(event) / gap(before), this.spot(event));
  }

  private release(event: PointerEvent): void {
    const start = this.start;
    const clicked = this.down.has(event.pointerId) && !this.moved && event.button === 0;
    if (start && this.moved && this.action === "box") this.gestures.box(this.spot(start), this.spot(event), true, event.shiftKey);
    this.forget(event);
    if (clicked) this.gestures.click(this.spot(event), event.shiftKey || event.ctrlKey || event.metaKey);
  }

  private forget(event: PointerEvent): void {
    this.down.delete(event.pointerId);
    if (!this.down.size) this.start = null;
  }

  // The wheel scrolls the page, as readers expect, until they have clicked the picture.
  private wheel(event: WheelEvent): void {
    const root = this.canvas.getRootNode() as Document | ShadowRoot;
    if (root.activeElement !== this.canvas && !event.ctrlKey && !document.fullscreenElement) {
      this.gestures.refusedZoom();
      return;
    }
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 20 : event.deltaMode === 2 ? 400 : 1);
    this.gestures.zoom(Math.exp(-Math.max(-300, Math.min(300, pixels)) / 500), this.spot(event));
  }
}
