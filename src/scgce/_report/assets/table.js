// Tables that can be searched and sorted; long ones show their first rows until asked for more.
const STEP = 200;

function makeTable(place, columns, { onOpen = null, sort = null } = {}) {
  const state = { rows: [], sort, shown: STEP, words: "" };
  const search = element("input", { type: "search", placeholder: "Search …", "aria-label": "Search the table" });
  const count = element("span", { class: "count" });
  const more = element("button", { type: "button" }, "Show more");
  const body = element("tbody");
  const heads = columns.map((column) => {
    const button = element("button", { type: "button" }, column.title);
    const head = element("th", { scope: "col", class: column.digits === undefined ? "text" : "number" }, button);
    button.addEventListener("click", () => {
      const turned = state.sort && state.sort.key === column.key ? -state.sort.way : column.digits === undefined ? 1 : -1;
      state.sort = { key: column.key, way: turned };
      draw();
    });
    return head;
  });
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body);
  clear(place).append(element("div", { class: "tools" }, search, count, more), element("div", { class: "scroll" }, table));
  search.addEventListener("input", () => {
    state.words = search.value.trim().toLowerCase();
    state.shown = STEP;
    draw();
  });
  more.addEventListener("click", () => { state.shown += 5 * STEP; draw(); });

  function chosen() {
    const words = state.words.split(/\s+/).filter(Boolean);
    const texts = columns.filter((column) => column.digits === undefined).map((column) => column.key);
    const kept = state.rows.filter((row) => {
      const line = texts.map((key) => String(row[key])).join(" ").toLowerCase();
      return words.every((word) => line.includes(word));
    });
    if (!state.sort) return kept;
    const { key, way } = state.sort;
    const numeric = columns.find((column) => column.key === key).digits !== undefined;
    return kept.sort((a, b) => {
      if (!numeric) return way * String(a[key]).localeCompare(String(b[key]), undefined, { numeric: true });
      if (!known(a[key]) || !known(b[key])) return Number(known(b[key])) - Number(known(a[key]));
      return way * (a[key] - b[key]);
    });
  }

  function draw() {
    const rows = chosen();
    const lines = rows.slice(0, state.shown).map((row) => {
      const line = element("tr", { class: `${row.marked ? "marked" : ""} ${onOpen ? "open" : ""}`.trim() });
      for (const { key, digits: places } of columns) {
        const text = places === undefined ? String(row[key]) : digits(row[key], places);
        line.append(element("td", { class: places === undefined ? "text" : "number" }, text));
      }
      if (onOpen) {
        line.tabIndex = 0;
        line.addEventListener("click", () => onOpen(row));
        line.addEventListener("keydown", (event) => { if (event.key === "Enter") onOpen(row); });
      }
      return line;
    });
    clear(body).append(...lines);
    count.textContent = `${Math.min(rows.length, state.shown)} of ${state.rows.length} rows`;
    more.hidden = rows.length <= state.shown;
    heads.forEach((head, index) => {
      const active = state.sort && state.sort.key === columns[index].key;
      head.setAttribute("aria-sort", active ? (state.sort.way > 0 ? "ascending" : "descending") : "none");
      head.firstChild.textContent = columns[index].title + (active ? (state.sort.way > 0 ? " ▲" : " ▼") : "");
    });
  }

  return (rows) => {
    state.rows = rows;
    state.shown = STEP;
    draw();
  };
}

const rowsOf = (columns) => {
  const names = Object.keys(columns);
  return names.length ? columns[names[0]].map((_, row) => Object.fromEntries(names.map((name) => [name, columns[name][row]]))) : [];
};
