// A result in programmes: its codebook as a picture, and the programmes that turn one group into another.
const unit = data.programmes ? "programmes" : "genes";
document.querySelectorAll(".unit").forEach((node) => { node.textContent = unit; });
document.querySelectorAll(".of-programmes").forEach((node) => { node.hidden = !data.programmes; });
const book = data.programmes && {
  ...data.programmes,
  means: unpack(data.programmes.means, Float32Array),
  levels: data.programmes.levels.map((page) => ({
    ...page,
    level: unpack(page.level, Int16Array),
    amount: unpack(page.amount, Float32Array),
    share: unpack(page.share, Uint16Array),
  })),
};
const LOWEST = "#e9e9e9";
const STEPS = ["#e9e9e9", "#aadcba", "#5ebdc0", "#2f8fbf", "#2a56a2", "#0b2060"];

function blend(value) {
  const at = Math.min(Math.max(value, 0), 1) * (STEPS.length - 1);
  const low = Math.min(Math.floor(at), STEPS.length - 2);
  const part = (color, from) => parseInt(color.slice(from, from + 2), 16);
  return `rgb(${[1, 3, 5].map((from) => Math.round(part(STEPS[low], from) * (1 - at + low) + part(STEPS[low + 1], from) * (at - low)))})`;
}

const signed = (value, places = 2) => (value > 0 ? "+" : "") + digits(value, places);

// Genes that lead a programme, with their real difference where a pair is given.
function leadingGenes(program, pair = null) {
  const start = book.leading.slice(0, program).reduce((sum, genes) => sum + genes.length, 0);
  const width = book.leading.reduce((sum, genes) => sum + genes.length, 0);
  const real = (at) => book.means[pair[1] * width + start + at] - book.means[pair[0] * width + start + at];
  return book.leading[program].map((gene, at) => (pair ? `${gene} (${signed(real(at))})` : gene));
}

// Programmes learned from the cells are known by their leading genes, others by their names and fewer of these.
function labelOf(program, length) {
  const leading = leadingGenes(program);
  const learned = book.names[program].split(/\s+/).every((word) => leading.includes(word));
  const words = learned ? leading.slice(0, 4).join(" ") : `${shorten(book.names[program], length - 12)}: ${leading.slice(0, 2).join(" ")}`;
  return `${shorten(words, length)}  (${book.n_genes[program]})`;
}

// A row a programme, the largest share of the shift first.
function programRows(at, i, j) {
  const page = book.levels[at];
  const many = book.names.length;
  const [low, high] = [Math.min(i, j), Math.max(i, j)];
  const pair = low * size - (low * (low + 1)) / 2 + high - low - 1;
  const rows = [];
  for (let m = 0; m < many; m += 1) {
    const own = page.level.subarray(m * size, (m + 1) * size);
    if (own[i] === own[j]) continue;
    const words = book.words[Math.max(...own)];
    const [before, after] = [page.amount[m * size + i], page.amount[m * size + j]];
    rows.push({ program: book.names[m], n_genes: book.n_genes[m], leading: leadingGenes(m, [i, j]).join(", "),
      from: words[own[i]], to: words[own[j]], size: after - before, share: page.share[pair * many + m] / 65535 });
  }
  return rows.sort((a, b) => b.share - a.share);
}

const PROGRAM_COLUMNS = [
  { title: "programme", key: "program" }, { title: "leading genes (real difference)", key: "leading" },
  { title: "genes", key: "n_genes", digits: 0 }, { title: "level of source", key: "from" },
  { title: "level of target", key: "to" }, { title: "change, mean of its genes", key: "size", digits: 2 },
  { title: "share of the shift", key: "share", digits: 2 },
];

// Programmes × groups; groups joined in one block share a level. Where there is little room a label stands over its row.
function drawCodebook(place, at) {
  const page = book.levels[at];
  const width = Math.max(320, Math.min(place.clientWidth || 900, 1100));
  const narrow = width < 680;
  const left = narrow ? 6 : 330;
  const side = Math.min(64, (width - left - 8) / page.groups.length);
  const label = (code) => shorten(data.groups[code], 24);
  const top = 12 + Math.max(...page.groups.map((code) => textWidth(label(code), 12)));
  const [line, above] = narrow ? [44, 17] : [27, 0];
  const svg = drawing(width, top + line * Math.max(page.programs.length, 1) + 8, "Codebook: programmes and the levels of the groups");
  clear(place).append(svg);
  page.groups.forEach((code, column) => {
    const [x, y] = [left + side * (column + 0.5) + 4, top - 6];
    svg.append(titled(svgText(x, y, label(code), { transform: `rotate(-90 ${x} ${y})` }), data.groups[code]));
  });
  if (!page.programs.length) svg.append(svgText(left, top + 18, "No programme: at this number nothing is moved."));
  const rises = page.programs.map((m) => {
    const amounts = page.amount.subarray(m * size, (m + 1) * size);
    const lowest = Math.min(...amounts);
    return Array.from(amounts, (amount) => amount - lowest);
  });
  const most = Math.max(1e-12, ...rises.flat());
  page.programs.forEach((m, row) => {
    const y = top + line * row;
    const text = labelOf(m, narrow ? 44 : 40);
    const at = narrow ? { x: left, anchor: "start", y: y + 13 } : { x: left - 10, anchor: "end", y: y + 17 };
    svg.append(titled(svgText(at.x, at.y, text, { "text-anchor": at.anchor }), `${book.names[m]}: ${leadingGenes(m).join(", ")}`));
    for (let start = 0; start < page.groups.length;) {
      const levelAt = (column) => page.level[m * size + page.groups[column]];
      let end = start + 1;
      while (end < page.groups.length && levelAt(end) === levelAt(start)) end += 1;
      codebookBlock(svg, { m, start, end, page, rise: rises[row][page.groups[start]], most, x: left + side * start, y: y + above, side });
      start = end;
    }
  });
}

function codebookBlock(svg, { m, start, end, page, rise, most, x, y, side }) {
  const lowest = page.level[m * size + page.groups[start]] === 0;
  const width = side * (end - start) - 2;
  const names = page.groups.slice(start, end).map((code) => data.groups[code]).join(", ");
  const block = shape("rect", { x, y: y + 2, width, height: 23, fill: lowest ? LOWEST : blend(0.12 + 0.88 * (rise / most)) });
  svg.append(titled(block, `${book.names[m]} in ${names}: ${lowest ? "the lowest level" : `${signed(rise)} above the lowest`}`));
  if (lowest || width < 30) return;
  svg.append(svgText(x + width / 2, y + 18, signed(rise), { "text-anchor": "middle", "font-size": 11, "pointer-events": "none",
    class: rise / most > 0.4 ? "on-dark" : "on-light" }));
}
