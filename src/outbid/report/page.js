"use strict";
// Draws the figures from the data that lie in the page, and serves the few controls. Fetches nothing.
(() => {
  const QUIET = "var(--quiet)", INK = "var(--ink)", LINE = "var(--line)";
  const FONT = getComputedStyle(document.documentElement).getPropertyValue("--label").trim();
  const text = { labelFont: FONT, titleFont: FONT, labelColor: QUIET, titleColor: INK, labelFontSize: 12, titleFontSize: 12.5 };
  const CONFIG = {
    background: null,
    font: FONT,
    aria: false,
    view: { stroke: null },
    axis: { ...text, titleFontWeight: "normal", domainColor: LINE, tickColor: LINE, gridColor: LINE, gridOpacity: 0.55, tickSize: 4 },
    legend: { ...text, symbolStrokeColor: INK, labelLimit: 260, rowPadding: 3, columnPadding: 16, offset: 6 },
    header: { ...text, labelColor: INK, labelFontSize: 12.5, labelLimit: 330, labelLineHeight: 15 },
    mark: { color: INK },
    text: { color: INK, font: FONT },
  };

  // data: a column is either a list of values, or a list of levels and the codes that point into it
  function rows(columns) {
    const lists = columns.map((c) => c.values || c.codes.map((code) => c.levels[code]));
    const length = lists.length ? lists[0].length : 0;
    return Array.from({ length }, (_, i) => Object.fromEntries(columns.map((c, k) => [c.name, lists[k][i]])));
  }

  const figures = new Map();
  for (const place of document.querySelectorAll(".chart[data-figure]")) {
    const id = place.dataset.figure;
    const content = JSON.parse(document.getElementById(`data-${id}`).textContent);
    const data = Object.fromEntries(Object.entries(content.data).map(([name, table]) => [name, rows(table)]));
    figures.set(id, { place, content, data, chosen: {}, view: null, width: 0 });
  }

  function fitted(figure, width) {
    const spec = structuredClone(figure.content.spec);
    const { kind, margin, gap, least, most } = figure.content.layout;
    const { shape } = figure.content.options;
    if (kind === "single") {
      spec.width = width;
      spec.autosize = { type: "fit", contains: "padding" };
      if (shape && width < shape.below) figure.chosen.shape = shape.narrow;
      else if (shape) figure.chosen.shape = shape.wide;
    } else if (kind === "stack") {
      for (const panel of spec.vconcat) panel.width = width - margin;
      spec.autosize = { type: "pad" };
    } else {
      const columns = Math.max(1, Math.min(most, Math.floor(width / least)));
      spec.columns = columns;
      spec.spec.width = Math.floor((width - margin - 16 - (columns - 1) * gap) / columns);
    }
    for (const parameter of spec.params || []) {
      if (parameter.name in figure.chosen) parameter.value = figure.chosen[parameter.name];
    }
    spec.datasets = figure.data;
    spec.padding = 2;
    return spec;
  }

  async function draw(figure) {
    const width = Math.floor(figure.place.clientWidth);
    if (!width || width === figure.width) return;
    figure.width = width;
    const spec = fitted(figure, width);
    const options = { ast: true, actions: false, renderer: "svg", config: CONFIG, logLevel: 1 };
    const old = figure.result;
    figure.result = await vegaEmbed(figure.place, spec, options);
    figure.view = figure.result.view;
    if (old) old.finalize();
  }

  async function drawAll() {
    let failed = 0;
    for (const [id, figure] of figures) {
      try {
        await draw(figure);
      } catch (problem) {
        failed += 1;
        console.error(`figure ${id}: ${problem}`);
      }
    }
    document.documentElement.dataset.drawn = String(figures.size - failed);
    document.documentElement.dataset.failed = String(failed);
  }
  drawAll();
  // what is folded has no width until it is opened
  for (const part of document.querySelectorAll("details")) part.addEventListener("toggle", drawAll);
  let waiting = 0;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 180); });

  // downloads: a cell that a spreadsheet would take for a formula is quoted with an apostrophe
  function cell(value) {
    if (value === null || value === undefined) return "";
    if (typeof value !== "string") return String(value);
    const flat = value.replace(/\n/g, "; ");
    const safe = /^[=+\-@\t\r]/.test(flat) ? `'${flat}` : flat;
    return /[",]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  }
  function csv(list) {
    if (!list.length) return "";
    const names = Object.keys(list[0]).filter((name) => !name.startsWith("_"));
    return [names, ...list.map((row) => names.map((name) => row[name]))].map((row) => row.map(cell).join(",")).join("\r\n");
  }
  for (const button of document.querySelectorAll("[data-download]")) {
    button.addEventListener("click", () => {
      const id = button.dataset.download;
      const figure = figures.get(id);
      const table = button.dataset.table;
      const list = figure ? figure.data[table] : JSON.parse(document.getElementById(`data-${id}`).textContent);
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(["\ufeff", csv(list)], { type: "text/csv" }));
      link.download = table && table !== id ? `${id}-${table}.csv` : `${id}.csv`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });
  }

  // choices beside the paths
  for (const form of document.querySelectorAll("[data-controls]")) {
    const figure = figures.get(form.dataset.controls);
    if (!figure) continue;
    form.hidden = false;
    form.addEventListener("change", (event) => {
      figure.chosen[event.target.name] = event.target.value;
      if (figure.view) figure.view.signal(event.target.name, event.target.value).run();
    });
  }

  // filters of the claims
  for (const form of document.querySelectorAll("[data-filters]")) {
    const lines = [...document.querySelectorAll(`#${form.dataset.filters}-table > tbody`)];
    const count = form.querySelector("output");
    const fields = [...form.querySelectorAll("input, select")];
    const apply = () => {
      const wanted = Object.fromEntries(fields.map((field) => [field.name, field.value.trim().toLowerCase()]));
      let shown = 0;
      for (const line of lines) {
        const has = (key) => line.dataset[key].toLowerCase();
        const matches = (!wanted.words || line.textContent.toLowerCase().includes(wanted.words)) &&
          ["source", "verdict"].every((key) => !wanted[key] || has(key) === wanted[key]) &&
          ["kind", "home"].every((key) => !wanted[key] || has(key).split(" ").includes(wanted[key]));
        line.hidden = !matches;
        shown += matches ? 1 : 0;
      }
      count.textContent = `${shown} of ${lines.length} shown`;
    };
    form.hidden = false;
    form.addEventListener("input", apply);
    apply();
  }

  // the diagram: an arrow's words appear beside it, a box shows its own arrows
  const detail = document.getElementById("link-detail");
  if (detail) {
    const links = JSON.parse(document.getElementById("data-diagram").textContent);
    const drawing = document.querySelector(".diagram svg");
    const arrows = [...drawing.querySelectorAll(".arrow")];
    const paragraph = (...parts) => {
      const p = document.createElement("p");
      p.append(...parts);
      return p;
    };
    const element = (name, content, href) => {
      const made = document.createElement(name);
      made.textContent = content;
      if (href) made.href = href;
      return made;
    };
    const show = (arrow) => {
      const link = links[Number(arrow.dataset.arrow)];
      const cited = link.evidence.flatMap((id) => [document.getElementById(`claim-${id}`) ? element("a", id, `#claim-${id}`) : id, " "]);
      for (const other of arrows) other.classList.toggle("chosen", other === arrow);
      detail.replaceChildren(
        paragraph(element("strong", link.name), ` ${link.sentence}`),
        paragraph(element("code", link.formula)),
        paragraph(`Effect ${link.effect}; ${link.standing}. ${link.raises}`),
        paragraph("Evidence: ", ...(cited.length ? cited : ["none "]), "· ", element("a", "its mechanism in the table", `#mechanism-${link.mechanism}`)),
      );
    };
    for (const arrow of arrows) {
      arrow.addEventListener("mouseenter", () => show(arrow));
      arrow.addEventListener("focus", () => show(arrow));
      arrow.addEventListener("click", (event) => { event.preventDefault(); show(arrow); });
    }
    for (const box of drawing.querySelectorAll(".box")) {
      box.addEventListener("mouseenter", () => {
        drawing.classList.add("dimmed");
        for (const arrow of arrows) arrow.classList.toggle("near", [arrow.dataset.from, arrow.dataset.to].includes(box.dataset.box));
      });
      box.addEventListener("mouseleave", () => drawing.classList.remove("dimmed"));
    }
  }

  // contents: mark the section that is being read
  const entries = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((changes) => {
    for (const change of changes) {
      if (!change.isIntersecting) continue;
      for (const [id, entry] of entries) {
        if (id === change.target.id) entry.setAttribute("aria-current", "true");
        else entry.removeAttribute("aria-current");
      }
    }
  }, { rootMargin: "-30% 0px -65% 0px" });
  for (const id of entries.keys()) {
    const section = document.getElementById(id);
    if (section) seen.observe(section);
  }

  // a link into a closed part opens it with all that it lies in, and shows a claim that the filters hide
  const closedAround = (element) => {
    const out = [];
    for (let part = element.closest("details"); part; part = part.parentElement.closest("details")) out.push(part);
    return out;
  };
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const form = target && target.hidden && document.querySelector("[data-filters]");
    if (form) {
      form.querySelectorAll("input, select").forEach((field) => { field.value = ""; });
      form.dispatchEvent(new Event("input"));
      target.scrollIntoView();
    }
    if (!target) return;
    const own = target.matches("tbody") ? target.querySelector("details") : null;
    const closed = [own, ...closedAround(target)].filter((part) => part && !part.open);
    for (const part of closed) part.open = true;
    if (closed.length) target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();
  // paper is narrower than most screens: figures without columns of panels are set anew, so that their text stays readable
  const A4 = 680, HALF = 350;
  const setWidth = (figure, width) => {
    const { kind, margin } = figure.content.layout;
    const { shape } = figure.content.options;
    if (!figure.view || kind === "facet") return;
    if (shape) figure.view.signal("shape", width < shape.below ? shape.narrow : shape.wide);
    figure.view.width(width - margin).run();
  };
  addEventListener("beforeprint", () => {
    for (const figure of figures.values()) setWidth(figure, figure.place.closest(".pair") ? HALF : A4);
  });
  addEventListener("afterprint", () => {
    for (const figure of figures.values()) setWidth(figure, figure.width);
  });
})();
