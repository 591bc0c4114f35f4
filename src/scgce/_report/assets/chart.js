// Drawings as SVG: genes of a pair, matrices of pairs, the sweep over sparsities.
const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];

function shade(value) {
  const at = Math.min(Math.max(value, 0), 1) * (VIRIDIS.length - 1);
  const low = Math.min(Math.floor(at), VIRIDIS.length - 2);
  const part = (color, from) => parseInt(color.slice(from, from + 2), 16);
  const mix = (from) => Math.round(part(VIRIDIS[low], from) * (1 - at + low) + part(VIRIDIS[low + 1], from) * (at - low));
  return `rgb(${mix(1)},${mix(3)},${mix(5)})`;
}

function lollipop(place, rows, most = 25) {
  const happens = (row) => (known(row.change) ? row.change : row.delta); // what happens to the cells, where it is known
  const shown = rows.slice(0, most);
  const widest = Math.max(...shown.map((row) => breadth(row.gene)), 0);
  const [left, right, line, top] = [book ? Math.min(Math.max(widest + 12, 180), 310) : 130, 56, 20, 8];
  const width = 560;
  const height = top + line * Math.max(shown.length, 1) + 30;
  const svg = drawing(width, height, `Amounts of the ${unit}`);
  clear(place).append(svg);
  if (!shown.length) {
    svg.append(svgText(10, 24, `No ${unit.slice(0, -1)}: at this number of ${unit} nothing is translated.`));
    return;
  }
  const values = shown.flatMap((row) => [happens(row), row.difference, 0]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const span = high - low || 1;
  const x = (value) => left + ((value - low) / span) * (width - left - right);
  const bottom = top + line * shown.length;
  svg.append(shape("line", { x1: x(0), x2: x(0), y1: top, y2: bottom + 4, stroke: "#999" }));
  shown.forEach((row, index) => {
    const y = top + line * (index + 0.5);
    const color = row.delta > 0 ? COLORS.raised : COLORS.lowered;
    const group = shape("g");
    titled(group, `${row.gene}: add ${digits(row.delta)}, which changes the cells by ${digits(row.change)}; real difference ${digits(row.difference)}`);
    group.append(
      svgText(left - 8, y + 4, fitted(row.gene, left - 8), { "text-anchor": "end" }),
      shape("line", { x1: x(0), x2: x(happens(row)), y1: y, y2: y, stroke: color, "stroke-width": 2 }),
      shape("circle", { cx: x(happens(row)), cy: y, r: 5, fill: color }),
      shape("rect", { x: x(row.difference) - 3.5, y: y - 3.5, width: 7, height: 7, fill: "#fff", stroke: "#555",
        "stroke-width": 1.5, transform: `rotate(45 ${x(row.difference)} ${y})` }),
      svgText(width - right + 8, y + 4, digits(happens(row)), { fill: color }),
    );
    svg.append(group);
  });
  const note = rows.length > shown.length ? ` (the largest ${shown.length} of ${rows.length})` : "";
  svg.append(svgText(book ? width - 6 : left, bottom + 22, `${book ? "amount added, mean over its genes" : data.bounded ? "mean change of the cells" : "amount added"}, units of ${shorten(data.layer, 20)}${note}`, { class: "muted", "text-anchor": book ? "end" : "start" }));
}

function heatmap(place, name, matrix, onPick) {
  const side = Math.max(13, Math.min(36, Math.floor(420 / size)));
  const font = size > 20 ? 10 : 11.5;
  const labels = data.groups.map((group) => shorten(group, 26));
  const left = 34 + Math.max(...labels.map((label) => textWidth(label, font)));
  const svg = drawing(left + side * size + 4, 20 + side * size + 4, nameOf(name));
  for (let i = 0; i < size; i += 1) {
    const middle = 20 + side * (i + 0.5);
    const number = (x, y, anchor) => svgText(x, y, markOf(i), { "text-anchor": anchor, "font-size": font - 1, class: "muted" });
    svg.append(
      titled(svgText(left - 26, middle + 4, brief ? "" : labels[i], { "text-anchor": "end", "font-size": font }), data.groups[i]),
      number(left - 6, middle + 4, "end"),
      titled(number(left + side * (i + 0.5), 14, "middle"), data.groups[i]),
    );
    for (let j = 0; j < size; j += 1) {
      if (i === j) continue;
      const value = matrix[i * size + j];
      const at = { x: left + side * j, y: 20 + side * i, width: side - 1, height: side - 1 };
      const square = shape("rect", { ...at, class: "cell", fill: known(value) ? shade(value) : "#e6e6e6", "data-pair": `${i}-${j}` });
      titled(square, `${data.groups[i]} → ${data.groups[j]}: ${digits(value)}`);
      square.addEventListener("click", () => onPick(i, j));
      svg.append(square);
      if (side >= 26 && known(value)) {
        svg.append(svgText(at.x + side / 2, at.y + side / 2 + 4, digits(value), { "text-anchor": "middle",
          "font-size": 10, "pointer-events": "none", class: value > 0.6 ? "on-light" : "on-dark" }));
      }
    }
  }
  const caption = element("figcaption", {}, `${nameOf(name)}, mean ${digits(mean(matrix))}`);
  place.append(element("figure", { "data-score": name }, caption, svg));
}

const LINES = { correctness: ["#08408a", ""], coverage: ["#c8780a", ""], dbm_correctness: ["#08408a", "5 4"],
  dbm_coverage: ["#c8780a", "5 4"], dbm_scaled_correctness: ["#08408a", "1 3"], dbm_scaled_coverage: ["#c8780a", "1 3"],
  judge_logreg: ["#7a3b8f", "2 3"], judge_knn: ["#2a8a6a", "2 3"],
  judge_logreg_ceiling: ["#b58ac2", "1 4"], judge_knn_ceiling: ["#86c4ad", "1 4"] };

function sweepChart(place, rows) {
  const names = Object.keys(LINES).filter((name) => rows.some((row) => known(row[name])));
  const [height, left, top, bottom] = [330, 46, 14, 46];
  const width = 560 + Math.max(...names.map((name) => textWidth(nameOf(name), 12)), 160);
  const svg = drawing(width, height, `Means over pairs against ${unit} per pair`);
  const x = (index) => left + 20 + (index * (460 - left)) / Math.max(rows.length - 1, 1);
  const y = (value) => top + (1 - value) * (height - top - bottom);
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    svg.append(shape("line", { x1: left, x2: 500, y1: y(tick), y2: y(tick), stroke: "#eee" }));
    svg.append(svgText(left - 6, y(tick) + 4, String(tick), { "text-anchor": "end", class: "muted" }));
  }
  rows.forEach((row, index) => {
    if (row.selected) svg.append(shape("line", { x1: x(index), x2: x(index), y1: top, y2: height - bottom, stroke: "#bbb", "stroke-width": 8, opacity: 0.45 }));
    svg.append(svgText(x(index), height - bottom + 18, String(row.sparsity), { "text-anchor": "middle" }));
  });
  svg.append(svgText(270, height - 8, `${unit} per pair`, { "text-anchor": "middle", class: "muted" }));
  names.forEach((name, order) => {
    const [stroke, dash] = LINES[name];
    const points = rows.map((row, index) => [x(index), row[name]]).filter(([, value]) => known(value));
    const path = points.map(([at, value], index) => `${index ? "L" : "M"}${at.toFixed(1)},${y(value).toFixed(1)}`).join("");
    svg.append(shape("path", { d: path, fill: "none", stroke, "stroke-width": 2, "stroke-dasharray": dash }));
    for (const [at, value] of points) svg.append(titled(shape("circle", { cx: at, cy: y(value), r: 3.5, fill: stroke }), `${nameOf(name)} ${digits(value)}`));
    const level = top + 10 + 22 * order;
    svg.append(shape("line", { x1: 520, x2: 548, y1: level, y2: level, stroke, "stroke-width": 2, "stroke-dasharray": dash }));
    svg.append(svgText(554, level + 4, nameOf(name)));
  });
  clear(place).append(svg);
}
