/** A figure over the call as a small line with its newest value; hidden until there is one. */

import { drawing, element } from "../call/dom.js";

const WIDTH = 240;
const HEIGHT = 56;
const MARGIN = 5;

/** Points kept; older ones leave on the left. */
const POINTS = 60;

export class Trend {
  /**
   * @param root hidden while there is nothing to show.
   * @param low value at the bottom. @param high value at the top. @param marks values with a line of their own.
   * @param describe the newest value in words. @param alarming whether it is drawn as a warning.
   */
  constructor(root, { label, low, high, marks, describe, alarming }) {
    Object.assign(this, { root, label, low, high, describe, alarming });
    this.value = element("p", { class: "value" });
    this.line = drawing("polyline", { fill: "none" });
    this.end = drawing("circle", { r: 3.5 });
    this.chart = drawing(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" },
      ...marks.map((mark) => drawing("line", { x1: 0, x2: WIDTH, y1: this.y(mark), y2: this.y(mark) })),
      this.line,
      this.end,
    );
    root.replaceChildren(element("h3", {}, label), this.value, this.chart);
    this.clear();
  }

  clear() {
    this.points = new Map();
    this.root.hidden = true;
  }

  /** A value; one with the key of the one before it takes its place. */
  add(key, value) {
    if (value == null || this.points.get(key) === value) return;
    this.points.set(key, value);
    if (this.points.size > POINTS) this.points.delete(this.points.keys().next().value);
    this.draw();
  }

  y(value) {
    const part = (Math.min(this.high, Math.max(this.low, value)) - this.low) / (this.high - this.low);
    return HEIGHT - MARGIN - part * (HEIGHT - 2 * MARGIN);
  }

  draw() {
    const values = [...this.points.values()];
    const step = (WIDTH - 2 * MARGIN) / Math.max(1, values.length - 1);
    const places = values.map((value, index) => [MARGIN + index * step, this.y(value)]);
    const [x, y] = places.at(-1);
    this.line.setAttribute("points", places.map((place) => place.map((part) => part.toFixed(1)).join(",")).join(" "));
    this.end.setAttribute("cx", x.toFixed(1));
    this.end.setAttribute("cy", y.toFixed(1));
    const now = this.describe(values.at(-1));
    this.value.textContent = now;
    this.root.classList.toggle("alarming", this.alarming(values.at(-1)));
    this.chart.setAttribute("aria-label", `${this.label}: ${now}; ${values.length} values, from ${this.describe(values[0])}`);
    this.chart.toggleAttribute("hidden", values.length < 2); // one point is no course
    this.root.hidden = false;
  }
}
