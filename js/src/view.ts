// One view: puts the parts together.

import { type Bounds, boundsOf, homeCamera } from "./bounds";
import { orbit, zoomAt } from "./camera";
import { Picture } from "./picture";
import { type CameraState, changedLayers, type Layer, readScene, readUpdate, type Scene } from "./scene";
import type { SharedRenderer } from "./shared_renderer";
import { css, currentTheme, watchTheme } from "./theme";
import { type Model, Traits } from "./traits";
import { IDENTITY, readMatrix } from "./vector";

export class View {
  seen = true;
  private readonly canvas = document.createElement("canvas");
  private readonly paint = this.canvas.getContext("2d") as CanvasRenderingContext2D;
  private readonly traits: Traits;
  private scene: Scene | null = null;
  private layers: Layer[] = [];
  private picture: Picture | null = null;
  private bounds: Bounds = boundsOf([]);
  private home: CameraState | null = null;
  private camera: CameraState | null = null;
  private drawn = 0;
  private readonly stops: (() => void)[] = [];

  constructor(private readonly root: HTMLElement, model: Model, private readonly renderer: SharedRenderer) {
    this.traits = new Traits(model, (error) => console.error(error));
    root.append(this.canvas);
    this.canvas.style.cssText = "width:100%;display:block";
    renderer.join(this);
    this.traits.watch("packet", () => this.load());
    this.traits.watch("update", () => this.change());
    this.traits.watch("turn", () => this.ask());
    this.canvas.addEventListener("pointermove", (event) => {
      if (!event.buttons || !this.camera) return;
      this.camera = orbit(this.camera, event.movementX / this.canvas.clientHeight, event.movementY / this.canvas.clientHeight);
      this.ask();
    });
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.camera) this.camera = zoomAt(this.camera, Math.exp(-event.deltaY / 400), 0, 0);
      this.ask();
    });
    this.stops.push(watchTheme(() => this.dress()));
    this.load();
    this.change();
  }

  private ask(): void {
    this.renderer.ask(this);
  }

  private load(): void {
    const bytes = this.traits.bytes("packet");
    if (!bytes) return;
    this.picture?.dispose();
    this.scene = readScene(bytes);
    this.layers = this.scene.layers;
    this.bounds = boundsOf(this.layers);
    this.picture = new Picture(this.layers, currentTheme(this.root).dark);
    this.home = this.camera = this.scene.camera;
    this.dress();
  }

  private change(): void {
    const bytes = this.traits.bytes("update");
    if (!bytes || !this.picture) return;
    this.layers = changedLayers(this.layers, readUpdate(bytes, this.layers));
    this.picture.update(this.layers);
    this.ask();
  }

  private dress(): void {
    const theme = currentTheme(this.root);
    this.root.style.background = css(theme.background);
    this.picture?.dress(theme);
    this.picture?.update(this.layers, theme.dark);
    this.ask();
  }

  draw(): void {
    if (!this.picture) return;
    const scale = devicePixelRatio || 1;
    const height = Number(this.traits.get("height")) || 420;
    const width = this.root.clientWidth || 600;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.home ??= homeCamera(this.layers, this.bounds, width / height);
    this.camera ??= this.home;
    this.picture.setTurn(readMatrix(this.traits.get("turn")) ?? IDENTITY, this.home.centre);
    const rows = Math.round(height * scale * 2);
    this.picture.prepare(this.camera, width / height, rows, height, this.bounds, this.home.centre, 1e6);
    if (!this.renderer.draw(this.picture, Math.round(width * scale * 2), rows, this.paint)) return;
    this.root.dataset.drawn = String(++this.drawn);
    this.root.dataset.ready = "true";
  }

  stop(): void {
    for (const stop of this.stops) stop();
    this.traits.stop();
    this.renderer.leave(this);
    this.picture?.dispose();
    this.root.replaceChildren();
  }
}
