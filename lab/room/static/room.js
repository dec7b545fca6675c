// Keeps the charts of a page up to date: one small question a second for all of them. Points are
// kept here, so the room only tells what is new. Names and colours of lines come from the room
// (lab/looks.py), as everywhere.
window.room = (() => {
  const MOST_SERIES = 8; // More lines than colours tell nobody anything.
  const NAMED = 3; // So many of them are named above the chart, the highest first.
  const HOLE_MS = 5000; // What was not measured for longer is shown as not measured.
  const AGAIN_MS = 30000; // What begins again so soon has only flapped.
  const TOGETHER_MS = 3000;
  const LETTER_PX = 6; // Of a legend's text; what stands before and behind a name is MORE_PX.
  const MORE_PX = 22;
  const lines = new Map(); // "signal\0line" -> {signal, line, data: [[ms, value], ...]}
  let calm = {};
  let charts = [];
  let board = "";
  let until = 0;
  let minutes = 5;
  let timer = null;
  let asking = false; // On a busy machine an answer may take longer than the time to the next question.
  let shown = 0; // Which board the answer on its way is about.
  let times = 0; // How often the charts have been drawn with something on them.

  // As lab/units.py says them.
  const plain = (v) => {
    for (const [size, prefix] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]])
      if (Math.abs(v) >= size) return `${+(v / size).toPrecision(3)} ${prefix}`;
    return `${+(Math.abs(v) > 1e-9 ? v : 0).toPrecision(3)}`;
  };
  const seconds = (v) => {
    const size = Math.abs(v);
    if (size > 0 && size < 1) return `${+(v * 1000).toPrecision(3)} ms`;
    return size < 120 ? `${+v.toPrecision(3)} s` : `${Math.floor(v / 60)} min ${Math.round(v % 60)} s`;
  };
  const units = {
    s: seconds,
    ratio: (v) => `${+(v * 100).toPrecision(3)} %`,
    bytes: (v) => `${plain(v)}B`,
    "1/s": (v) => `${plain(v)}/s`,
    "s/s": (v) => `${plain(v)} s/s`,
    bool: (v) => (v >= 0.5 ? "yes" : "no"),
    count: plain,
  };
  const measured = (chart) => units[chart.unit] || ((value) => `${plain(value)} ${chart.unit}`);
  const said = (chart, v, signal) => {
    if (v === null || v === undefined) return "not measured";
    const word = (chart.words[signal] || {})[String(v)];
    if (word) return word;
    const show = measured(chart);
    return chart.ceiling !== null && v >= chart.ceiling ? `≥ ${show(chart.ceiling)}` : show(v);
  };

  function take(told) {
    const oldest = Date.now() - 15 * 60000;
    for (const [signal, several] of Object.entries(told.signals)) {
      for (const [line, found] of Object.entries(several)) {
        const key = `${signal}\0${line}`;
        const kept = lines.get(key) || { signal, line, data: [], colour: null, dashed: false };
        const look = (told.looks[signal] || {})[line];
        if (look) [kept.colour, kept.dashed] = look;
        for (const [at, value] of found) kept.data.push([at * 1000, value]);
        while (kept.data.length && kept.data[0][0] < oldest) kept.data.shift();
        lines.set(key, kept);
      }
    }
    calm = told.calm;
    until = told.until;
    const blind = document.getElementById("room-blind");
    if (blind) blind.textContent = told.blind ? `cannot look: ${told.blind}` : "";
  }

  const last = (one) => one.data[one.data.length - 1][1];
  // How far it went the bad way: what a legend is sorted by.
  const furthest = (chart, one) =>
    one.data.reduce((most, [, value]) => Math.max(most, chart.down ? -value : value), -Infinity);
  const place = (chart, one) => chart.signals.indexOf(one.signal);
  const name = (chart, one) => `${chart.prefixes[place(chart, one)] || ""} ${one.line}`.trim() || chart.title;
  const now_of = (chart) => {
    const found = [...lines.values()].filter((one) => one.signal === chart.signals[0] && one.data.length);
    return found.length && found[0].data[found[0].data.length - 1][0] > until * 1000 - HOLE_MS ? last(found[0]) : null;
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
    let left = room_for(drawn);
    const count = texts.findIndex((text) => (left -= wide(text)) < 0);
    return Math.max(1, count < 0 ? texts.length : count);
  }

  function draw_curves(chart, drawn, start, end) {
    const show = (v) => said(chart, v);
    const top = inside(chart, start)
      .sort((a, b) => furthest(chart, b) - furthest(chart, a))
      .slice(0, MOST_SERIES);
    const series = top.map((one) => {
      const colour = one.colour || chart.inks[place(chart, one)] || chart.rest;
      return {
        type: "line", color: colour, id: `${one.signal} ${one.line}`, name: name(chart, one),
        showSymbol: false, lineStyle: { width: 1.5, type: one.dashed ? "dashed" : "solid" },
        data: with_holes(one.data),
      };
    });
    // What a line is called, what it is now, and what it was when all was well.
    const texts = new Map(
      top.slice(0, NAMED).map((one) => {
        const called = name(chart, one) === chart.title ? "" : `${name(chart, one)} `;
        const usual = (calm[one.signal] || {})[one.line];
        const now = `${called}${said(chart, last(one), one.signal)}`;
        const both = usual === undefined ? now : `${now} (calm ${show(usual)})`;
        return [name(chart, one), wide(both) < room_for(drawn) ? both : now];
      }),
    );
    const named = [...texts.keys()].slice(0, fitting(drawn, [...texts.values()]));
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
        xAxis: { min: start, max: end },
        // A scale does not zoom into noise; where it ends then is no round number.
        yAxis: {
          max: reached > chart.top ? null : chart.top,
          axisLabel: { formatter: measured(chart), hideOverlap: true, showMaxLabel: reached > chart.top },
        },
        tooltip: { valueFormatter: show },
        legend: { data: named, formatter: (called) => texts.get(called) || called },
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
        xAxis: { min: start, max: end },
        yAxis: { data: rows },
        tooltip: { formatter: (each) => `${each.name}: ${chart.kind === "changes" ? "" : said(chart, each.value[3])}` },
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
    const end = until * 1000, start = end - minutes * 60000;
    if (["state", "flags", "changes"].includes(chart.kind)) draw_strips(chart, drawn, start, end);
    else draw_curves(chart, drawn, start, end);
  }

  async function tick() {
    if (asking) return;
    asking = true;
    const about = shown;
    try {
      const answer = await fetch(`/feed?since=${until}&board=${board}`);
      const told = answer.ok ? await answer.json() : null;
      // A board that nobody looks at any more has nothing to say.
      if (told && about === shown) take(told);
    } catch (error) {
      // The room is closed or restarts; the page says so itself.
    } finally {
      asking = false;
    }
    if (!document.hidden) {
      charts.forEach(draw);
      if (lines.size) times += 1;
    }
  }

  return {
    // What was selected has been cited, or was not meant.
    unselect(id) {
      const element = getElement(id);
      if (element && element.chart) element.chart.dispatchAction({ type: "brush", areas: [] });
    },
    show(wanted, name) {
      charts = wanted.map((one) => ({ ...one, ready: false }));
      lines.clear();
      until = 0;
      board = name;
      shown += 1;
      if (timer === null) timer = setInterval(tick, 1000);
      tick();
    },
    look_back(value) {
      minutes = value;
      charts.forEach(draw);
    },
    times: () => times,
  };
})();
