// Light or dark: what JupyterLab says, else what lies behind the view, else what the reader's system prefers.

import type { Rgb } from "./scales";

export interface Theme { dark: boolean; background: Rgb; ink: Rgb; accent: Rgb }

const LIGHT = { background: [255, 255, 255] as Rgb, ink: [38, 38, 38] as Rgb, accent: [220, 20, 120] as Rgb };
const DARK = { background: [17, 17, 17] as Rgb, ink: [225, 225, 225] as Rgb, accent: [255, 92, 190] as Rgb };

export function currentTheme(element: Element): Theme {
  const behind = jupyterBackground() ?? backgroundBehind(element.parentElement);
  const dark = jupyterSaysDark() ?? (behind ? lightness(behind) < 0.4 : matchMedia("(prefers-color-scheme: dark)").matches);
  const colours = dark ? DARK : LIGHT;
  // A background of the other kind would make everything unreadable: ours is taken then.
  const background = behind && lightness(behind) < 0.4 === dark ? behind : colours.background;
  return { ...colours, dark, background };
}

/** Calls `changed` whenever the theme may have changed. Returns what stops it. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter: ["class", "style", "data-jp-theme-light", "data-jp-theme-name", "data-theme"] });
  }
  const query = matchMedia("(prefers-color-scheme: dark)");
  query.addEventListener("change", changed);
  return () => {
    observer.disconnect();
    query.removeEventListener("change", changed);
  };
}

function jupyterSaysDark(): boolean | null {
  const light = document.body.dataset.jpThemeLight;
  return light === undefined ? null : light === "false";
}

function jupyterBackground(): Rgb | null {
  const paint = getComputedStyle(document.body).getPropertyValue("--jp-layout-color0").trim();
  if (!paint) return null;
  const probe = document.createElement("span");
  probe.style.color = paint;
  document.body.append(probe);
  const parsed = parseColour(getComputedStyle(probe).color);
  probe.remove();
  return parsed;
}

function backgroundBehind(element: Element | null): Rgb | null {
  for (let at = element; at; at = at.parentElement) {
    const parsed = parseColour(getComputedStyle(at).backgroundColor);
    if (parsed) return parsed;
  }
  return null;
}

/** The colour in a computed style; null where it is (almost) transparent or written in a way that we do not read. */
export function parseColour(style: string): Rgb | null {
  const match = /^rgba?\(([^)]*)\)$/.exec(style.trim());
  const numbers = match?.[1].split(/[\s,/]+/).filter(Boolean).map(Number) ?? [];
  if (numbers.length < 3 || numbers.some(Number.isNaN) || (numbers.length > 3 && numbers[3] < 0.5)) return null;
  return numbers.slice(0, 3) as Rgb;
}

export function lightness([red, green, blue]: Rgb): number {
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}

export function css([red, green, blue]: Rgb): string {
  return `rgb(${red}, ${green}, ${blue})`;
}
