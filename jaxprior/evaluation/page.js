const table = document.getElementById("rows"), body = table.tBodies[0];
const rows = [...table.tBodies].flatMap(part => [...part.rows]), step = Number(table.dataset.shown);
const find = document.getElementById("find"), status = document.getElementById("status");
const run = document.getElementById("run"), count = document.getElementById("count");
const more = document.getElementById("more");
const lowered = new Map(rows.map(row => [row, row.dataset.name.toLowerCase()]));
let room = step;                                        // rows that may be visible; a browser tires of thousands

function filter() {
  const wanted = find.value.toLowerCase();
  let fitting = 0;
  for (const row of rows) {
    const fits = lowered.get(row).includes(wanted) && (!status.value || row.dataset.status === status.value) &&
      (!run || !run.value || row.dataset.run === run.value);
    fitting += fits;
    row.hidden = !fits || fitting > room;
  }
  count.textContent = `${fitting} of ${rows.length} rows` + (fitting > room ? `, the first ${room} shown` : "");
  more.hidden = fitting <= room;
}

function sort(column, header) {
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const number = header.dataset.kind === "number";
  const value = row => number ? row.cells[column].dataset.value : lowered.get(row);
  const keyed = rows.map(row => [value(row), row]);
  keyed.sort(([x], [y]) => {
    if (x === "" || y === "") return (x === "") - (y === "");        // rows without a figure stay at the end
    const order = number ? x - y : x < y ? -1 : x > y;
    return up ? order : -order;
  });
  keyed.forEach(([, row], place) => rows[place] = row);
  room = step;
  filter();
  body.append(...rows);
}

[...table.tHead.rows[0].cells].forEach((header, column) => {
  if (header.dataset.kind) header.addEventListener("click", () => sort(column, header));
});
for (const control of [find, status, run]) {
  if (control) control.addEventListener("input", () => { room = step; filter(); });
}
more.addEventListener("click", () => { room += step; filter(); });
filter();
body.append(...rows);

const dialog = document.querySelector("dialog");
body.addEventListener("click", event => {
  if (event.target.tagName !== "IMG") return;
  dialog.querySelector("img").src = event.target.src;
  dialog.querySelector("p").textContent = event.target.alt;
  dialog.showModal();
});
dialog.addEventListener("click", () => dialog.close());
