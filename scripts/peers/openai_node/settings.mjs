// Where things are, from the environment, as scripts/peers/openai_client/settings.py has it; and clients that count what they send.

import OpenAI from "openai";

export const ECHO = "echo";
export const REPLAY = "wire-small";
// What the gateway adds to OpenAI's format.
export const RECORD_HEADER = "tabellion-record";
export const PURPOSE_HEADER = "tabellion-purpose";
const TIMEOUT_MS = 60_000; // a call that hangs is a finding
const GATEWAY_URL = process.env.BASE_URL;
const PROVIDER_URLS = { [ECHO]: process.env.ECHO_URL, [REPLAY]: process.env.REPLAY_URL };

/** Given to tests of what only a gateway does: they say that they were left out. */
export const governed = { skip: GATEWAY_URL ? false : "only a gateway does this; BASE_URL names none" };
export const isGoverned = Boolean(GATEWAY_URL);

/** A setting that a gateway must bring; a test that cannot run then fails instead of being left out. */
export function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export function apiKey() {
  return GATEWAY_URL ? required("API_KEY") : "any";
}

/** { openai, sent }: a client for a model, through the gateway where there is one, and the URL of each request that it really sent. */
export function client(model, options = {}) {
  const sent = [];
  const counted = (url, init) => {
    sent.push(String(url));
    return fetch(url, init);
  };
  const settings = { baseURL: GATEWAY_URL ?? PROVIDER_URLS[model], apiKey: apiKey(), fetch: counted, timeout: TIMEOUT_MS };
  return { openai: new OpenAI({ ...settings, ...options }), sent };
}

export function says(content) {
  return [{ role: "user", content }];
}

let number = 0;

/** What makes the replaying provider play a scene, and what finds the request there afterwards. */
export function scene(name) {
  number += 1;
  const id = `${name}-${process.pid}-${number}`;
  return { text: `scene ${name} ${id}`, id };
}

/** What the control plane says of a call, to the application's own key, once `done` finds it so. */
export async function recorded(record, done) {
  const end = Date.now() + TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(`${required("CONTROL_URL")}/api/v1/calls/${record}`, {
      headers: { authorization: `Bearer ${apiKey()}` },
    });
    const call = await answer.json();
    if (answer.ok && done(call)) return call;
    if (Date.now() > end) throw new Error(`the call ${record} is not on record so: ${JSON.stringify(call)}`);
    await new Promise((again) => setTimeout(again, 50));
  }
}
