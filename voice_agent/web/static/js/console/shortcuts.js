/**
 * Keys for everything an operator does often.
 *
 * Alt+Shift and a letter: plain letters are a screen reader's way around a page, Ctrl belongs to the browser, Alt alone
 * to its menus, and AltGr to the keyboard's own characters. All of them can be switched off (WCAG 2.1.4).
 */

import { byId } from "../call/dom.js";

const KEY = "console.shortcuts";

export class Shortcuts {
  /** @param actions what each letter does. */
  constructor(actions) {
    this.actions = actions;
    this.dialog = byId("help");
    this.on = byId("shortcuts-on");
    this.on.checked = localStorage.getItem(KEY) !== "off";
    this.on.onchange = () => localStorage.setItem(KEY, this.on.checked ? "on" : "off");
    byId("help-open").onclick = () => this.dialog.showModal();
    byId("help-close").onclick = () => this.dialog.close();
    document.addEventListener("keydown", (event) => this.press(event));
  }

  press(event) {
    if (!this.on.checked || this.dialog.open || event.defaultPrevented) return;
    if (event.key === "?" && !event.target.closest("input, textarea, select")) {
      event.preventDefault();
      this.dialog.showModal();
      return;
    }
    if (!event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || event.getModifierState("AltGraph")) return;
    // On a Mac, Alt changes the character: there the place of the key counts.
    const letter = /^[a-z]$/i.test(event.key) ? event.key.toLowerCase() : event.code.replace("Key", "").toLowerCase();
    if (!this.actions[letter]) return;
    event.preventDefault();
    this.actions[letter]();
  }
}
