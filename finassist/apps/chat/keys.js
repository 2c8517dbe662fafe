// Password fields for keys. A key leaves its field in one message to the kernel and is in no state of the widget.

function make(tag, classes, attributes = {}, text = "") {
  const node = document.createElement(tag);
  node.className = classes;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

function render({ model, el }) {
  // Every widget is a copy of this module of its own, so counting would give the same id twice.
  const prefix = `finassist-keys-${Math.random().toString(36).slice(2)}`;
  el.classList.add("finassist-keys");
  const tell = (message) => {
    try { model.send(message); } catch { /* the kernel is gone; the composer says so */ }
  };
  const hand = (name, input) => {
    const value = input.value;
    input.value = "";
    if (value.trim()) tell({ type: "key", name, value });
  };
  const line = (key) => {
    const id = `${prefix}-${key.name}`;
    const node = make("div", "finassist-keys-line");
    const label = make("label", "finassist-keys-label", { for: id }, key.label);
    const input = make("input", "finassist-keys-input", {
      id, type: "password", autocomplete: "off", spellcheck: "false", placeholder: "paste a key", name: "",
      "aria-describedby": `${id}-state`, "data-lpignore": "true", "data-1p-ignore": "true",
    });
    const state = make("span", `finassist-keys-state finassist-keys-${key.set ? "set" : "unset"}`, { id: `${id}-state` },
      key.state);
    input.addEventListener("change", () => hand(key.name, input));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") hand(key.name, input);
    });
    node.append(label, input, state);
    if (key.forget) {
      const forget = make("button", "finassist-keys-forget", {
        type: "button", title: `Forget the key of ${key.label}`, "aria-label": `Forget the key of ${key.label}`,
      }, "forget");
      forget.addEventListener("click", () => tell({ type: "forget", name: key.name }));
      node.append(forget);
    }
    return node;
  };
  const update = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement.id : "";
    el.replaceChildren(...model.get("lines").map(line));
    if (focused) document.getElementById(focused)?.focus();
  };
  model.on("change:lines", update);
  update();
  return () => model.off("change:lines", update);
}

export default { render };
