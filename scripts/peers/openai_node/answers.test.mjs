// What applications in Node ask for, as they ask for it: the official library, through the gateway where there is one, else at the provider itself.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { PIECES, Replay, VECTOR, wire } from "./replay.mjs";
import { ECHO, RECORD_HEADER, REPLAY, client, governed, isGoverned, says, scene } from "./settings.mjs";

// Four-byte letters, quotes, escapes, and what looks like placeholders and markup.
const ODD_TEXT = 'Übergröße \\u00fc "quoted" \\n <b>&amp;</b> [EMAIL_1] {{x}} 📉 \u202e end';
const TEXT = JSON.parse(wire("chat.json")).choices[0].message.content;
const CALLS = JSON.parse(wire("chat-tools.json")).choices[0].message.tool_calls;
const TOOLS = [{ type: "function", function: { name: "lookup_rate", parameters: { type: "object", properties: {} } } }];
const EMAIL = "ada.lindqvist@mail.example.org";
const replay = new Replay();

before(() => replay.start());
after(() => replay.stop());

async function all(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function textOf(chunks) {
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
}

test("a chat, whole", async () => {
  const { openai, sent } = client(ECHO);
  const answer = await openai.chat.completions.create({ model: ECHO, messages: says(ODD_TEXT), max_tokens: 20 });
  assert.ok(answer.choices[0].message.content.endsWith(`User: ${ODD_TEXT}`), "the provider read another text");
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.ok(answer.usage.total_tokens > 0, "nobody could say what the call cost");
  assert.equal(sent.length, 1);
});

test("a chat, streamed", async () => {
  const { openai } = client(ECHO);
  const chunks = await all(await openai.chat.completions.create({ model: ECHO, messages: says(ODD_TEXT), stream: true }));
  assert.ok(textOf(chunks).endsWith(`User: ${ODD_TEXT}`), "the stream lost or changed text");
  assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
});

test("a recorded answer arrives byte for byte, with its record", async () => {
  const { openai } = client(REPLAY);
  const { text, id } = scene("chat");
  const asked = { model: REPLAY, messages: says(text), temperature: 0.3 };
  const answer = await openai.chat.completions.create(asked).asResponse();
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), wire("chat.json"), "an answer was written anew on its way");
  assert.deepEqual(JSON.parse(replay.received(id)[0]), asked, "the request was changed");
  assert.equal(Boolean(answer.headers.get(RECORD_HEADER)), isGoverned, "nobody could prove the call");
});

test("a recorded stream says what it said, with usage when that is asked for and not otherwise", async () => {
  const { openai } = client(REPLAY);
  for (const options of [{}, { stream_options: { include_usage: true } }]) {
    const asked = { model: REPLAY, messages: says(scene("chat").text), stream: true, ...options };
    const chunks = await all(await openai.chat.completions.create(asked));
    assert.equal(textOf(chunks), TEXT, "text was lost, doubled or moved");
    const usage = chunks.filter((chunk) => chunk.usage).map((chunk) => chunk.usage.total_tokens);
    assert.deepEqual(usage, options.stream_options ? [43] : []);
  }
});

test("tools are called with the arguments that the model wrote, whole and streamed", async () => {
  const { openai } = client(REPLAY);
  const asked = () => ({ model: REPLAY, messages: says(scene("tools").text), tools: TOOLS });
  const whole = await openai.chat.completions.create(asked());
  assert.deepEqual(whole.choices[0].message.tool_calls, CALLS);
  const joined = await openai.chat.completions.stream(asked()).finalMessage();
  const called = (calls) => calls.map((call) => [call.id, call.function.name, call.function.arguments]);
  assert.deepEqual(called(joined.tool_calls), called(CALLS), "a tool would run with other arguments");
});

test("vectors: the library asks for base64 by itself, and reads the same numbers as from a list", async () => {
  const { openai } = client(REPLAY);
  const expected = [...Float32Array.from(VECTOR)];
  const { text, id } = scene("vector");
  const packed = await openai.embeddings.create({ model: REPLAY, input: text });
  assert.equal(JSON.parse(replay.received(id)[0]).encoding_format, "base64", "the library no longer does; nothing was tried");
  assert.deepEqual([...packed.data[0].embedding], expected, "a vector was changed");
  const listed = await openai.embeddings.create({ model: REPLAY, input: scene("vector").text, encoding_format: "float" });
  assert.deepEqual(listed.data[0].embedding, VECTOR);
});

test("responses, whole and streamed", async () => {
  const { openai } = client(REPLAY);
  const whole = await openai.responses.create({ model: REPLAY, input: scene("response").text });
  assert.equal(whole.output_text, PIECES.join(""));
  const events = await all(await openai.responses.create({ model: REPLAY, input: scene("response").text, stream: true }));
  const deltas = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta);
  assert.equal(deltas.join(""), PIECES.join(""), "text was lost, doubled or moved");
  assert.equal(events.at(-1).type, "response.completed");
  assert.equal(events.at(-1).response.usage.total_tokens, 9);
});

test("personal data stays here, and comes back", governed, async () => {
  const { openai } = client(REPLAY);
  const { text, id } = scene("repeat");
  const asked = `${text} write to ${EMAIL}`;
  const answer = await openai.responses.create({ model: REPLAY, input: asked });
  assert.ok(!replay.received(id)[0].includes(EMAIL), "an address has left the house");
  assert.equal(answer.output_text, asked, "a placeholder was left in the answer");
});

test("the models that there are", async () => {
  const { openai } = client(ECHO);
  const models = (await all(await openai.models.list())).map((model) => model.id);
  assert.ok(models.includes(ECHO), `${models}`);
  if (isGoverned) assert.equal((await openai.models.retrieve(REPLAY)).id, REPLAY);
});

test("many at once, none with another's answer", async () => {
  const { openai } = client(ECHO);
  const one = (n) => openai.chat.completions.create({ model: ECHO, messages: says(`number ${n}`) });
  const answers = await Promise.all(Array.from({ length: 10 }, (_, n) => one(n)));
  answers.forEach((answer, n) => assert.ok(answer.choices[0].message.content.endsWith(`User: number ${n}`)));
});
