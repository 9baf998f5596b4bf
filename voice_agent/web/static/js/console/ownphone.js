/**
 * An operator who takes part by a telephone of their own, which the conference rings. The page carries no audio and
 * does not see the telephone answered: joining is all that it knows.
 */

/** As LocalPhone, without its events. */
export class OwnPhone extends EventTarget {
  answered = Promise.resolve();

  async open() {} // it hangs on the operator's wall

  async prepareToSpeak() {} // their telephone has its own microphone

  speak() {} // and the network mutes it

  async close() {} // and leaving the conference hangs it up
}
