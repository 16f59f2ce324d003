// Charts: curves with bands (Dygraphs), histogram, bars of bytes. Each has a text that says the same.

import { bytes, figure, h, integer, s } from "./dom.js";

export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/// A curve of rows [x, [low, middle, high], ...] with a band for each label.
export class Curve {
  constructor({ label }) {
    this.plot = h("div", { class: "plot" });
    this.read = h("p", { class: "reading", "aria-hidden": "true" });
    this.frame = h("div", { class: "curve", role: "img", "aria-label": label }, this.plot);
    this.element = h("figure", null, this.frame, this.read);
    this.sizes = new ResizeObserver(() => this.graph?.resize());
    this.sizes.observe(this.plot);
  }

  /// labels: ["rounds", "before", "after"]; colours: names of custom properties; x, y: how numbers are said.
  draw({ rows, labels, colours, x, y, yLabel, xLabel, summary, log = false }) {
    this.frame.setAttribute("aria-label", summary);
    this.said = (row) => `${xLabel} ${x(row[0])}: ` + labels.slice(1).map((name, i) => `${name} ${y(row[i + 1][1])}`).join(", ");
    this.rows = rows;
    this.read.textContent = rows.length ? this.said(rows.at(-1)) : "";
    const options = {
      file: rows, labels, customBars: true, logscale: log, legend: "never", fillAlpha: 0.16, strokeWidth: 2, colors: colours.map(colour),
      drawPoints: rows.length < 40, pointSize: 2.5, highlightCircleSize: 4, axisLineColor: colour("line"),
      gridLineColor: colour("line"), ylabel: yLabel, xlabel: xLabel, animatedZooms: false, rightGap: 12, xRangePad: 4,
      axes: { x: { axisLabelFormatter: x, valueFormatter: x, axisLabelWidth: 64 }, y: { axisLabelFormatter: y, valueFormatter: y, axisLabelWidth: 58 } },
      highlightCallback: (event, at, points, row) => (this.read.textContent = this.rows[row] ? this.said(this.rows[row]) : ""),
      unhighlightCallback: () => (this.read.textContent = this.rows.length ? this.said(this.rows.at(-1)) : ""),
    };
    // Its legend has styles in attributes, which the page's policy forbids; we have our own.
    const plugins = globalThis.Dygraph.PLUGINS;
    const legend = plugins.findIndex((plugin) => plugin === globalThis.Dygraph.Plugins.Legend);
    if (legend >= 0) plugins.splice(legend, 1);
    if (!this.plot.isConnected) return; // its view was left before its figures came
    if (!this.graph) this.graph = new globalThis.Dygraph(this.plot, rows, options);
    else this.graph.updateOptions(options);
  }

  destroy() {
    this.sizes.disconnect();
    this.graph?.destroy();
    this.graph = null;
  }
}

/// Round bounds of `count` bins that hold all values; 0 is a bound when it is inside.
function binsOf(values, count) {
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const raw = (high - low || 1) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((k) => k >= raw);
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step + 1e-9));
  const bins = Array.from({ length: last - first }, (_, i) => ({ from: (first + i) * step, to: (first + i + 1) * step, count: 0 }));
  for (const value of values) bins[Math.min(bins.length - 1, Math.max(0, Math.floor(value / step) - first))].count += 1;
  return bins;
}

/// How many devices have which gain; those below 0 stand out.
export function histogram(values) {
  const bins = binsOf(values, 18);
  const width = 480;
  const height = 190;
  const base = height - 26;
  const most = Math.max(...bins.map((bin) => bin.count));
  const step = width / bins.length;
  const worse = values.filter((value) => value < 0).length;
  const text = `Gain of ${values.length} devices: from ${figure(Math.min(...values), 3)} to ${figure(Math.max(...values), 3)}; adapting hurts ${worse}.`;
  const picture = s("svg", { viewBox: `0 0 ${width} ${height}`, class: "histogram", role: "img", "aria-label": text });
  bins.forEach((bin, i) => {
    const tall = most ? (bin.count / most) * (base - 18) : 0;
    picture.append(s("rect", { x: i * step + 1, y: base - tall, width: Math.max(1, step - 2), height: tall, rx: 1.5, class: bin.to <= 1e-12 ? "worse" : "better" },
      s("title", null, `${figure(bin.from, 3)} to ${figure(bin.to, 3)}: ${bin.count}`)));
    if (bin.count && bins.length <= 24) picture.append(s("text", { x: (i + 0.5) * step, y: base - tall - 4, "text-anchor": "middle", class: "count" }, integer(bin.count)));
  });
  picture.append(s("line", { x1: 0, x2: width, y1: base, y2: base, class: "axis" }));
  const marks = new Set([0, bins.length, bins.findIndex((bin) => Math.abs(bin.from) < 1e-12)]);
  for (const i of marks) {
    if (i < 0) continue;
    const anchor = i === 0 ? "start" : i === bins.length ? "end" : "middle";
    picture.append(s("text", { x: i * step, y: height - 8, "text-anchor": anchor }, figure(i === bins.length ? bins.at(-1).to : bins[i].from, 3)));
  }
  return h("figure", null, picture, h("figcaption", { class: "note" }, text));
}

/// A bar of `value` below one of `reference`, both in bytes.
export function byteBars(name, value, reference) {
  const most = Math.max(value ?? 0, reference ?? 0, 1);
  const bar = (text, amount, kind) => {
    const fillElement = h("span", { class: `bar-fill ${kind}` });
    fillElement.style.width = `${(100 * (amount ?? 0)) / most}%`;
    return h("div", { class: "bar-row" }, h("span", { class: "bar-name" }, text),
      h("span", { class: "bar-track", "aria-hidden": "true" }, fillElement), h("span", { class: "bar-value" }, bytes(amount)));
  };
  const share = value && reference ? reference / value : null;
  const said = share === null ? null
    : share >= 1.05 ? `${share.toPrecision(2)} times less than float32` : share >= 0.95 ? "as much as float32" : `${(1 / share).toPrecision(2)} times as much as float32`;
  return h("div", { class: "bars" }, h("h3", null, name, said ? h("span", { class: "note" }, ` ${said}`) : null),
    bar("this run", value, "mine"), reference ? bar("float32", reference, "theirs") : null);
}
