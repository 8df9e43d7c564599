// What all copies of this script on one page share: a notebook may run it once per widget.

import { SharedRenderer } from "./shared_renderer";

export interface Shared { renderer: SharedRenderer }

declare const __BUILD__: string;

const KEY = Symbol.for(`equiviz.view ${typeof __BUILD__ === "string" ? __BUILD__ : "development"}`);

export function once<T>(name: string, make: () => T): T {
  const page = globalThis as unknown as Record<symbol, Record<string, unknown> | undefined>;
  const box = (page[KEY] ??= Object.create(null) as Record<string, unknown>);
  return (box[name] ??= make()) as T;
}

export const renderer = (): SharedRenderer => once("renderer", () => new SharedRenderer());
