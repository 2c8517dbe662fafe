// The timeline of a run while it works. Mirrors the state that Python sends; between two messages the bars of
// running tasks grow by the clock of the page. Every text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const HINT = "Point at a task, or walk with the arrow keys, for its details.";

const make = (tag, attributes = {}, inside = []) => {
  const node = document.createElementNS(SVG, tag);
  set(node, attributes);
  node.append(...inside);
  return node;
};

const box = (className, attributes = {}) => {
  const node = document.createElement("div");
  node.className = className;
  set(node, attributes);
  return node;
};

const set = (node, attributes) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }
};

const say = (node, words) => {
  if (node.textContent !== words) node.textContent = words;
};

function seconds(value) {
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 100) return `${value.toFixed(value < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(value);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
}

function ticks(span, most = 4) {
  if (!(span > 0) || !Number.isFinite(span)) return [0];
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((n) => n * power).find((wide) => span / wide <= most);
  return Array.from({ length: Math.floor(span / step + 1e-9) + 1 }, (_, i) => i * step);
}

function tickLabel(time) {
  if (!(time > 0 && time < 100)) return time ? seconds(time) : "0";
  return time < 1 ? `${+(time * 1000).toPrecision(6)} ms` : `${+time.toPrecision(6)} s`;
}

const asRow = (sent) => {
  const [name, label, depth, group, start, end, status, attempts, critical, words] = sent;
  return { name, label, depth, group, start, end, status, attempts, critical, words, key: JSON.stringify(sent) };
};

// What is known of a run: rows, and a clock that runs on while the run does.
class Run {
  rows = [];
  progress = [0, 1];
  status = "waiting";
  #ended = 0;
  #began = Infinity; // when the run began, on the page's clock: by the message that was fastest

  take({ rows, now, status, progress }) {
    this.rows = rows.map(asRow);
    this.status = status;
    this.progress = progress;
    this.#ended = now;
    this.#began = Math.min(this.#began, performance.now() - now * 1000);
  }

  stop() {
    if (this.running) [this.status, this.#ended] = ["stopped", this.now];
  }

  get running() {
    return this.status === "running";
  }

  get now() {
    return this.running ? (performance.now() - this.#began) / 1000 : this.#ended;
  }
}

// One row of the picture; draws only what has changed.
class Row {
  constructor(look) {
    this.look = look;
    this.hit = make("rect", { class: "tl-hit", x: 0, width: "100%", fill: "none", "pointer-events": "all" });
    this.bar = make("line");
    this.node = make("g", { role: "option", tabindex: -1 }, [this.hit, this.bar]);
  }

  // What a row has where there is room for it.
  dress() {
    const { look } = this;
    this.path = make("line", { class: "tl-critical", "stroke-width": 2 });
    this.shape = make("path", { fill: "none", "stroke-width": 1.8 });
    this.label = make("text");
    this.time = make("text", { class: "tl-dim", x: "99.5%", "text-anchor": "end" });
    this.clip = make("svg", { x: 0, width: `${look.left - 1}%` }, [this.label]);
    this.parts = [this.path, this.shape, this.clip, this.time];
    this.node.append(...this.parts);
  }

  place(row, top, tall, slim) {
    const { look } = this;
    const middle = top + tall / 2;
    const key = `${top} ${slim} ${row.key}`;
    if (key === this.key) return;
    Object.assign(this, { key, row, slim, x1: undefined, x2: undefined });
    set(this.node, { "aria-label": `${row.label}: ${look.words[row.status]}`, "data-name": row.name });
    set(this.hit, { y: top, height: tall });
    const width = slim ? look.slim - 1 : row.group ? look.group : look.bar;
    set(this.bar, { class: `tl-${row.status}`, y1: middle, y2: middle, "stroke-width": width });
    set(this.bar, { "stroke-dasharray": look.dashes[row.status] ?? "none" });
    for (const part of this.parts ?? []) set(part, { visibility: slim ? "hidden" : "visible" });
    if (slim) return;
    if (!this.parts) this.dress();
    const below = middle + look.bar / 2 + 2.5;
    set(this.path, { y1: below, y2: below, visibility: row.critical ? "visible" : "hidden" });
    const x = 8 + row.depth * look.indent;
    set(this.shape, { class: `tl-${row.status}`, d: look.shapes[row.status], transform: `translate(${x} ${middle})` });
    set(this.clip, { y: top, height: tall });
    set(this.label, { x: x + 11, y: tall / 2 + 4, "font-weight": row.group || !row.depth ? 600 : 400 });
    say(this.label, row.label);
    set(this.time, { y: middle + 4 });
  }

  stretch(now, at) {
    const { start, end } = this.row;
    const until = end ?? Math.max(now, start);
    const x1 = at(start);
    const x2 = Math.max(at(until), x1 + 0.3);
    for (const bar of this.row.critical && !this.slim ? [this.bar, this.path] : [this.bar]) {
      if (x1 !== this.x1) bar.setAttribute("x1", `${x1}%`);
      if (x2 !== this.x2) bar.setAttribute("x2", `${x2}%`);
    }
    [this.x1, this.x2] = [x1, x2];
    if (!this.slim) {
      const tries = this.row.attempts > 1 ? `${this.row.attempts} tries · ` : "";
      say(this.time, tries + seconds(until - start));
    }
  }

  words(now) {
    const { label, start, end, status, attempts, words } = this.row;
    if (end !== null) return words;
    const tries = attempts > 1 ? `, asked ${attempts} times` : "";
    return `${label}: ${this.look.words[status]}, ${seconds(now - start)}${tries}${words ? `, ${words}` : ""}`;
  }
}

class Picture {
  constructor(model, el) {
    this.look = model.get("look");
    this.run = new Run();
    this.rows = [];
    this.span = 0;
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.grid = make("g", { "aria-hidden": true });
    this.body = make("g", { role: "listbox", "aria-label": "Timeline of tasks" });
    this.legend = make("g", { "aria-hidden": true });
    this.svg = make("svg", { class: "finassist-tl", width: "100%" }, [this.grid, this.body, this.legend]);
    this.details = box("tl-details", { role: "status", "aria-live": "polite" });
    this.done = box("tl-done");
    this.bar = box("tl-bar", { role: "progressbar", "aria-label": "Tasks done", "aria-valuemin": 0 });
    this.bar.append(this.done);
    this.count = box("tl-count");
    const progress = box("tl-progress");
    progress.append(this.bar, this.count);
    const scroll = box("tl-scroll");
    scroll.append(this.svg);
    el.classList.add("finassist-timeline");
    el.append(progress, scroll, this.details);
    this.listen();
  }

  // Draw everything again: after a message.
  draw() {
    const { rows, look, run } = this;
    const many = run.rows.length > look.many;
    while (rows.length < run.rows.length) this.body.append(rows[rows.push(new Row(look)) - 1].node);
    while (rows.length > run.rows.length) rows.pop().node.remove();
    let top = look.top;
    run.rows.forEach((row, i) => {
      const slim = many && !row.group && row.depth > 0;
      const tall = slim ? look.slim : look.row;
      rows[i].place(row, top, tall, slim);
      top += tall;
    });
    this.bottom = Math.max(top, look.top + look.row);
    set(this.svg, { height: this.bottom + look.row + 3 });
    this.explain();
    if (rows.length && !rows.some(({ node }) => node.tabIndex === 0)) set(rows[0].node, { tabindex: 0 });
    this.stretch(true);
    this.describe(this.shown);
    const [done, total] = run.progress;
    set(this.bar, { "aria-valuemax": total, "aria-valuenow": done });
    this.done.style.width = `${(100 * done) / Math.max(1, total)}%`;
    if (run.running && this.frame === undefined) this.wait();
  }

  wait() {
    const tick = () => this.tick();
    if (this.still.matches) this.timer = setTimeout(tick, 1000);
    this.frame = this.still.matches ? 0 : requestAnimationFrame(tick);
  }

  // Only what grows: between two messages.
  tick() {
    this.frame = undefined;
    if (!this.run.running || !this.svg.isConnected) return;
    const pause = this.run.rows.length > this.look.many ? 60 : 25; // many bars: as often as an eye needs it
    if (performance.now() - this.stretched >= pause) this.stretch(false);
    this.wait();
  }

  end() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
  }

  stretch(all) {
    const { now } = this.run;
    this.stretched = performance.now();
    const rescaled = this.scale(now);
    const at = (time) => this.look.left + this.look.wide * Math.min(1, Math.max(0, time / this.span));
    const [done, total] = this.run.progress;
    say(this.count, `${done} of ${total} · ${seconds(this.run.running ? Math.floor(now * 10) / 10 : now)}`);
    for (const row of this.rows) if (all || rescaled || row.row.end === null) row.stretch(now, at);
  }

  scale(now) {
    const before = this.span;
    if (!this.run.running) this.span = Math.max(now, 1e-6);
    else for (this.span ||= 0.2; this.span < now; ) this.span *= 1.5;
    if (this.span === before && this.gridBottom === this.bottom) return false;
    this.gridBottom = this.bottom;
    this.grid.replaceChildren(...ticks(this.span).flatMap((time) => this.line(time)));
    return true;
  }

  line(time) {
    const x = `${this.look.left + (this.look.wide * time) / this.span}%`;
    const label = make("text", { class: "tl-dim", x, y: 13, "text-anchor": time ? "middle" : "start", "font-size": 11 });
    label.textContent = tickLabel(time);
    return [make("line", { class: "tl-grid", x1: x, x2: x, y1: 18, y2: this.bottom }), label];
  }

  // What the shapes mean that occur, and the line below a bar.
  explain() {
    const { rows } = this.run;
    const { words } = this.look;
    const found = Object.keys(words).filter((status) => rows.some((row) => row.status === status));
    const critical = rows.some((row) => row.critical);
    const shown = `${found} ${critical} ${this.bottom}`;
    if (shown === this.explained) return;
    this.explained = shown;
    const y = this.bottom + this.look.row - 3;
    const parts = [];
    let x = 8;
    const word = (text, left) => {
      parts.push(make("text", { class: "tl-dim", x: left, y, "font-size": 11 }));
      parts.at(-1).textContent = text;
    };
    for (const status of found) {
      const transform = `translate(${x} ${y - 4})`;
      const look = { class: `tl-${status}`, transform, d: this.look.shapes[status], fill: "none", "stroke-width": 1.8 };
      parts.push(make("path", look));
      word(words[status], x + 10);
      x += 26 + 7 * words[status].length;
    }
    if (critical) {
      parts.push(make("line", { class: "tl-critical", x1: x, x2: x + 16, y1: y - 4, y2: y - 4, "stroke-width": 2 }));
      word("critical path", x + 22);
    }
    this.legend.replaceChildren(...parts);
  }

  // ------------------------------------------------------------------------------------------ details

  listen() {
    const rowOf = (event) => this.rows.find(({ node }) => node.contains(event.target));
    this.body.addEventListener("pointerover", (event) => this.describe(rowOf(event)));
    this.body.addEventListener("pointerleave", () => this.describe(this.focused));
    this.body.addEventListener("focusin", (event) => this.describe((this.focused = rowOf(event))));
    this.body.addEventListener("focusout", () => this.describe((this.focused = undefined)));
    this.body.addEventListener("keydown", (event) => this.walk(event, rowOf(event)));
  }

  describe(row) {
    this.shown = row;
    say(this.details, row?.row ? row.words(this.run.now) : HINT);
  }

  walk(event, from) {
    const last = this.rows.length - 1;
    const here = this.rows.indexOf(from);
    const steps = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: last };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation(); // or the notebook would move to another cell
    const to = this.rows[Math.min(last, Math.max(0, steps[event.key]))];
    set(from.node, { tabindex: -1 });
    set(to.node, { tabindex: 0 });
    to.node.focus();
  }
}

function render({ model, el }) {
  const picture = new Picture(model, el);
  const draw = () => {
    const snapshot = model.get("snapshot");
    if (snapshot.rows) {
      picture.run.take(snapshot);
      picture.draw();
    }
  };
  const lost = () => {
    picture.run.stop(); // the kernel is gone, or was restarted
    picture.draw();
  };
  model.on("change:snapshot", draw);
  model.on("comm_live_update", lost);
  draw();
  return () => {
    picture.end();
    model.off("change:snapshot", draw);
    model.off("comm_live_update", lost);
  };
}

export default { render };
