// Keeps the charts of a page up to date: one small question a second for all of them. Points are
// kept here, so the room only tells what is new. Names and colours of lines come from the room
// (lab/looks.py), as everywhere.
window.room = (() => {
  const { finite, measured, said } = window.words;
  const MOST_SERIES = 8; // More lines than colours tell nobody anything.
  const HOLE_MS = 5000; // What was not measured for longer is shown as not measured.
  const AGAIN_MS = 30000; // What begins again so soon has only flapped.
  const TOGETHER_MS = 3000;
  const SHARP_MS = 900000; // Each second is kept so far back, and of what is older
  const COARSE_MS = 4000; // one in so many, as the room does (lab/room/curve.py).
  const HOUR_S = 3600;
  const LONGEST_S = 3 * HOUR_S; // As the room (lab/room/feed.py).
  const BEFORE_S = 60; // How much of the calm before a night is shown with it.
  const PATIENCE_MS = 20000; // An answer that takes longer does not come; ask again.
  const LETTER_PX = 6; // Of a legend's text; what stands before and behind a name is MORE_PX.
  const MORE_PX = 22;
  const COUNT_PX = 30; // Of how many there are that have no room.
  const lines = new Map(); // "signal\0line" -> {signal, line, data: [[ms, value], ...]}
  let calm = {};
  let charts = [];
  let board = "";
  let until = 0;
  let minutes = 5; // 0: the whole night.
  let night = null; // When it began, in Unix seconds.
  let held = SHARP_MS / 1000; // How far back the room was asked, in seconds,
  let from = 0; // and since when all of it is here.
  let timer = null;
  let asking = false; // On a busy machine an answer may take longer than the time to the next question.
  let asked = 0;
  let shown = 0; // Which board the answer on its way is about.
  let times = 0; // How often the charts have been drawn with something on them.

  // How far back is looked, in seconds.
  const span = () => minutes * 60 || (night && until > night ? Math.min(until - night + BEFORE_S, LONGEST_S) : HOUR_S);
  // Not a new question each second of a night that goes on.
  const back = () => Math.ceil(span() / 900) * 900;
  const missing = () => until > 0 && until - span() < from - 1;

  // The first of each few seconds of what is older than `from`. Again it changes nothing.
  const thinned = (data, from) => {
    const step = (one) => Math.floor(one[0] / COARSE_MS);
    return data.filter((one, i) => one[0] > from || i === 0 || step(one) !== step(data[i - 1]));
  };

  function take(told) {
    // The room's clock: that of whoever looks may be another.
    const oldest = (told.until - Math.max(held, span())) * 1000;
    const sharp = told.until * 1000 - SHARP_MS;
    for (const [signal, several] of Object.entries(told.signals)) {
      for (const [line, found] of Object.entries(several)) {
        const key = `${signal}\0${line}`;
        const kept = lines.get(key) || { signal, line, data: [], colour: null, dashed: false };
        const look = (told.looks[signal] || {})[line];
        if (look) [kept.colour, kept.dashed] = look;
        // Whatever is told twice, time goes one way.
        for (const [at, value] of found)
          if (finite(value) && at * 1000 > (kept.data.length ? last_time(kept) : 0)) kept.data.push([at * 1000, value]);
        const first = kept.data.findIndex(([at]) => at >= oldest);
        if (first > 100 || first < 0) kept.data = kept.data.slice(first < 0 ? kept.data.length : first);
        if (kept.data.length > (2 * SHARP_MS) / 1000) kept.data = thinned(kept.data, sharp);
        lines.set(key, kept);
      }
    }
    calm = told.calm;
    if (until === 0) from = told.until - held;
    until = told.until;
    night = told.night;
    const blind = document.getElementById("room-blind");
    if (blind) blind.textContent = told.blind ? `cannot look: ${told.blind}` : "";
  }

  const last = (one) => one.data[one.data.length - 1][1];
  const last_time = (one) => one.data[one.data.length - 1][0];
  const usual = (one) => (calm[one.signal] || {})[one.line];
  // How far it is off the bad way, from what it was when all was well: what a legend is sorted by.
  // On the whole, and not at its worst: many a line has a spike.
  const strayed = (chart, one) =>
    ((chart.down ? -1 : 1) * one.data.reduce((sum, [, value]) => sum + value - (usual(one) || 0), 0)) / one.data.length;
  const place = (chart, one) => chart.signals.indexOf(one.signal);
  const name = (chart, one) => `${chart.prefixes[place(chart, one)] || ""} ${one.line}`.trim() || chart.title;
  const now_of = (chart) => {
    const found = [...lines.values()].filter((one) => one.signal === chart.signals[0] && one.data.length);
    return found.length && last_time(found[0]) > until * 1000 - HOLE_MS ? last(found[0]) : null;
  };

  function with_holes(data) {
    const drawn = [];
    for (const point of data) {
      const before = drawn.length ? drawn[drawn.length - 1][0] : point[0];
      if (point[0] - before > HOLE_MS) drawn.push([before + 1, null]);
      drawn.push(point);
    }
    return drawn;
  }

  // [from, until, value] of each stretch in which a line had one value.
  function stretches(data) {
    const found = [];
    for (const [at, value] of data) {
      const end = found[found.length - 1];
      if (end && end[2] === value && at - end[1] <= HOLE_MS) end[1] = at;
      else found.push([at, at, value]);
    }
    return found;
  }

  // What rang and what was changed: a thin line where each began, one for what began together.
  function marks(chart, start) {
    const found = [];
    const there = new Set();
    for (const one of lines.values()) {
      if (!chart.marks.includes(one.signal)) continue;
      let before = -Infinity;
      for (const [at] of one.data) {
        const moment = `${one.signal} ${Math.round(at / TOGETHER_MS)}`;
        if (at - before > AGAIN_MS && at >= start && !there.has(moment)) {
          there.add(moment);
          found.push({ xAxis: at, name: one.line, lineStyle: { color: one.colour, type: "solid", width: 1, opacity: 0.7 } });
        }
        before = at;
      }
    }
    return found;
  }

  function inside(chart, start) {
    return [...lines.values()]
      .filter((one) => chart.signals.includes(one.signal))
      .map((one) => ({ ...one, data: one.data.filter(([at]) => at >= start) }))
      // More than a chart is wide would be drawn for nobody, over and over.
      .map((one) => (span() * 1000 > SHARP_MS ? { ...one, data: thinned(one.data, Infinity) } : one))
      .filter((one) => one.data.length);
  }

  const broken = (chart, v) =>
    chart.bound !== null && v !== null &&
    !{ "<=": v <= chart.bound.value, "<": v < chart.bound.value, ">=": v >= chart.bound.value, ">": v > chart.bound.value }[chart.bound.op];

  function draw_number(chart) {
    const element = document.getElementById(`c${chart.id}`);
    if (!element) return;
    const value = now_of(chart);
    const red = broken(chart, value);
    element.style.background = red ? chart.broken : "";
    element.style.color = red ? "#fff" : "";
    element.querySelector(".room-value").textContent = said(chart, value, chart.signals[0]);
  }

  const wide = (text) => text.length * LETTER_PX + MORE_PX;
  const room_for = (drawn) => drawn.getWidth() - 12;

  // The first of these names that have room above the chart: one at least.
  function fitting(drawn, texts) {
    const fit = (room) => {
      const count = texts.findIndex((text) => (room -= wide(text)) < 0);
      return count < 0 ? texts.length : count;
    };
    const all = fit(room_for(drawn));
    return all === texts.length ? all : Math.max(1, fit(room_for(drawn) - COUNT_PX));
  }

  // What stands above a chart: what its lines are called and are now, as many as have room, the
  // furthest first, and what that one was when all was well. How many have no room is said, too:
  // the tooltip names them.
  function legend(chart, drawn, top) {
    if (!top.length) return new Map();
    const show = (one, v) => said(chart, v, one.signal);
    const short = top.map((one) => {
      const called = name(chart, one);
      return `${called === chart.title ? "" : `${called} `}${show(one, last(one))}`;
    });
    const long = top.map((one, i) => (usual(one) === undefined ? short[i] : `${short[i]} (calm ${show(one, usual(one))})`));
    const both = [long[0], ...short.slice(1)];
    const texts = wide(long[0]) < room_for(drawn) && fitting(drawn, both) >= fitting(drawn, short) ? both : short;
    const count = fitting(drawn, texts);
    // What is left of the room goes to what was usual of the others.
    for (let i = 1; i < count; i += 1) {
      const fuller = [...texts.slice(0, i), long[i], ...texts.slice(i + 1)];
      if (fitting(drawn, fuller) >= count) texts[i] = long[i];
    }
    const more = top.length - count;
    const also = (text) => `${text}  + ${more}`;
    if (more > 0 && count > 1) texts[count - 1] = also(texts[count - 1]);
    // A long name alone: how many more there are says more than what it was in the calm.
    else if (more > 0) texts[0] = [long[0], short[0]].map(also).find((text) => wide(text) < room_for(drawn)) || texts[0];
    return new Map(top.slice(0, count).map((one, i) => [name(chart, one), texts[i]]));
  }

  function draw_curves(chart, drawn, start, end) {
    const show = (v) => said(chart, v);
    const top = inside(chart, start)
      .sort((a, b) => strayed(chart, b) - strayed(chart, a))
      .slice(0, MOST_SERIES);
    const series = top.map((one) => {
      const colour = one.colour || chart.inks[place(chart, one)] || chart.rest;
      return {
        type: "line", color: colour, id: `${one.signal} ${one.line}`, name: name(chart, one),
        showSymbol: false, lineStyle: { width: 1.5, type: one.dashed ? "dashed" : "solid" },
        data: with_holes(one.data),
      };
    });
    const texts = legend(chart, drawn, top);
    const reached = Math.max(...top.map((one) => Math.max(...one.data.map(([, value]) => value))), 0);
    if (series.length) {
      const bound = chart.bound && chart.bound.value
        ? [{ yAxis: chart.bound.value, lineStyle: { type: "dashed", color: chart.broken, opacity: 0.8 } }]
        : [];
      series[0].markLine = {
        silent: true, symbol: "none", label: { show: false }, data: [...bound, ...marks(chart, start)],
      };
    }
    drawn.setOption(
      {
        xAxis: { show: true, min: start, max: end },
        // A scale does not zoom into noise; where it ends then is no round number.
        yAxis: {
          show: true,
          max: reached > chart.top ? null : chart.top,
          axisLabel: { formatter: measured(chart), hideOverlap: true, showMaxLabel: reached > chart.top },
        },
        tooltip: { valueFormatter: show },
        legend: { data: [...texts.keys()], formatter: (called) => texts.get(called) || called },
        series,
      },
      { replaceMerge: ["series"] },
    );
  }

  function draw_strips(chart, drawn, start, end) {
    const found = inside(chart, start).filter((one) => chart.kind !== "flags" || one.data.some(([, v]) => v > 0));
    const rows = found.map((one) => name(chart, one));
    const shade = (one, value) => {
      if (chart.kind === "changes") return one.colour;
      if (chart.kind === "flags") return value > 0 ? chart.inks[0] : "rgba(128, 128, 128, 0.25)";
      return value >= 1 ? chart.up : chart.broken;
    };
    const data = found.flatMap((one, row) =>
      stretches(one.data).map(([from, to, value]) => ({
        name: rows[row], value: [row, from, to + 1000, value], itemStyle: { color: shade(one, value) },
      })),
    );
    drawn.setOption(
      {
        xAxis: { show: true, min: start, max: end },
        yAxis: { data: rows },
        tooltip: {
          // Not a string: that would be HTML, and what a line is called was measured.
          formatter: (each) => {
            const words = `${each.name}: ${chart.kind === "changes" ? "" : said(chart, each.value[3])}`;
            return Object.assign(document.createElement("span"), { textContent: words });
          },
        },
        series: [{
          type: "custom", id: "strips", data, encode: { x: [1, 2], y: 0 }, clip: true,
          renderItem: (_, api) => {
            const [left, top] = api.coord([api.value(1), api.value(0)]);
            const [right] = api.coord([api.value(2), api.value(0)]);
            const height = api.size([0, 1])[1] * 0.7;
            return {
              type: "rect", style: api.style(),
              shape: { x: left, y: top - height / 2, width: Math.max(1, right - left), height },
            };
          },
        }],
      },
      { replaceMerge: ["series"] },
    );
  }

  function draw(chart) {
    if (until === 0) return; // Nothing is known yet: no time, either.
    if (chart.kind === "number") return draw_number(chart);
    const element = getElement(chart.id);
    const drawn = element && element.chart;
    if (!drawn) return;
    if (!chart.ready) {
      // Dragging selects a stretch of time, which can be cited.
      drawn.dispatchAction({
        type: "takeGlobalCursor", key: "brush",
        brushOption: { brushType: "lineX", brushMode: "single" },
      });
      chart.ready = true;
    }
    const end = until * 1000, start = end - span() * 1000;
    if (["state", "flags", "changes"].includes(chart.kind)) draw_strips(chart, drawn, start, end);
    else draw_curves(chart, drawn, start, end);
  }

  async function tick() {
    if (asking) return;
    asking = true;
    const about = shown;
    const first = until === 0;
    try {
      const answer = await fetch(`/feed?since=${until}&board=${board}&back=${Math.max(held, back())}`, {
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const told = answer.ok ? await answer.json() : null;
      // A board that nobody looks at any more has nothing to say.
      if (told && about === shown) take(told);
    } catch (error) {
      // The room is closed or restarts; the page says so itself.
    } finally {
      asking = false;
    }
    // What moves by less than a pixel a second need not be drawn each second.
    asked += 1;
    if (missing()) begin();
    else if (!document.hidden && (first || asked % Math.ceil((span() * 1000) / SHARP_MS) === 0)) redraw();
  }

  function redraw() {
    charts.forEach(draw);
    if (lines.size) times += 1;
  }

  // All of it anew, as far back as is wanted now.
  function begin() {
    held = back();
    lines.clear();
    until = 0;
    shown += 1;
    if (timer === null) {
      timer = setInterval(tick, 1000);
      document.addEventListener("visibilitychange", () => document.hidden || tick());
    }
    tick();
  }

  return {
    // What was selected has been cited, or was not meant.
    unselect(id) {
      const element = getElement(id);
      if (element && element.chart) element.chart.dispatchAction({ type: "brush", areas: [] });
    },
    // Enter, in a list that one types into: what is meant is the first that fits.
    take_first(id, event) {
      const list = getElement(id), field = list && list.$refs.qRef;
      const typed = event.target.value;
      if (!field || !typed || field.getOptionIndex() !== -1) return;
      const [first] = list.findFilteredOptions();
      if (!first) return;
      event.preventDefault();
      event.qKeyEvent = true; // So Quasar knows that somebody has taken this key.
      if (!field.isOptionSelected(first)) field.toggleOption(first);
      if (list.$attrs.multiple) field.updateInputValue("");
    },
    show(wanted, name) {
      charts = wanted.map((one) => ({ ...one, ready: false }));
      board = name;
      begin();
    },
    look_back(value) {
      minutes = value;
      if (missing()) begin();
      else charts.forEach(draw);
    },
    times: () => times,
  };
})();
