"use strict";

/* Speed and notices beside the picture, asked for twice a second. */
(() => {
  const element = (id) => document.getElementById(id);
  const ask = async () => {
    try {
      const status = await (await fetch("status", { cache: "no-store" })).json();
      element("fps").textContent = status.frames_per_second.toFixed(1);
      element("latency").textContent = Math.round(1000 * status.median_latency_seconds);
      element("dropped").textContent = status.dropped.toLocaleString("en");
      element("notice").textContent = status.notice || (status.frames ? "" : "Waiting for the first frame.");
      setTimeout(ask, 500);
    } catch {
      element("notice").textContent = "It has ended.";
      element("picture").classList.add("over");
    }
  };
  ask();
})();
