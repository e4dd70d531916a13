const table = document.getElementById("rows"), body = table.tBodies[0], rows = [...body.rows];
const find = document.getElementById("find"), status = document.getElementById("status");
const cell = document.getElementById("cell"), count = document.getElementById("count");

function filter() {
  let shown = 0;
  for (const row of rows) {
    const fits = row.dataset.name.includes(find.value.toLowerCase()) &&
      (!status.value || row.dataset.status === status.value) && (!cell || !cell.value || row.dataset.cell === cell.value);
    row.hidden = !fits;
    shown += fits;
  }
  count.textContent = `${shown} of ${rows.length} rows`;
}

function sort(column, header) {
  const up = header.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", up ? "ascending" : "descending");
  const number = header.dataset.kind === "number";
  const value = row => row.cells[column].dataset.value;
  rows.sort((a, b) => {
    const x = value(a), y = value(b);
    if (x === "" || y === "") return (x === "") - (y === "");        // rows without a figure stay at the end
    const order = number ? x - y : x.localeCompare(y);
    return up ? order : -order;
  });
  body.append(...rows);
}

[...table.tHead.rows[0].cells].forEach((header, column) => {
  if (header.dataset.kind) header.addEventListener("click", () => sort(column, header));
});
for (const control of [find, status, cell]) if (control) control.addEventListener("input", filter);
filter();

const dialog = document.querySelector("dialog");
body.addEventListener("click", event => {
  if (event.target.tagName !== "IMG") return;
  dialog.querySelector("img").src = event.target.src;
  dialog.querySelector("p").textContent = event.target.alt;
  dialog.showModal();
});
dialog.addEventListener("click", () => dialog.close());
