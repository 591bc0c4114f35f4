// The chosen pair: its controls, genes, scores and cells. At first the two largest groups that were explained.
const bySize = data.sizes.map((count, code) => [count, code]).sort((a, b) => b[0] - a[0]).map(([, code]) => code);
const first = bySize.find((code) => targetsOf(code).length);
const second = bySize.find((code) => isExplained(first, code));
const state = { source: first, target: second, level: levels.findIndex((level) => level.k === data.selected), alone: null };
let showGenes;
let showPrograms;

function pick(source, target) {
  if (!isExplained(source, target)) return;
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
  showPrograms = book && makeTable(byId("pair-programs"), PROGRAM_COLUMNS);
  showGenes = makeTable(byId("pair-table"), [
    { title: "gene", key: "gene" }, { title: "amount added", key: "delta", digits: 3 },
    { title: "mean of source", key: "source", digits: 3 }, { title: "mean of target", key: "target", digits: 3 },
    { title: "real difference", key: "difference", digits: 3 }, { title: "amount / difference", key: "share", digits: 2 },
    { title: "change of the cells", key: "change", digits: 3 }, { title: "mean after", key: "after", digits: 3 },
  ]);
  drawPair();
}

// An explained pair at all times: choosing the other's group swaps them, and one of no pair with it brings a partner.
function choose(role, index) {
  const other = role === "source" ? "target" : "source";
  if (targetsOf(index).length) {
    if (state[other] === index) state[other] = state[role];
    state[role] = index;
    if (!isExplained(index, state[other])) [state[other]] = targetsOf(index);
  }
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
  const taking = book && programRows(state.level, source, target);
  const scores = Object.entries(level.scores).filter(([, matrix]) => known(matrix[at]));
  for (const [name, matrix] of Object.entries(level.plausibility)) if (known(matrix[at])) scores.push([name, matrix]);
  const best = (name, matrix) => (name.startsWith("judge_") && known(matrix[target * size + target])
    ? ` (real cells ${digits(matrix[target * size + target])})` : "");
  const texts = scores.map(([name, matrix]) => `${nameOf(name)} ${digits(matrix[at])}${best(name, matrix)}`);
  if (level.scores.correctness && !known(level.scores.correctness[at])) texts.push("not scored at this number of genes");
  if (known(ceiling(level, target))) texts.push(`real cells of ${to} ${digits(ceiling(level, target))}`);
  const shown = rows.length < level.n_genes[at] ? `the largest ${rows.length} of ${level.n_genes[at]} genes` : `${rows.length} genes`;
  byId("pair-scores").textContent = [...(book ? [`${taking.length} ${taking.length === 1 ? "programme" : "programmes"}`] : []), shown, ...texts].join(" · ");
  if (book) showPrograms(taking);
  lollipop(byId("lollipop"), book ? taking.map((row) => ({ gene: row.program, delta: row.size, difference: row.size })) : rows);
  showGenes(rows);
  pairMap(byId("pair-map"), source, target, state.level);
  byId("pair-note").textContent = moved === null ? `Translated cells are not shown: ${data.moves.reason}.`
    : `${data.moves.counts[source]} reported cells translated.`;
  remember();
}

// The pair and the number of genes stand in the address, so that a link opens what is seen: #from=A&to=B&k=20
let opened = false;

function remember() {
  if (!opened) return;
  const words = new URLSearchParams({ from: data.groups[state.source], to: data.groups[state.target], k: levels[state.level].k });
  history.replaceState(null, "", `#${words}`);
}

function recall() {
  const words = new URLSearchParams(location.hash.slice(1));
  const [source, target] = ["from", "to"].map((name) => data.groups.indexOf(words.get(name)));
  const level = levels.findIndex((candidate) => String(candidate.k) === words.get("k"));
  if (level >= 0) state.level = level;
  if (source >= 0 && target >= 0 && isExplained(source, target)) Object.assign(state, { source, target });
  byId("level").selectedIndex = state.level;
}

// ← and → walk through the targets, with Shift through the sources, s swaps, + and − change the number of genes.
const around = (index, step, other) => {
  let next = (index + step + size) % size;
  while (!isExplained(other, next)) next = (next + step + size) % size;
  return next;
};
const KEYS = {
  ArrowRight: () => { state.target = around(state.target, 1, state.source); },
  ArrowLeft: () => { state.target = around(state.target, -1, state.source); },
  "Shift ArrowRight": () => { state.source = around(state.source, 1, state.target); },
  "Shift ArrowLeft": () => { state.source = around(state.source, -1, state.target); },
  s: () => { [state.source, state.target] = [state.target, state.source]; },
  "+": () => { state.level = Math.min(state.level + 1, levels.length - 1); },
  "-": () => { state.level = Math.max(state.level - 1, 0); },
};

function onKey(event) {
  const busy = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey;
  const act = KEYS[event.shiftKey && event.key.startsWith("Arrow") ? `Shift ${event.key}` : event.key];
  if (busy || !act || (size < 3 && event.key.startsWith("Arrow"))) return;
  event.preventDefault();
  const before = state.level;
  act();
  byId("level").selectedIndex = state.level;
  drawPair();
  if (state.level !== before) drawMetrics();
}
