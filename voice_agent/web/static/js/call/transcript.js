/** The conversation as it happens: what was heard stands, what was not heard is struck out. */

import { element } from "./dom.js";
import { instant } from "./format.js";

const SPEAKERS = { caller: "Caller", operator: "Operator", agent: "Practice" };

function flag(text, tone = "") {
  return element("span", { class: `flag ${tone}` }, text);
}

function spokenByAgent(line) {
  if (!line.spoken) return [element("span", { class: "pending" }, line.text)];
  const parts = [];
  if (line.heard) parts.push(element("span", { class: "heard" }, line.heard));
  if (line.heard && line.unheard) parts.push(" ");
  if (line.unheard) {
    const aside = element("span", { class: "visually-hidden" }, "not heard: ");
    parts.push(element("s", { class: "unheard" }, aside, line.unheard));
  }
  return parts;
}

function spokenByPerson(line) {
  const flags = [];
  if (line.via === "keypad") flags.push(flag("keypad"));
  if (line.via === "text") flags.push(flag("text"));
  if (line.bargeIn) flags.push(flag("interrupts", "barge"));
  if (line.backchannel) flags.push(flag("backchannel"));
  if (line.final && !line.accepted) flags.push(flag("not understood", "warn"));
  return [element("span", { class: line.final ? "heard" : "partial" }, line.text || "…"), ...flags];
}

function content(line, speakers) {
  const time = element("time", {}, instant(line.at));
  if (line.kind === "note") {
    const text = line.text ? element("span", { class: "note-text" }, line.text) : "";
    return [time, element("p", {}, element("strong", {}, line.label), line.text ? " " : "", text)];
  }
  const words = line.kind === "agent" ? spokenByAgent(line) : spokenByPerson(line);
  return [time, element("p", {}, element("b", { class: "speaker" }, speakers[line.kind]), " ", ...words)];
}

export class Transcript {
  /** @param speakers how the three kinds of speaker are called. */
  constructor(list, speakers = SPEAKERS) {
    this.list = list;
    this.speakers = speakers;
    this.items = new Map();
  }

  clear() {
    this.items.clear();
    this.list.replaceChildren();
  }

  /** Adds, redraws or removes lines. */
  update(lines) {
    for (const line of lines) this.draw(line);
  }

  /** Puts an item after everything that is not later. */
  place(item, order) {
    if (item.order === order) return;
    item.order = order;
    item.remove();
    let before = this.list.lastElementChild;
    while (before && before.order > order) before = before.previousElementSibling;
    if (before) before.after(item);
    else this.list.prepend(item);
  }

  draw(line) {
    if (line.gone) {
      this.items.get(line.id)?.remove();
      this.items.delete(line.id);
      return;
    }
    if (!this.items.has(line.id)) this.items.set(line.id, element("li"));
    const item = this.items.get(line.id);
    this.place(item, line.order);
    item.className = `line ${line.kind} ${line.tone ?? ""}`.trimEnd();
    item.classList.toggle("speaking", line.kind === "agent" && !line.spoken);
    item.replaceChildren(...content(line, this.speakers));
  }
}
