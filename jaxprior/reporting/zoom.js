// A picture that is clicked is shown as large as the window allows, with its name. What belongs to the same strip can
// be reached from there, and two pictures compared under a slider: with the mouse, or with the arrow keys.
const dialog = document.querySelector("dialog"), stage = dialog.querySelector(".stage");
const shown = { group: null, views: [], view: 0 };

const groupOf = figure => figure.closest(".strip") ?? figure;
const figuresOf = group => group.matches("figure") ? [group] : [...group.querySelectorAll("figure")];
const groups = () => [...new Set([...document.querySelectorAll("figure")].map(groupOf))];

function viewsOf(group) {
  const pairs = group.matches("figure") ? [] : pairsOf(group);
  const compared = pairs.map(pair => ({ label: pairLabel(pair), figures: pair }));
  return [...compared, ...figuresOf(group).map(figure => ({ label: captionOf(figure), figures: [figure] }))];
}

// As large as the window allows: small pictures by a whole factor, pixel by pixel, photographs smoothly.
function fit(node, picture) {
  const [wide, tall] = ["width", "height"].map(side => Number(picture.getAttribute(side)));
  const [width, height] = wide ? [wide, tall] : [picture.naturalWidth, picture.naturalHeight];
  const smooth = picture.classList.contains("photo");
  let factor = Math.min((dialog.clientWidth - 28) / width, Math.max(120, innerHeight - 190) / height);
  if (smooth) factor = Math.min(factor, 3);
  else if (factor > 2) factor = Math.floor(factor);
  node.style.width = `${factor * width}px`;
  node.style.height = `${factor * height}px`;
  for (const image of stage.querySelectorAll("img")) image.classList.toggle("photo", smooth || factor < 1);
}

function makeView(figures) {
  if (figures.length > 1) return makeSlider(...figures);
  const picture = figures[0].querySelector("img").cloneNode();
  for (const name of ["tabindex", "role", "style"]) picture.removeAttribute(name);
  return picture;
}

function showView(number) {
  const { views } = shown, view = views[shown.view = (number + views.length) % views.length];
  const last = view.figures.at(-1).querySelector("img"), pair = view.figures.length > 1;
  const named = views.length > 1 && views.every(one => one.label), many = groups().length > 1;
  stage.replaceChildren(makeView(view.figures));
  fit(stage.firstChild, last);
  dialog.querySelector("p").textContent = pair ? last.alt.replace(/: [^:]*$/, `: ${view.label}`) : last.alt;
  const buttons = views.map((one, place) => makeButton(one.label, one === view, () => showView(place)));
  dialog.querySelector(".views").replaceChildren(...(named ? buttons : []));
  for (const button of dialog.querySelectorAll('[value="previous"], [value="next"]')) button.hidden = !many;
  const keys = [many && "\u2191 \u2193 other pictures", "Esc closes"];
  if (views.length > 1) keys.unshift(pair ? "\u2190 \u2192 move the line" : "\u2190 \u2192 what belongs to it");
  dialog.querySelector(".keys").textContent = keys.filter(Boolean).join(" \u00b7 ");
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
  const isPicture = target.parentNode === stage && target.tagName === "IMG";
  if (target === dialog || target.value === "close" || isPicture) dialog.close();
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
