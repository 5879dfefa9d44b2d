"use strict";

/* Draw a chart over the steps of a training with Plotly; `step` is the last one. */
const drawChart = (() => {
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dashes = ["solid", "dash", "dot", "dashdot"];

  return (place, chart, step) => {
    const traces = chart.lines.map((line, index) => ({
      x: line.steps,
      y: line.values,
      name: line.name,
      type: "scatter",
      mode: chart.marked || line.steps.length < 3 ? "lines+markers" : "lines",
      line: { width: 1.75, color: colour(`--line-${index % 4}`), dash: dashes[index % 4] },
      hovertemplate: "%{y:.4~g}",
    }));
    const highest = Math.max(...chart.lines.flatMap((line) => line.values), chart.guessing || 0) || 1;
    const text = colour("--muted");
    const shapes = [];
    if (chart.healthy) {
      shapes.push({ type: "rect", layer: "below", xref: "paper", x0: 0, x1: 1, y0: chart.healthy[0], y1: chart.healthy[1],
        fillcolor: colour("--healthy"), line: { width: 0 },
        label: { text: "healthy", textposition: "bottom left", font: { size: 11, color: text } } });
    }
    if (chart.guessing) {
      shapes.push({ type: "line", layer: "below", xref: "paper", x0: 0, x1: 1, y0: chart.guessing, y1: chart.guessing,
        line: { width: 1, dash: "dot", color: text },
        label: { text: "guessing", textposition: "end", yanchor: "bottom", font: { size: 11, color: text } } });
    }
    const axis = { fixedrange: true, color: text, gridcolor: colour("--line"), zeroline: false };
    const layout = {
      margin: { l: 48, r: 8, t: 10, b: 30 },
      width: place.clientWidth,
      height: place.clientHeight,
      shapes,
      showlegend: traces.length > 1,
      legend: { orientation: "h", x: 0, y: -0.14, yanchor: "top", font: { color: text } },
      hovermode: "x unified",
      hoverlabel: { bgcolor: colour("--surface"), bordercolor: colour("--line"), font: { color: colour("--text") } },
      dragmode: false,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: text },
      xaxis: { ...axis, range: [0, 1.02 * Math.max(1, step)], showgrid: false, nticks: 6, unifiedhovertitle: { text: "step %{x}" } },
      yaxis: { ...axis, range: [0, 1.08 * highest], nticks: 5, exponentformat: "power", automargin: true },
    };
    Plotly.react(place, traces, layout, { displayModeBar: false, showTips: false });
  };
})();
