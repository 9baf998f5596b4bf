/** Typed words as a patient's voice. */

/** µ-law audio (ArrayBuffer) of `text`; throws with the server's words when it cannot be spoken. */
export async function speak(text, voice) {
  const response = await fetch("/api/voice", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text, voice }),
  });
  if (response.ok) return response.arrayBuffer();
  const { detail } = await response.json();
  throw new Error(typeof detail === "string" ? detail : "This text cannot be spoken.");
}
