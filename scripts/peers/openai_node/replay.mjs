// A provider on REPLAY_URL that replays the recorded bytes of crates/testkit/wire/openai, and keeps what it received.
//
// What a request says, `scene NAME ID`, chooses what happens; ID finds the request afterwards. Vectors and responses are made here, in the form in which the
// provider writes them.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const WIRE = new URL("../../../crates/testkit/wire/openai/", import.meta.url);
const JSON_TYPE = { "content-type": "application/json" };
const EVENTS_TYPE = { "content-type": "text/event-stream" };
// So that waiting between two tries takes no time.
const RETRY_SOON = { ...JSON_TYPE, "retry-after-ms": "1" };
export const VECTOR = [0.25, -1.5, 3.0e-5, 1024];
export const PIECES = ["An instalment ", "loan is repaid ", "in equal parts."];

export function wire(name) {
  return readFileSync(new URL(name, WIRE));
}

function embedded(asked) {
  const bytes = Buffer.from(Float32Array.from(VECTOR).buffer);
  const embedding = asked.encoding_format === "base64" ? bytes.toString("base64") : VECTOR;
  return { object: "list", model: asked.model, data: [{ object: "embedding", index: 0, embedding }], usage: { prompt_tokens: 3, total_tokens: 3 } };
}

function response(asked, status, text) {
  const message = { type: "message", id: "msg_1", role: "assistant", status, content: [{ type: "output_text", text, annotations: [] }] };
  const usage = {
    input_tokens: 5,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: 4,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 9,
  };
  const output = status === "completed" ? [message] : [];
  return { id: "resp_1", object: "response", created_at: 1767225600, status, model: asked.model, output, usage: output.length ? usage : null };
}

/** The events of a response that comes in pieces. */
function responseEvents(asked, pieces) {
  const place = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const text = pieces.join("");
  const part = { type: "output_text", text, annotations: [] };
  const item = { type: "message", id: "msg_1", role: "assistant" };
  const events = [
    { type: "response.created", response: response(asked, "in_progress") },
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.content_part.added", ...place, part: { ...part, text: "" } },
    ...pieces.map((delta) => ({ type: "response.output_text.delta", ...place, delta })),
    { type: "response.output_text.done", ...place, text },
    { type: "response.content_part.done", ...place, part },
    { type: "response.output_item.done", output_index: 0, item: { ...item, status: "completed", content: [part] } },
    { type: "response.completed", response: response(asked, "completed", text) },
  ];
  return events.map((event, at) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: at })}\n\n`).join("");
}

const SCENES = {
  chat: (asked) => {
    if (!asked.stream) return [200, JSON_TYPE, wire("chat.json")];
    return [200, EVENTS_TYPE, wire(asked.stream_options?.include_usage ? "stream-usage.sse" : "stream.sse")];
  },
  tools: (asked) => (asked.stream ? [200, EVENTS_TYPE, wire("stream-tools.sse")] : [200, JSON_TYPE, wire("chat-tools.json")]),
  limited: () => [429, RETRY_SOON, wire("error-429.json")],
  refused: () => [400, JSON_TYPE, wire("error-400.json")],
  busy: (_, received) => (received.length < 3 ? [503, RETRY_SOON, wire("error-503.json")] : [200, JSON_TYPE, wire("chat.json")]),
  vector: (asked) => [200, JSON_TYPE, JSON.stringify(embedded(asked))],
  response: (asked) =>
    asked.stream ? [200, EVENTS_TYPE, responseEvents(asked, PIECES)] : [200, JSON_TYPE, JSON.stringify(response(asked, "completed", PIECES.join("")))],
  // Says what it was asked, so that placeholders come back.
  repeat: (asked) => [200, JSON_TYPE, JSON.stringify(response(asked, "completed", asked.input))],
};

/** Everything that a request says. */
function said(asked) {
  return asked.messages?.at(-1).content ?? asked.input;
}

/** Sends the same event for ever, until the other side hangs up; `hungUp` is then kept. */
function neverEnding(answer, hungUp) {
  const event = wire("stream.sse").toString().split("\n\n")[1];
  answer.writeHead(200, EVENTS_TYPE);
  const write = () => {
    while (!answer.destroyed && answer.write(`${event}\n\n`));
  };
  answer.on("drain", write);
  answer.on("close", hungUp);
  write();
}

export class Replay {
  #server;
  #received = new Map();
  #hungUp = new Map();

  async start() {
    this.#server = createServer((request, answer) => this.#serve(request, answer));
    const { port } = new URL(process.env.REPLAY_URL);
    await new Promise((listening, failed) => {
      this.#server.once("error", failed);
      this.#server.listen(Number(port), "127.0.0.1", listening);
    });
    return this;
  }

  async stop() {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Bodies that a scene received, as text. */
  received(id) {
    return this.#received.get(id) ?? [];
  }

  /** Ends when whoever reads a scene that never ends has gone. */
  gone(id) {
    return this.#wait(id).promise;
  }

  #wait(id) {
    if (!this.#hungUp.has(id)) {
      const wait = {};
      wait.promise = new Promise((done) => (wait.done = done));
      this.#hungUp.set(id, wait);
    }
    return this.#hungUp.get(id);
  }

  async #serve(request, answer) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    if (request.method === "GET") return answer.writeHead(200, JSON_TYPE).end(wire("models.json"));
    const body = Buffer.concat(pieces).toString();
    const asked = JSON.parse(body);
    const [, name, id] = /scene (\S+) (\S+)/.exec(said(asked));
    this.#received.set(id, [...this.received(id), body]);
    if (name === "never-ending") return neverEnding(answer, this.#wait(id).done);
    const [status, headers, bytes] = SCENES[name](asked, this.received(id));
    return answer.writeHead(status, headers).end(bytes);
  }
}
