function render({ model, el }) {
  const draw = () => {
    el.replaceChildren();
    for (const [label, start, end, status] of model.get("snapshot").rows ?? []) {
      const line = document.createElement("div");
      line.textContent = `${label} ${status}`;
      el.append(line);
    }
  };
  model.on("change:snapshot", draw);
  draw();
}
export default { render };
