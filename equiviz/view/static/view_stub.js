// Uses the 3D view's script that is on the page already; else asks the kernel for it, which may be busy for long.
const DOORS = Symbol.for("equiviz.view");
const ASKED = Symbol.for("equiviz.view.asked");
const doors = () => globalThis[DOORS];
const fetched = (model) =>
  new Promise((resolve, reject) => {
    const take = (content, buffers) => {
      if (content?.type !== "bundle") return;
      model.off("msg:custom", take);
      const address = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      import(address).then(() => resolve(doors()), reject).finally(() => URL.revokeObjectURL(address));
    };
    model.on("msg:custom", take);
    model.send({ type: "bundle" });
  });
// The first view of a kernel carries the whole script: wait for it as well as for the kernel.
const present = () =>
  new Promise((resolve) => {
    const look = setInterval(() => doors() && (clearInterval(look), resolve(doors())), 100);
  });
async function render(context) {
  if (doors()) return doors().render(context);
  const note = document.createElement("div");
  const slow = setTimeout(() => {
    note.textContent = "The 3D view waits for the kernel, which is busy …";
    context.el.append(note);
  }, 2000);
  globalThis[ASKED] ??= fetched(context.model);
  try {
    const found = await Promise.race([globalThis[ASKED], present()]);
    return found.render(context);
  } catch (problem) {
    globalThis[ASKED] = undefined;
    note.textContent = String(problem?.message ?? problem);
    context.el.append(note);
    throw problem;
  } finally {
    clearTimeout(slow);
    if (doors()) note.remove();
  }
}
export default { render };
