// The sections, from top to bottom.
function drawHead() {
  byId("title").textContent = data.title;
  byId("subtitle").textContent = `${data.groupby} · ${data.axes[0].replace(/ 1( .*)?$/, "$1")} · uns["${data.key}"]`;
  const level = levels.find((candidate) => candidate.k === data.selected);
  const card = (value, label) => element("div", { class: "card" }, element("b", {}, value), element("span", {}, label));
  const cards = [card(data.cells.total.toLocaleString("en"), "cells"), card(String(size), "groups"), card(level.label, `${unit} per pair`)];
  const chosen = data.sweep ? rowsOf(data.sweep).find((row) => row.selected) : undefined;
  for (const [name, matrix] of Object.entries(level.scores)) {
    const baseline = chosen ? chosen[`dbm_${name}`] : null;
    cards.push(card(digits(mean(matrix)), nameOf(name) + (known(baseline) ? ` (DBM ${digits(baseline)})` : "")));
  }
  if (known(ceiling(level))) cards.push(card(digits(ceiling(level)), "self-similarity of real cells, the ceiling"));
  byId("cards").append(...cards);
  if (known(data.epsilon) && known(data.distance) && data.epsilon > 0.5 * data.distance) {
    byId("cards").after(element("p", { class: "warning" }, `ε = ${digits(data.epsilon)} is of the order of the distance between ` +
      `groups (median ${digits(data.distance)}): correctness and coverage say little on this map.`));
  }
  if (data.disagreements.length) {
    const named = data.disagreements.slice(0, 5).map(([i, j, ours, theirs]) =>
      `${data.groups[i]} → ${data.groups[j]} (map ${digits(ours)}, judges ${digits(theirs)})`);
    const more = data.disagreements.length > 5 ? `, and ${data.disagreements.length - 5} more` : "";
    byId("cards").after(element("p", { class: "warning" }, `Map and judges disagree in ${data.disagreements.length} of ` +
      `${data.groups.reduce((sum, _, i) => sum + targetsOf(i).length, 0)} pairs: ${named.join(", ")}${more}. Their cells arrive on the map without looking like the target ` +
      "to classifiers that never saw it."));
  }
}

function drawMap() {
  const legend = byId("legend");
  legend.classList.toggle("many", size > 16);
  data.groups.forEach((name, code) => {
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = data.colors[code];
    const button = element("button", { type: "button", "aria-pressed": "false" }, swatch, element("span", { class: "number" }, brief ? "" : markOf(code)),
      element("span", { class: "name" }, name), element("span", { class: "size" }, data.sizes[code].toLocaleString("en")));
    button.addEventListener("click", () => {
      state.alone = state.alone === code ? null : code;
      legend.querySelectorAll("button").forEach((other, index) => other.setAttribute("aria-pressed", String(index === state.alone)));
      groupsMap(byId("groups-map"), state.alone);
    });
    legend.append(element("li", {}, button));
  });
  groupsMap(byId("groups-map"), null);
  if (data.cells.shown < data.cells.total) {
    const drawn = `${data.cells.shown.toLocaleString("en")} of ${data.cells.total.toLocaleString("en")} cells`;
    const missing = data.cells.unplaced ? ` ${data.cells.unplaced.toLocaleString("en")} cells have no place on this map.` : "";
    const sampled = data.cells.shown + data.cells.unplaced < data.cells.total;
    byId("map-note").textContent = `${drawn}${sampled ? ", drawn at random." : "."}${missing}`;
  }
}

let showMetrics;

function setUpMetrics() {
  const present = [...new Set(levels.flatMap((level) => [...Object.keys(level.scores), ...Object.keys(level.plausibility)]))];
  showMetrics = makeTable(byId("metrics-table"), [
    { title: "from", key: "source" }, { title: "to", key: "target" }, { title: "genes", key: "n_genes", digits: 0 },
    ...present.map((name) => ({ title: nameOf(name), key: name, digits: 3 })),
  ], { onOpen: (row) => open(row.i, row.j) });
  drawMetrics();
}

