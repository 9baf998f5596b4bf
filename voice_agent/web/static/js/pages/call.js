/** One call on its own page. */

import { byId } from "../call/dom.js";
import { CallView } from "../call/callview.js";

new CallView().open(byId("call-view").dataset.sid);
