// Ten thousand devices as cells of a canvas, one of them chosen; pointer and arrow keys choose, Enter opens.

import { colour } from "./charts.js";
import { h } from "./dom.js";

const kTallest = 460;

export class Grid {
  /// say(device): a line of text; state(device): a name of a colour; open(device).
  constructor({ say, state, open }) {
    Object.assign(this, { say, state, open, devices: [], chosen: -1 });
    this.canvas = h("canvas", { tabindex: "0", role: "application", "aria-label": "Devices: arrow keys choose one, Enter opens it", "aria-describedby": "grid-said" });
    this.said = h("p", { id: "grid-said", class: "reading", "aria-live": "polite" });
    this.element = h("div", { class: "device-grid" }, this.canvas, this.said);
    this.canvas.addEventListener("pointermove", (event) => this.choose(this.at(event)));
    this.canvas.addEventListener("pointerleave", () => document.activeElement !== this.canvas && this.choose(-1));
    this.canvas.addEventListener("click", (event) => this.openAt(this.at(event)));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("focus", () => this.chosen < 0 && this.choose(this.devices.length ? 0 : -1));
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.element);
  }

  destroy() {
    this.sizes.disconnect();
  }

  show(devices) {
    const kept = this.devices[this.chosen]?.id;
    this.devices = devices;
    this.chosen = kept === undefined ? -1 : devices.findIndex((device) => device.id === kept);
    this.draw();
    this.tell();
  }

  draw() {
    const width = this.element.clientWidth;
    if (width === 0) return;
    const count = Math.max(1, this.devices.length);
    this.cell = Math.max(5, Math.min(40, Math.floor(Math.sqrt((width * kTallest) / count))));
    this.columns = Math.max(1, Math.floor(width / this.cell));
    const height = Math.ceil(count / this.columns) * this.cell;
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.columns * this.cell * scale);
    this.canvas.height = Math.round(height * scale);
    this.canvas.style.width = `${this.columns * this.cell}px`;
    this.canvas.style.height = `${height}px`;
    this.pen = this.canvas.getContext("2d");
    this.pen.scale(scale, scale);
    const colours = new Map();
    this.devices.forEach((device, i) => {
      const name = this.state(device);
      if (!colours.has(name)) colours.set(name, colour(`state-${name}`));
      this.pen.fillStyle = colours.get(name);
      this.square(i, this.cell > 8 ? 2 : 1);
    });
    this.mark();
  }

  square(i, gap) {
    const x = (i % this.columns) * this.cell;
    const y = Math.floor(i / this.columns) * this.cell;
    this.pen.fillRect(x, y, this.cell - gap, this.cell - gap);
  }

  mark() {
    if (this.chosen < 0 || !this.pen) return;
    const x = (this.chosen % this.columns) * this.cell;
    const y = Math.floor(this.chosen / this.columns) * this.cell;
    this.pen.strokeStyle = colour("text");
    this.pen.lineWidth = 2;
    this.pen.strokeRect(x, y, this.cell - 1, this.cell - 1);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / this.cell);
    const i = Math.floor((event.clientY - box.top) / this.cell) * this.columns + column;
    return column < this.columns && i >= 0 && i < this.devices.length ? i : -1;
  }

  choose(i) {
    if (i === this.chosen) return;
    const before = this.chosen;
    this.chosen = i;
    if (before >= 0 && this.pen) {
      this.pen.clearRect((before % this.columns) * this.cell - 1, Math.floor(before / this.columns) * this.cell - 1, this.cell + 1, this.cell + 1);
      for (const near of [before, before - 1, before - this.columns, before + 1, before + this.columns, before - this.columns - 1, before + this.columns + 1]) this.repaint(near);
    }
    this.mark();
    this.tell();
  }

  repaint(i) {
    if (i < 0 || i >= this.devices.length) return;
    this.pen.fillStyle = colour(`state-${this.state(this.devices[i])}`);
    this.square(i, this.cell > 8 ? 2 : 1);
  }

  tell() {
    const device = this.devices[this.chosen];
    this.said.textContent = device ? this.say(device) : " ";
  }

  openAt(i) {
    if (i >= 0) this.open(this.devices[i]);
  }

  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
    if (event.key === "Enter") return this.openAt(this.chosen);
    if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      return this.choose(event.key === "Home" ? 0 : this.devices.length - 1);
    }
    if (step === undefined) return undefined;
    event.preventDefault();
    const to = this.chosen + step;
    if (to >= 0 && to < this.devices.length) this.choose(to);
    return undefined;
  }
}
