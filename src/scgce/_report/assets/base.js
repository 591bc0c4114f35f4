// Data and small helpers. Names from the file only ever become text nodes, never markup.
const data = JSON.parse(document.getElementById("data").textContent);
const COLORS = { raised: "#b2182b", lowered: "#2166ac", source: "#7fc4f0", moved: "#08408a", target: "#f0a000",
  faint: "#dcdcdc", ink: "#2b2b2b", muted: "#666666" };
const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);
const size = data.groups.length;
// The targets explained from a source: all others, unless only some pairs were asked for.
const targetsOf = (source) => (data.targets ? data.targets[source] : data.groups.map((_, code) => code).filter((code) => code !== source));
const isExplained = (source, target) => source !== target && (!data.targets || data.targets[source].includes(target));

// On the map and beside the squares a group is its number; labels as short as numbers (clusters 0, 1, …) stand for themselves.
const brief = data.groups.every((name) => Array.from(name).length <= 3);
const markOf = (code) => (brief ? data.groups[code] : String(code + 1));
const listed = (code, length) => (brief ? data.groups[code] : `${code + 1}  ${shorten(data.groups[code], length)}`);

function unpack(text, Kind) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  return new Kind(bytes.buffer);
}

function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function drawing(width, height, label) {
  return shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label });
}

function clear(node) {
  node.replaceChildren();
  return node;
}

const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);

function digits(value, places = 2) {
  if (!known(value)) return "–";
  return value.toFixed(places).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
}

function shorten(text, length) {
  const letters = Array.from(text);
  return letters.length <= length ? text : letters.slice(0, length - 1).join("") + "…";
}

// About as wide as the text is at 12 px: capitals of gene sets are a quarter wider than other letters.
const breadth = (text) => Array.from(text).reduce((sum, letter) => sum + (/[A-Z_]/.test(letter) ? 8.8 : 7), 0);

function fitted(text, room) {
  let length = Array.from(text).length;
  while (length > 1 && breadth(shorten(text, length)) > room) length -= 1;
  return shorten(text, length);
}

function svgText(x, y, content, attributes = {}) {
  return shape("text", { x, y, "font-size": 12, ...attributes }, content);
}

const ruler = document.createElement("canvas").getContext("2d");

function textWidth(text, points) {
  ruler.font = `${points}px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
}

const titled = (node, text) => fill(node, {}, [shape("title", {}, text)]);

function mean(matrix) {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j < size; j += 1) {
      const value = matrix[i * size + j];
      if (i !== j && known(value)) { sum += value; count += 1; }
    }
  }
  return count ? sum / count : null;
}

// What real cells of the target reach: its self-similarity, the ceiling of correctness and coverage.
function ceiling(level, target = null) {
  const matrix = level.scores.correctness;
  if (!matrix) return null;
  if (target !== null) return matrix[target * size + target];
  let sum = 0;
  for (let i = 0; i < size; i += 1) sum += matrix[i * size + i];
  return known(sum) ? sum / size : null;
}

const NAMES = { correctness: "correctness", coverage: "coverage", percent_explained: "share of distance explained",
  judge_logreg: "judge: logistic regression", judge_knn: "judge: nearest neighbours",
  off_manifold: "distance to real cells", below_zero: "share below zero",
  judge_logreg_ceiling: "regression, real cells", judge_knn_ceiling: "neighbours, real cells",
  dbm_correctness: "DBM correctness", dbm_coverage: "DBM coverage",
  dbm_scaled_correctness: "DBM × best factor, correctness", dbm_scaled_coverage: "DBM × best factor, coverage" };
const nameOf = (score) => NAMES[score] || score.replace(/^judge_/, "judge: ");

const means = unpack(data.means, Float32Array);
const levels = data.levels.map((level) => ({
  k: level.k,
  cut: level.cut,
  label: level.all ? `all (${level.k})` : String(level.k),
  genes: unpack(level.genes, Int32Array),
  basis: level.basis && unpack(level.basis, Float32Array),
  pairs: level.pairs && { ends: unpack(level.pairs.ends, Int32Array), genes: unpack(level.pairs.genes, Int32Array),
    deltas: unpack(level.pairs.deltas, Float32Array) },
  changes: level.changes && { ends: unpack(level.changes.ends, Int32Array), genes: unpack(level.changes.genes, Int32Array),
    values: unpack(level.changes.values, Float32Array) },
  n_genes: unpack(level.n_genes, Int32Array),
  plausibility: Object.fromEntries(Object.entries(level.plausibility).map(([name, text]) => [name, unpack(text, Float32Array)])),
  scores: Object.fromEntries(Object.entries(level.scores).map(([name, text]) => [name, unpack(text, Float32Array)])),
}));

// What is added to each gene: the difference of two rows, or as stored where each pair was explained on its own.
function amounts(level, i, j) {
  const found = [];
  if (level.pairs) {
    const { ends, genes, deltas } = level.pairs;
    const row = i * size + j;
    for (let at = row ? ends[row - 1] : 0; at < ends[row]; at += 1) found.push({ place: genes[at], delta: deltas[at] });
    return found;
  }
  const width = level.genes.length;
  for (let g = 0; g < width; g += 1) {
    const delta = Math.fround(level.basis[j * width + g] - level.basis[i * width + g]);
    if (delta !== 0) found.push({ place: level.genes[g], delta });
  }
  return found;
}

// What happens to the cells, gene by gene: the amounts themselves without bounds, null where it is not stored or, as of
// most pairs of many groups at numbers of genes that were not selected, not looked at.
function changesOf(level, i, j) {
  if (!data.bounded) return (place, delta) => delta;
  if (!level.changes || (level.scores.correctness && !known(level.scores.correctness[i * size + j]))) return () => null;
  const { ends, genes, values } = level.changes;
  const row = i * size + j;
  const found = new Map();
  for (let at = row ? ends[row - 1] : 0; at < ends[row]; at += 1) found.set(genes[at], values[at]);
  return (place) => found.get(place) || 0;
}

const before = data.reported && unpack(data.reported, Float32Array);

// The explanation of a pair: its largest amounts (of equals, the first gene), in the order of what happens to the cells.
function explain(level, i, j) {
  const found = amounts(level, i, j);
  found.sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta) || a.place - b.place);
  const changed = changesOf(level, i, j);
  const rows = found.slice(0, level.cut).map(({ place, delta }) => {
    const source = means[i * data.genes.length + place];
    const target = means[j * data.genes.length + place];
    const difference = target - source;
    const share = difference === 0 ? null : delta / difference;
    const change = changed(place, delta);
    const after = known(change) && before ? before[i * data.genes.length + place] + change : null;
    return { gene: data.genes[place], delta, change, after, source, target, difference, share };
  });
  return data.bounded && level.changes ? rows.sort((a, b) => Math.abs(b.change) - Math.abs(a.change)) : rows;
}
