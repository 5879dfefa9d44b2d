/* The page of `roadseg app`: it shows the state that the server sends, and asks for what a person chooses. */
(() => {
  const at = (id) => document.getElementById(id);
  const STYLES = { fill: "coloured regions", contour: "contours", both: "regions and contours" };
  const LEGENDS = { below: "strip below", top: "panel at the top", bottom: "panel at the bottom", none: "none" };
  let state = null;
  let chosen = null; // number of the video that is looked at
  const shown = {}; // what each part of the page was last made from

  /* Elements and text */
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "class") element.className = value;
      else if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };
  const clock = (seconds) => {
    const whole = Math.floor(seconds + 1e-3);
    const pair = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
    return hours ? `${hours}:${pair(minutes)}:${pair(whole % 60)}` : `${minutes}:${pair(whole % 60)}`;
  };
  const lasting = (seconds) => (seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds));
  const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`);
  const count = (number) => number.toLocaleString("en");
  const percent = (share) => (share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`);
  const lines = (error) => [error.cause, error.remedy].filter(Boolean).join("\n");
  const problem = (element, error) => {
    element.hidden = !error;
    element.textContent = error ? lines(error) : "";
  };
  /* True if a part of the page has to be made again. */
  const changed = (part, value) => {
    const text = JSON.stringify(value);
    const is = shown[part] !== text;
    shown[part] = text;
    return is;
  };

  /* Requests: an error is {cause, remedy}. */
  const answered = async (promise) => {
    let response;
    try {
      response = await promise;
    } catch {
      throw { cause: "roadseg does not answer.", remedy: "Look at the terminal in which it was started." };
    }
    if (response.ok) return response;
    throw await response.json().catch(() => ({ cause: `The request failed (${response.status}).`, remedy: "Reload the page." }));
  };
  const get = (address) => answered(fetch(address));
  const post = (address, body = {}) =>
    answered(fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));
  const attempt = async (place, action) => {
    problem(place, null);
    try {
      return await action();
    } catch (error) {
      problem(place, error);
      return null;
    }
  };

  /* Tabs */
  const tabs = [at("tab-overlay"), at("tab-adapt")];
  const openTab = (tab) => {
    for (const each of tabs) {
      const isOpen = each === tab;
      each.setAttribute("aria-selected", isOpen);
      each.tabIndex = isOpen ? 0 : -1;
      at(each.getAttribute("aria-controls")).hidden = !isOpen;
    }
    history.replaceState(null, "", tab === tabs[1] ? "#adapt" : "#");
    drawCharts();
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => openTab(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      openTab(tabs[1 - index]);
      tabs[1 - index].focus();
    });
  });

  /* List of videos */
  const facts = (info) => [info.seconds === null ? null : lasting(info.seconds), `${info.width} × ${info.height}`, size(info.bytes)].filter(Boolean).join(" · ");
  const details = new Map();
  const video = (number) => {
    if (!details.has(number)) details.set(number, get(`videos/${number}`).then((response) => response.json()));
    return details.get(number);
  };
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      seen.unobserve(entry.target);
      const place = entry.target.querySelector(".detail");
      const image = entry.target.querySelector("img");
      video(Number(entry.target.dataset.video)).then(
        (info) => {
          place.textContent = [place.textContent, facts(info)].filter(Boolean).join(" · ");
          image.src = `videos/${entry.target.dataset.video}/thumbnail`;
        },
        (error) => { place.textContent = lines(error); place.classList.add("problem"); },
      );
    }
  });
  const showVideos = (library) => {
    document.querySelector(".folder").textContent = library.folder;
    const found = library.found.length;
    const more = library.more ? ` ${count(library.more)} more are not listed: open a folder below.` : "";
    at("videos-state").textContent = library.searching ? "Looking for videos ..." : library.error ? lines(library.error) : more.trim();
    at("videos-state").hidden = !at("videos-state").textContent;
    at("videos").replaceChildren(...library.found.map((each) => {
      const button = make("button", { type: "button", "data-video": each.number, "aria-pressed": each.number === chosen },
        make("img", { alt: "" }), make("span", { class: "title" }, each.name), make("span", { class: "detail" }, each.folder));
      button.addEventListener("click", () => choose(each.number));
      seen.observe(button);
      return make("li", {}, button);
    }));
    const ticked = new Set([...at("adapt-videos").querySelectorAll(":checked")].map((box) => box.value));
    at("adapt-videos").replaceChildren(...library.found.map((each) => make("li", {}, make("label", {},
      make("input", { type: "checkbox", value: each.number, checked: ticked.has(String(each.number)) || found === 1 }),
      each.folder ? `${each.folder}/${each.name}` : each.name))));
    at("adapt-none").hidden = found > 0;
  };
  at("open").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(at("open").querySelector(".problem"), async () => {
      const answer = await (await post("open", { path: at("path").value })).json();
      at("path").value = "";
      if (answer.video !== null) choose(answer.video);
    });
  });

  /* Preview */
  const choose = async (number) => {
    chosen = number;
    for (const button of at("videos").querySelectorAll("button")) button.setAttribute("aria-pressed", Number(button.dataset.video) === number);
    at("viewer").hidden = false;
    at("look-title").textContent = state.library.found.find((each) => each.number === number)?.name ?? "";
    at("preview").hidden = true;
    at("viewer").scrollIntoView({ block: "start", behavior: "smooth" });
    const info = await attempt(at("preview-problem"), () => video(number));
    if (!info || chosen !== number) return;
    at("moment").max = Math.max(0.1, info.seconds ?? 0);
    at("moment").value = (info.seconds ?? 0) / 4;
    at("moment").disabled = !info.seconds;
    showMoment();
    await preview();
    showClasses();
  };
  const showMoment = () => {
    const text = `${clock(Number(at("moment").value))} of ${clock(Number(at("moment").max))}`;
    at("moment-text").textContent = text;
    at("moment").setAttribute("aria-valuetext", text);
  };
  const ticks = (name) => [...at("classes").querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
  const look = () => ({
    opacity: Number(at("opacity").value), style: at("style").value, palette: at("palette").value, legend: at("legend").value,
    classes: ticks("classes"), blur: ticks("blur"), side_by_side: at("side_by_side").checked, fit_edges: at("fit_edges").checked,
  });
  let asking = false;
  let wanted = false;
  /* Ask for the frame as it is chosen; while one is on its way, only the last further choice counts. */
  const preview = async () => {
    wanted = true;
    if (asking || chosen === null || !at("run").value) return;
    asking = true;
    at("preview").parentElement.classList.add("busy");
    while (wanted) {
      wanted = false;
      at("look-state").textContent = state.warm ? "labelling a frame ..." : "loading the network ...";
      const asked = chosen;
      const response = await attempt(at("preview-problem"), () => post("preview", { video: asked, run: at("run").value, seconds: Number(at("moment").value), look: look() }));
      at("look-state").textContent = "";
      const image = at("preview");
      if (!response) { image.hidden = true; continue; }
      const address = URL.createObjectURL(await response.blob());
      if (asked !== chosen) { wanted = true; continue; }
      URL.revokeObjectURL(image.src);
      image.src = address;
      image.alt = `Labelled frame at ${clock(Number(at("moment").value))}`;
      image.hidden = false;
    }
    asking = false;
    at("preview").parentElement.classList.remove("busy");
  };
  at("moment").addEventListener("input", () => { showMoment(); preview(); });
  at("controls").addEventListener("input", async (event) => {
    at("opacity-text").textContent = `${Math.round(100 * at("opacity").value)} %`;
    if (event.target === at("run")) await showClasses();
    if (event.target !== at("smooth")) preview();
  });
  const showClasses = async () => {
    const run = at("run").value;
    const names = await attempt(at("controls").querySelector(".problem"), async () => (await get(`classes?run=${encodeURIComponent(run)}`)).json());
    if (!names || !changed("classes", names)) return;
    const box = (name, kind, label) => make("td", {}, make("input", { type: "checkbox", name: kind, value: name, "aria-label": `${label} ${name}` }));
    at("classes").tBodies[0].replaceChildren(...names.map((name) => make("tr", {}, make("th", { scope: "row" }, name), box(name, "classes", "Draw only"), box(name, "blur", "Blur"))));
  };
  at("controls").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(at("controls").querySelector(".problem"), () => post("overlay", { video: chosen, run: at("run").value, look: look(), smooth: at("smooth").checked }));
  });
  const options = (select, names, labels = {}) => {
    const before = select.value;
    select.replaceChildren(...names.map((name) => make("option", { value: name }, labels[name] ?? name)));
    if (names.includes(before)) select.value = before;
  };

  /* The job */
  const pace = (job) => {
    const parts = [job.total ? `${count(job.done)} of ${count(job.total)} ${job.unit}` : job.done ? `${count(job.done)} ${job.unit}` : ""];
    if (job.rate) parts.push(job.rate >= 0.5 || job.unit !== "steps" ? `${job.rate} ${job.unit}/s` : `${(1 / job.rate).toFixed(1)} s a step`);
    if (job.seconds_left !== null) parts.push(`${clock(job.seconds_left)} left`);
    return parts.filter(Boolean).join(" · ");
  };
  const OUTCOMES = { done: "done", stopped: "stopped; what is finished is kept", failed: "failed", stopping: "stopping, after what is begun ..." };
  let closed = 0; // number of the job whose card a person has closed
  const showJob = (job) => {
    at("job").hidden = !job || job.number === closed;
    const isActive = Boolean(job) && (job.state === "running" || job.state === "stopping");
    document.title = isActive && job.total ? `${Math.floor((100 * job.done) / job.total)} % · roadseg` : "roadseg";
    for (const button of [at("make"), at("adapt").querySelector("button")]) button.disabled = isActive;
    if (!job) return;
    at("job-title").textContent = `${job.kind === "overlay" ? "Overlay of" : "Adaptation"} ${job.title}`;
    at("job-stage").textContent = OUTCOMES[job.state] ?? job.stage;
    at("job-bar").hidden = at("job-count").hidden = at("job-stop").hidden = !isActive;
    at("job-stop").disabled = job.state === "stopping";
    if (job.total) Object.assign(at("job-bar"), { max: job.total, value: job.done });
    else at("job-bar").removeAttribute("value");
    at("job-count").textContent = pace(job);
    at("job-error").hidden = !job.error;
    at("job-error").children[0].textContent = job.error?.cause ?? "";
    at("job-error").children[1].textContent = job.error?.remedy ?? "";
    at("job-notes").replaceChildren(...job.notes.map((note) => make("li", {}, note)));
    at("job-close").hidden = isActive;
    at("job-again").hidden = job.state !== "stopped";
    at("job-replace").hidden = !(job.state === "failed" && job.result.replaceable);
    at("job-show").hidden = !(job.state === "done" && job.kind === "overlay");
    at("job-look").hidden = !(job.state === "done" && job.kind === "adapt" && chosen !== null);
    const page = job.kind === "adapt" && state.runs.find((run) => run.name === job.title && run.page);
    at("job-page").hidden = !page;
    if (page) at("job-page").href = `runs/${encodeURIComponent(job.title)}/training.html`;
    at("verdict").hidden = !(job.kind === "adapt" && job.state === "done");
    if (!at("verdict").hidden) showVerdict(job.result);
    at("charts-section").hidden = job.kind !== "adapt" || !at("charts").childElementCount;
  };
  const showVerdict = (result) => {
    const kept = result.kept_start ? " So the weights of the start were kept." : "";
    at("verdict").className = `card ${result.outcome}`;
    at("verdict").children[0].textContent = result.verdict || "Finished.";
    at("verdict").children[1].textContent = `${result.run}: ${count(result.steps)} steps in ${result.minutes.toFixed(1)} minutes.${kept} Compare labelled frames before you use it.`;
    at("verdict").children[2].textContent = result.detail;
  };
  const again = (changes) => {
    const { job } = state;
    const run = job.kind === "adapt" && state.runs.find((each) => each.name === job.title);
    const [address, body] = run ? ["resume", { run: job.title }] : [job.kind, { ...job.subject, ...changes }];
    post(address, body).catch((error) => alert(lines(error)));
  };
  at("job-stop").addEventListener("click", () => post("stop"));
  at("job-close").addEventListener("click", () => { closed = state.job.number; showJob(state.job); });
  at("job-again").addEventListener("click", () => again({}));
  at("job-replace").addEventListener("click", () => again({ overwrite: true }));
  at("job-show").addEventListener("click", () => { openTab(tabs[0]); articles.get(state.job.result.result)?.scrollIntoView({ block: "start" }); });
  at("job-look").addEventListener("click", () => use(state.job.title));

  /* Results */
  const articles = new Map(); // the article of each result: one that stays the same goes on playing
  const showResults = (results) => {
    at("results-section").hidden = !results.length;
    const made = results.filter((result) => changed(`result ${result.number}`, result));
    for (const result of made) {
      articles.get(result.number)?.remove();
      articles.set(result.number, article(result));
    }
    results.forEach((result, place) => {
      const node = articles.get(result.number);
      if (at("results").children[place] !== node) at("results").insertBefore(node, at("results").children[place] ?? null);
    });
  };
  const article = (result) => {
    const address = (kind) => `results/${result.number}/${encodeURIComponent(result.files[kind])}`;
    const link = (kind, text, attributes) => (result.files[kind] ? [make("a", { class: "button", href: address(kind), ...attributes }, text)] : []);
    const painted = (tag, colour, attributes) => {
      const element = make(tag, attributes);
      element.style.background = colour;
      return element;
    };
    const bar = make("div", { class: "bar stacked", "aria-hidden": "true" }, ...result.classes.map((each) => {
      const part = painted("i", each.colour, { title: `${each.name} ${percent(each.share)}` });
      part.style.width = `${(100 * each.share).toFixed(2)}%`;
      return part;
    }));
    const legend = make("ul", { class: "legend" }, ...result.classes.map((each) =>
      make("li", {}, painted("i", each.colour, { class: "swatch" }), `${each.name} ${percent(each.share)}`)));
    const pace = result.skipped ? "made before" : `${result.rate.toFixed(1)} frames/s`;
    return make("article", { class: "result" },
      make("video", { controls: true, preload: "metadata", playsInline: true, src: address("video") }),
      make("div", {}, make("h3", {}, result.title),
        make("p", { class: "detail" }, `${lasting(result.seconds)} · ${count(result.frames)} frames · ${pace}`),
        bar, legend,
        make("ul", { class: "plain detail" }, ...result.notices.map((notice) => make("li", {}, notice))),
        make("div", { class: "actions" },
          ...link("report", "Page with statistics", { target: "_blank" }), ...link("video", "Download video", { download: "" }),
          ...link("table", "Table of frames (Parquet)", { download: "" }), ...link("summary", "Summary (JSON)", { download: "" })),
        make("p", { class: "note" }, "In ", make("code", {}, result.folder))));
  };

  /* Adaptation */
  at("adapt").addEventListener("submit", (event) => {
    event.preventDefault();
    const place = at("adapt").querySelector(".problem");
    const videos = [...at("adapt-videos").querySelectorAll(":checked")].map((box) => Number(box.value));
    if (!videos.length) { problem(place, { cause: "No video is chosen.", remedy: "Choose at least one." }); return; }
    at("charts").replaceChildren();
    attempt(place, () => post("adapt", { videos, minutes: Number(at("minutes").value), name: at("name").value }));
  });
  const use = (run) => {
    openTab(tabs[0]);
    at("run").value = run;
    showClasses();
    if (chosen === null) at("videos-title").focus();
    else { at("viewer").scrollIntoView({ block: "start" }); preview(); }
  };
  const showRuns = (runs) => {
    const names = runs.filter((run) => run.finished).map((run) => run.name);
    options(at("run"), names);
    at("runs").replaceChildren(...runs.map((run) => {
      const what = run.packaged ? "comes with roadseg" : run.finished ? "your run" : "not finished";
      const button = make("button", { type: "button", class: "button" }, run.finished ? "Use" : "Continue");
      button.addEventListener("click", () => (run.finished ? use(run.name) : post("resume", { run: run.name }).catch((error) => alert(lines(error)))));
      const page = run.page ? [make("a", { class: "button", href: `runs/${encodeURIComponent(run.name)}/training.html`, target: "_blank" }, "Page of the training")] : [];
      return make("li", {}, make("strong", {}, run.name), make("span", { class: "detail" }, what), make("span", { class: "actions" }, ...page, button));
    }));
  };

  /* Charts */
  let charts = [];
  let plotly = null;
  const library = () => {
    plotly ??= new Promise((done, failed) => document.head.append(make("script", { src: "plotly.min.js", onload: done, onerror: failed })));
    return plotly;
  };
  const drawCharts = async () => {
    if (!charts.length || at("panel-adapt").hidden) return;
    await library();
    at("charts-section").hidden = false;
    const step = Math.max(...charts.flatMap((chart) => chart.lines.flatMap((line) => line.steps)));
    if (at("charts").childElementCount !== charts.length) {
      at("charts").replaceChildren(...charts.map((chart) => make("figure", {}, make("figcaption", {}, chart.title), make("div", { class: "chart", role: "img" }))));
    }
    charts.forEach((chart, index) => {
      const place = at("charts").children[index].lastChild;
      place.setAttribute("aria-label", `${chart.title}, last: ${chart.lines.map((line) => `${line.name} ${line.values.at(-1)}`).join(", ")}`);
      drawChart(place, chart, step);
    });
  };
  const askForCharts = async () => {
    charts = await (await get("charts")).json();
    drawCharts();
  };
  addEventListener("resize", drawCharts);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);

  /* State */
  const show = (next) => {
    const isFirst = state === null;
    state = next;
    if (isFirst) {
      options(at("style"), state.choices.style, STYLES);
      options(at("palette"), state.choices.palette);
      options(at("legend"), state.choices.legend, LEGENDS);
    }
    at("out").textContent = state.out;
    if (changed("library", state.library)) showVideos(state.library);
    if (changed("runs", state.runs)) showRuns(state.runs);
    if (isFirst) at("run").value = state.first_run;
    if (changed("results", state.results)) showResults(state.results);
    if (changed("job", [state.job, chosen])) showJob(state.job);
    const { job } = state;
    if (job?.kind === "adapt" && changed("charts", [job.number, job.state, job.stage, job.unit === "steps" ? job.done : 0])) askForCharts().catch(() => {});
    if (isFirst && location.hash === "#adapt") openTab(tabs[1]);
  };
  const source = new EventSource("events");
  const end = () => {
    source.close();
    at("ended").hidden = false;
    document.querySelector("main").inert = true;
    at("end").disabled = true;
    document.title = "roadseg has ended";
  };
  source.addEventListener("message", (event) => show(JSON.parse(event.data)));
  source.addEventListener("end", end);
  source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) end(); else setTimeout(() => { if (source.readyState !== EventSource.OPEN) end(); }, 8000); });
  at("end").addEventListener("click", () => {
    const isActive = state?.job && (state.job.state === "running" || state.job.state === "stopping");
    if (!isActive || confirm("A job is running. Stop it and end roadseg? What is finished is kept.")) post("end").catch(() => {});
  });
})();
