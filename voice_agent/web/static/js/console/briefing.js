/** What an operator should know before joining, written by the server when it is asked for. */

import { byId, element } from "../call/dom.js";
import { PlatformError } from "./platform.js";

function paragraphs(content) {
  const nodes = [];
  for (const line of content.split("\n").map((each) => each.trim()).filter(Boolean)) {
    const point = line.match(/^[-*•]\s+(.*)/)?.[1];
    if (!point) nodes.push(element("p", {}, line));
    else if (nodes.at(-1)?.localName === "ul") nodes.at(-1).append(element("li", {}, point));
    else nodes.push(element("ul", {}, element("li", {}, point)));
  }
  return nodes;
}

export class Briefing {
  constructor(platform) {
    this.platform = platform;
    this.sid = "";
    this.kept = new Map();
    this.button = byId("brief-me");
    this.button.onclick = () => this.generate();
  }

  /** Shows what is known of a call already. */
  open(sid) {
    this.sid = sid;
    this.say("");
    this.draw();
  }

  forget(sid) {
    this.kept.delete(sid);
  }

  async generate() {
    const { sid } = this;
    if (!sid || this.button.getAttribute("aria-disabled") === "true") return;
    this.wait(true);
    try {
      this.kept.set(sid, await this.platform.briefing(sid));
      if (this.sid === sid) this.say("");
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      if (this.sid === sid) this.say(`${error.message} ${error.detail}`);
    } finally {
      this.wait(false);
      this.draw();
    }
  }

  wait(waiting) {
    this.button.setAttribute("aria-disabled", String(waiting));
    if (waiting) this.say("Writing the briefing…");
  }

  draw() {
    const briefing = this.kept.get(this.sid);
    this.button.querySelector("span").textContent = briefing ? "Refresh" : "Brief me";
    byId("briefing-empty").hidden = Boolean(briefing);
    byId("briefing-time").textContent = briefing ? `as of ${new Date(briefing.generated_at).toLocaleTimeString()}` : "";
    byId("briefing").replaceChildren(...(briefing?.sections ?? []).map(({ title, content }) => (
      element("section", {}, element("h3", {}, title), ...paragraphs(content))
    )));
  }

  say(text) {
    byId("briefing-status").textContent = text;
  }
}
