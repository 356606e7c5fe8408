// Failures: each in the class that applications in Node catch, tried again when that can help and never otherwise.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";

import { Replay, wire } from "./replay.mjs";
import { ECHO, PURPOSE_HEADER, RECORD_HEADER, REPLAY, client, governed, recorded, required, says, scene } from "./settings.mjs";

const replay = new Replay();

before(() => replay.start());
after(() => replay.stop());

/** The error of a call that must fail, of this class. */
async function raised(kind, call) {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof kind, `${error?.constructor?.name} in place of ${kind.name}: ${error}`);
    return error;
  }
  throw new assert.AssertionError({ message: `no error where ${kind.name} was due` });
}

/** A denial of the gateway: one request, its code, and a record that the error names. */
async function denied(kind, { openai, sent }, call, code, hasRecord = true) {
  const error = await raised(kind, call(openai));
  assert.ok([code].flat().includes(error.code), `${error.code}: ${error}`);
  assert.equal(sent.length, 1, "one denial becomes several: the library tried again");
  assert.equal(error.headers.get("x-should-retry"), "false");
  assert.equal(error.headers.get("tabellion-code"), error.code);
  const record = error.headers.get(RECORD_HEADER);
  assert.equal(Boolean(record), hasRecord, "nobody could prove the denial");
  if (hasRecord) assert.equal(error.requestID, record, "what the application logs leads to no receipt");
  return error;
}

function chat(model, messages = says("May I?"), options = undefined) {
  return (openai) => openai.chat.completions.create({ model, messages }, options);
}

test("a busy provider is tried again by the library alone, and answers", async () => {
  const { openai, sent } = client(REPLAY);
  const { text, id } = scene("busy");
  const answer = await openai.chat.completions.create({ model: REPLAY, messages: says(text) });
  assert.equal(answer.id, "chatcmpl-wire0001");
  assert.deepEqual([sent.length, replay.received(id).length], [3, 3], "something in between retried as well, or kept an attempt back");
});

test("a provider's limit is its own error, after as many tries as were wished", async () => {
  const { openai, sent } = client(REPLAY, { maxRetries: 1 });
  const error = await raised(OpenAI.RateLimitError, chat(REPLAY, says(scene("limited").text))(openai));
  assert.equal(error.code, "rate_limit_exceeded");
  assert.equal(sent.length, 2);
});

test("a provider's refusal is not tried again, and says what it said", async () => {
  const { openai, sent } = client(REPLAY);
  const error = await raised(OpenAI.BadRequestError, chat(REPLAY, says(scene("refused").text))(openai));
  assert.deepEqual(error.error, JSON.parse(wire("error-400.json")).error, "the provider's own words were changed");
  assert.equal(sent.length, 1);
});

test("a wrong key, and a revoked one", governed, async () => {
  for (const apiKey of ["tk_wrong", required("REVOKED_KEY")]) {
    const error = await denied(OpenAI.AuthenticationError, client(ECHO, { apiKey }), chat(ECHO), "invalid_api_key", false);
    assert.ok(!error.message.includes(apiKey), "a secret ends in somebody's log");
  }
});

test("a model that is not permitted", governed, async () => {
  const codes = ["model_not_permitted", "policy_denied"];
  await denied(OpenAI.PermissionDeniedError, client(ECHO), chat(required("FORBIDDEN_MODEL")), codes);
});

test("a purpose that is not permitted reaches no provider", governed, async () => {
  const { text, id } = scene("chat");
  const headers = { [PURPOSE_HEADER]: required("FORBIDDEN_PURPOSE") };
  await denied(OpenAI.PermissionDeniedError, client(REPLAY), chat(REPLAY, says(text), { headers }), "purpose_not_permitted");
  assert.deepEqual(replay.received(id), [], "a denied request has left the house");
});

test("an unknown model, and a route that is not governed", governed, async () => {
  await denied(OpenAI.NotFoundError, client(ECHO), chat("no-such-model"), "unknown_model");
  await denied(OpenAI.NotFoundError, client(ECHO), (openai) => openai.fineTuning.jobs.list(), "unknown_route");
});

test("a declared route that nobody opened", governed, async () => {
  await denied(OpenAI.PermissionDeniedError, client(ECHO), (openai) => openai.files.list(), "opaque_not_enabled");
});

test("a request that is none", governed, async () => {
  await denied(OpenAI.BadRequestError, client(REPLAY), chat(REPLAY, "no array"), "malformed_body");
});

test("who aborts in mid-stream ends the provider's work, and the record says how far it came", governed, async () => {
  const { openai } = client(REPLAY);
  const { text, id } = scene("never-ending");
  const asked = { model: REPLAY, messages: says(text), stream: true };
  const { data: stream, response } = await openai.chat.completions.create(asked).withResponse();
  for await (const chunk of stream) {
    assert.equal(chunk.choices[0].delta.content, "An ");
    stream.controller.abort();
    break;
  }
  await replay.gone(id);
  const call = await recorded(response.headers.get(RECORD_HEADER), (call) => call.state !== "open");
  assert.deepEqual([call.state, call.evidence.delivered], ["abandoned", "partial"], JSON.stringify(call));
});
