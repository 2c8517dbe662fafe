// What the tests ask of a page, through JupyterLab's own application object and the page's computed styles.
(() => {
  const panelOf = (path) => {
    const shell = window.jupyterapp?.shell;
    return shell && [...shell.widgets("main")].find((widget) => widget.context?.path === path);
  };
  const codeCells = (panel) => panel.content.widgets.filter((cell) => cell.model.type === "code");
  const idle = (panel) =>
    panel.sessionContext.session?.kernel?.status === "idle" &&
    codeCells(panel).every((cell) => cell.model.executionState === "idle" && cell.prompt !== "*");

  let count = 0;
  const numbered = (cell) => (cell.node.dataset.testsCell = String(++count));

  const canvas = document.createElement("canvas");
  const paint = Object.assign(canvas, { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const parse = (colour) => {
    if (!known.has(colour)) {
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return [...known.get(colour)];
  };
  const over = (front, back) => [0, 1, 2].map((i) => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      layers.push(parse(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) break;
    }
    return layers.reverse().reduce((back, front) => over(front, back), [255, 255, 255, 1]);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const opacity = (element) => {
    let product = 1;
    for (let at = element; at; at = at.parentElement) product *= Number(getComputedStyle(at).opacity);
    return product;
  };
  const texts = function* (root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = root; node; node = walker.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) {
        if (node.data.trim()) yield [node.parentElement, node.data.trim(), getComputedStyle(node.parentElement)];
        continue;
      }
      if (node.matches("input, textarea") && (node.value || node.placeholder)) {
        const style = getComputedStyle(node, node.value ? null : "::placeholder");
        yield [node, node.value || node.placeholder, style];
      }
      for (const pseudo of ["::before", "::after"]) {
        const style = getComputedStyle(node, pseudo);
        if (/^".*[\p{L}\p{N}].*"$/u.test(style.content)) yield [node, style.content, style];
      }
    }
  };
  // Text that nobody sees, and controls that are off, need no contrast (WCAG 1.4.3).
  const exempt = (element) =>
    !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) ||
    element.closest("style, script, title, desc, defs, :disabled, [aria-disabled=true]");

  window.finassistTests = {
    ready: (path) => {
      const panel = panelOf(path);
      return Boolean(panel?.sessionContext.isReady && panel.content.isVisible && idle(panel));
    },
    idle: (path) => idle(panelOf(path)),
    allRan: (path) => {
      const panel = panelOf(path);
      const ran = codeCells(panel).filter((cell) => cell.model.sharedModel.source.trim());
      const failed = ran.some((cell) => cell.model.sharedModel.outputs.some((output) => output.output_type === "error"));
      return idle(panel) && (failed || ran.every((cell) => cell.model.executionCount));
    },
    start: (path, code) => {
      const panel = panelOf(path);
      const cells = panel.content.model.sharedModel;
      const last = cells.cells.length - 1;
      const free = last >= 0 && !cells.cells[last].source.trim();
      const index = free ? last : last + 1;
      if (free) cells.cells[last].setSource(code);
      else cells.insertCell(index, { cell_type: "code", source: code });
      window.jupyterapp.shell.activateById(panel.id);
      panel.content.activeCellIndex = index;
      panel.content.deselectAll();
      panel.content.widgets[index].model.executionState = "running";
      window.jupyterapp.commands.execute("notebook:run-cell");
      return numbered(panel.content.widgets[index]);
    },
    outputs: (path) => codeCells(panelOf(path)).map((cell) => cell.model.outputs.toJSON()),
    save: (path) => panelOf(path).context.save().then(() => true),
    close: (path) => {
      const panel = panelOf(path);
      return panel.sessionContext.shutdown().then(() => { panel.context.model.dirty = false; panel.close(); return true; });
    },
    // Gaps between the frames that the page draws: long ones are what a person feels as stuttering.
    watchFrames: () => {
      const seen = (window.finassistFrames = { worst: 0, count: 0, on: true, last: performance.now() });
      const frame = (now) => {
        seen.worst = Math.max(seen.worst, now - seen.last);
        seen.last = now;
        seen.count += 1;
        if (seen.on) requestAnimationFrame(frame);
      };
      requestAnimationFrame((now) => { seen.last = now; requestAnimationFrame(frame); });
    },
    framesSeen: () => {
      window.finassistFrames.on = false;
      return [window.finassistFrames.worst, window.finassistFrames.count];
    },
    sideways: (root) => {
      const edge = root.getBoundingClientRect().right + 1;
      const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
      const reachable = (element) => {
        for (let at = element; at && at !== root.parentElement; at = at.parentElement) if (scrolls(at)) return true;
        return false;
      };
      return [...root.querySelectorAll("*")]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > edge && !reachable(element))
        .map((element) => `${element.tagName} ${element.className} ${element.textContent.trim().slice(0, 40)}`);
    },
    restart: (path) => panelOf(path).sessionContext.restartKernel().then(() => true),
    focused: () => {
      const at = document.activeElement;
      return at.getAttribute("aria-label") || at.labels?.[0]?.textContent || at.textContent.trim() || at.tagName;
    },
    // Controls whose looks do not change when the keyboard reaches them.
    focusRings: (root) => {
      const looks = (element) => {
        const { outlineStyle, outlineWidth, outlineColor, boxShadow, borderColor, backgroundColor } = getComputedStyle(element);
        return [outlineStyle === "none" ? "" : outlineStyle + outlineWidth + outlineColor, boxShadow, borderColor, backgroundColor].join();
      };
      const around = (element) => [element, element.parentElement, element.parentElement.parentElement].map(looks).join();
      return [...root.querySelectorAll("button, input, select, textarea, [tabindex='0'], summary")]
        .filter((element) => element.checkVisibility() && !element.disabled)
        .filter((element) => {
          document.activeElement.blur();
          const before = around(element);
          element.focus({ focusVisible: true, preventScroll: true });
          return around(element) === before;
        })
        .map((element) => `${element.tagName} ${element.className} ${element.getAttribute("aria-label") ?? ""}`);
    },
    poorContrast: (root, least) => {
      const found = [];
      for (const [element, text, style] of texts(root)) {
        if (exempt(element)) continue;
        // A label that a style sheet places is beside its bar, not on it.
        const back = behind(text.startsWith('"') && style.position === "absolute" ? element.parentElement : element);
        const ink = parse(element instanceof SVGElement ? style.fill : style.color);
        ink[3] *= opacity(element);
        const have = ratio(over(ink, back), back);
        if (have < least) found.push([text.slice(0, 60), have, `${style.color} on rgb(${back.slice(0, 3).map(Math.round)})`]);
      }
      return found;
    },
  };
})();
