/** The workspace in five figures. */

import { byId } from "../call/dom.js";
import { clock } from "../call/format.js";

function figures({ operators, active_escalations: active, escalations_today: today }) {
  return {
    "fact-online": operators.online,
    "fact-busy": operators.busy,
    "fact-active": active,
    "fact-requested": today.requested ?? 0,
    "fact-connected": today.connected ?? 0,
    "fact-completed": today.completed ?? 0,
    "fact-wait": today.avg_wait_seconds == null ? "–" : clock(today.avg_wait_seconds),
  };
}

export function showStrip(dashboard) {
  for (const [id, value] of Object.entries(figures(dashboard))) {
    const node = byId(id);
    if (node.textContent !== String(value)) node.textContent = value;
  }
  byId("fact-active").closest("div").classList.toggle("urgent", dashboard.active_escalations > 0);
}
