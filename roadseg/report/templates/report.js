"use strict";

/* The timeline: Plotly draws it; where the playhead stands, and what a pointer or key does, is said here. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const [video, timeline, chart, playhead, hover, tip] =
    ["video", "timeline", "chart", "playhead", "hover", "tip"].map(element);
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const single = new Set(); // classes that are singled out, by id; none: all are shown
  const margin = { l: 44, r: 10, t: 22, b: 28 };
  const tipped = 5; // classes in the tip
  const length = data.end - data.begin;
  let playing = 0; // the clip in the player
  let map = null;
  let measure = null; // figure of the map that the chart shows alone

  const clock = (seconds, digits = 0) => {
    const whole = Math.floor(seconds + 1e-6);
    const pad = (value) => String(value).padStart(2, "0");
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const rest = digits ? "." + Math.floor((seconds + 1e-6 - whole) * 10 ** digits) : "";
    return (h ? `${h}:${pad(m)}` : m) + ":" + pad(s) + rest;
  };
  const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const shown = () => data.classes.filter((one) => !single.size || single.has(one.id));

  /** Which point of the series holds at a time. */
  const pointAt = (seconds) => {
    let [low, high] = [0, data.seconds.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (data.seconds[middle] <= seconds + 1e-6) low = middle;
      else high = middle - 1;
    }
    return low;
  };

  // ---- Drawing

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** Round times for the axis, as many as there is room for. */
  const ticks = () => {
    const room = Math.max(2, Math.floor((chart.clientWidth - margin.l - margin.r) / 70));
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000];
    const step = steps.find((one) => length / one <= room) || Math.ceil(length / room / 36000) * 36000;
    const first = Math.ceil(data.begin / step - 1e-6);
    const values = Array.from({ length: Math.floor(data.end / step + 1e-6) - first + 1 }, (_, index) => (first + index) * step);
    return { values, labels: values.map((value) => clock(value, step < 1 ? 1 : 0)) };
  };

  /** Time between clips. */
  const gaps = () => data.clips.slice(1).map((clip, index) => [data.clips[index].end, clip.start])
    .filter(([start, end]) => end - start > 0.5);

  /** A figure by time, from where each piece of the line begins; nothing in gaps. */
  const measureTrace = () => {
    const { places, track } = data.map;
    const [x, y] = [[], []];
    places.forEach(([first, end], place) => {
      x.push(track.seconds[first], track.seconds[end - 1]);
      y.push(measure.values[place], measure.values[place]);
      if (place + 1 < places.length && places[place + 1][0] === end) {
        x.push(null);
        y.push(null);
      }
    });
    return { x, y, type: "scatter", mode: "lines", connectgaps: false, hoverinfo: "skip", line: { width: 2, color: colour("--accent") } };
  };

  const draw = () => {
    const times = [...data.seconds, data.end];
    const traces = measure ? [measureTrace()] : shown().map((one) => ({
      x: times,
      y: [...one.shares, one.shares[one.shares.length - 1]],
      name: one.name,
      type: "scatter",
      mode: "lines",
      stackgroup: "all",
      fillcolor: one.colour,
      line: { width: 0 },
      hoverinfo: "skip",
    }));
    const { values, labels } = ticks();
    const axis = { fixedrange: true, color: colour("--muted"), gridcolor: colour("--line"), zeroline: false,
      ticks: "outside", ticklen: 5, tickcolor: "rgba(0,0,0,0)", automargin: false };
    const layout = {
      margin,
      width: chart.clientWidth,
      height: chart.clientHeight,
      showlegend: false,
      hovermode: false,
      dragmode: false,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("--muted") },
      shapes: gaps().map(([start, end]) => ({ type: "rect", xref: "x", yref: "paper", x0: start, x1: end, y0: 0, y1: 1,
        fillcolor: colour("--line"), line: { width: 0 }, layer: "below" })),
      xaxis: { ...axis, range: [data.begin, data.end], tickvals: values, ticktext: labels, showgrid: false },
      yaxis: {
        ...axis,
        range: single.size || measure ? undefined : [0, 1],
        rangemode: "tozero",
        tickformat: measure ? "~g" : single.size ? ".2~%" : ".0%",
        ticksuffix: measure && measure.unit.startsWith("%") ? " %" : "",
        nticks: 5,
      },
    };
    Plotly.react(chart, traces, layout, { displayModeBar: false, showTips: false });
    place();
  };

  // ---- Time

  /** Time that the player shows now: an overlay of a part, or of a clip of a drive, begins at 0. */
  const time = () => data.clips[playing].zero + video.currentTime;
  const width = () => timeline.clientWidth - margin.l - margin.r;
  const left = (seconds) => margin.l + ((clamp(seconds, data.begin, data.end) - data.begin) / length) * width();
  const timeAt = (event) =>
    data.begin + clamp((event.clientX - timeline.getBoundingClientRect().left - margin.l) / width(), 0, 1) * length;

  const cells = new Map([...document.querySelectorAll("[data-now]")].map((cell) => [Number(cell.dataset.now), cell]));
  let announced = -1;

  /** The playhead, the column of shares at this moment, and the text for screen readers. */
  const place = () => {
    const now = time();
    playhead.style.transform = `translateX(${left(now)}px)`;
    playhead.classList.toggle("early", left(now) < 1.5 * margin.l);
    playhead.classList.toggle("late", left(now) > timeline.clientWidth - 1.5 * margin.l);
    element("playhead-time").textContent = clock(now, 1);
    timeline.setAttribute("aria-valuenow", now.toFixed(2));
    timeline.setAttribute("aria-valuetext", `${clock(now)} of ${clock(data.end)}`);
    const point = pointAt(now);
    if (point !== announced) {
      announced = point;
      for (const one of data.classes) cells.get(one.id).textContent = percent(one.shares[point]);
    }
    if (map) map.follow(now);
  };

  /** The clip of a time; of a time between clips, the next. */
  const clipAt = (seconds) => {
    const next = data.clips.findIndex((clip) => seconds < clip.end);
    return next < 0 ? data.clips.length - 1 : next;
  };
  /** A time between clips is taken for the last second of the clip before: steps back lead across. */
  const before = (seconds) => {
    const gap = gaps().find(([start, end]) => seconds >= start && seconds < end);
    return gap ? gap[0] - 1 : seconds;
  };
  const clipButtons = [...document.querySelectorAll("[data-clip]")];
  const mark = () => clipButtons.forEach((button, index) => button.setAttribute("aria-current", index === playing));
  mark();

  /** Show a clip from a time on, and go on playing if the one before did. */
  const change = (index, seconds, plays) => {
    playing = index;
    video.src = data.clips[index].source;
    video.currentTime = seconds - data.clips[index].zero;
    if (plays) video.play();
    mark();
  };

  const seek = (seconds) => {
    // Not by the video's own duration: one that starts late ends later than that.
    const wanted = clamp(seconds, data.seconds[0], data.end);
    const index = clipAt(wanted);
    const there = Math.max(wanted, data.clips[index].start);
    if (index !== playing) change(index, there, !video.paused);
    else video.currentTime = there - data.clips[index].zero;
    place();
  };

  video.addEventListener("ended", () => {
    if (playing + 1 < data.clips.length) change(playing + 1, data.clips[playing + 1].start, true);
  });

  const follow = () => {
    place();
    if (!video.paused && !video.ended) requestAnimationFrame(follow);
  };
  video.addEventListener("play", () => !calm.matches && requestAnimationFrame(follow));
  for (const event of ["timeupdate", "seeking", "seeked", "loadedmetadata"]) video.addEventListener(event, place);
  video.addEventListener("error", () => {
    element("trouble").hidden = false;
  });
  if (video.error) element("trouble").hidden = false;

  // ---- Pointer

  const showHover = (seconds) => {
    hover.hidden = false;
    hover.style.transform = `translateX(${left(seconds)}px)`;
  };
  const showTip = (event) => {
    const seconds = timeAt(event);
    const point = pointAt(seconds);
    showHover(seconds);
    tip.hidden = false;
    const largest = [...shown()].sort((a, b) => b.shares[point] - a.shares[point]).slice(0, tipped);
    const title = document.createElement("strong");
    title.textContent = clock(seconds, 1) + (data.wall === null ? "" : ` · ${clock((data.wall + seconds) % 86400)}`);
    tip.replaceChildren(
      title,
      ...largest
        .filter((one) => one.shares[point] > 0)
        .map((one) => {
          const row = document.createElement("span");
          const swatch = document.createElement("i");
          swatch.className = "swatch";
          swatch.style.background = one.colour;
          const share = document.createElement("b");
          share.textContent = percent(one.shares[point]);
          row.append(swatch, one.name, share);
          return row;
        }),
    );
    const beside = left(seconds) + 14;
    const room = timeline.clientWidth - tip.offsetWidth;
    tip.style.transform = `translateX(${beside > room ? Math.max(0, left(seconds) - 14 - tip.offsetWidth) : beside}px)`;
  };
  const hideTip = () => {
    hover.hidden = tip.hidden = true;
  };

  timeline.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    timeline.setPointerCapture(event.pointerId);
    seek(timeAt(event));
  });
  timeline.addEventListener("pointermove", (event) => {
    if (timeline.hasPointerCapture(event.pointerId)) seek(timeAt(event));
    if (event.pointerType === "mouse") showTip(event);
  });
  timeline.addEventListener("pointerleave", hideTip);

  // ---- Keyboard

  timeline.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const step = event.shiftKey ? 10 : 1;
    const keys = {
      ArrowLeft: () => seek(before(time() - step)),
      ArrowDown: () => seek(before(time() - step)),
      ArrowRight: () => seek(time() + step),
      ArrowUp: () => seek(time() + step),
      PageDown: () => seek(before(time() - length / 10)),
      PageUp: () => seek(time() + length / 10),
      Home: () => seek(data.begin),
      End: () => seek(data.end),
      " ": () => (video.paused ? video.play() : video.pause()),
    };
    if (!(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });

  // ---- Buttons

  for (const button of document.querySelectorAll("[data-seek]")) {
    button.addEventListener("click", () => {
      video.pause();
      seek(Number(button.dataset.seek));
      video.scrollIntoView({ block: "nearest", behavior: calm.matches ? "auto" : "smooth" });
    });
  }
  clipButtons.forEach((button, index) => button.addEventListener("click", () => seek(data.clips[index].start)));
  const classButtons = [...document.querySelectorAll("[data-class]")];
  const choose = () => {
    for (const button of classButtons) button.setAttribute("aria-pressed", single.has(Number(button.dataset.class)));
    element("all").hidden = !single.size && !measure;
    document.body.classList.toggle("singled", single.size > 0);
    if (map && single.size === 1) map.choose(`class-${[...single][0]}`);
    draw();
  };
  for (const button of classButtons) {
    button.addEventListener("click", () => {
      const id = Number(button.dataset.class);
      measure = null;
      if (!single.delete(id)) single.add(id);
      choose();
    });
  }
  element("all").addEventListener("click", () => {
    single.clear();
    measure = null;
    choose();
    timeline.focus({ preventScroll: true });
  });

  // ---- Map

  if (data.map) {
    map = roadMap.create(element("map"), data.map, {
      clock,
      now: time,
      seek: (seconds) => seek(seconds),
      /** Pointing at the line shows that moment; while the video plays, or in another clip, in the timeline alone. */
      point: (seconds) => {
        if (seconds === null) return hideTip();
        if (video.paused && clipAt(seconds) === playing) seek(seconds);
        showHover(seconds);
      },
      measure: (chosen) => {
        single.clear();
        const id = chosen.key.startsWith("class-") ? Number(chosen.key.slice(6)) : null;
        measure = id === null ? chosen : null;
        if (id !== null) single.add(id);
        choose();
      },
    });
  }

  dark.addEventListener("change", draw);
  new ResizeObserver(draw).observe(timeline);
})();
