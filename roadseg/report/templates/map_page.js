/* The page of a map: the figures of the place that is chosen or pointed at. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const element = (id) => document.getElementById(id);
  const { facts, measures } = data;

  const fact = (name, place) => {
    if (!facts[name]) return null;
    const value = facts[name].values[place];
    return facts[name].texts ? facts[name].texts[value] : value;
  };
  const number = (value) => value.toLocaleString("en");
  const clock = (seconds) => {
    const whole = Math.floor(seconds + 1e-6);
    const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    const pad = (value) => String(value).padStart(2, "0");
    return `${h ? `${h}:${pad(m)}` : m}:${pad(s)}`;
  };
  const stretch = (place) => `${number(fact("from_m", place))} to ${number(fact("to_m", place))} m`;
  const title = (place) =>
    facts.drive ? `${fact("drive", place)}, ${stretch(place)}` : fact("name", place) || `${data.kind} ${fact(data.kind, place)}`;

  /** Facts that are shown in words of their own, or not at all. */
  const told = ["drive", "segment", "from_m", "to_m", "video", "begins_s", "utc_begins", "utc_ends", "frames", "seconds", "metres",
    "start_lon", "start_lat", "end_lon", "end_lat"];
  const lines = (place) => [
    ["Drive", fact("drive", place)],
    ["Stretch", facts.from_m && stretch(place)],
    ["Video", facts.video && fact("video", place) !== fact("drive", place) && fact("video", place)],
    ["Seen at", facts.begins_s && clock(fact("begins_s", place))],
    ...Object.keys(facts).filter((name) => !told.includes(name)).map((name) => [name.replaceAll("_", " "), fact(name, place)]),
    ["UTC", fact("utc_begins", place)],
    ["Counted", `${number(fact("metres", place))} m, ${number(fact("seconds", place))} s, ${number(fact("frames", place))} frame${fact("frames", place) === 1 ? "" : "s"}`],
  ].filter(([, value]) => value !== null && value !== undefined && value !== false);

  const row = (cells) => {
    const made = document.createElement("tr");
    cells.forEach((text, index) => {
      const cell = document.createElement(index ? "td" : "th");
      if (index) cell.className = "number";
      else cell.scope = "row";
      cell.textContent = text;
      made.append(cell);
    });
    return made;
  };

  const show = (place) => {
    element("none").hidden = place >= 0;
    element("place-title").textContent = place < 0 ? "Figures" : data.kind[0].toUpperCase() + data.kind.slice(1);
    element("facts").replaceChildren(...(place < 0 ? [] : lines(place)).flatMap(([name, value]) => {
      const [term, text] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, text.textContent] = [name, value];
      return [term, text];
    }));
    element("figures").tBodies[0].replaceChildren(...measures.map((measure, index) =>
      row([measure.name, place < 0 ? "" : roadMap.figure(measure.values[place], measure.unit), roadMap.figure(data.overall[index], measure.unit)])));
  };

  show(-1);
  roadMap.create(element("map"), data, { clock, title, select: show, measure: () => {} });
})();
