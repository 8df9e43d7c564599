// One WebGL context for all views of a page: browsers drop the oldest of more than sixteen. It draws into a canvas of its
// own, each view copies its picture into a 2D canvas, and the picture stays there when the context goes.

import { ColorManagement, WebGLRenderer } from "three";
import type { Picture } from "./picture";

/** What wants to be drawn. */
export interface Drawable {
  readonly seen: boolean;
  draw(): void;
}

const LONGEST_TURN = 24; // milliseconds of drawing before the page may do something else
const PATIENCE = 1500; // milliseconds until a lost context is replaced

export class NoWebGL extends Error {
  override name = "NoWebGL";
}

export class SharedRenderer {
  private renderer: WebGLRenderer | null = null;
  private readonly waiting = new Set<Drawable>();
  private readonly views = new Set<Drawable>();
  private scheduled = 0;
  private lost = false;
  software = false;

  join(view: Drawable): void {
    this.views.add(view);
    this.open();
  }

  leave(view: Drawable): void {
    this.views.delete(view);
    this.waiting.delete(view);
  }

  /** `view.draw` is called before the next picture, if it is seen by then; else when it asks again. */
  ask(view: Drawable): void {
    this.waiting.add(view);
    this.schedule();
  }

  private schedule(): void {
    if (!this.scheduled && this.waiting.size && !this.lost) this.scheduled = requestAnimationFrame(() => this.turn());
  }

  private turn(): void {
    this.scheduled = 0;
    const end = performance.now() + LONGEST_TURN;
    for (const view of [...this.waiting]) {
      this.waiting.delete(view);
      if (view.seen) view.draw();
      if (performance.now() > end || this.lost) break;
    }
    if ([...this.waiting].some((view) => view.seen)) this.schedule();
  }

  /** Draws a picture of `width` x `height` pixels and copies it onto `target`, which it fills. False while there is no context. */
  draw(picture: Picture, width: number, height: number, target: CanvasRenderingContext2D): boolean {
    const renderer = this.open();
    if (this.lost || renderer.getContext().isContextLost()) return false;
    const canvas = renderer.domElement;
    // As large as this picture and no larger: browsers clear and copy all of it, and in software that is what takes time.
    if (canvas.width !== width || canvas.height !== height) renderer.setSize(width, height, false);
    renderer.setViewport(0, 0, width, height);
    renderer.setScissor(0, 0, width, height);
    renderer.render(picture.scene, picture.camera);
    const { width: wide, height: tall } = target.canvas;
    target.setTransform(1, 0, 0, 1, 0, 0);
    target.clearRect(0, 0, wide, tall);
    target.imageSmoothingEnabled = true;
    target.imageSmoothingQuality = "low"; // of two by two pixels that is their mean, which is what is wanted
    target.drawImage(canvas, 0, canvas.height - height, width, height, 0, 0, wide, tall);
    return true;
  }

  /** Waits until all is drawn, and says when that was: software renderers would queue pictures for seconds. */
  finish(): number {
    const context = this.open().getContext();
    context.readPixels(0, 0, 1, 1, context.RGBA, context.UNSIGNED_BYTE, new Uint8Array(4));
    return performance.now();
  }

  /** The largest side of a picture. */
  get largest(): number {
    return this.open().capabilities.maxTextureSize;
  }

  private open(): WebGLRenderer {
    if (this.renderer) return this.renderer;
    ColorManagement.enabled = false; // colours go to the screen as Python chose them
    const canvas = document.createElement("canvas");
    const options: WebGLContextAttributes & { powerPreference: WebGLPowerPreference } = { alpha: true, antialias: false, depth: true, premultipliedAlpha: true, powerPreference: "high-performance" };
    const context = canvas.getContext("webgl2", options) as WebGL2RenderingContext | null;
    if (!context) throw new NoWebGL("This browser gives no WebGL 2, so nothing can be drawn in 3D. Switch hardware acceleration on in its settings, or use another browser.");
    const info = context.getExtension("WEBGL_debug_renderer_info");
    this.software = /swiftshader|llvmpipe|software|basic render/i.test(String(context.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : context.RENDERER)));
    this.renderer = new WebGLRenderer({ canvas, context, ...options });
    this.renderer.setPixelRatio(1);
    this.renderer.setClearColor(0x000000, 0);
    this.renderer.setScissorTest(true);
    this.listen(canvas, this.renderer);
    return this.renderer;
  }

  // three.js asks for the context back and fills it again. Where it does not come, a new one takes its place.
  private listen(canvas: HTMLCanvasElement, renderer: WebGLRenderer): void {
    canvas.addEventListener("webglcontextlost", () => {
      if (this.renderer !== renderer) return;
      this.lost = true;
      setTimeout(() => {
        if (!this.lost || this.renderer !== renderer) return;
        renderer.dispose();
        this.renderer = null;
        this.back();
      }, PATIENCE);
    });
    canvas.addEventListener("webglcontextrestored", () => {
      if (this.renderer === renderer) this.back();
    });
  }

  private back(): void {
    this.lost = false;
    for (const view of this.views) this.ask(view);
  }

  /** For tests: takes the context away as a browser would. */
  loseContext(restore: boolean): void {
    const extension = this.open().getContext().getExtension("WEBGL_lose_context");
    extension?.loseContext();
    if (restore) setTimeout(() => extension?.restoreContext(), 100);
  }
}
