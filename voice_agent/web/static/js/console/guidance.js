/** Instructions to the agent that the caller does not hear, each with what became of it. */

import { byId, element } from "../call/dom.js";
import { PlatformError } from "./platform.js";

const OUTCOMES = {
  sending: "Sending…",
  delivered: "Delivered. The agent minds it from its next reply on.",
  queued_no_subscriber: "Queued. The agent gets it as soon as it is back on the line.",
  failed: "Not delivered.",
};

/** Calls whose messages are kept. */
const CALLS = 50;

export class Guidance {
  /** @param me the operator's id. */
  constructor(platform, me) {
    this.platform = platform;
    this.me = me;
    this.sid = "";
    this.sent = new Map();
    this.input = byId("guidance-text");
    this.list = byId("guidance-sent");
    byId("guidance").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
  }

  open(sid) {
    if (this.sid === sid) return;
    this.drafts ??= new Map();
    this.drafts.set(this.sid, this.input.value);
    this.sid = sid;
    this.input.value = this.drafts.get(sid) ?? "";
    if (this.sent.size > CALLS) this.sent.delete(this.sent.keys().next().value);
    this.draw();
  }

  /** After the call nothing can be said to the agent. */
  allow(allowed) {
    this.input.disabled = !allowed;
    byId("guidance-send").disabled = !allowed;
  }

  submit() {
    const text = this.input.value.trim();
    if (!text || !this.sid) return;
    this.input.value = "";
    const message = { text, status: "sending", problem: "", told: "" };
    if (!this.sent.has(this.sid)) this.sent.set(this.sid, []);
    this.sent.get(this.sid).push(message);
    this.send(this.sid, message);
  }

  async send(sid, message) {
    Object.assign(message, { status: "sending", problem: "", told: "" });
    this.draw();
    try {
      const { status } = await this.platform.guide(sid, message.text);
      message.status = message.told || status;
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      Object.assign(message, { status: "failed", problem: error.message });
    }
    this.draw();
  }

  /** The call itself tells what became of a message: also that it waits, which the answer to the request does not. */
  reached({ call_sid: sid, operator_id: sender, message: text, status }) {
    if (sender !== this.me) return;
    const message = this.sent.get(sid)?.findLast((each) => each.text === text && !each.told);
    if (!message) return;
    message.told = status;
    if (message.status !== "sending") message.status = status;
    this.draw();
  }

  draw() {
    const { sid } = this;
    const messages = this.sent.get(sid) ?? [];
    this.list.hidden = messages.length === 0;
    this.list.replaceChildren(...messages.map((message) => this.item(sid, message)));
    this.list.scrollTop = this.list.scrollHeight;
  }

  item(sid, message) {
    const outcome = [OUTCOMES[message.status] ?? OUTCOMES.failed, message.problem].filter(Boolean).join(" ");
    const item = element(
      "li",
      { "data-status": message.status },
      element("p", {}, message.text),
      element("p", { class: "outcome" }, outcome),
    );
    if (message.status === "failed") {
      const again = element("button", { type: "button" }, "Send again");
      again.onclick = () => {
        this.send(sid, message);
        this.input.focus();
      };
      item.append(again);
    }
    return item;
  }
}
