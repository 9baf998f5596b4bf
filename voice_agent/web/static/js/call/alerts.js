/** What needs attention in a call. */

import { element } from "./dom.js";
import { instant } from "./format.js";

export function drawAlerts(list, alerts) {
  list.hidden = alerts.length === 0;
  list.replaceChildren(...alerts.map(({ at, label, text, times }) => element(
    "li",
    {},
    element("time", {}, instant(at)), " ", element("strong", {}, label), text ? ` ${text}` : "",
    times > 1 ? ` (${times} times)` : "",
  )));
}
