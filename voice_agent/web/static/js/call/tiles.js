/** Response times as a number each, with a bar per turn. */

import { drawing, element } from "./dom.js";
import { median, milliseconds } from "./format.js";

/** Bars shown; older turns leave on the left. */
const BARS = 18;
const WIDTH = 160;
const HEIGHT = 26;

/** `slow`: from here on (ms) a bar is drawn as slow. A pause of a second is where callers begin to repeat themselves. */
const TILES = [
  { key: "response", label: "Response", hint: "caller's last word to our first sound", slow: 1000 },
  { key: "engine", label: "Engine", hint: "turn finished to words chosen", slow: 500 },
  { key: "stt", label: "Hearing", hint: "end of speech to text", slow: 300 },
  { key: "tts", label: "Voice", hint: "words to first sound", slow: 300 },
];

function bars(values, slow) {
  const shown = values.slice(-BARS);
  const top = Math.max(slow, ...shown);
  const step = WIDTH / BARS;
  return shown.map((value, index) => {
    const height = Math.max(2, value / top * HEIGHT);
    return drawing("rect", {
      x: index * step, y: HEIGHT - height, width: step - 2, height, rx: 1, class: value > slow ? "slow" : "",
    });
  });
}

export class Tiles {
  constructor(root) {
    this.tiles = TILES.map((tile) => {
      const value = element("p", { class: "value" }, "–");
      const note = element("p", { class: "quiet" }, tile.hint);
      const chart = drawing("svg", {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMinYMax", "aria-hidden": "true",
      });
      root.append(element("div", { class: "tile" }, element("h3", {}, tile.label), value, chart, note));
      return { ...tile, value, note, chart };
    });
  }

  update(figures) {
    for (const { key, hint, slow, value, note, chart } of this.tiles) {
      const values = figures[key];
      value.textContent = values.length ? milliseconds(values.at(-1)) : "–";
      note.textContent = values.length > 1 ? `median ${milliseconds(median(values))} of ${values.length}` : hint;
      chart.replaceChildren(...bars(values, slow));
    }
  }
}
