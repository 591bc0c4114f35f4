// The chosen pair: its controls, genes, scores and cells. At first the two largest groups.
const [first, second] = data.sizes.map((count, code) => [count, code]).sort((a, b) => b[0] - a[0]).map(([, code]) => code);
const state = { source: first, target: second, level: levels.findIndex((level) => level.k === data.selected), alone: null };
let showGenes;

function pick(source, target) {
  if (source === target) return;
  Object.assign(state, { source, target });
  drawPair();
}

function options(select, labels, chosen) {
  clear(select).append(...labels.map((label, index) => element("option", { value: index }, label)));
  select.selectedIndex = chosen;
}

function setUpPair() {
  const names = data.groups.map((_, code) => listed(code, 60));
  options(byId("source"), names, state.source);
  options(byId("target"), names, state.target);
  options(byId("level"), levels.map((level) => level.label + (level.k === data.selected ? " (selected)" : "")), state.level);
  byId("source").addEventListener("change", (event) => choose("source", event.target.selectedIndex));
  byId("target").addEventListener("change", (event) => choose("target", event.target.selectedIndex));
  byId("level").addEventListener("change", (event) => { state.level = event.target.selectedIndex; drawPair(); drawMetrics(); });
  byId("swap").addEventListener("click", () => pick(state.target, state.source));
  showGenes = makeTable(byId("pair-table"), [
    { title: "gene", key: "gene" }, { title: "amount added", key: "delta", digits: 3 },
    { title: "mean of source", key: "source", digits: 3 }, { title: "mean of target", key: "target", digits: 3 },
    { title: "real difference", key: "difference", digits: 3 }, { title: "amount / difference", key: "share", digits: 2 },
  ]);
  drawPair();
}

// Two different groups at all times: choosing the other's group swaps them.
function choose(role, index) {
  const other = role === "source" ? "target" : "source";
  if (state[other] === index) state[other] = state[role];
  state[role] = index;
  drawPair();
}

function drawPair() {
  const { source, target } = state;
  const level = levels[state.level];
  byId("source").selectedIndex = source;
  byId("target").selectedIndex = target;
  const rows = explain(level, source, target);
  const [from, to] = [data.groups[source], data.groups[target]];
  byId("direction").textContent = `${from} → ${to}: add the amounts to cells of ${from}`;
  const at = source * size + target;
  const scores = Object.entries(level.scores).filter(([, matrix]) => known(matrix[at]));
  const texts = scores.map(([name, matrix]) => `${nameOf(name)} ${digits(matrix[at])}`);
  if (known(ceiling(level, target))) texts.push(`real cells of ${to} ${digits(ceiling(level, target))}`);
  const shown = rows.length < level.n_genes[at] ? `the largest ${rows.length} of ${level.n_genes[at]} genes` : `${rows.length} genes`;
  byId("pair-scores").textContent = [shown, ...texts].join(" · ");
  lollipop(byId("lollipop"), rows);
  showGenes(rows);
  const withMoved = moved !== null && level.k === data.selected;
  pairMap(byId("pair-map"), source, target, withMoved);
  byId("pair-note").textContent = moved === null ? `Translated cells are not shown: ${data.moves.reason}.`
    : withMoved ? `${data.moves.counts[source]} reported cells translated.` : `Translated cells are shown for ${data.selected} genes per pair.`;
}
