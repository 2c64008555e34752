// A backend for a Riposte voice agent.
//
//   POST /agent      the webhook: what the caller said comes in, what to say streams out
//   POST /authorize  the browser asks here for a session; the API key stays on this machine
//
// Everything about the conversation happens in `reply`, further down. Replace what it does with a call
// of your language model; the rest may stay as it is.
import http from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { streamResponse, verifySignature } from '@layercode/node-server-sdk';

const {
  PORT = '3001',
  HOST = '127.0.0.1',
  RIPOSTE_URL = 'http://127.0.0.1:8080',
  LAYERCODE_API_KEY = '',
  LAYERCODE_WEBHOOK_SECRET = '',
} = process.env;

const BODY_LIMIT = 1024 * 1024;
const CONVERSATION_LIMIT = 1000;

// ---- the conversation ----

// conversation_id → [{ role, text }]; the oldest conversation is forgotten when there are too many.
const conversations = new Map();

function historyOf(id) {
  const history = conversations.get(id) ?? [];
  conversations.delete(id);
  conversations.set(id, history); // now the youngest
  if (conversations.size > CONVERSATION_LIMIT) conversations.delete(conversations.keys().next().value);
  return history;
}

// Stands in for a language model: yields text piece by piece, and stops when nobody listens any more.
async function* think(text, signal) {
  for (const word of text.split(/(?<=\s)/)) {
    await sleep(30, undefined, { signal });
    yield word;
  }
}

function answerTo(text, history) {
  if (/\btime\b/i.test(text)) {
    return `It is ${new Date().toLocaleTimeString('en-US', { timeStyle: 'short' })}.`;
  }
  const turns = history.filter((item) => item.role === 'user').length;
  return `You said: ${text} That was number ${turns} of what you told me.`;
}

async function reply(event, stream, signal) {
  const history = historyOf(event.conversation_id);

  // The caller talked over the last answer. What was not heard was, for the caller, never said.
  if (event.interruption_context) {
    const last = history.findLast((item) => item.role === 'assistant');
    if (last) last.text = event.interruption_context.text_heard;
  }

  let answer;
  if (event.type === 'message') {
    history.push({ role: 'user', text: event.text });
    answer = answerTo(event.text, history);
  } else if (event.type === 'data') {
    stream.data({ received: event.data }); // to the browser, e.g. to update its page
    answer = 'Thank you, I have received your data.';
  } else {
    answer = 'Hello, this is the Node example. What can I do for you?';
  }

  const said = { role: 'assistant', text: '' };
  history.push(said);
  for await (const piece of think(answer, signal)) {
    said.text += piece;
    stream.tts(piece);
  }
}

// ---- HTTP ----

async function readBody(request) {
  const chunks = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > BODY_LIMIT) throw Object.assign(new Error('The body is too large.'), { status: 413 });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
}

async function onAgent(request, response) {
  const body = await readBody(request);
  const signature = request.headers['layercode-signature'] ?? '';
  if (!verifySignature({ payload: body, signature, secret: LAYERCODE_WEBHOOK_SECRET })) {
    sendJson(response, 401, { error: 'The signature is missing or wrong.' });
    return;
  }
  const event = JSON.parse(body);
  if (!event.turn_id || !['message', 'data', 'welcome', 'session.start'].includes(event.type)) {
    console.log(`${event.type} of ${event.session_id}`); // a session webhook: nothing to answer
    response.writeHead(204).end();
    return;
  }

  // When the caller interrupts, Riposte closes the connection: then thinking on is wasted money.
  const abort = new AbortController();
  response.on('close', () => abort.abort());

  const answer = streamResponse(event, async ({ stream }) => {
    try {
      await reply(event, stream, abort.signal);
      stream.end();
    } catch (error) {
      if (abort.signal.aborted) return;
      console.error(error);
      throw error; // the SDK reports it to Riposte as response.error
    }
  });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  Readable.fromWeb(answer.body).on('error', () => {}).pipe(response);
}

async function onAuthorize(request, response) {
  const answer = await fetch(new URL('/v1/agents/web/authorize_session', RIPOSTE_URL), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${LAYERCODE_API_KEY}` },
    body: await readBody(request), // agent_id, conversation_id, metadata … as the browser sent them
  });
  response.writeHead(answer.status, { 'Content-Type': 'application/json' });
  response.end(await answer.text());
}

const routes = {
  'POST /agent': onAgent,
  'POST /authorize': onAuthorize,
  'GET /health': (request, response) => sendJson(response, 200, { ok: true }),
};

async function serve(request, response) {
  // The page that calls /authorize may come from another port or host.
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Allow-Headers', 'Content-Type');
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  const route = routes[`${request.method} ${new URL(request.url, 'http://x').pathname}`];
  if (route) await route(request, response);
  else sendJson(response, 404, { error: 'There is only POST /agent and POST /authorize.' });
}

const server = http.createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(error.message);
    if (response.headersSent) response.destroy();
    else sendJson(response, error.status ?? 500, { error: 'This request failed; see the log.' });
  });
});

if (!LAYERCODE_WEBHOOK_SECRET) {
  console.error('Set LAYERCODE_WEBHOOK_SECRET to the webhook secret of your agent.');
  process.exit(1);
}
server.listen(Number(PORT), HOST, () => {
  console.log(`listening on http://${HOST}:${server.address().port}/agent`);
});
