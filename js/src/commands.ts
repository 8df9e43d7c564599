// Everything a reader can do, once: the keyboard, the toolbar and the list of keys are made from this table.

export interface Controls {
  readonly hand: boolean;
  readonly boxing: boolean;
  readonly isolated: boolean;
  readonly sliced: boolean;
  readonly labelled: boolean;
  readonly fullScreen: boolean;
  readonly helping: boolean;
  push(dx: number, dy: number): void; // what a drag does, in shares of the height, y downwards
  pan(dx: number, dy: number): void;
  zoom(factor: number): void;
  reset(): void;
  toggleHand(): void;
  toggleBox(): void;
  toggleIsolate(): void;
  toggleSlab(): void;
  toggleLabels(): void;
  toggleFullScreen(): void;
  toggleHelp(): void;
  download(): void;
  togglePlay(): void;
  step(by: number): void;
  nextAtom(by: number): void;
  selectHovered(more: boolean): void;
  clear(): void;
  undo(): void;
  redo(): void;
}

export interface Command {
  keys: string[]; // as `keyName` makes them
  shown: string; // the keys for reading; commands of one line in the list share it
  words: string;
  icon?: string;
  pressed?: (controls: Controls) => boolean;
  run: (controls: Controls) => void;
}

const STEP = 1 / 24; // of the height: 7.5 degrees
const line = (keys: string, shown: string, words: string, run: Command["run"]): Command => ({ keys: keys.split(" "), shown, words, run });

export const COMMANDS: Command[] = [
  line("ArrowLeft", "← → ↑ ↓", "orbit (with the rotation hand: turn the scene)", (controls) => controls.push(-STEP, 0)),
  line("ArrowRight", "← → ↑ ↓", "", (controls) => controls.push(STEP, 0)),
  line("ArrowUp", "← → ↑ ↓", "", (controls) => controls.push(0, -STEP)),
  line("ArrowDown", "← → ↑ ↓", "", (controls) => controls.push(0, STEP)),
  line("Shift+ArrowLeft", "Shift + arrows", "pan", (controls) => controls.pan(-STEP, 0)),
  line("Shift+ArrowRight", "Shift + arrows", "", (controls) => controls.pan(STEP, 0)),
  line("Shift+ArrowUp", "Shift + arrows", "", (controls) => controls.pan(0, -STEP)),
  line("Shift+ArrowDown", "Shift + arrows", "", (controls) => controls.pan(0, STEP)),
  line("+ =", "+ −", "zoom", (controls) => controls.zoom(1.2)),
  line("- _", "+ −", "", (controls) => controls.zoom(1 / 1.2)),
  {
    ...line("Home 0", "Home", "reset the camera", (controls) => controls.reset()),
    icon: "M4 11.5 12 4l8 7.5M6.5 9.5V20h11V9.5M10 20v-5h4v5",
  },
  {
    ...line("h", "H", "rotation hand: dragging turns the scene instead of the camera", (controls) => controls.toggleHand()),
    icon: "M19 12a7 7 0 1 1-2.1-5M17 2.5V7h-4.5M12 9.5v5M9.5 12h5",
    pressed: (controls) => controls.hand,
  },
  line("n", "N, Shift + N", "go to the next or the previous atom", (controls) => controls.nextAtom(1)),
  line("Shift+n", "N, Shift + N", "", (controls) => controls.nextAtom(-1)),
  line("Enter", "Enter", "select the atom that is pointed at, or the one in the middle; with Shift one more", (controls) => controls.selectHovered(false)),
  line("Shift+Enter", "Enter", "", (controls) => controls.selectHovered(true)),
  {
    ...line("b", "B, Shift + drag", "select with a box", (controls) => controls.toggleBox()),
    icon: "M4 8V4h4M11 4h2M16 4h4v4M20 11v2M20 16v4h-4M13 20h-2M8 20H4v-4M4 13v-2",
    pressed: (controls) => controls.boxing,
  },
  line("Escape", "Esc", "clear the selection, close what is open", (controls) => controls.clear()),
  line("Ctrl+z", "Ctrl + Z, Ctrl + Shift + Z", "undo and redo selections", (controls) => controls.undo()),
  line("Ctrl+Shift+z Ctrl+y", "Ctrl + Z, Ctrl + Shift + Z", "", (controls) => controls.redo()),
  {
    ...line("i", "I", "isolate the neighbourhood of the selection; again: show everything", (controls) => controls.toggleIsolate()),
    icon: "M12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5M12 3.5v2M12 18.5v2M3.5 12h2M18.5 12h2M6 6l1.4 1.4M16.6 16.6 18 18M18 6l-1.4 1.4M7.4 16.6 6 18",
    pressed: (controls) => controls.isolated,
  },
  {
    ...line("s", "S", "slice: show a slab only", (controls) => controls.toggleSlab()),
    icon: "M3 15.5 12 20l9-4.5M3 12l9 4.5 9-4.5M3 8.5 12 13l9-4.5L12 4z",
    pressed: (controls) => controls.sliced,
  },
  {
    ...line("l", "L", "labels", (controls) => controls.toggleLabels()),
    icon: "M5 7V5h14v2M12 5v14M9 19h6",
    pressed: (controls) => controls.labelled,
  },
  line("Space", "Space", "play and pause", (controls) => controls.togglePlay()),
  line("[", "[ ]", "previous and next frame", (controls) => controls.step(-1)),
  line("]", "[ ]", "", (controls) => controls.step(1)),
  {
    ...line("p", "P", "save a picture (PNG)", (controls) => controls.download()),
    icon: "M4 8h3.5L9 5.5h6L16.500 8H20v11H4zM12 10a3.300 3.300 0 1 1 0 6.600 3.300 3.300 0 0 1 0-6.600",
  },
  {
    ...line("f", "F", "full screen", (controls) => controls.toggleFullScreen()),
    icon: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
    pressed: (controls) => controls.fullScreen,
  },
  {
    ...line("?", "?", "this list", (controls) => controls.toggleHelp()),
    icon: "M8.500 8.500a3.500 3.500 0 1 1 5.200 3c-1.200.7-1.700 1.300-1.700 2.700M12 18.200v.3",
    pressed: (controls) => controls.helping,
  },
];

/** The name of a pressed key: "Ctrl+Shift+z", "Shift+ArrowUp", "?" (signs carry no Shift: keyboards differ). */
export function keyName(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  const letter = /^[a-z]$/i.test(event.key);
  const key = letter ? event.key.toLowerCase() : event.key === " " ? "Space" : event.key;
  const shift = event.shiftKey && (letter || key.length > 1);
  return `${event.ctrlKey || event.metaKey ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key}`;
}
