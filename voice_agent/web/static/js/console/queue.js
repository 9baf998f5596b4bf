/**
 * The list of active calls, the most urgent on top. Rows live as long as their call: only what has changed is
 * written, and a row that moves keeps the keyboard's focus.
 */

import { element } from "../call/dom.js";
import { clock, words } from "../call/format.js";
import { callerName, callerNumber, mood, percent, ranked, reason } from "./ranking.js";

const MOVE_MS = 220;

function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function chip(text, tone) {
  return element("span", { class: `chip ${tone}` }, text);
}

function chips(call, escalation) {
  const first = [];
  if (escalation?.mine) first.push(chip("With you", "operator"));
  else if (escalation?.status === "connected") first.push(chip("With an operator", "operator"));
  else if (call.escalation_active) first.push(chip("Wants a person", "urgent"));
  const feeling = mood(call);
  const named = (call.priority_reasons ?? []).filter((name) => name !== "negative_emotion" || !feeling);
  const reasons = named.map((name) => chip(reason(name), "reason"));
  return [...first, ...reasons, feeling && chip(feeling.text, feeling.tone)].filter(Boolean);
}

/** Whether a person is with the caller already. */
export function isAttended(escalation) {
  return Boolean(escalation?.mine) || escalation?.status === "connected";
}

class Row {
  constructor(onSelect) {
    this.name = element("span", { class: "name" });
    this.wait = element("span", { class: "wait" });
    this.about = element("span", { class: "about" });
    this.context = element("span", { class: "context" });
    this.score = element("b");
    this.chips = element("span", { class: "chips" });
    this.shownChips = "";
    this.button = element(
      "button",
      { type: "button", tabindex: "-1" },
      element("span", { class: "urgency" }, element("span", { class: "visually-hidden" }, "Urgency "), this.score),
      element("span", { class: "who" }, this.name, this.wait),
      this.about,
      this.context,
      this.chips,
    );
    this.node = element("li", {}, this.button);
    this.button.onclick = () => onSelect(this.call);
  }

  update(call, escalation, readAt) {
    this.call = call;
    this.readAt = readAt;
    this.node.classList.toggle("escalated", call.escalation_active && !isAttended(escalation));
    this.node.dataset.sid = call.call_sid;
    this.node.dataset.risk = call.risk_level ?? "unknown";
    this.button.style.setProperty("--urgency", String(call.priority_score));
    write(this.score, String(percent(call.priority_score)));
    write(this.name, callerName(call));
    const turns = `${call.turn_count} ${call.turn_count === 1 ? "turn" : "turns"}`;
    const about = [callerNumber(call), call.service_name, words(call.current_state), turns];
    write(this.about, about.filter(Boolean).join(" · "));
    write(this.context, call.brief_context ?? "");
    this.context.hidden = !call.brief_context;
    const shown = chips(call, escalation);
    const key = shown.map(({ outerHTML }) => outerHTML).join("");
    if (key !== this.shownChips) this.chips.replaceChildren(...shown.flatMap((each) => [each, " "]));
    this.shownChips = key;
    this.chips.hidden = shown.length === 0;
    this.tick();
  }

  tick() {
    const { wait_seconds: waited, started_at: start } = this.call;
    if (waited > 0) write(this.wait, `waiting ${clock(waited + (performance.now() - this.readAt) / 1000)}`);
    else write(this.wait, start ? clock((Date.now() - Date.parse(start)) / 1000) : "");
  }
}

/** Events: `choose` (a call of the queue). */
export class QueueList extends EventTarget {
  constructor(list, empty, count) {
    super();
    this.list = list;
    this.empty = empty;
    this.count = count;
    this.rows = new Map();
    this.order = [];
    this.selected = "";
    list.addEventListener("keydown", (event) => this.move(event));
    list.addEventListener("focusin", ({ target }) => this.rove(target.closest("li")?.dataset.sid));
    setInterval(() => { for (const row of this.rows.values()) row.tick(); }, 1000);
  }

  get calls() {
    return this.order.map((sid) => this.rows.get(sid).call);
  }

  /** Shows these calls. @param escalations active ones by call; `mine` marks the call that this operator is on. */
  update(calls, escalations) {
    const now = performance.now();
    const order = ranked(calls);
    const before = this.places();
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    for (const call of order) {
      if (!this.rows.has(call.call_sid)) {
        this.rows.set(call.call_sid, new Row((chosen) => this.choose(chosen)));
      }
      this.rows.get(call.call_sid).update(call, escalations.get(call.call_sid), now);
    }
    this.order = order.map(({ call_sid: sid }) => sid);
    for (const [sid, row] of this.rows) if (!this.order.includes(sid)) this.remove(sid, row, focused);
    this.arrange();
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    this.glide(before);
    this.empty.hidden = order.length > 0;
    write(this.count, `${order.length} active ${order.length === 1 ? "call" : "calls"}`);
    this.mark(this.selected);
  }

  remove(sid, row, focused) {
    const hadFocus = row.node.contains(focused);
    row.node.remove();
    this.rows.delete(sid);
    if (hadFocus) (this.rows.get(this.order[0])?.button ?? this.list.closest("section")).focus();
  }

  arrange() {
    this.order.forEach((sid, index) => {
      const { node } = this.rows.get(sid);
      if (this.list.children[index] !== node) this.list.insertBefore(node, this.list.children[index] ?? null);
    });
  }

  places() {
    return new Map([...this.rows].map(([sid, { node }]) => [sid, node.offsetTop]));
  }

  /** Rows that changed places are seen to do so. */
  glide(before) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    for (const [sid, { node }] of this.rows) {
      const way = (before.get(sid) ?? node.offsetTop) - node.offsetTop;
      if (way) {
        node.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], {
          duration: MOVE_MS, easing: "ease-out",
        });
      }
    }
  }

  choose(call) {
    this.dispatchEvent(new CustomEvent("choose", { detail: call }));
  }

  /** Marks the call that is shown beside the list; "" for none. */
  mark(sid) {
    this.selected = sid;
    for (const [each, { button }] of this.rows) {
      if (each === sid) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
    this.rove(this.list.contains(document.activeElement) ? undefined : sid);
  }

  /** One row is in the page's tab order; the arrow keys go from there. */
  rove(sid) {
    const current = this.list.querySelector('button[tabindex="0"]')?.closest("li").dataset.sid;
    const stop = [sid, current, this.order[0]].find((each) => this.rows.has(each));
    for (const [each, { button }] of this.rows) button.tabIndex = each === stop ? 0 : -1;
  }

  move(event) {
    const at = this.order.indexOf(event.target.closest("li")?.dataset.sid);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.order.length - 1 }[event.key];
    if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.rows.get(this.order[next])?.button.focus();
  }

  /** Brings the keyboard into the list. */
  focus() {
    (this.list.querySelector('button[tabindex="0"]') ?? this.list.closest("section")).focus();
  }
}
