/** The operators' console: joins its parts. What happens to whom is decided in them, not here. */

import { byId, element } from "../call/dom.js";
import { Alarm } from "../console/alarm.js";
import { Briefing } from "../console/briefing.js";
import { CallPanel } from "../console/callpanel.js";
import { FloorBar } from "../console/floorbar.js";
import { Guidance } from "../console/guidance.js";
import { Platform, PlatformError } from "../console/platform.js";
import { Presence, Stance } from "../console/presence.js";
import { QueueList, isAttended } from "../console/queue.js";
import { callerName } from "../console/ranking.js";
import { Refresher } from "../console/refresher.js";
import { Shortcuts } from "../console/shortcuts.js";
import { StatusSwitch } from "../console/statusswitch.js";
import { REFUSALS, WorkspaceStream } from "../console/stream.js";
import { showStrip } from "../console/strip.js";
import { WrapUp } from "../console/wrapup.js";

/** Problems that another account solves. */
const ACCOUNT = { "signed-out": "Sign in again", forbidden: "Sign in as an operator" };

/** Events of the workspace after which the queue may look different. */
const CHANGES = /^(call|operator)\./;

/** Whoever is on a call counts as busy. */
const ON_CALL = new Set(["operator.joined_call", "operator.left_call"]);

const LINK = {
  live: "",
  lost: "Connection lost. What you see may be old; the page reconnects by itself.",
  stale: "The queue cannot be read. What you see may be old; the page tries again by itself.",
  "signed-out": "You are signed out.",
  forbidden: "Your account may not see the calls of this workspace.",
  crowded: "Too many event streams are open. Close other windows with calls in them, then reload this page.",
};

const root = byId("console");
const { platform: base, operator: me, account } = root.dataset;
const csrf = document.querySelector("meta[name=csrf-token]").content;

const platform = new Platform({ base, operator: me, csrf });
const stream = new WorkspaceStream(platform.streamUrl);
const refresher = new Refresher(() => platform.overview());
const queue = new QueueList(byId("queue"), byId("queue-empty"), byId("queue-count"));
const alarm = new Alarm(byId("spoken"));
const presence = new Presence(platform);
const floor = new FloorBar();
const panel = new CallPanel(me);
const briefing = new Briefing(platform);
const guidance = new Guidance(platform, me);
const wrapUp = new WrapUp(platform);
const myStatus = new StatusSwitch(platform, (error) => showProblem(error && { error }));

const link = { stream: "", reading: "live", problems: [] };
let known = new Map();

function showLink() {
  const worse = LINK[link.stream] ? link.stream : link.reading;
  const notice = byId("link-problem");
  const words = LINK[worse] || link.problems.join(" ");
  if (notice.hidden === !words && notice.firstChild?.textContent === words) return;
  notice.hidden = !words;
  const again = ACCOUNT[worse] ? [" ", element("a", { href: account }, ACCOUNT[worse])] : [];
  notice.replaceChildren(words, ...again);
}

function showProblem(problem) {
  const notice = byId("desk-problem");
  notice.hidden = !problem;
  if (!problem) return;
  const { error, sid } = problem;
  const where = sid && sid !== panel.call?.sid ? `${callerName(known.get(sid) ?? { caller_id: "" })}: ` : "";
  notice.replaceChildren(
    element("strong", {}, where + error.message),
    error.detail ? element("span", {}, ` ${error.detail}`) : "",
  );
  if (error.status === 409) offerToLeave(notice).catch(showRefusal);
}

function showRefusal(error) {
  if (!(error instanceof PlatformError)) throw error;
  showProblem({ error });
}

/** Busy may mean that a line of an earlier page is still on a call. */
async function offerToLeave(notice) {
  const { active_call_sid: other } = await platform.me();
  if (!other || other === presence.sid || notice.hidden) return;
  const button = element("button", { type: "button" }, "Leave the other call");
  button.onclick = async () => {
    await presence.depart(other);
    notice.hidden = true;
  };
  notice.append(" ", button);
}

function showFloor() {
  floor.show(presence, panel.call);
  root.dataset.stance = presence.stance;
  guidance.allow(Boolean(panel.call) && !panel.call.over);
}

