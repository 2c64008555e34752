// The playground, as a newcomer uses it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { artifacts, browser, closeBrowsers, microphone, Server, watch } from './rig.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const LIMIT = { timeout: 60_000 };
let server;

before(async () => (server = await new Server().start()));
after(async () => {
  await closeBrowsers();
  await server.stop();
});

// axe-core in the page; bypasses the page's policy, which forbids foreign scripts.
async function accessible(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
}

async function pictures(page, name) {
  for (const scheme of ['light', 'dark']) {
    for (const width of [390, 1440]) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(artifacts, `${name}-${scheme}-${width}.png`) });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${name} is ${wide} wide at ${width}`);
    }
  }
}

test('without a sign-in the page says how to get one', async () => {
  const chrome = await browser();
  const page = await chrome.newPage();
  await page.goto(server.url);
  await page.getByText('riposte owner-link').waitFor();
  await pictures(page, 'signed-out');
  await accessible(page);
  await chrome.close();
});

test('the link signs in once; one talks, reads the answer, types, hangs up', async () => {
  // Typed turns first; the microphone hears somebody after half a minute.
  const chrome = await browser(microphone('beckett', 30, 60, 0, 3.2));
  const page = await chrome.newPage();
  const wrong = watch(page, server);
  await page.goto(server.link);
  await page.getByRole('button', { name: 'Start talking' }).waitFor();
  assert.equal(new URL(page.url()).search, '');
  await pictures(page, 'playground-idle');
  await accessible(page);

  await page.getByRole('button', { name: 'Start talking' }).click();
  await page.locator('.turn.assistant').first().waitFor(LIMIT);
  await page.getByLabel('Type instead of speaking').fill('show me some data');
  await page.keyboard.press('Enter');
  await page.locator('.data').waitFor(LIMIT);
  await page.getByLabel('Type instead of speaking').fill('What time is it?');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.locator('.waterfall').first().waitFor(LIMIT);
  await page.locator('.waterfall summary').first().click();
  await pictures(page, 'playground-call');
  await accessible(page);

  await page.locator('.turn.user', { hasText: /ever|tried|fail/i }).first().waitFor(LIMIT);
  await page.locator('.turn.assistant', { hasText: /You said.*(ever|tried|fail)/i }).first().waitFor(LIMIT);
  await page.getByRole('button', { name: 'Hang up' }).click();
  await page.getByText('call ended').waitFor();
  assert.deepEqual(wrong, []);

  // The link is used up; this browser stays signed in, another one is not.
  const other = await (await chrome.newContext()).newPage();
  assert.equal((await other.goto(server.link)).status(), 403);
  await page.reload();
  await page.getByRole('button', { name: 'Start talking' }).waitFor();
  await chrome.close();
});

test('a refused microphone is explained, and typing still works', async () => {
  const again = await new Server().start();
  const chrome = await browser();
  const context = await chrome.newContext({ permissions: [] });
  const page = await context.newPage();
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
  });
  await page.goto(again.link);
  await page.getByRole('button', { name: 'Start talking' }).click();
  await page.getByRole('alert').filter({ hasText: 'The microphone was refused' }).waitFor(LIMIT);
  await page.getByText('connected', { exact: true }).waitFor(LIMIT);
  await page.getByLabel('Type instead of speaking').fill('blue elephants');
  await page.keyboard.press('Enter');
  await page.locator('.turn.assistant', { hasText: 'lue elephants' }).waitFor(LIMIT);
  await pictures(page, 'playground-refused');
  await chrome.close();
  await again.stop();
});
