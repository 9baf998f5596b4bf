/** One row per turn, with its times. */

import { element } from "./dom.js";
import { instant, milliseconds, words } from "./format.js";

function figure(value, show) {
  return element("td", { class: "figure" }, value ? show(value) : "–");
}

function answer({ heard, unheard }) {
  const parts = [heard];
  if (unheard) parts.push(" ", element("s", { class: "unheard" }, unheard));
  return element("p", {}, ...parts);
}

export class Turns {
  /** @param onSeek called with seconds of the call when a turn's time is pressed. */
  constructor(card, body, onSeek) {
    this.card = card;
    this.body = body;
    this.onSeek = onSeek;
  }

  clear() {
    this.card.hidden = true;
    this.body.replaceChildren();
  }

  show(turns) {
    this.card.hidden = turns.length === 0;
    this.body.replaceChildren(...turns.map((turn) => this.row(turn)));
  }

  row(turn) {
    const at = element("button", { type: "button", class: "seek" }, instant(turn.at ?? 0));
    at.setAttribute("aria-label", `Play from ${instant(turn.at ?? 0)}`);
    at.onclick = () => this.onSeek(turn.at ?? 0);
    return element(
      "tr",
      {},
      element("td", {}, at),
      element("td", {}, turn.said.join(" ") || "–"),
      element("td", {}, ...turn.answered.map(answer)),
      element("td", {}, words(turn.state || "–")),
      figure(turn.response, milliseconds),
      figure(turn.engine, milliseconds),
      figure(turn.confidence, (value) => value.toFixed(2)),
    );
  }
}
