"use strict";

/* Before and after: which two layers of each image are shown, and where the edge between them is. */
(() => {
  const element = (id) => document.getElementById(id);
  const [left, right] = [element("left"), element("right")];
  const wipes = [...document.querySelectorAll(".wipe")];

  /** The name of a layer and, if it has one, its score in this image. */
  const label = (badge, select, layer) => {
    const name = document.createElement("span");
    name.textContent = select.selectedOptions[0].textContent;
    badge.replaceChildren(name);
    if (!layer.dataset.badge) return;
    const score = document.createElement("b");
    score.textContent = layer.dataset.badge;
    badge.append(score);
  };

  const choose = () => {
    for (const wipe of wipes) {
      for (const layer of wipe.querySelectorAll("img")) {
        layer.classList.toggle("left", layer.dataset.layer === left.value);
        layer.classList.toggle("right", layer.dataset.layer === right.value);
      }
      label(wipe.querySelector(".on-left"), left, wipe.querySelector(".left"));
      label(wipe.querySelector(".on-right"), right, wipe.querySelector(".right"));
    }
  };

  for (const wipe of wipes) {
    const slider = wipe.querySelector("input");
    const place = () => {
      wipe.style.setProperty("--at", `${slider.value}%`);
      const [first, second] = [left, right].map((select) => select.selectedOptions[0].textContent);
      slider.setAttribute("aria-valuetext", `${Math.round(slider.value)} % ${first}, the rest ${second}`);
    };
    slider.addEventListener("input", place);
    for (const select of [left, right]) select.addEventListener("change", place);
    // An arrow moves by what can be seen; a pointer by less.
    slider.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -20, PageUp: 20 };
      if (!(event.key in steps) || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      slider.value = Number(slider.value) + steps[event.key];
      place();
    });
    place();
  }

  for (const select of [left, right]) select.addEventListener("change", choose);
  element("swap").addEventListener("click", () => {
    [left.value, right.value] = [right.value, left.value];
    left.dispatchEvent(new Event("change"));
  });
  const strength = element("strength");
  const blend = () => element("layers").parentElement.style.setProperty("--strength", strength.value / 100);
  strength.addEventListener("input", blend);
  element("layers").addEventListener("submit", (event) => event.preventDefault());
})();
