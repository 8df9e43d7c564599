// The two doors: anywidget's render, and mount for a page without a kernel.

import { renderer } from "./shared";
import type { Model } from "./traits";
import { View } from "./view";

export function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const root = document.createElement("div");
  root.className = "equiviz-view";
  el.append(root);
  const view = new View(root, model, renderer());
  return () => {
    view.stop();
    root.remove();
  };
}

/** A view without a kernel: `state` holds the values of the traits. */
export function mount(element: HTMLElement, state: Record<string, unknown>): () => void {
  return render({ model: stateModel({ ...state }), el: element });
}

function stateModel(state: Record<string, unknown>): Model {
  const callbacks = new Map<string, Set<(...values: never[]) => void>>();
  const of = (event: string) => callbacks.get(event) ?? callbacks.set(event, new Set()).get(event)!;
  return {
    get: (name) => state[name],
    set: (name, value) => {
      state[name] = value;
      for (const callback of of(`change:${name}`)) callback();
    },
    on: (event, callback) => of(event).add(callback),
    off: (event, callback) => (callback ? of(event).delete(callback) : callbacks.delete(event)),
    save_changes: () => undefined,
  };
}
