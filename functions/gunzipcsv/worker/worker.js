// A Cloudflare Worker that consumes a queue of R2 event notifications and
// forwards each batch to gunzipcsv, which then starts within seconds instead
// of at its next tick. It decides nothing itself: the function's answer names
// the messages to deliver again, and without such an answer all of them are.
// A cron trigger, where there is one, has the function prove that nothing is
// missing.
//
// env.FUNCTION_URL           where the function listens; https
// env.FUNCTION_TOKEN         sent as bearer token (a secret)
// env.TIMEOUT_SECONDS        how long to wait for the answer; default 600, a
//                            Worker may consume a batch for 15 minutes
// env.RETRY_DELAY_SECONDS    delay of a retry the answer names none for; default 60

const MAX_DELAY_SECONDS = 12 * 60 * 60; // of a message in Cloudflare Queues

export default {
  async queue(batch, env) {
    const config = readConfig(env);
    const answer = await forward(batch, config);
    const retried = settle(batch, answer, config.retryDelay);
    console.log(JSON.stringify({
      severity: answer.failures ? "INFO" : "ERROR",
      message: "batch forwarded",
      queue: batch.queue,
      in: batch.messages.length,
      acked: batch.messages.length - retried,
      retried,
      status: answer.status,
      error: answer.error,
    }));
  },

  // scheduled throws where the proof was not made, so that Cloudflare counts the
  // invocation as failed. What was found is the function's to tell.
  async scheduled(controller, env) {
    const config = readConfig(env);
    const { status, text } = await post({ verify: {} }, config);
    if (status !== 200 || !isObject(text)) throw new Error(`HTTP ${status}: the function has not verified`);
    console.log(JSON.stringify({ severity: "INFO", message: "verification asked for", cron: controller.cron, status }));
  },
};

// readConfig throws on a fault: Cloudflare then shows the error and keeps the
// batch for a retry.
function readConfig(env) {
  const faults = [];
  const seconds = (name, fallback, most) => {
    const value = Number(env[name] ?? fallback);
    if (!(value > 0 && value <= most)) faults.push(`${name} must be a number above 0, at most ${most}`);
    return value;
  };
  const url = URL.canParse(env.FUNCTION_URL ?? "") ? new URL(env.FUNCTION_URL) : undefined;
  const local = url && (url.hostname === "localhost" || /^[\d.]+$|^\[/.test(url.hostname));
  if (!url || !(url.protocol === "https:" || (url.protocol === "http:" && local))) {
    faults.push("FUNCTION_URL must be an https URL");
  }
  // An odd character, such as a pasted line end, would make fetch fail with a
  // message that shows the token.
  if (!/^[\x21-\x7e]+$/.test(env.FUNCTION_TOKEN ?? "")) faults.push("FUNCTION_TOKEN must be set, to visible ASCII characters");
  const config = {
    url,
    token: env.FUNCTION_TOKEN,
    timeout: seconds("TIMEOUT_SECONDS", 600, 900),
    retryDelay: Math.ceil(seconds("RETRY_DELAY_SECONDS", 60, MAX_DELAY_SECONDS)),
  };
  if (faults.length > 0) throw new Error(faults.join("; "));
  return config;
}

// forward returns { status, error, retryAfter, failures }. failures is the
// function's list of messages to deliver again, undefined if it gave none.
async function forward(batch, config) {
  try {
    const { status, headers, text } = await post(payload(batch), config);
    const retryAfter = parseRetryAfter(headers.get("Retry-After"));
    const failures = readFailures(text, batch);
    return { status, retryAfter, failures, error: failures ? undefined : `HTTP ${status} names no batchItemFailures` };
  } catch (err) {
    return { error: `${err.name}: ${err.message}` };
  }
}

// post sends body to the function as JSON, and returns the answer's status,
// headers and text.
async function post(body, { url, token, timeout }) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
    redirect: "manual", // the token is for this URL only
    signal: AbortSignal.timeout(timeout * 1000),
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

// isObject tells the function's answer from a page of somebody in between.
function isObject(text) {
  try {
    return JSON.parse(text)?.constructor === Object;
  } catch {
    return false;
  }
}

// payload is the pushed batch that pkg/trigger of siemfeed reads.
export function payload(batch) {
  return {
    queue: batch.queue,
    messages: batch.messages.map(({ id, timestamp, attempts, body }) => (
      { id, timestamp: timestamp.toISOString(), attempts, ...content(body) }
    )),
  };
}

// content gives a body the form in which it loses nothing, or says that there
// is none: a queue can carry anything JavaScript can clone.
function content(body) {
  if (body instanceof ArrayBuffer) return { body_base64: base64(new Uint8Array(body)) };
  if (ArrayBuffer.isView(body)) return { body_base64: base64(new Uint8Array(body.buffer, body.byteOffset, body.byteLength)) };
  const type = Object.prototype.toString.call(body).slice("[object ".length, -1);
  if (!["Object", "Array", "String", "Number", "Boolean", "Null"].includes(type)) {
    return { error: `body of type ${type} has no JSON form` };
  }
  try {
    JSON.stringify(body);
    return { body };
  } catch {
    return { error: `body of type ${type} has no JSON form` };
  }
}

function base64(bytes) {
  let binary = "";
  for (const b of bytes) binary += String.fromCharCode(b);
  return btoa(binary);
}

// readFailures returns a map of message id to delay in seconds (undefined if
// none was named). An answer that is not the function's, or that names a
// message which was not sent, gives undefined: a 200 from a login page or a
// proxy must not acknowledge anything.
function readFailures(text, batch) {
  let list;
  try {
    list = JSON.parse(text)?.batchItemFailures;
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  const sent = new Set(batch.messages.map((m) => m.id));
  const failures = new Map();
  for (const failure of list) {
    if (!sent.has(failure?.itemIdentifier)) return undefined;
    failures.set(failure.itemIdentifier, failure.delaySeconds);
  }
  return failures;
}

// settle acknowledges or returns each message, and returns how many went back.
function settle(batch, { failures, retryAfter }, retryDelay) {
  if (!failures) {
    batch.retryAll({ delaySeconds: retryAfter ?? retryDelay });
    return batch.messages.length;
  }
  for (const message of batch.messages) {
    if (failures.has(message.id)) {
      message.retry({ delaySeconds: clampDelay(failures.get(message.id)) ?? retryAfter ?? retryDelay });
    } else {
      message.ack();
    }
  }
  return failures.size;
}

// parseRetryAfter reads seconds or an HTTP date (RFC 9110, section 10.2.3).
export function parseRetryAfter(value, now = Date.now()) {
  if (!value) return undefined;
  if (/^\d+$/.test(value)) return clampDelay(Number(value));
  return clampDelay((Date.parse(value) - now) / 1000);
}

// clampDelay returns whole seconds Cloudflare accepts, or undefined if value
// is no number.
function clampDelay(value) {
  if (typeof value !== "number" || Number.isNaN(value)) return undefined;
  return Math.min(Math.max(Math.ceil(value), 0), MAX_DELAY_SECONDS);
}
