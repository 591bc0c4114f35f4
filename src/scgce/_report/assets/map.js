// The map on a canvas: cells as dots, with the pair's or the groups' colours.
const places = { x: unpack(data.cells.x, Uint16Array), y: unpack(data.cells.y, Uint16Array), code: unpack(data.cells.code, Int16Array) };
const total = places.code.length;
// A fixed shuffle: groups drawn in order would hide those drawn first.
const order = Array.from({ length: total }, (_, i) => i);
for (let i = total - 1, seed = 1; i > 0; i -= 1) {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  const other = seed % (i + 1);
  [order[i], order[other]] = [order[other], order[i]];
}

function pen(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = canvas.clientWidth || 560;
  const height = Math.round(width * 0.86);
  canvas.style.height = `${height}px`;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.clearRect(0, 0, width, height);
  const at = (x, y) => [(x / 65535) * (width - 30) + 24, (1 - y / 65535) * (height - 30) + 6];
  context.fillStyle = COLORS.muted;
  context.font = "12px system-ui, sans-serif";
  context.fillText(data.axes[0], 28, height - 8);
  context.save();
  context.translate(14, height - 30);
  context.rotate(-Math.PI / 2);
  context.fillText(data.axes[1], 0, 0);
  context.restore();
  return { context, at, width, height };
}

const radius = (count) => Math.max(1.1, Math.min(3.6, 60 / Math.sqrt(count)));

function dots({ context, at }, xs, ys, which, color, r) {
  context.fillStyle = color;
  for (const index of which) {
    const [x, y] = at(xs[index], ys[index]);
    context.beginPath();
    context.arc(x, y, r, 0, 6.2832);
    context.fill();
  }
}

const cellsOf = (code) => order.filter((index) => places.code[index] === code);

function median(values) {
  const sorted = Array.from(values).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function groupsMap(canvas, alone) {
  const paper = pen(canvas);
  const r = radius(total);
  dots(paper, places.x, places.y, order.filter((index) => places.code[index] < 0), COLORS.faint, r);
  for (const index of order) {
    const code = places.code[index];
    if (code >= 0) dots(paper, places.x, places.y, [index], alone === null || alone === code ? data.colors[code] : COLORS.faint, r);
  }
  if (alone !== null) dots(paper, places.x, places.y, cellsOf(alone), data.colors[alone], r);
  numbers(paper, alone);
}

// Numbers in discs at the groups' middles, pushed apart where they would touch.
function numbers({ context, at, width, height }, alone) {
  const discs = data.groups.map((_, code) => {
    const mine = cellsOf(code);
    if (!mine.length) return null;
    const [x, y] = at(median(mine.map((index) => places.x[index])), median(mine.map((index) => places.y[index])));
    return { x, y, code };
  }).filter(Boolean);
  for (let round = 0; round < 60; round += 1) {
    for (const a of discs) {
      for (const b of discs) {
        const [dx, dy] = [b.x - a.x || 0.1, b.y - a.y];
        const distance = Math.hypot(dx, dy);
        if (a === b || distance >= 20) continue;
        const push = (20 - distance) / 2 / distance;
        a.x -= dx * push; a.y -= dy * push; b.x += dx * push; b.y += dy * push;
      }
    }
  }
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = "bold 11px system-ui, sans-serif";
  for (const { x, y, code } of discs) {
    if (alone !== null && alone !== code) continue;
    const [px, py] = [Math.min(Math.max(x, 10), width - 10), Math.min(Math.max(y, 10), height - 10)];
    context.beginPath();
    context.arc(px, py, 9, 0, 6.2832);
    context.fillStyle = "#fff";
    context.fill();
    context.lineWidth = 2;
    context.strokeStyle = data.colors[code];
    context.stroke();
    context.fillStyle = COLORS.ink;
    context.fillText(markOf(code), px, py + 0.5);
  }
}

const moved = data.moves.reason === undefined
  ? data.moves.levels.map((level) => ({ x: unpack(level.x, Uint16Array), y: unpack(level.y, Uint16Array) })) : null;

// Where the translated cells of a pair stand in the packed arrays: source after source, target after target.
function movedOf(i, j) {
  if (!moved) return [];
  const { counts } = data.moves;
  let start = 0;
  for (let source = 0; source < i; source += 1) start += counts[source] * targetsOf(source).length;
  start += counts[i] * targetsOf(i).indexOf(j);
  return Array.from({ length: counts[i] }, (_, index) => start + index);
}

function pairMap(canvas, i, j, level) {
  const paper = pen(canvas);
  const r = radius(total);
  dots(paper, places.x, places.y, order.filter((index) => places.code[index] !== i && places.code[index] !== j), COLORS.faint, r * 0.9);
  dots(paper, places.x, places.y, cellsOf(j), COLORS.target, r);
  dots(paper, places.x, places.y, cellsOf(i), COLORS.source, r);
  if (moved) dots(paper, moved[level].x, moved[level].y, movedOf(i, j), COLORS.moved, Math.max(r * 0.75, 1.8));
}
