const table = document.getElementById("rows"), body = table.tBodies[0];
const rows = [...table.tBodies].flatMap(part => [...part.rows]), step = Number(table.dataset.shown);
const find = document.getElementById("find"), status = document.getElementById("status");
const run = document.getElementById("run"), count = document.getElementById("count");
const more = document.getElementById("more");
const lowered = new Map(rows.map(row => [row, row.dataset.name.toLowerCase()]));
let room = step;                                  // only so many rows are in the document: browsers tire of thousands

function show() {
  const wanted = find.value.toLowerCase();
  const fitting = rows.filter(row => lowered.get(row).includes(wanted) &&
    (!status.value || row.dataset.status === status.value) && (!run || !run.value || row.dataset.run === run.value));
  body.replaceChildren(...fitting.slice(0, room));
  more.hidden = fitting.length <= room;
  count.textContent = `${fitting.length} of ${rows.length} rows` + (more.hidden ? "" : `, the first ${room} shown`);
}

function sort(column, header) {
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const number = header.dataset.kind === "number";
  const value = row => number ? row.cells[column].dataset.value : lowered.get(row);
  rows.sort((a, b) => {
    const x = value(a), y = value(b);
    if (x === "" || y === "") return (x === "") - (y === "");        // rows without a figure stay at the end
    const order = number ? x - y : (x > y) - (x < y);
    return up ? order : -order;
  });
  room = step;
  show();
}

[...table.tHead.rows[0].cells].forEach((header, column) => {
  if (header.dataset.kind) header.addEventListener("click", () => sort(column, header));
});
for (const control of [find, status, run]) {
  if (control) control.addEventListener("input", () => { room = step; show(); });
}
more.addEventListener("click", () => { room += step; show(); });
for (const part of [...table.tBodies].slice(1)) part.remove();
show();
