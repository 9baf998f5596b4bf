/** What came of an operator's part in a call; asked after each, and kept until it is answered. */

import { byId } from "../call/dom.js";
import { PlatformError } from "./platform.js";

/** Events: `saved` ({ sid, name }). */
export class WrapUp extends EventTarget {
  constructor(platform) {
    super();
    this.platform = platform;
    this.waiting = [];
    this.form = byId("wrap-up");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    byId("wrap-up-skip").onclick = () => this.next();
  }

  /** The operator has left a call. */
  ask({ sid, name }) {
    if (this.waiting.some((each) => each.sid === sid)) return;
    this.waiting.push({ sid, name });
    if (this.waiting.length === 1) this.show();
  }

  show() {
    const [first] = this.waiting;
    const hadFocus = this.form.contains(document.activeElement);
    this.form.hidden = !first;
    this.say("");
    if (!first) {
      if (hadFocus) byId("main").focus();
      return;
    }
    this.form.reset();
    byId("wrap-up-name").textContent = first.name;
    if (document.activeElement === document.body || byId("floor").contains(document.activeElement) || hadFocus) {
      this.form.querySelector("input").focus();
    }
  }

  next() {
    this.waiting.shift();
    this.show();
  }

  async save() {
    const [first] = this.waiting;
    const outcome = this.form.querySelector("[name=outcome]:checked")?.value;
    if (!outcome) {
      this.say("Choose what came of it.");
      this.form.querySelector("[name=outcome]").focus();
      return;
    }
    this.say("Saving…");
    try {
      await this.platform.wrapUp(first.sid, outcome, byId("wrap-up-notes").value.trim());
      this.dispatchEvent(new CustomEvent("saved", { detail: first }));
      this.next();
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      this.say(`Not saved. ${error.message}`);
    }
  }

  say(text) {
    byId("wrap-up-status").textContent = text;
  }
}
