/** One call on the page, live or over. Owns the feed, the model and the parts that show it. */

import { Aftermath } from "./aftermath.js";
import { drawAlerts } from "./alerts.js";
import { byId, element } from "./dom.js";
import { EventList } from "./eventlist.js";
import { Feed } from "./feed.js";
import { clock, flat, phoneNumber, words } from "./format.js";
import { GraphPicture } from "./graph.js";
import { CallModel } from "./model.js";
import { Tiles } from "./tiles.js";
import { Transcript } from "./transcript.js";
import { Turns } from "./turns.js";

const PILLS = { ringing: "ringing", live: "live", ended: "ended" };

const FEED_PROBLEMS = {
  live: "",
  waiting: "Connecting to the call's events…",
  lost: "The call's events cannot be reached. Reload the page to try again.",
};

/** Events: `callevent` (each call event, once) and `over` when the call has ended. */
export class CallView extends EventTarget {
  constructor() {
    super();
    this.root = byId("call-view");
    this.transcript = new Transcript(byId("transcript"));
    this.events = new EventList(byId("events"));
    this.tiles = new Tiles(byId("tiles"));
    this.graph = new GraphPicture(byId("graph"), byId("graph-whole"));
    this.aftermath = new Aftermath();
    this.turns = new Turns(byId("turns-card"), byId("turns"), (seconds) => this.aftermath.playFrom(seconds));
    this.feed = null;
    this.drawing = false;
  }

  /** Follows a call from its first event on, whether it runs or is over. */
  open(sid) {
    this.feed?.close();
    for (const part of [this.transcript, this.events, this.graph, this.aftermath, this.turns]) part.clear();
    this.model = new CallModel(sid);
    this.startedAt = performance.now();
    this.root.dataset.sid = sid;
    this.feed = new Feed(sid);
    this.feed.addEventListener("event", ({ detail }) => this.receive(detail));
    this.feed.addEventListener("gap", ({ detail }) => this.problem(`${detail.missing} events were not received.`));
    this.feed.addEventListener("status", ({ detail }) => this.problem(FEED_PROBLEMS[detail]));
    this.redraw();
  }

  receive(event) {
    this.model.apply(event);
    this.startedAt = performance.now() - event.t * 1000;
    this.events.add(event);
    this.redraw();
    this.dispatchEvent(new CustomEvent("callevent", { detail: event }));
    if (event.type === "session_end") this.finish();
  }

  async finish() {
    this.dispatchEvent(new CustomEvent("over"));
    this.turns.show([...this.model.turns.values()]);
    await this.aftermath.show(this.model.sid);
  }

  problem(text) {
    const notice = byId("feed-problem");
    notice.textContent = text;
    notice.hidden = !text;
  }

  /** Draws at most once a frame, however many events come. */
  redraw() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      this.draw();
    });
  }

  draw() {
    const { model } = this;
    this.root.dataset.status = model.status;
    byId("call-pill").textContent = PILLS[model.status];
    byId("call-title").textContent = this.title();
    byId("call-sub").replaceChildren(...this.subtitle());
    byId("fact-state").textContent = words(model.state || "–");
    byId("fact-turns").textContent = model.turnsTaken;
    byId("fact-barge-ins").textContent = model.bargeIns;
    drawAlerts(byId("alerts"), model.alerts);
    this.drawCaptured([...model.captured]);
    this.transcript.update(model.takeChanged());
    this.tiles.update(model.figures);
    this.graph.update(model);
    this.tick();
  }

  title() {
    const { caller, direction, service } = this.model;
    const who = caller ? phoneNumber(caller) : service ? "Number withheld" : "Ringing…";
    return direction === "outbound" ? `Call to ${who}` : who;
  }

  subtitle() {
    const { sid, called, status, reason } = this.model;
    const page = element("a", { href: `/calls/${sid}` }, "Open this call");
    const what = status === "ended" ? `Ended: ${words(reason)}. ` : called ? `Rang ${phoneNumber(called)}. ` : "";
    return location.pathname === "/" ? [what, page] : [what];
  }

  drawCaptured(entries) {
    byId("captured-card").hidden = entries.length === 0;
    byId("captured").replaceChildren(...entries.map(([name, value]) => element(
      "div", {}, element("dt", {}, words(name)), element("dd", {}, flat(value)),
    )));
  }

  /** Moves the clock on; while no event comes it runs by the page's own time. */
  tick() {
    const { status, duration } = this.model;
    const seconds = status === "live" ? (performance.now() - this.startedAt) / 1000 : duration;
    byId("fact-length").textContent = seconds === null ? "–" : clock(seconds);
    clearTimeout(this.ticking);
    if (status === "live") this.ticking = setTimeout(() => this.tick(), 500);
  }
}
