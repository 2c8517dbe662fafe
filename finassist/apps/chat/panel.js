// What the chat panel has that ipywidgets does not: the composer (a text area with company suggestions, Send and Stop),
// password fields for keys, and roles and names for assistive technology. Every text is set as text.

const ACK_SECONDS = 6;
const PLACEHOLDER = "Ask about a company, a figure or a term";
const HINT = "Enter sends · Shift+Enter starts a new line · $ or a name finds a company";
const LONGEST_WORD = 80;
const PAUSE = 90; // milliseconds of rest before a word is looked up

// Each widget has its own copy of this module, so counting would give the same id twice.
function unique() {
  return `finassist-${Math.random().toString(36).slice(2)}`;
}

function make(tag, classes, attributes = {}, text = "") {
  const node = document.createElement(tag);
  node.className = classes;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

// The word the caret stands behind, if it could be the beginning of a company.
function wordAt(area) {
  if (area.selectionStart !== area.selectionEnd) return null;
  const start = Math.max(0, area.selectionStart - LONGEST_WORD);
  const before = area.value.slice(start, area.selectionStart);
  const found = before.match(/(^|[\s(,;/])(\$?[\p{L}\p{N}][\p{L}\p{N}.&'-]*|\$)$/u);
  return found && { text: found[2], start: start + before.length - found[2].length, end: start + before.length };
}

function build(id) {
  const form = make("form", "finassist-composer-form");
  const label = make("label", "finassist-composer-label", { for: `${id}-text` }, "Your question");
  const area = make("textarea", "finassist-composer-text", {
    id: `${id}-text`, rows: "1", placeholder: PLACEHOLDER, spellcheck: "true", autocomplete: "off",
    "aria-autocomplete": "list", "aria-controls": `${id}-list`, "aria-describedby": `${id}-hint`,
  });
  const list = make("ul", "finassist-composer-list", { id: `${id}-list`, role: "listbox", "aria-label": "Companies" });
  list.hidden = true;
  const send = make("button", "finassist-composer-send", { type: "submit" }, "Send");
  const stop = make("button", "finassist-composer-stop", { type: "button", title: "Stop; what arrived is kept" }, "Stop");
  const hint = make("div", "finassist-composer-hint", { id: `${id}-hint` }, HINT);
  const word = make("div", "finassist-composer-word", { role: "status", "aria-live": "polite" });
  const field = make("div", "finassist-composer-field");
  field.append(label, area, send, stop);
  form.append(list, field, hint, word);
  return { id, form, area, list, stop, word };
}

// ------------------------------------------------------------------------------------------- suggestions

class Suggestions {
  constructor(parts, ask) {
    this.parts = parts;
    this.ask = ask;
    this.options = [];
    this.chosen = -1;
    this.word = null;
    this.timer = 0;
  }
  look() {
    clearTimeout(this.timer);
    this.mark(-1); // what was chosen was chosen for another word
    if (!wordAt(this.parts.area)) this.close();
    this.timer = setTimeout(() => {
      this.word = wordAt(this.parts.area);
      if (!this.word) return this.close();
      this.ask(this.word.text);
    }, PAUSE);
  }
  show(text, options) {
    const now = wordAt(this.parts.area);
    if (!now || now.text !== text || document.activeElement !== this.parts.area) return;
    this.word = now;
    this.options = options;
    this.chosen = -1;
    this.parts.list.replaceChildren(...options.map((option, at) => this.line(option, at)));
    this.open(options.length > 0);
  }
  line(option, at) {
    const node = make("li", "finassist-composer-option", {
      role: "option", id: `${this.parts.id}-option-${at}`, "aria-selected": "false",
    });
    node.append(make("b", "", {}, option.symbol), make("span", "", {}, option.name), make("i", "", {}, option.exchange));
    node.addEventListener("pointerdown", (event) => { event.preventDefault(); this.take(at); });
    return node;
  }
  get isOpen() { return !this.parts.list.hidden; }
  open(yes) {
    this.parts.list.hidden = !yes;
    this.mark(-1);
  }
  close() { clearTimeout(this.timer); this.open(false); }
  mark(at) {
    this.chosen = at;
    [...this.parts.list.children].forEach((node, i) => node.setAttribute("aria-selected", String(i === at)));
    const node = this.parts.list.children[at];
    if (!node) return this.parts.area.removeAttribute("aria-activedescendant");
    this.parts.area.setAttribute("aria-activedescendant", node.id);
    node.scrollIntoView({ block: "nearest" });
  }
  move(by) {
    const count = this.options.length;
    this.mark(this.chosen < 0 ? (by > 0 ? 0 : count - 1) : (this.chosen + by + count) % count);
  }
  take(at) {
    const { area } = this.parts;
    const now = wordAt(area);
    if (!now || now.text !== this.word?.text) return this.close();
    this.word = now;
    area.setRangeText(`$${this.options[at].symbol} `, this.word.start, this.word.end, "end");
    this.close();
    area.focus();
    area.dispatchEvent(new Event("input"));
    this.close();
  }
  // Whether the key was for the list.
  key(event) {
    if (!this.isOpen) return false;
    if (event.key === "ArrowDown") this.move(1);
    else if (event.key === "ArrowUp") this.move(-1);
    else if (event.key === "Escape") this.close();
    else if ((event.key === "Enter" || event.key === "Tab") && this.chosen >= 0) this.take(this.chosen);
    else return false;
    return true;
  }
}

// ----------------------------------------------------------------------------------------- the panel around

// Roles and names that ipywidgets cannot set; and keys typed in the panel are not the notebook's shortcuts.
function furnish(root) {
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.setAttribute("role", "region");
  root.setAttribute("aria-label", "finassist chat");
  const log = root.querySelector(".finassist-chat-log");
  if (log) {
    log.setAttribute("role", "log");
    log.setAttribute("aria-label", "Conversation");
    log.setAttribute("tabindex", "0");
  }
  root.querySelector(".finassist-chat-notice")?.setAttribute("role", "status");
  for (const node of root.querySelectorAll(".finassist-chat-toggle")) {
    node.setAttribute("aria-expanded", String(node.classList.contains("finassist-chat-open")));
  }
  for (const node of root.querySelectorAll(".finassist-chat-thumb")) {
    node.setAttribute("aria-pressed", String(node.classList.contains("finassist-chat-pressed")));
  }
  for (const node of root.querySelectorAll(".finassist-chat-kept")) node.setAttribute("role", "status");
  for (const node of root.querySelectorAll(".finassist-chat-field input, .finassist-chat-field select")) {
    const name = node.placeholder || node.closest(".finassist-chat-field").querySelector("label")?.textContent;
    if (name && !node.getAttribute("aria-label")) node.setAttribute("aria-label", name);
  }
  for (const node of root.querySelectorAll("button.finassist-chat-button[title]")) {
    if (node.getAttribute("aria-label") !== node.title) node.setAttribute("aria-label", node.title);
  }
}

// Scrolls with new text until the last question has reached the top, from where its answer is read; not after the
// reader has scrolled elsewhere.
class Follower {
  constructor(log) {
    this.log = log;
    this.stick = true;
    this.own = 0; // where we have scrolled to ourselves, which is not the reader's choice
    this.heard = () => {
      if (Math.abs(log.scrollTop - this.own) > 2) this.stick = Math.abs(log.scrollTop - this.place()) < 60;
    };
    log.addEventListener("scroll", this.heard, { passive: true });
    this.sizes = new ResizeObserver(() => this.follow());
    this.watch();
  }
  watch() { for (const node of this.log.children) this.sizes.observe(node); this.follow(); }
  place() {
    const end = this.log.scrollHeight - this.log.clientHeight;
    const last = [...this.log.querySelectorAll(".finassist-chat-turn")].at(-1);
    if (!last) return end;
    const top = last.getBoundingClientRect().top - this.log.getBoundingClientRect().top + this.log.scrollTop;
    return Math.max(0, Math.min(end, top - 14));
  }
  follow() {
    if (!this.stick) return;
    this.log.scrollTop = this.place();
    this.own = this.log.scrollTop;
  }
  end() { this.stick = true; this.follow(); }
  stop() { this.sizes.disconnect(); this.log.removeEventListener("scroll", this.heard); }
}

// Escape closes the drawer or the choice of companies that is open, and goes back to the button that opened it.
function close(root, event) {
  const open = root.querySelector("button.finassist-chat-open");
  if (event.key !== "Escape" || !open || root.querySelector(".finassist-composer-list:not([hidden])")) return;
  event.stopPropagation();
  open.click();
  open.focus();
}

function attend(el) {
  let follower = null, observer = null, frame = 0, gone = false;
  const tidy = (root) => { frame = 0; furnish(root); follower?.watch(); };
  const begin = (tries) => {
    const root = el.closest(".finassist-chat");
    if (gone || (!root && tries > 200)) return;
    if (!root) return requestAnimationFrame(() => begin(tries + 1));
    const log = root.querySelector(".finassist-chat-log");
    if (log) follower = new Follower(log);
    root.addEventListener("keydown", (event) => close(root, event), true);
    observer = new MutationObserver(() => { frame ||= requestAnimationFrame(() => tidy(root)); });
    observer.observe(root, { childList: true, subtree: true, attributeFilter: ["class", "title"] });
    tidy(root);
  };
  begin(0);
  return {
    end: () => follower?.end(),
    stop: () => { gone = true; observer?.disconnect(); follower?.stop(); cancelAnimationFrame(frame); },
  };
}

// What has just been added to the panel is on the page a few frames later.
function focusSoon(el, where, tries) {
  const parts = [...(el.closest(".finassist-chat")?.querySelectorAll(where) ?? [])];
  const inside = parts.map((part) => (part.matches("button") ? part : part.querySelector("button, input, select")));
  const node = inside.find((each) => each?.offsetParent);
  if (node) node.focus();
  else if (tries < 90) requestAnimationFrame(() => focusSoon(el, where, tries + 1));
}

// A browser may refuse a download that comes seconds after the click that asked for it: the link stays, to be clicked.
function download(message, word) {
  const link = make("a", "finassist-composer-file", { download: message.name }, message.name);
  link.href = URL.createObjectURL(new Blob([message.text], { type: message.mime }));
  word.querySelectorAll("a").forEach((old) => URL.revokeObjectURL(old.href));
  word.replaceChildren("Download: ", link);
  link.click();
}

function copy(text, say) {
  const cannot = () => say("This browser does not let the page copy. Select the text, or export the conversation.");
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(() => say("Copied as Markdown."), cannot);
  else cannot();
}

// --------------------------------------------------------------------------------------------- the widgets

const GONE = "The kernel was restarted or is gone. Run this cell again to continue.";
const SILENT = "The kernel does not answer: it is busy with a cell, or was restarted. Your text is kept. "
  + "If it was restarted, run this cell again.";

// Listens to the model; returns what ends that.
function listen(model, handlers) {
  const entries = Object.entries(handlers);
  entries.forEach(([event, handler]) => model.on(event, handler));
  return () => entries.forEach(([event, handler]) => model.off(event, handler));
}

// Whether there is a kernel to receive it; a widget whose kernel is gone throws.
function tell(model, message) {
  try { model.send(message); return true; } catch { return false; }
}

function composer({ model, el }) {
  const parts = build(unique());
  const { form, area, stop, word } = parts;
  const suggestions = new Suggestions(parts, (text) => tell(model, { type: "complete", text }));
  let waiting = 0;
  el.classList.add("finassist-composer");
  el.append(form);

  const say = (text) => { word.textContent = text; };
  const grow = () => { area.style.height = "auto"; area.style.height = `${Math.min(area.scrollHeight + 2, 180)}px`; };
  const update = () => {
    form.classList.toggle("finassist-busy", model.get("busy"));
    stop.hidden = !model.get("busy");
  };
  const acknowledged = () => { clearTimeout(waiting); waiting = 0; };
  const gone = () => { acknowledged(); say(GONE); };
  const submit = () => {
    const text = area.value;
    if (waiting) return;
    if (!text.trim()) return area.focus();
    if (model.get("busy")) return say("An answer is still running. Stop it, or send this when it is done.");
    say("");
    suggestions.close();
    waiting = setTimeout(() => { waiting = 0; say(SILENT); }, ACK_SECONDS * 1000);
    if (!tell(model, { type: "send", text })) gone();
    area.focus();
  };

  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  stop.addEventListener("click", () => { if (!tell(model, { type: "stop" })) gone(); area.focus(); });
  area.addEventListener("input", () => { grow(); say(""); suggestions.look(); });
  area.addEventListener("blur", () => suggestions.close());
  area.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.isComposing) return;
    if (suggestions.key(event)) return event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    if (!event.repeat) submit();
  });

  const around = attend(el);
  const receive = (message) => {
    if (message.type === "accepted") {
      acknowledged();
      if (area.value === message.text) area.value = "";
      grow();
      around.end();
    } else if (message.type === "refused") {
      acknowledged();
      say(message.why);
      if (!area.value.trim()) area.value = message.text;
      grow();
    } else if (message.type === "options") suggestions.show(message.text, message.options);
    else if (message.type === "download") download(message, word);
    else if (message.type === "copy") copy(message.text, say);
    else if (message.type === "edit") {
      area.value = message.text;
      grow();
      area.focus();
    }
    else if (message.type === "focus" && message.where) focusSoon(el, `.finassist-chat-${message.where}`, 0);
    else if (message.type === "focus") area.focus();
    else if (message.type === "end") around.end();
  };
  const deaf = listen(model, { "change:busy": update, "msg:custom": receive, comm_live_update: gone });
  update();
  return () => { acknowledged(); around.stop(); deaf(); };
}

// A key leaves its field in one message to the kernel and is in no state of the widget.
function keyLine(model, prefix, key) {
  const id = `${prefix}-${key.name}`;
  const node = make("div", "finassist-keys-line");
  const input = make("input", "finassist-keys-input", {
    id, type: "password", autocomplete: "off", spellcheck: "false", placeholder: "paste a key", name: "",
    "aria-describedby": `${id}-state`, "data-lpignore": "true", "data-1p-ignore": "true",
  });
  const hand = () => {
    const value = input.value;
    input.value = "";
    if (value.trim()) tell(model, { type: "key", name: key.name, value });
  };
  input.addEventListener("change", hand);
  input.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") hand();
  });
  node.append(
    make("label", "finassist-keys-label", { for: id }, key.label), input,
    make("span", `finassist-keys-state finassist-keys-${key.set ? "set" : "unset"}`, { id: `${id}-state` }, key.state),
  );
  if (key.forget) {
    const name = `Forget the key of ${key.label}`;
    const forget = make("button", "finassist-keys-forget", { type: "button", title: name, "aria-label": name }, "forget");
    forget.addEventListener("click", () => tell(model, { type: "forget", name: key.name }));
    node.append(forget);
  }
  return node;
}

function keys({ model, el }) {
  const prefix = unique();
  el.classList.add("finassist-keys");
  const update = () => {
    const focused = el.contains(document.activeElement) ? document.activeElement.id : "";
    el.replaceChildren(...model.get("lines").map((key) => keyLine(model, prefix, key)));
    if (focused) document.getElementById(focused)?.focus();
  };
  update();
  return listen(model, { "change:lines": update });
}

export default { render: (context) => (context.model.get("kind") === "keys" ? keys : composer)(context) };
