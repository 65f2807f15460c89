import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { test } from "node:test";

import worker, { parseRetryAfter, payload } from "./worker.js";

const timestamp = new Date("2026-01-02T03:04:06Z");

// queueBatch is a batch as the Workers runtime hands it over; settled records
// what was done with each message.
function queueBatch(...ids) {
  const settled = {};
  return {
    queue: "logs",
    settled,
    messages: ids.map((id) => ({
      id, timestamp, attempts: 1, body: { action: "PutObject", bucket: "logs", object: { key: id } },
      ack() { settled[id] = "ack"; },
      retry({ delaySeconds }) { settled[id] = delaySeconds; },
    })),
    retryAll({ delaySeconds }) { for (const id of ids) settled[id] = delaySeconds; },
  };
}

// run forwards a batch to a function that answers by handler, and returns the
// request it got, what was logged, and the batch.
async function run(t, handler, env = {}, batch = queueBatch("m1", "m2", "m3")) {
  const { got, log } = await invoke(t, handler, (all) => worker.queue(batch, { ...all, ...env }));
  return { got, settled: batch.settled, log };
}

// invoke has call, which is given the Worker's variables, talk to a function that
// answers by handler, and returns the request it got and what was logged.
async function invoke(t, handler, call) {
  const got = {};
  const server = createServer(async (request, response) => {
    got.method = request.method;
    got.headers = request.headers;
    got.body = "";
    for await (const chunk of request) got.body += chunk;
    handler(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const log = t.mock.method(console, "log", () => {});
  try {
    const url = `http://127.0.0.1:${server.address().port}/`;
    await call({ FUNCTION_URL: url, FUNCTION_TOKEN: "s3cret" });
  } finally {
    server.closeAllConnections();
    server.close();
    got.log = log.mock.calls.map((c) => c.arguments[0]).join("\n");
    log.mock.restore();
  }
  assert.ok(!got.log.includes("s3cret"), "the token was logged");
  return { got, log: JSON.parse(got.log) };
}

const answer = (status, body, headers = {}) => (response) => {
  response.writeHead(status, headers);
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};

test("forwards the batch with the token and acknowledges it", async (t) => {
  const { got, settled, log } = await run(t, answer(200, { status: "ok", batchItemFailures: [] }));
  assert.equal(got.method, "POST");
  assert.equal(got.headers.authorization, "Bearer s3cret");
  assert.equal(got.headers["content-type"], "application/json");
  assert.deepEqual(JSON.parse(got.body), payload(queueBatch("m1", "m2", "m3")));
  assert.deepEqual(settled, { m1: "ack", m2: "ack", m3: "ack" });
  assert.deepEqual([log.in, log.acked, log.retried, log.status], [3, 3, 0, 200]);
});

test("returns the messages the answer names, whatever its status", async (t) => {
  const failures = [{ itemIdentifier: "m2" }, { itemIdentifier: "m3", delaySeconds: 7 }];
  for (const status of [200, 500, 503]) {
    const { settled, log } = await run(t, answer(status, { batchItemFailures: failures }), { RETRY_DELAY_SECONDS: "20" });
    assert.deepEqual(settled, { m1: "ack", m2: 20, m3: 7 });
    assert.deepEqual([log.in, log.acked, log.retried], [3, 1, 2]);
  }
});

test("Retry-After holds for messages without a delay of their own", async (t) => {
  const failures = [{ itemIdentifier: "m2" }, { itemIdentifier: "m3", delaySeconds: 7 }];
  const { settled } = await run(t, answer(503, { batchItemFailures: failures }, { "Retry-After": "90" }));
  assert.deepEqual(settled, { m1: "ack", m2: 90, m3: 7 });
});

for (const [name, handler, delay] of [
  ["a 500 without a list", answer(500, "boom"), 60],
  ["a 503 with Retry-After", answer(503, "", { "Retry-After": "120" }), 120],
  ["a 400", answer(400, { error: "no trigger sends this" }), 60],
  ["a 200 that is not the function's", answer(200, "<html>log in</html>"), 60],
  ["a 200 of null", answer(200, "null"), 60],
  ["a 200 without a list", answer(200, { status: "ok" }), 60],
  ["a list that names a message never sent", answer(200, { batchItemFailures: [{ itemIdentifier: "m9" }] }), 60],
  ["a list of nonsense", answer(200, { batchItemFailures: [null] }), 60],
  ["a redirect", answer(302, "", { Location: "http://127.0.0.1:1/" }), 60],
  ["a connection cut off", (response) => response.destroy(), 60],
]) {
  test(`returns every message after ${name}`, async (t) => {
    const { settled, log } = await run(t, handler);
    assert.deepEqual(settled, { m1: delay, m2: delay, m3: delay });
    assert.deepEqual([log.severity, log.acked, log.retried], ["ERROR", 0, 3]);
    assert.ok(log.error);
  });
}

test("returns every message when no answer comes in time", async (t) => {
  const { settled, log } = await run(t, () => {}, { TIMEOUT_SECONDS: "0.05" });
  assert.deepEqual(settled, { m1: 60, m2: 60, m3: 60 });
  assert.match(log.error, /TimeoutError/);
});

const cron = { cron: "17 5 * * *" };

test("asks for the daily proof with the token", async (t) => {
  const { got, log } = await invoke(t, answer(200, { complete: false }), (env) => worker.scheduled(cron, env));
  assert.equal(got.method, "POST");
  assert.equal(got.headers.authorization, "Bearer s3cret");
  assert.equal(got.body, '{"verify":{}}');
  assert.deepEqual([log.message, log.cron, log.status], ["verification asked for", "17 5 * * *", 200]);
});

for (const [name, handler] of [
  ["a 401", answer(401, { error: "no" })],
  ["a 500", answer(500, { error: "later" })],
  ["a page", answer(200, "<html>log in</html>")],
  ["a connection cut off", (response) => response.destroy()],
]) {
  test(`fails where ${name} is the answer to a proof`, async (t) => {
    await assert.rejects(invoke(t, handler, (env) => worker.scheduled(cron, env)));
  });
}

test("names every fault in its configuration, and settles nothing", async () => {
  const batch = queueBatch("m1");
  const env = { FUNCTION_URL: "http://function.example", RETRY_DELAY_SECONDS: "soon", TIMEOUT_SECONDS: "901" };
  await assert.rejects(worker.queue(batch, env), (err) => {
    for (const name of ["FUNCTION_URL", "FUNCTION_TOKEN", "RETRY_DELAY_SECONDS", "TIMEOUT_SECONDS"]) assert.match(err.message, new RegExp(name));
    return true;
  });
  await assert.rejects(worker.queue(batch, { FUNCTION_URL: "https://f.example", FUNCTION_TOKEN: "s3cret\n" }), (err) => {
    assert.match(err.message, /^FUNCTION_TOKEN must/);
    return true;
  });
  assert.deepEqual(batch.settled, {});
});

// The other half of this contract is pkg/trigger's test of the same file.
test("writes the batch as pkg/trigger reads it", async () => {
  const file = new URL("../../../pkg/trigger/testdata/r2-pushed-batch.json", import.meta.url);
  const want = JSON.parse(await readFile(file, "utf8"));
  const bodies = want.messages.map(({ body, body_base64 }) => body ?? (body_base64 ? Uint8Array.from(Buffer.from(body_base64, "base64")).buffer : new Map()));
  const messages = want.messages.map(({ id, attempts }, i) => ({ id, attempts, timestamp, body: bodies[i] }));
  assert.deepEqual(payload({ queue: want.queue, messages }), want);
});

test("says so when a body has no JSON form", () => {
  const cycle = {};
  cycle.self = cycle;
  for (const body of [undefined, 1n, new Date(), new Set(), cycle, { n: 1n }]) {
    const [message] = payload({ queue: "q", messages: [{ id: "1", timestamp, attempts: 1, body }] }).messages;
    assert.match(message.error, /has no JSON form/);
    assert.ok(!("body" in message));
  }
  const view = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
  const [message] = payload({ queue: "q", messages: [{ id: "1", timestamp, attempts: 1, body: view }] }).messages;
  assert.equal(message.body_base64, "AQI=");
});

test("reads Retry-After", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  for (const [value, want] of [
    [null, undefined], ["", undefined], ["soon", undefined], ["7", 7], ["999999", 43200],
    ["Fri, 02 Jan 2026 03:05:05 GMT", 60], ["Fri, 02 Jan 2026 03:00:00 GMT", 0],
  ]) assert.equal(parseRetryAfter(value, now), want, `${value}`);
});
