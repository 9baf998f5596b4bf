/**
 * The context graph, with where the call is and where it has been.
 *
 * The picture brings its own styles, which the page's policy forbids in the page itself; in a frame of its own it has
 * them, and can be asked where the current state was drawn.
 */

import { graphUrl } from "./api.js";
import { element } from "./dom.js";
import { words } from "./format.js";

/** Scrolls the frame alone; `scrollIntoView` would take the reader's page with it. */
function centre(view, state) {
  if (!state) return;
  const { x, y, width, height } = state.getBoundingClientRect();
  view.scrollBy(x + (width - view.innerWidth) / 2, y + (height - view.innerHeight) / 2);
}

export class GraphPicture {
  /** @param whole link to the picture alone. */
  constructor(root, whole) {
    this.root = root;
    this.whole = whole;
    this.empty = [...root.childNodes];
    this.clear();
  }

  clear() {
    this.url = "";
    this.whole.hidden = true;
    this.root.replaceChildren(...this.empty);
  }

  /** Draws the model's graph anew if the call has moved. The old picture stays until the new one is there. */
  update({ service, state, visited }) {
    if (!service) return;
    const url = graphUrl(service, state, visited);
    if (url === this.url) return;
    this.url = url;
    const title = state ? `Context graph, now in ${words(state)}` : "Context graph";
    const frame = element("iframe", { src: url, title, class: "next" });
    frame.onload = () => this.show(frame, url);
    this.root.append(frame);
  }

  show(frame, url) {
    const picture = frame.contentDocument?.documentElement;
    if (this.url !== url || picture?.localName !== "svg") {
      frame.remove();
      return;
    }
    picture.style.colorScheme = "light dark"; // otherwise a dark page gives the frame a white ground
    frame.classList.remove("next");
    for (const older of [...this.root.childNodes]) if (older !== frame) older.remove(); // a frame that moves reloads
    centre(frame.contentWindow, picture.querySelector(".now"));
    this.whole.href = url;
    this.whole.hidden = false;
  }
}
