// The entry of the bundle. A second copy of the same build on a page hands everything to the first.

import { once } from "./shared";
import * as widget from "./widget";

const first = once("widget", () => widget);

export const mount = first.mount;
export default { render: first.render };

// A page that holds this script inline, as a module, cannot import from it: the doors also stand here.
(globalThis as unknown as Record<symbol, unknown>)[Symbol.for("equiviz.view")] = { mount, render: first.render };
