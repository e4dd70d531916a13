// A slider between two figures: the second picture lies over the first, to the right of a line that can be moved.
function makeSlider(before, after) {
  const slider = document.createElement("div"), range = document.createElement("input");
  slider.className = "slider";
  for (const figure of [before, after]) {
    const picture = figure.querySelector("img").cloneNode(), label = document.createElement("span");
    picture.draggable = false;
    label.textContent = captionOf(figure);
    slider.append(picture, label);
  }
  const line = document.createElement("i");
  Object.assign(range, { type: "range", min: 0, max: 100, step: 0.5 });
  range.setAttribute("aria-label", `left of the line: ${captionOf(before)}, right of it: ${captionOf(after)}`);
  slider.append(range, line);

  slider.moveTo = percent => { range.value = percent; slider.style.setProperty("--at", `${range.value}%`); };
  slider.moveBy = percent => slider.moveTo(Number(range.value) + percent);
  const follow = event => {
    const area = slider.getBoundingClientRect();
    slider.moveTo(100 * (event.clientX - area.left) / area.width);
  };
  range.addEventListener("input", () => slider.moveTo(range.value));
  range.addEventListener("keydown", event => {
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    slider.moveBy(event.shiftKey ? 5 * step : step);
  });
  slider.addEventListener("pointerdown", event => {
    event.preventDefault();
    range.focus({ preventScroll: true });
    slider.setPointerCapture(event.pointerId);
    follow(event);
  });
  slider.addEventListener("pointermove", event => {
    if (slider.hasPointerCapture(event.pointerId)) follow(event);
  });
  slider.moveTo(50);
  return slider;
}

const captionOf = figure => figure.querySelector("figcaption")?.textContent ?? "";

function shapeOf(figure) {
  const picture = figure.querySelector("img");
  return picture.getAttribute("width") / picture.getAttribute("height");
}

// The pairs of a strip that can be compared: what was restored with what was given and with the original. Where two
// runs restored the same picture, their results are compared.
function pairsOf(strip) {
  const all = part => [...strip.querySelectorAll(`figure.${part}`)];
  const finals = all("final"), last = finals.at(-1);
  if (!last) return [];
  const others = [...(finals.length > 1 ? finals.slice(0, 1) : all("input")), ...all("original")];
  return others.filter(other => Math.abs(shapeOf(other) / shapeOf(last) - 1) < 0.03).map(other => [other, last]);
}

const pairLabel = pair => pair.map(captionOf).join(" | ");

function makeButton(text, pressed, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = text;
  if (pressed !== null) button.setAttribute("aria-pressed", pressed);
  button.addEventListener("click", act);
  return button;
}

for (const opening of document.querySelectorAll(".opening")) {
  const strip = opening.querySelector(".strip"), pairs = pairsOf(strip);
  if (!pairs.length) continue;
  const stage = document.createElement("div"), views = document.createElement("div");
  views.className = "views";
  const compare = chosen => {
    const slider = makeSlider(...chosen);
    slider.style.setProperty("--wide", shapeOf(chosen[1]));
    stage.replaceChildren(slider);
    views.replaceChildren(...pairs.map(pair => makeButton(pairLabel(pair), pair === chosen, () => compare(pair))));
  };
  compare(pairs[0]);
  views.hidden = pairs.length < 2;
  strip.after(stage, views);
  opening.classList.add("live");
}