function select(call, { focus = false } = {}) {
  if (panel.call?.sid !== call.call_sid) {
    panel.open(call);
    briefing.open(call.call_sid);
    guidance.open(call.call_sid);
    showProblem(null);
  }
  queue.mark(call.call_sid);
  root.dataset.view = "call";
  showFloor();
  if (focus) byId("desk").focus();
}

function backToQueue() {
  root.dataset.view = "queue";
  queue.focus();
}

function join(mode) {
  if (panel.call && !panel.call.over) presence.join(panel.call.sid, callerName(panel.item), mode);
}

function takeOver() {
  if (presence.away) join("takeover");
  else presence.switchTo("takeover");
}

function goBack() {
  const call = known.get(presence.sid);
  if (call) select(call);
}

/** The call that has waited longest for a person, else the most urgent one. */
function mostUrgent() {
  const [first] = queue.calls;
  if (first) select(first, { focus: true });
}

function toggleSound() {
  alarm.setSound(!alarm.on);
  byId("sound").setAttribute("aria-pressed", String(alarm.on));
}

function show({ queue: calls, dashboard, escalations, problems }) {
  const bySid = new Map(escalations.filter(({ call_sid: sid }) => sid).map((each) => [each.call_sid, each]));
  if (!presence.away) bySid.set(presence.sid, { ...bySid.get(presence.sid), mine: true });
  known = new Map(calls.map((call) => [call.call_sid, call]));
  queue.update(calls, bySid);
  showStrip(dashboard);
  alarm.settle(calls
    .filter((call) => call.escalation_active && !isAttended(bySid.get(call.call_sid)))
    .map((call) => ({ sid: call.call_sid, name: callerName(call), why: call.brief_context ?? "" })));
  const shown = known.get(panel.call?.sid);
  if (shown) panel.update(shown);
  Object.assign(link, { reading: "live", problems });
  showLink();
}

function readStatus() {
  platform.me().then(({ status }) => myStatus.show(status)).catch(showRefusal);
}

function happened({ type, data }) {
  if (type === "call.escalated" && data.trigger !== "operator") {
    alarm.raise(data.call_sid, callerName(known.get(data.call_sid) ?? { caller_id: "" }), data.reason);
  }
  if (type === "call.ended") presence.callEnded(data.call_sid);
  if (type === "operator.status_changed" && data.operator_id === me) myStatus.show(data.status);
  if (ON_CALL.has(type) && data.operator_id === me) readStatus();
  if (CHANGES.test(type)) refresher.request();
}

stream.addEventListener("event", ({ detail }) => happened(detail));
stream.addEventListener("status", ({ detail }) => {
  link.stream = detail;
  showLink();
  if (detail === "live") refresher.request();
});
refresher.addEventListener("fresh", ({ detail }) => show(detail));
refresher.addEventListener("stale", ({ detail }) => {
  link.reading = REFUSALS[detail.status] ?? "stale";
  showLink();
});
queue.addEventListener("choose", ({ detail }) => select(detail));
panel.addEventListener("change", showFloor);
panel.addEventListener("over", ({ detail }) => {
  presence.callEnded(detail);
  showFloor();
});
panel.addEventListener("guidance", ({ detail }) => guidance.reached(detail));
presence.addEventListener("change", showFloor);
presence.addEventListener("level", ({ detail }) => floor.meter(detail));
presence.addEventListener("problem", ({ detail }) => showProblem(detail));
presence.addEventListener("left", ({ detail }) => wrapUp.ask(detail));
floor.addEventListener("listen", () => join("listen"));
floor.addEventListener("take-over", takeOver);
floor.addEventListener("hand-back", () => presence.switchTo("listen"));
floor.addEventListener("leave", () => presence.leave());
floor.addEventListener("go-back", goBack);
byId("back").onclick = backToQueue;
byId("sound").setAttribute("aria-pressed", String(alarm.on));
byId("sound").onclick = toggleSound;
new Shortcuts({
  l: () => join("listen"),
  o: takeOver,
  h: () => presence.switchTo("listen"),
  x: () => presence.leave(),
  g: () => byId("guidance-text").focus(),
  b: () => briefing.generate(),
  q: backToQueue,
  u: mostUrgent,
  s: toggleSound,
});
window.addEventListener("beforeunload", (event) => {
  if (presence.stance === Stance.SPEAKING) event.preventDefault();
});

showFloor();
stream.run();
refresher.run();
readStatus();
