/** Ring the practice, and watch the call beside the phone. */

import { byId } from "../call/dom.js";
import { CallView } from "../call/callview.js";
import { Softphone } from "../phone/softphone.js";
import { watchForCalls } from "./watch.js";

const view = new CallView();

if (byId("phone")) {
  const phone = new Softphone();
  phone.addEventListener("ringing", ({ detail }) => view.open(detail.callSid));
  view.addEventListener("callevent", ({ detail }) => {
    if (detail.type === "agent_transcript") phone.greetingHeard();
  });
} else {
  watchForCalls(view);
}
