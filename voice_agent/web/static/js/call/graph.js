/** The context graph, with where the call is and where it has been. */

import { graphUrl } from "./api.js";
import { element } from "./dom.js";
import { words } from "./format.js";

export class GraphPicture {
  constructor(root) {
    this.root = root;
    this.empty = [...root.childNodes];
    this.clear();
  }

  clear() {
    this.url = "";
    this.root.replaceChildren(...this.empty);
  }

  /** Draws the model's graph anew if the call has moved. The old picture stays until the new one is there. */
  update({ service, state, visited }) {
    if (!service) return;
    const url = graphUrl(service, state, visited);
    if (url === this.url) return;
    this.url = url;
    const picture = element("img", { alt: state ? `Context graph, now in ${words(state)}` : "Context graph" });
    picture.onload = () => { if (this.url === url) this.root.replaceChildren(picture); };
    picture.src = url;
  }
}
