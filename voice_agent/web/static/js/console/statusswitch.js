/** Whether the operator is online, busy or offline; what the server says counts. */

import { byId } from "../call/dom.js";
import { PlatformError } from "./platform.js";

export class StatusSwitch {
  /** @param complain told a PlatformError when the server does not take a change, null when it does. */
  constructor(platform, complain) {
    this.platform = platform;
    this.complain = complain;
    this.root = byId("my-status");
    this.status = "";
    this.shown = 0;
    this.root.addEventListener("change", ({ target }) => this.choose(target.value));
  }

  show(status) {
    this.status = status;
    this.shown += 1;
    this.root.dataset.status = status;
    for (const input of this.root.querySelectorAll("input")) input.checked = input.value === status;
  }

  async choose(status) {
    const before = this.status;
    this.show(status);
    // What the server tells by event while it answers is newer than its answer.
    const asked = this.shown;
    try {
      const taken = await this.platform.setStatus(status);
      if (this.shown === asked) this.show(taken.status);
      this.complain(null);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      if (this.shown === asked) this.show(before);
      this.complain(error);
    }
  }
}