function drawMetrics() {
  if (book) drawCodebook(byId("codebook-chart"), state.level);
  const level = levels[state.level];
  const place = clear(byId("heatmaps"));
  for (const [name, matrix] of Object.entries(level.scores)) heatmap(place, name, matrix, open);
  const rows = [];
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) {
      if (!isExplained(i, j)) continue;
      const scores = Object.entries({ ...level.scores, ...level.plausibility }).map(([name, matrix]) => [name, matrix[i * size + j]]);
      rows.push({ i, j, source: data.groups[i], target: data.groups[j], n_genes: level.n_genes[i * size + j], ...Object.fromEntries(scores) });
    }
  }
  showMetrics(rows);
}

function open(i, j) {
  pick(i, j);
  byId("pair").scrollIntoView();
}

function drawSweep() {
  if (!data.sweep) {
    byId("sweep").hidden = true;
    return;
  }
  const rows = rowsOf(data.sweep);
  sweepChart(byId("sweep-chart"), rows);
  const names = Object.keys(data.sweep).filter((name) => !["sparsity", "selected", "lam"].includes(name) && rows.some((row) => known(row[name])));
  const columns = names.map((name) => ({ title: NAMES[name] || name.replace(/_/g, " "), key: name, digits: 3 }));
  makeTable(byId("sweep-table"), [{ title: `${unit} per pair`, key: "sparsity", digits: 0 }, ...columns])(
    rows.map((row) => ({ ...row, marked: row.selected })));
}

function drawContrasts() {
  if (!data.contrasts) return;
  byId("contrasts").hidden = false;
  makeTable(byId("contrasts-table"), [
    { title: "within", key: "within" }, { title: "contrast", key: "contrast" }, { title: "gene or programme", key: "item" },
    { title: "shift", key: "shift", digits: 3 }, { title: "scope", key: "scope" }, { title: "donors", key: "donors" },
    { title: "holds", key: "agree" }, { title: "correctness", key: "correctness", digits: 3 },
  ])(rowsOf(data.contrasts));
}

function drawMarkers() {
  makeTable(byId("markers-table"), [
    { title: "group", key: "group" }, { title: "gene", key: "gene" }, { title: "amount above typical", key: "delta", digits: 3 },
    { title: "mean", key: "mean", digits: 3 }, { title: "mean of other cells", key: "mean_rest", digits: 3 },
  ])(rowsOf(data.markers));
}

function drawAbout() {
  const list = (title, pairs) => {
    const lines = pairs.map(([name, value]) => element("tr", {}, element("td", {}, name), element("td", { class: "number" }, value)));
    return element("div", {}, element("h3", {}, title), element("table", {}, element("tbody", {}, ...lines)));
  };
  const fidelity = Object.entries(data.fidelity).map(([name, value]) => [FIDELITY[name] || name, Number.isInteger(value) ? String(value) : digits(value, 3)]);
  const parts = [list("Data", data.data), list("Encoder", [...data.encoder, ...fidelity]), list("Parameters", data.params), list("Versions", data.versions)];
  byId("facts").append(...parts);
}

const FIDELITY = { r2: "held-out R²", neighbours: "share of 15 nearest neighbours kept", n_cells: "cells it was checked on" };

drawHead();
setUpPair();
recall();
drawPair();
opened = true;
window.addEventListener("hashchange", () => { recall(); drawPair(); drawMetrics(); });
document.addEventListener("keydown", onKey);
// Links within the page leave the address to the pair.
document.querySelectorAll("nav a").forEach((link) => link.addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector(link.getAttribute("href")).scrollIntoView();
}));
drawMap();
setUpMetrics();
drawSweep();
drawContrasts();
drawMarkers();
drawAbout();
let waiting = 0;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { drawPair(); groupsMap(byId("groups-map"), state.alone); if (book) drawCodebook(byId("codebook-chart"), state.level); }, 150);
});
