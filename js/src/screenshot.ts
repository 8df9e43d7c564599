// A picture as PNG: what the view shows, at any size, with title and key, on the page's background.

import { context } from "./canvases";
import { css, type Theme } from "./theme";

const LARGEST_SIDE = 8192;

export interface Sitting {
  width: number; // CSS pixels of the view
  height: number;
  theme: Theme;
  draw(width: number, height: number, target: CanvasRenderingContext2D): boolean;
  paintOver(paint: CanvasRenderingContext2D): void; // in CSS pixels
}

/** A PNG of about `width` pixels in width. */
export async function photograph(sitting: Sitting, width: number): Promise<Blob> {
  const aspect = sitting.width / sitting.height;
  const wide = Math.round(Math.min(LARGEST_SIDE, LARGEST_SIDE * aspect, Math.max(16, width)));
  const tall = Math.max(1, Math.round(wide / aspect));
  const drawn = canvasOf(wide, tall);
  if (!sitting.draw(wide, tall, context(drawn))) throw new Error("The picture could not be drawn just now: the graphics context was lost. Try again.");
  const whole = canvasOf(wide, tall);
  const paint = context(whole);
  paint.fillStyle = css(sitting.theme.background);
  paint.fillRect(0, 0, wide, tall);
  paint.drawImage(drawn, 0, 0);
  paint.scale(wide / sitting.width, tall / sitting.height);
  sitting.paintOver(paint);
  return new Promise((resolve, reject) => {
    whole.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The browser made no PNG of the picture."))), "image/png");
  });
}

function canvasOf(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function paintTitle(paint: CanvasRenderingContext2D, title: string, width: number, theme: Theme): void {
  paint.font = "600 14px system-ui, -apple-system, 'Segoe UI', sans-serif";
  paint.textAlign = "left";
  paint.textBaseline = "top";
  paint.fillStyle = css(theme.ink);
  paint.fillText(title, 14, 12, width - 28);
}
