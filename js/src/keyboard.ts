// The keyboard: every command has a key.

import { COMMANDS, type Controls, keyName } from "./commands";

const BY_KEY = new Map(COMMANDS.flatMap((command) => command.keys.map((key) => [key, command] as const)));

/** Listens on `root`; buttons and sliders keep the keys that they use themselves. */
export function listenToKeys(root: HTMLElement, controls: Controls, guard: (action: () => void) => void): void {
  root.addEventListener("keydown", (event) => {
    const name = keyName(event);
    const command = BY_KEY.get(name);
    if (!command || keepsKey(event.target, name)) return;
    event.preventDefault();
    event.stopPropagation();
    guard(() => command.run(controls));
  });
}

function keepsKey(target: EventTarget | null, key: string): boolean {
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) return /^(Arrow|Home|End|Space|Enter|[+\-=_0])/.test(key);
  return (target instanceof HTMLButtonElement || (target instanceof Element && target.tagName === "SUMMARY")) && /^(Space|Enter)$/.test(key);
}
