"use strict";

/* A map without tiles: places coloured by a figure, and the point of a track that moves with time. */
const roadMap = (() => {
  const compass = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];
  const smallest = 60; // metres that the view shows at least, when all of a short line is shown
  const closest = 0.02; // metres a pixel
  const padding = [56, 36]; // pixels beside the line, where the buttons are, and above and below it
  const reach = { mouse: 16, touch: 32 }; // pixels from the line

  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const element = (name, attributes, parent) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  };

  /** The longest round length, 1, 2 or 5 times a power of ten, up to `most`. */
  const roundLength = (most) => {
    const power = 10 ** Math.floor(Math.log10(most) + 1e-9);
    return [5, 2, 1].map((factor) => factor * power).find((length) => length <= most * (1 + 1e-9));
  };
  const lengthText = (metres) =>
    metres >= 1000 ? `${metres / 1000} km` : metres >= 1 ? `${metres} m` : `${Math.round(100 * metres)} cm`;
  const towards = (degrees) => compass[Math.round(degrees / 45) % 8];

  /** A figure with its unit. */
  const figure = (value, unit) => {
    if (value === null) return "unknown";
    if (unit.startsWith("%") && value > 0 && value < 0.05) return "< 0.1 %";
    const digits = Math.abs(value) >= 100 ? 0 : unit ? 1 : 2;
    return value.toFixed(digits) + (unit ? ` ${unit.split(" ")[0]}` : "");
  };

  /** Movement in words. */
  const motion = ({ speed, heading }) => {
    if (speed === null) return "";
    if (speed === 0) return "standing";
    return `${speed.toFixed(0)} km/h${heading === null ? "" : `, ${towards(heading)}`}`;
  };
  const degrees = (value, [positive, negative]) => `${Math.abs(value).toFixed(5)}° ${value < 0 ? negative : positive}`;
  const position = ({ lat, lon }) => `${degrees(lat, "NS")}, ${degrees(lon, "EW")}`;

  /**
   * Draw a map into the block of map_block.html.
   *
   * data: see roadseg/report/map.py; `track` where a point moves with time.
   * on.seek(seconds), on.point(seconds or null): a place of the track is chosen, or pointed at.
   * on.select(place or -1, pinned): the same for places without a track.
   * on.measure(measure): another figure is chosen.
   */
  const create = (root, data, on) => {
    const find = (name) => root.querySelector(`[data-map="${name}"]`);
    const [svg, tip, choice, bar, readout] = ["lines", "tip", "measure", "bar", "readout"].map(find);
    const { x, y, places, measures, track } = data;
    const { clock } = on;
    let measure = measures[0];
    let [scale, middle] = [1, [0, 0]]; // metres a pixel; metres in the middle of the view
    let whole = true; // all is in view
    let present = null; // where the point is
    let selected = -1; // the place that was pressed
    let outlining = -1; // the place that is shown

    // ---- Geometry

    const parts = (place) => Array.from({ length: place.length / 2 }, (_, number) => place.slice(2 * number, 2 * number + 2));
    const outline = (place) =>
      parts(place)
        .map(([first, end]) => {
          const points = Array.from({ length: end - first }, (_, at) => `${x[first + at]} ${y[first + at]}`);
          return `M${points.length > 1 ? points.join("L") : `${points[0]}h0`}${data.areas ? "Z" : ""}`;
        })
        .join("");
    const outlines = places.map(outline);
    const all = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
    for (let at = 0; at < x.length; at++) {
      all.left = Math.min(all.left, x[at]);
      all.right = Math.max(all.right, x[at]);
      all.bottom = Math.min(all.bottom, y[at]);
      all.top = Math.max(all.top, y[at]);
    }

    /** Straight pieces between two points, with their place; a point that is alone has one of no length. */
    const straights = places.flatMap((place, number) =>
      parts(place).flatMap(([first, end]) =>
        end - first === 1
          ? [[first, first, number]]
          : Array.from({ length: end - first - 1 }, (_, at) => [first + at, first + at + 1, number]),
      ),
    );

    const [from, to, of] = [0, 1, 2].map((column) => Int32Array.from(straights, (straight) => straight[column]));
    const off = new Float64Array(straights.length); // pixels from a point that is looked for
    const share = new Float64Array(straights.length); // where on the straight piece it is nearest

    const toScreen = (east, north) => [
      svg.clientWidth / 2 + (east - middle[0]) / scale,
      svg.clientHeight / 2 - (north - middle[1]) / scale,
    ];
    const toGround = ([left, top]) => [
      middle[0] + (left - svg.clientWidth / 2) * scale,
      middle[1] - (top - svg.clientHeight / 2) * scale,
    ];
    const screenPoint = (event) => {
      const box = svg.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };

    const inside = ([east, north], place) => {
      let odd = false;
      for (const [first, end] of parts(place))
        for (let at = first, last = end - 1; at < end; last = at++)
          if (y[at] > north !== y[last] > north && east < ((x[last] - x[at]) * (north - y[at])) / (y[last] - y[at]) + x[at])
            odd = !odd;
      return odd;
    };

    /** What is under a point of the screen: the place, and for lines where between two of its points; or null. */
    let latest = 0; // where a line lies on itself, what is next to this piece is meant
    const under = (point, most) => {
      const [east, north] = toGround(point);
      if (data.areas) {
        const place = places.findIndex((one) => inside([east, north], one));
        return place < 0 ? null : { place };
      }
      let nearest = Infinity;
      for (let number = 0; number < off.length; number++) {
        const [x0, y0] = [x[from[number]], y[from[number]]];
        const [dx, dy] = [x[to[number]] - x0, y[to[number]] - y0];
        const length = dx * dx + dy * dy;
        const along = length ? clamp(((east - x0) * dx + (north - y0) * dy) / length, 0, 1) : 0;
        const [right, up] = [x0 + along * dx - east, y0 + along * dy - north];
        share[number] = along;
        off[number] = Math.sqrt(right * right + up * up) / scale;
        if (off[number] < nearest) nearest = off[number];
      }
      if (nearest > most) return null;
      let best = -1;
      for (let number = 0; number < off.length; number++) {
        if (off[number] > nearest + 2) continue;
        const [gain, limit] = [Math.abs(number - latest), best < 0 ? Infinity : Math.abs(best - latest)];
        if (gain < limit) best = number;
      }
      latest = best;
      return { place: of[best], from: from[best], to: to[best], share: share[best] };
    };

    // ---- Track

    const runs = track && [...track.runs, x.length];
    /** The place at a time, between two points of one run; null in gaps. */
    const moment = (seconds) => {
      const times = track.seconds;
      if (seconds < times[0] - 1e-3) return null;
      let [low, high] = [0, times.length - 1];
      while (low < high) {
        const between = (low + high + 1) >> 1;
        if (times[between] <= seconds + 1e-6) low = between;
        else high = between - 1;
      }
      const run = runs.findIndex((start, number) => low >= start && low < runs[number + 1]);
      const next = low + 1 < runs[run + 1] ? low + 1 : low;
      if (seconds > track.ends[run] + (run + 2 < runs.length ? -1e-3 : 0.05)) return null; // a player may stop late
      const part = next > low ? clamp((seconds - times[low]) / (times[next] - times[low] || 1), 0, 1) : 0;
      const mix = (values) => values[low] + part * (values[next] - values[low]);
      // Not between longitudes on both sides of the date line.
      const near = Math.abs(track.lon[next] - track.lon[low]) < 180;
      return {
        x: mix(x), y: mix(y), lat: mix(track.lat), lon: near ? mix(track.lon) : track.lon[low],
        speed: track.speed[low], heading: track.heading[low],
      };
    };
    const secondsOf = ({ from, to, share }) => track.seconds[from] + share * (track.seconds[to] - track.seconds[from]);

    // ---- Drawing

    const ground = element("g", { class: "ground" }, svg);
    for (const [name, outlinesOf] of Object.entries(data.base || {}))
      element("path", { class: name, d: outlinesOf.map((line) => `M${line.join(" ")}`).join(""), "fill-rule": "evenodd" }, ground);
    const lines = element("g", { class: data.areas ? "areas" : "drawn" }, svg);
    if (!data.areas) element("path", { class: "casing", d: outlines.join("") }, lines);
    const outlined = element("path", { class: "selected" }, lines);
    const colours = [...data.palette, null].map((colour) =>
      element("path", { class: colour ? "" : "unknown", ...(colour && { [data.areas ? "fill" : "stroke"]: colour }) }, lines),
    );
    if (data.areas) lines.append(outlined);
    const marks = data.ends.flatMap((pair) =>
      [["start", "Start"], ["end", "End"]].map(([name, title], which) => {
        const mark = element("g", { class: `mark ${name}` }, svg);
        element("title", {}, mark).textContent = title;
        element("path", { d: which ? "M-5-5h10v10h-10z" : "M0-6a6 6 0 1 0 .01 0z" }, mark);
        return { mark, at: pair[which] };
      }),
    );
    const point = element("g", { class: "point", visibility: "hidden" }, svg);
    const arrow = element("path", { class: "arrow", d: "M0-17L7-5H-7z" }, point);
    element("circle", { r: 7.5 }, point);

    /** Least and greatest known value of the figure. */
    const range = () => {
      let [low, high] = [Infinity, -Infinity];
      for (const value of measure.values) {
        if (value === null) continue;
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
      return low <= high ? [low, high] : null;
    };

    const paint = () => {
      const known = range();
      const steps = data.palette.length;
      const paths = Array.from({ length: steps + 1 }, () => []);
      measure.values.forEach((value, place) => {
        const share = value === null ? 1 : (value - known[0]) / (known[1] - known[0] || 1);
        paths[value === null ? steps : Math.min(steps - 1, Math.floor(share * steps))].push(outlines[place]);
      });
      paths.forEach((some, step) => colours[step].setAttribute("d", some.join("")));
      const constant = known && known[0] === known[1];
      const shown = constant ? data.palette.slice(0, 1) : data.palette;
      bar.style.background = `linear-gradient(to right, ${shown.map((colour, step) =>
        `${colour} ${(100 * step) / shown.length}% ${(100 * (step + 1)) / shown.length}%`).join(", ")})`;
      bar.hidden = !known;
      find("low").textContent = known ? figure(known[0], measure.unit) : "unknown everywhere";
      find("high").textContent = known && !constant ? figure(known[1], measure.unit) : "";
      find("unit").textContent = measure.unit.split(" ").slice(1).join(" "); // the figures have the sign
      find("absent").hidden = !known || !paths[steps].length;
    };

    const apply = () => {
      const [left, top] = toScreen(0, 0);
      const matrix = `matrix(${1 / scale} 0 0 ${-1 / scale} ${left} ${top})`;
      lines.setAttribute("transform", matrix);
      ground.setAttribute("transform", matrix);
      for (const { mark, at } of marks) mark.setAttribute("transform", `translate(${toScreen(x[at], y[at])})`);
      const length = roundLength(Math.min(120, svg.clientWidth / 3) * scale);
      find("length").style.width = `${length / scale}px`;
      find("length").textContent = lengthText(length);
      svg.style.touchAction = whole ? "pan-y" : "none";
      find("all").disabled = whole;
      put();
    };

    const put = () => {
      point.setAttribute("visibility", present ? "visible" : "hidden");
      if (!present) return;
      point.setAttribute("transform", `translate(${toScreen(present.x, present.y)})`);
      arrow.setAttribute("visibility", present.heading === null ? "hidden" : "inherit");
      arrow.setAttribute("transform", `rotate(${present.heading || 0})`);
    };

    const fit = () => {
      const [width, height] = [svg.clientWidth, svg.clientHeight];
      if (!width || !height) return;
      middle = [(all.left + all.right) / 2, (all.bottom + all.top) / 2];
      scale = Math.max(
        (all.right - all.left) / Math.max(40, width - 2 * padding[0]),
        (all.top - all.bottom) / Math.max(40, height - 2 * padding[1]),
        smallest / Math.min(width, height),
      );
      whole = true;
      apply();
    };

    /** Zoom by a factor, with a point of the screen staying where it is. */
    const zoom = (factor, about = present && !whole ? toScreen(present.x, present.y) : [svg.clientWidth / 2, svg.clientHeight / 2]) => {
      const before = toGround(about);
      scale = clamp(scale / factor, closest, 3e5);
      const after = toGround(about);
      middle = [middle[0] + before[0] - after[0], middle[1] + before[1] - after[1]];
      whole = false;
      apply();
    };

    const visible = (place) => {
      const [left, top] = toScreen(place.x, place.y);
      return left > 0 && top > 0 && left < svg.clientWidth && top < svg.clientHeight;
    };

    // ---- Pointer

    const rows = (title, pairs) => {
      const head = document.createElement("strong");
      head.textContent = title;
      return [head, ...pairs.filter(([, value]) => value).map(([name, value]) => {
        const row = document.createElement("span");
        const figureOf = document.createElement("b");
        figureOf.textContent = value;
        row.append(name, figureOf);
        return row;
      })];
    };

    const showTip = (hit, [left, top]) => {
      const value = [measure.name, figure(measure.values[hit.place], measure.unit)];
      const { title, pairs } = track
        ? { title: clock(secondsOf(hit), 1), pairs: [value, ["", motion(moment(secondsOf(hit)) || { speed: null })]] }
        : { title: on.title(hit.place), pairs: [value] };
      tip.hidden = false;
      tip.replaceChildren(...rows(title, pairs));
      const room = root.clientWidth - tip.offsetWidth - 4;
      const below = top + 18 + tip.offsetHeight < svg.clientHeight ? top + 18 : top - 12 - tip.offsetHeight;
      tip.style.transform = `translate(${clamp(left + 14, 4, Math.max(4, room))}px, ${Math.max(4, below)}px)`;
    };

    const leave = () => {
      tip.hidden = true;
      if (track) on.point(null);
      else select(selected, true);
    };

    let grabbed = null;
    let panned = false;
    svg.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      grabbed = screenPoint(event);
      panned = false;
    });
    svg.addEventListener("pointermove", (event) => {
      const here = screenPoint(event);
      if (grabbed && event.isPrimary && (event.pointerType === "mouse" || !whole)) {
        const [dx, dy] = [here[0] - grabbed[0], here[1] - grabbed[1]];
        if (!panned && Math.hypot(dx, dy) < 5) return;
        if (!panned) svg.setPointerCapture(event.pointerId);
        [panned, whole, grabbed] = [true, false, here];
        middle = [middle[0] - dx * scale, middle[1] + dy * scale];
        tip.hidden = true;
        apply();
        return;
      }
      if (event.pointerType !== "mouse") return;
      const hit = under(here, reach.mouse);
      svg.classList.toggle("over", Boolean(hit));
      if (!hit) return leave();
      showTip(hit, here);
      if (track) on.point(secondsOf(hit));
      else select(hit.place, false);
    });
    svg.addEventListener("pointerup", (event) => {
      const clicked = grabbed && !panned;
      grabbed = null;
      if (!clicked) return;
      const hit = under(screenPoint(event), event.pointerType === "mouse" ? reach.mouse : reach.touch);
      if (track && hit) on.seek(secondsOf(hit));
      if (!track) select(hit ? hit.place : -1, true);
    });
    svg.addEventListener("pointercancel", () => (grabbed = null));
    svg.addEventListener("pointerleave", () => !grabbed && leave());
    svg.addEventListener("dblclick", (event) => zoom(2, screenPoint(event)));
    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      zoom(Math.exp(-clamp(event.deltaY, -60, 60) / 150), screenPoint(event));
    }, { passive: false });
    find("in").addEventListener("click", () => zoom(1.6));
    find("out").addEventListener("click", () => zoom(1 / 1.6));
    find("all").addEventListener("click", fit);

    // ---- Keyboard

    svg.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const many = event.shiftKey ? 10 : 1;
      const keys = {
        ArrowLeft: () => move(-many), ArrowDown: () => move(-many), ArrowRight: () => move(many), ArrowUp: () => move(many),
        PageDown: () => move(-Math.ceil(places.length / 10)), PageUp: () => move(Math.ceil(places.length / 10)),
        Home: () => move(-Infinity), End: () => move(Infinity),
        "+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: fit,
      };
      if (!(event.key in keys)) return;
      event.preventDefault();
      keys[event.key]();
    });
    const timeOfPlace = (place) => track.seconds[places[place][0]];
    const move = (count) => {
      let place = selected;
      if (track) {
        const times = places.map((_, number) => timeOfPlace(number));
        const after = times.findIndex((seconds) => seconds > on.now() + 1e-3);
        place = (after < 0 ? places.length : after) - 1;
      }
      place = clamp(place + count, 0, places.length - 1);
      if (track) on.seek(timeOfPlace(place));
      else select(place, true);
    };

    const select = (place, pinned) => {
      if (!pinned && place === outlining) return;
      outlining = place;
      if (pinned) selected = place;
      outlined.setAttribute("d", place < 0 ? "" : outlines[place]);
      if (pinned) say(place < 0 ? "" : `${on.title(place)}, ${measure.name} ${figure(measure.values[place], measure.unit)}`, place);
      on.select(place);
    };

    const say = (text, at) => {
      svg.setAttribute("aria-valuetext", text || "none chosen");
      svg.setAttribute("aria-valuenow", Math.max(0, at));
    };

    /** Put the point where the video was at a time. */
    const follow = (seconds) => {
      const watched = present && !whole && visible(present);
      present = moment(seconds);
      if (present && watched && !visible(present)) {
        middle = [present.x, present.y];
        apply();
      }
      put();
      const words = present ? [motion(present), position(present)] : ["position unknown"];
      readout.replaceChildren(...[clock(seconds), ...words].filter(Boolean).map((text) => {
        const span = document.createElement("span");
        span.textContent = text;
        return span;
      }));
      say(`${clock(seconds)}, ${present ? motion(present) : words[0]}`, seconds.toFixed(2));
    };

    /** Colour by the figure of a key. */
    const choose = (key) => {
      const found = measures.find((one) => one.key === key);
      if (!found) return;
      measure = found;
      choice.value = key;
      paint();
    };

    for (const group of new Set(measures.map((one) => one.group))) {
      const list = document.createElement("optgroup");
      list.label = group;
      for (const one of measures.filter((each) => each.group === group)) list.append(new Option(one.name, one.key));
      choice.append(list);
    }
    choice.addEventListener("change", () => {
      choose(choice.value);
      on.measure(measure);
    });
    svg.setAttribute("aria-valuemin", track ? track.seconds[0] : 0);
    svg.setAttribute("aria-valuemax", track ? track.ends[track.ends.length - 1] : places.length - 1);
    say("", 0);
    choose(measure.key);
    new ResizeObserver(() => (whole ? fit() : apply())).observe(svg);
    return { follow, choose };
  };
  return { create, figure, lengthText, motion, position, roundLength, towards };
})();
