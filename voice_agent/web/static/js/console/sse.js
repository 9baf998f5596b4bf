/** Server-sent events out of a stream of text, as in the HTML standard, section 9.2.6. Knows no network. */

export class EventParser {
  /** @param lastId the id an earlier stream ended with. */
  constructor(lastId = "") {
    this.lastId = lastId;
    this.nextId = lastId;
    this.rest = "";
    this.begin();
  }

  begin() {
    this.type = "";
    this.data = [];
  }

  /** Takes the next piece of the stream and gives the events that it completes: [{ id, type, data }]. */
  feed(text) {
    const whole = this.rest + text;
    // A carriage return at the very end may be the first half of a line end.
    const held = whole.endsWith("\r") ? 1 : 0;
    const lines = whole.slice(0, whole.length - held).split(/\r\n|\r|\n/);
    this.rest = lines.pop() + whole.slice(whole.length - held);
    return lines.map((line) => this.line(line)).filter(Boolean);
  }

  line(line) {
    if (line === "") return this.dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.data.push(value);
    if (field === "event") this.type = value;
    if (field === "id" && !value.includes("\0")) this.nextId = value;
    return null;
  }

  /** The id counts once its event is whole: a stream that breaks within an event goes on before it. */
  dispatch() {
    const { type, data } = this;
    this.lastId = this.nextId;
    this.begin();
    return data.length ? { id: this.lastId, type: type || "message", data: data.join("\n") } : null;
  }
}
