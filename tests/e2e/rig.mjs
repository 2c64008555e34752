// The real server, and Chromium with a microphone that hears a recording.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const here = dirname(fileURLToPath(import.meta.url));
const top = join(here, '../..');
const speech = process.env.RIPOSTE_SPEECH_DIR ?? join(top, 'build/speech');
export const artifacts = join(top, 'tests/artifacts');
export const key = 'test-key-0123456789abcdef';
mkdirSync(artifacts, { recursive: true });

export class Server {
  log = '';

  // Resolves when it listens; `link` is the one that signs in.
  async start() {
    this.data = mkdtempSync(join(tmpdir(), 'riposte-e2e-'));
    const binary = process.env.RIPOSTE_BIN ?? join(top, 'build/riposte');
    this.child = spawn(binary, ['serve', '--listen=127.0.0.1:0', `--data=${this.data}/data`], {
      cwd: this.data,
      env: { ...process.env, RIPOSTE_API_KEY: key, RIPOSTE_SPEECH_DIR: speech },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stderr.on('data', (data) => (this.log += data));
    this.ended = new Promise((resolve) => this.child.on('exit', resolve));
    await new Promise((resolve, reject) => {
      createInterface({ input: this.child.stdout }).on('line', (line) => {
        this.url ??= line.match(/^listening on (\S+)/)?.[1];
        this.link ??= line.match(/(http\S+token=\S+)/)?.[1];
        if (this.url && this.link) resolve();
      });
      void this.ended.then((code) => reject(new Error(`server ended with ${code}:\n${this.log}`)));
    });
    return this;
  }

  async stop() {
    this.child.kill('SIGTERM');
    const code = await this.ended;
    rmSync(this.data, { recursive: true });
    if (code !== 0) throw new Error(`server ended with ${code}:\n${this.log}`);
  }

  async call(method, path, body) {
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const json = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${json.error}`);
    return json;
  }

  async agent(turn = {}, config = {}) {
    const made = await this.call('POST', '/v1/agents', { name: 'Test' });
    await this.call('POST', `/v1/agents/${made.id}`, {
      config: {
        type: 'voice',
        clients: { browser: { enabled: true } },
        plugins: [{ use: 'turn_manager', options: turn }],
        ...config,
      },
    });
    return made.id;
  }
}

// A WAV: so many seconds of silence, then (part of) a recording, then silence.
export function microphone(name, before, after, from = 0, to = Infinity) {
  const wav = readFileSync(join(speech, `recordings/${name}.wav`));
  const data = wav.indexOf('data') + 8;
  const rate = wav.readUInt32LE(24);
  const speechBytes = wav.subarray(data + 2 * Math.floor(from * rate),
    Math.min(wav.length, data + 2 * Math.floor(to * rate)));
  const pcm = Buffer.concat([Buffer.alloc(2 * rate * before), speechBytes, Buffer.alloc(2 * rate * after)]);
  const head = Buffer.from(wav.subarray(0, data));
  head.writeUInt32LE(head.length - 8 + pcm.length, 4);
  head.writeUInt32LE(pcm.length, data - 4);
  const path = join(mkdtempSync(join(tmpdir(), 'riposte-mic-')), 'mic.wav');
  writeFileSync(path, Buffer.concat([head, pcm]));
  return path;
}

const launched = [];

// For the end of a file: a test that failed has left its browser open.
export async function closeBrowsers() {
  for (const chrome of launched) await chrome.close();
}

export async function browser(mic) {
  const chrome = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      ...(mic ? ['--use-fake-ui-for-media-stream', `--use-file-for-fake-audio-capture=${mic}%noloop`] : []),
    ],
  });
  launched.push(chrome);
  return chrome;
}

// What a page must not do: log errors, or ask another host for anything.
export function watch(page, server) {
  const wrong = [];
  page.on('console', (m) => m.type() === 'error' && wrong.push(m.text()));
  page.on('pageerror', (e) => wrong.push(String(e)));
  page.on('request', (r) => {
    const url = new URL(r.url());
    if (url.protocol.startsWith('http') && url.origin !== server.url) wrong.push(`request to ${url.host}`);
  });
  return wrong;
}
