// Keeps the charts of a page up to date: one small question a second for all of them. Points are
// kept here, so the room only tells what is new.
window.room = (() => {
  const MOST_SERIES = 8; // More lines than colours tell nobody anything.
  const HOLE_MS = 5000; // What was not measured for longer is shown as not measured.
  const points = new Map(); // "signal label" -> [[ms, value], ...]
  let charts = [];
  let until = 0;
  let minutes = 5;
  let timer = null;
  let asking = false; // On a busy machine an answer may take longer than the time to the next question.
  let times = 0; // How often the charts have been drawn with something on them.

  const short = {
    s: (v) => (v === 0 ? "0" : v < 1 ? `${+(v * 1000).toPrecision(3)} ms` : `${+v.toPrecision(3)} s`),
    ratio: (v) => `${+(v * 100).toPrecision(3)} %`,
    bytes: (v) => `${+(v / 1048576).toPrecision(3)} MiB`,
  };
  const plain = (v) =>
    v >= 1e6 ? `${+(v / 1e6).toPrecision(3)} M` : v >= 1e3 ? `${+(v / 1e3).toPrecision(3)} k` : `${+v.toPrecision(3)}`;

  function take(told) {
    const oldest = Date.now() - 15 * 60000;
    for (const [signal, several] of Object.entries(told.signals)) {
      for (const [label, found] of Object.entries(several)) {
        const key = `${signal} ${label}`;
        const kept = points.get(key) || { signal, label, data: [] };
        for (const [at, value] of found) kept.data.push([at * 1000, value]);
        while (kept.data.length && kept.data[0][0] < oldest) kept.data.shift();
        points.set(key, kept);
      }
    }
    until = told.until;
    const blind = document.getElementById("room-blind");
    if (blind) blind.textContent = told.blind ? `cannot look: ${told.blind}` : "";
  }

  const highest = (one) => one.data.reduce((most, [, value]) => Math.max(most, value), 0);

  function with_holes(data) {
    const drawn = [];
    for (const point of data) {
      const before = drawn.length ? drawn[drawn.length - 1][0] : point[0];
      if (point[0] - before > HOLE_MS) drawn.push([before + 1, null]);
      drawn.push(point);
    }
    return drawn;
  }

  const place = (chart, one) => chart.signals.indexOf(one.signal);

  // A line keeps its colour, whoever else comes and goes.
  function colour(chart, one) {
    const key = `${one.signal} ${one.label}`;
    if (!chart.colours.has(key)) chart.colours.set(key, chart.colours.size % chart.palette.length);
    return chart.palette[chart.colours.get(key)];
  }

  function draw(chart) {
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
    const show = short[chart.unit] || plain;
    const series = [...points.values()]
      .filter((one) => chart.signals.includes(one.signal))
      .map((one) => ({ ...one, data: one.data.filter(([at]) => at >= start) }))
      .sort((a, b) => highest(b) - highest(a))
      .slice(0, MOST_SERIES)
      .sort((a, b) => place(chart, a) - place(chart, b) || (a.label < b.label ? -1 : 1))
      .map((one) => ({
        type: "line", color: colour(chart, one), id: `${one.signal} ${one.label}`,
        name: chart.words[place(chart, one)] || one.label || one.signal,
        showSymbol: false, lineStyle: { width: 1.5 },
        data: with_holes(one.data),
      }));
    if (chart.steady !== null && series.length) {
      series[0].markLine = {
        silent: true, symbol: "none", label: { show: false },
        lineStyle: { type: "dashed", color: "#D55E00", opacity: 0.7 },
        data: [{ yAxis: chart.steady }],
      };
    }
    drawn.setOption(
      {
        xAxis: { min: start, max: end },
        yAxis: { axisLabel: { formatter: show } },
        tooltip: { valueFormatter: show },
        series,
      },
      { replaceMerge: ["series"] },
    );
  }

  async function tick() {
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(`/feed?since=${until}`);
      if (answer.ok) take(await answer.json());
    } catch (error) {
      // The room is closed or restarts; the page says so itself.
    } finally {
      asking = false;
    }
    if (!document.hidden) {
      charts.forEach(draw);
      if (points.size) times += 1;
    }
  }

  return {
    // What was selected has been cited, or was not meant.
    unselect(id) {
      const element = getElement(id);
      if (element && element.chart) element.chart.dispatchAction({ type: "brush", areas: [] });
    },
    show(wanted) {
      charts = wanted.map((one) => ({ ...one, ready: false, colours: new Map() }));
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
