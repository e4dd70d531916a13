// A picture that is clicked is shown as large as the window allows, with its name. What belongs to the same strip can
// be reached from there, and two pictures compared under a slider: with the mouse, or with the arrow keys.
const dialog = document.querySelector("dialog"), stage = dialog.querySelector(".stage");
const shown = { group: null, views: [], view: 0 };

const groupOf = figure => figure.closest(".strip") ?? figure;
const figuresOf = group => group.matches("figure") ? [group] : [...group.querySelectorAll("figure")];
const groups = () => [...new Set([...document.querySelectorAll("figure")].map(groupOf))];

function viewsOf(group) {
  const single = figuresOf(group).map(figure => ({ label: captionOf(figure), figures: [figure] }));
  const pairs = group.matches("figure") ? [] : pairsOf(group);
  return [...pairs.map(pair => ({ label: pair.map(captionOf).join(" | "), figures: pair })), ...single];
}

function fit(node, picture) {
  const width = dialog.clientWidth - 28, height = Math.max(120, innerHeight - 190);
  let factor = Math.min(width / picture.naturalWidth, height / picture.naturalHeight);
  if (picture.classList.contains("photo")) factor = Math.min(factor, 3);
  else if (factor > 2) factor = Math.floor(factor);
  node.style.width = `${factor * picture.naturalWidth}px`;
  node.style.height = `${factor * picture.naturalHeight}px`;
  for (const image of stage.querySelectorAll("img")) image.classList.toggle("photo", factor < 1 || picture.classList.contains("photo"));
}

function showView(number) {
  const { group, views } = shown, view = views[shown.view = (number + views.length) % views.length];
  const pictures = view.figures.map(figure => figure.querySelector("img")), last = pictures.at(-1);
  const node = pictures.length > 1 ? makeSlider(...view.figures) : last.cloneNode();
  node.removeAttribute("tabindex");
  node.removeAttribute("role");
  if (pictures.length < 2) node.removeAttribute("style");
  stage.replaceChildren(node);
  fit(node, last);
  const name = last.alt, end = name.lastIndexOf(": ");
  dialog.querySelector("p").textContent = pictures.length > 1 ? `${name.slice(0, end)}: ${view.label}` : name;
  dialog.querySelector(".views").replaceChildren(
    ...(views.length > 1 && views.every(one => one.label) ? views.map((one, place) => makeButton(one.label, one === view, () => showView(place))) : []));
  const many = groups().length > 1;
  for (const button of dialog.querySelectorAll('[value="previous"], [value="next"]')) button.hidden = !many;
  dialog.querySelector(".keys").textContent = [
    pictures.length > 1 ? "\u2190 \u2192 move the line" : views.length > 1 ? "\u2190 \u2192 what belongs to it" : "",
    many ? "\u2191 \u2193 other pictures" : "", "Esc closes"].filter(Boolean).join(" \u00b7 ");
}

function openGroup(group, choose) {
  shown.group = group;
  shown.views = viewsOf(group);
  if (!dialog.open) dialog.showModal();
  showView(Math.max(0, shown.views.findIndex(choose)));
}

function turn(by) {
  const all = groups(), label = shown.views[shown.view].label;
  openGroup(all[(all.indexOf(shown.group) + by + all.length) % all.length], view => view.label === label);
}

document.body.addEventListener("click", event => {
  const figure = event.target.closest("figure");
  if (event.target.tagName !== "IMG" || !figure) return;
  openGroup(groupOf(figure), view => view.figures.length === 1 && view.figures[0] === figure);
});
dialog.addEventListener("click", event => {
  const { target } = event;
  if (target === dialog || target.value === "close" || target.parentNode === stage && target.tagName === "IMG") dialog.close();
  if (target.value === "previous") turn(-1);
  if (target.value === "next") turn(1);
});
dialog.addEventListener("keydown", event => {
  const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key], down = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!across && !down || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (down) turn(down);
  else if (stage.firstChild.moveBy) stage.firstChild.moveBy(across * (event.shiftKey ? 10 : 2));
  else showView(shown.view + across);
});
addEventListener("resize", () => {
  if (dialog.open) fit(stage.firstChild, shown.views[shown.view].figures.at(-1).querySelector("img"));
});

// With the keyboard, every row of the table is opened by its button, and every other picture by itself.
for (const head of document.querySelectorAll("#rows .head")) {
  const group = head.parentNode.querySelector(".strip");
  if (!group || !group.querySelector("img")) continue;
  const button = makeButton(pairsOf(group).length ? "compare" : "enlarge", null, () => openGroup(group, () => true));
  button.setAttribute("aria-label", `${button.textContent} the pictures of ${head.querySelector(".name").textContent}`);
  head.append(button);
}
for (const picture of document.querySelectorAll("figure img")) {
  if (picture.closest("#rows, .opening.live")) continue;
  picture.tabIndex = 0;
  picture.setAttribute("role", "button");
  picture.addEventListener("keydown", event => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    picture.click();
  });
}
