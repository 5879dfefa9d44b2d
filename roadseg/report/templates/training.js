/* Charts over the steps, and the images of the chosen step. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = (place) => drawChart(place, data.charts[Number(place.dataset.chart)], data.step);

  const places = [...document.querySelectorAll("[data-chart]")];
  const observer = new ResizeObserver((entries) => entries.forEach((entry) => draw(entry.target)));
  places.forEach((place) => observer.observe(place));
  dark.addEventListener("change", () => places.forEach(draw));

  const look = document.getElementById("look");
  if (look) {
    const images = [...document.querySelectorAll("[data-image]")];
    const show = () => {
      const chosen = data.looks[Number(look.value)];
      for (const image of images) image.src = chosen.images[Number(image.dataset.image)];
      document.getElementById("look-step").textContent = chosen.step.toLocaleString("en");
      look.setAttribute("aria-valuetext", `step ${chosen.step}`);
    };
    look.addEventListener("input", show);
    show(); // A browser that reloads the page may remember where the slider stood.
  }
})();
