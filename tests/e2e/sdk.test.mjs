// The published browser SDK against the server, on a page of its own: barge-in, push-to-talk, a
// client that sends audio only while its own VAD hears speech, and reconnecting.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { browser, closeBrowsers, microphone, Server } from './rig.mjs';

const packages = join(dirname(fileURLToPath(import.meta.url)), 'node_modules');
const sdk = join(packages, '@layercode/js-sdk/dist/layercode-js-sdk.esm.js');
const vad = join(packages, '@ricky0123/vad-web/dist');
const ort = join(packages, 'onnxruntime-web/dist');
const LIMIT = { timeout: 60_000 };
const MIME = { js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm', onnx: 'application/octet-stream' };
let server;

before(async () => (server = await new Server().start()));
after(async () => {
  await closeBrowsers();
  await server.stop();
});

// A customer's page: the SDK, and everything it reports in `seen`.
const PAGE = `<!doctype html><title>SDK</title><script type="module">
import LayercodeClient from '/sdk.js';
window.seen = [];
window.start = async (agentId, options) => {
  window.client = new LayercodeClient({
    agentId, authorizeSessionEndpoint: '/authorize', ...options,
    onConnect: (e) => seen.push({ type: 'connected', ...e }),
    onDisconnect: () => seen.push({ type: 'disconnected' }),
    onError: (e) => seen.push({ type: 'error', text: String(e) }),
    onMessage: (m) => seen.push(m), onDataMessage: (m) => seen.push(m),
    onAgentSpeakingChange: (on) => seen.push({ type: 'agent', on, at: performance.now() }),
  });
  client._websocketUrl = 'SERVER/v1/agents/web/websocket';
  await client.connect();
};
</script>`;

function serveFile(route, path) {
  return route.fulfill({
    body: readFileSync(path),
    contentType: MIME[path.split('.').pop()],
    headers: { 'Access-Control-Allow-Origin': '*' },
  });
}

// The customer's own web server: the page, the SDK, and the route that authorizes.
async function customer(asked) {
  const http = createServer(async (request, response) => {
    if (request.url === '/authorize') {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      const body = JSON.parse(Buffer.concat(chunks).toString());
      asked.push(body);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(await server.call('POST', '/v1/agents/web/authorize_session', body)));
    } else if (request.url === '/sdk.js') {
      response.setHeader('Content-Type', 'text/javascript');
      response.end(readFileSync(sdk));
    } else {
      response.setHeader('Content-Type', 'text/html');
      response.end(PAGE.replace('SERVER', server.url.replace('http', 'ws')));
    }
  });
  await new Promise((resolve) => http.listen(0, '127.0.0.1', resolve));
  return http;
}

async function open(mic) {
  const asked = [];
  const http = await customer(asked);
  const chrome = await browser(mic);
  chrome.on('disconnected', () => http.close());
  const page = await chrome.newPage();
  // Where the SDK loads its VAD from.
  const name = (route) => route.request().url().split('/').pop();
  await page.route(/\/vad-web\/[^/]*\//, (route) => serveFile(route, join(vad, name(route))));
  await page.route(/\/onnxruntime-web\/[^/]*\//, (route) => serveFile(route, join(ort, name(route))));
  await page.goto(`http://127.0.0.1:${http.address().port}/`);
  await page.waitForFunction(() => window.start);
  return { chrome, page, asked };
}

const seen = (page, fn, arg) => page.waitForFunction(fn, arg, LIMIT);

test('words arrive, the answer is heard, speaking interrupts it', async () => {
  // Two phrases: the second falls into the answer to the first.
  const { chrome, page } = await open(microphone('beckett', 8, 60));
  const agent = await server.agent();
  await page.evaluate((id) => window.start(id, { enableVAD: false }), agent);
  await seen(page, () => window.seen.some((m) => m.type === 'agent' && m.on));
  await seen(page, () => window.seen.some((m) => m.type === 'user.transcript' && /tried|fail|matter/i.test(m.content)));
  await seen(page, () => window.seen.filter((m) => m.type === 'turn.start' && m.role === 'user').length >= 2);
  const all = await page.evaluate(() => window.seen);
  assert.ok(all.some((m) => m.type === 'response.text' && /You said/.test(m.content)));
  assert.deepEqual(all.filter((m) => m.type === 'error'), []);
  await chrome.close();
});

test('push-to-talk', async () => {
  const { chrome, page } = await open(microphone('beckett', 1, 60, 0, 3.2));
  const agent = await server.agent({ mode: 'push_to_talk' });
  await page.evaluate((id) => window.start(id, { enableVAD: false }), agent);
  await seen(page, () => window.seen.some((m) => m.type === 'connected'));
  await page.evaluate(() => window.client.triggerUserTurnStarted());
  await page.waitForTimeout(6000); // the microphone plays the recording meanwhile
  await page.evaluate(() => window.client.triggerUserTurnFinished());
  await seen(page, () => window.seen.some((m) => m.type === 'user.transcript' && /tried/i.test(m.content)));
  await seen(page, () => window.seen.some((m) => m.type === 'response.end'));
  await chrome.close();
});

test('a client that gates its audio is understood', async () => {
  const { chrome, page } = await open(microphone('beckett', 20, 60));
  const agent = await server.agent({}, { vad: { enabled: true, gate_audio: true } });
  await page.evaluate((id) => window.start(id, {}), agent);
  await seen(page, () => window.seen.some((m) => m.type === 'user.transcript' && /tried|fail|matter|again/i.test(m.content)));
  await seen(page, () => window.seen.some((m) => m.type === 'response.text' && /You said/.test(m.content)));
  await chrome.close();
});

test('reconnecting goes on with the conversation under a new key', async () => {
  const { chrome, page, asked } = await open(microphone('beckett', 60, 1, 0, 0.1));
  const agent = await server.agent();
  await page.evaluate((id) => window.start(id, { enableVAD: false }), agent);
  await seen(page, () => window.seen.some((m) => m.type === 'response.end'));
  const conversation = await page.evaluate(() => window.client.conversationId);
  await page.evaluate(() => window.client.disconnect());
  await page.evaluate((a) => window.start(a.id, { enableVAD: false, conversationId: a.conversation }), {
    id: agent,
    conversation,
  });
  await seen(page, () => window.seen.filter((m) => m.type === 'response.end').length >= 2);
  assert.equal(await page.evaluate(() => window.client.conversationId), conversation);
  assert.equal(asked[1].conversation_id, conversation);
  await chrome.close();
  const { sessions } = await server.call('GET', `/v1/agents/${agent}/sessions`);
  assert.equal(sessions.length, 2);
  assert.deepEqual(sessions.map((s) => s.conversation_id), [conversation, conversation]);
});
