// The buttons, which appear while the pointer or the focus is in the view, and the list of keys.

import { type Command, COMMANDS, type Controls } from "./commands";
import { element, icon } from "./elements";

export class Toolbar {
  readonly bar = element("div", "eqv-toolbar", "", { role: "toolbar", "aria-label": "Tools of the 3D view" });
  private readonly buttons: [HTMLButtonElement, Command][] = [];

  constructor(private readonly controls: Controls, guard: (action: () => void) => void) {
    for (const command of COMMANDS) {
      if (!command.icon) continue;
      const words = `${command.words} (${command.keys[0]})`;
      const button = element("button", "eqv-button", "", { type: "button", title: words, "aria-label": words });
      button.append(icon(command.icon));
      button.addEventListener("click", () => guard(() => command.run(controls)));
      this.bar.append(button);
      this.buttons.push([button, command]);
    }
    this.refresh();
  }

  refresh(): void {
    for (const [button, { pressed }] of this.buttons) if (pressed) button.setAttribute("aria-pressed", String(pressed(this.controls)));
  }
}

/** The list of keys, over the picture while it is open. */
export class Help {
  private open: HTMLElement | null = null;

  constructor(private readonly stage: HTMLElement, private readonly closed: () => void, private readonly guard: (action: () => void) => void) {}

  get shown(): boolean {
    return this.open !== null;
  }

  toggle(): void {
    if (this.open) {
      this.open.remove();
      this.open = null;
      return this.closed();
    }
    this.open = helpElement(() => this.guard(() => this.toggle()));
    this.stage.append(this.open);
    this.open.querySelector("button")?.focus({ preventScroll: true });
  }
}

function helpElement(close: () => void): HTMLElement {
  const help = element("div", "eqv-help", "", { role: "dialog", "aria-label": "Keys of the 3D view" });
  const list = element("dl");
  for (const { shown, words } of COMMANDS) if (words) list.append(element("dt", "", shown), element("dd", "", words));
  const mouse = "Mouse: drag to orbit, right button or Ctrl + drag to pan, wheel to zoom (after a click on the picture), click to select, Shift + click to add, double-click to centre.";
  const button = element("button", "eqv-close", "Close", { type: "button" });
  button.addEventListener("click", close);
  help.append(element("div", "eqv-strong", "Keys"), list, element("p", "", mouse), button);
  return help;
}
