// Values in words, as lab/units.py and lab/looks.py say them.
window.words = (() => {
  const finite = (v) => typeof v === "number" && Number.isFinite(v);
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
    if (!finite(v)) return "not measured";
    const word = (chart.words[signal] || {})[String(v)];
    if (word) return word;
    const show = measured(chart);
    return chart.ceiling !== null && v >= chart.ceiling ? `≥ ${show(chart.ceiling)}` : show(v);
  };

  return { finite, measured, said };
})();
