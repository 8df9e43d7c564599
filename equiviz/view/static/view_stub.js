// Fetches the 3D view's script from the kernel once per page, whichever view asks first; all others share it.
const KEY = Symbol.for("equiviz.view.bundle");
const asked = (model) =>
  new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("The kernel did not send the 3D view: run the cell again.")), 30000);
    const take = (content, buffers) => {
      if (content?.type !== "bundle") return;
      clearTimeout(late);
      model.off("msg:custom", take);
      const address = URL.createObjectURL(new Blob([buffers[0]], { type: "text/javascript" }));
      import(address).then(resolve, reject).finally(() => URL.revokeObjectURL(address));
    };
    model.on("msg:custom", take);
    model.send({ type: "bundle" });
  });
async function render(context) {
  const shared = (globalThis[KEY] ??= asked(context.model));
  try {
    return await (await shared).default.render(context);
  } catch (problem) {
    globalThis[KEY] = undefined;
    context.el.textContent = String(problem?.message ?? problem);
    throw problem;
  }
}
export default { render };
