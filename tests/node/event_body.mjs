// Differential test: every webhook body is what JSON.stringify(JSON.parse(body)) prints, says what
// JSON.parse makes of the values that went in, and passes the published verifier.
//
//     node event_body.mjs TOOL SEED COUNT
//
// TOOL is build/tests/tools/event_body. Prints the seed; exits with 1 at the first difference.
import { spawnSync } from 'node:child_process';
import { verifySignature } from '@layercode/node-server-sdk';

const [tool, seedText, countText] = process.argv.slice(2);
const secret = 'whsec_test';

// mulberry32: small, reproducible.
let state = Number(seedText) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}
const below = (n) => Math.floor(random() * n);
const pick = (list) => list[below(list.length)];

const numbers = ['0', '-0', '-0.0', '1', '42.30', '1e21', '1E+21', '123456789012345678901234567890',
  '1e400', '-1e400', '5e-324', '1e-7', '0.000001', '4.35', '2.2250738585072011e-308',
  '1.7976931348623157e308', '9007199254740993', '0.1e1', '100e-2', '1e-400'];
const keys = ['a', 'b', '', '0', '1', '10', '2', '007', '-1', '1.5', '4294967294', '4294967295',
  '4294967296', '1e3', '__proto__', 'constructor', 'toString', '\\u0000', '\\ud800', 'é', '😀',
  '\\u0030', 'type', 'turn_id'];
const pieces = ['a', ' ', '"'.replace('"', '\\"'), '\\\\', '\\/', '/', '\\b', '\\f', '\\n', '\\r',
  '\\t', '\\u0000', '\\u001f', '\\u007f', '\u007f', '\u0080', 'é', '\\u00e9', '\u2028', '\\u2029',
  '\ufeff', '\\uFFFF', '\uffff', '😀', '\\ud83d\\ude00', '\\uD83D', '\\udE00', '\\udc00\\ud800', '<',
  '\\u003c', "'", '日本語', 'e\u0301'];

const space = () => (below(6) ? '' : pick([' ', '  ']));
const string = () => `"${Array.from({ length: below(8) }, () => pick(pieces)).join('')}"`;
function number() {
  if (below(2)) return pick(numbers);
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, below(2 ** 32));
  bits.setUint32(4, below(2 ** 32));
  const value = bits.getFloat64(0);
  return Number.isFinite(value) ? pick([String(value), value.toExponential(20)]) : '7';
}
function object(depth) {
  const members = Array.from({ length: below(6) },
    () => `${space()}"${pick(keys)}"${space()}:${value(depth - 1)}`);
  return `{${members.join(',')}${space()}}`;
}
function value(depth) {
  const kind = below(depth > 0 ? 8 : 5);
  const text = [() => 'null', () => pick(['true', 'false']), number, string, string,
    () => object(depth), () => object(depth),
    () => `[${Array.from({ length: below(5) }, () => value(depth - 1)).join(',')}]`][kind]();
  return space() + text + space();
}

const kinds = ['message', 'data', 'welcome', 'session.start', 'hook.start', 'hook.end',
  'hook.update'];
const cases = Array.from({ length: Number(countText) }, () => ({
  kind: pick(kinds),
  metadata: below(8) ? object(5) : 'null',
  custom: below(2) ? object(3) : 'null',
  text: string(),
  data: value(6),
  number: pick([0, 1, 2, 1234.5678, 86400000]),
}));

function check(condition, what, n, details) {
  if (condition) return;
  console.error(`seed ${seedText}, case ${n}: ${what}`, details);
  process.exit(1);
}

const now = Math.floor(Date.now() / 1000);
const input = cases
  .map((c) => `["${c.kind}",${c.metadata},${c.custom},${c.text},${c.data},${c.number}]\n`).join('');
const run = spawnSync(tool, [secret, String(now)], { input, maxBuffer: 1 << 30 });
check(run.status === 0, 'the tool failed', -1, run.error ?? run.stderr.toString());
const lines = run.stdout.toString('utf8').split('\n');
check(lines.length === 2 * cases.length + 1, 'lines are missing', -1, lines.length);

cases.forEach((c, n) => {
  const signature = lines[2 * n];
  const body = lines[2 * n + 1];
  const parsed = JSON.parse(body);
  const printed = JSON.stringify(parsed);
  check(printed === body, 'the body does not survive the round trip', n, { body, printed });

  const same = (name, got, raw) => {
    const want = JSON.stringify(JSON.parse(raw));
    check(JSON.stringify(got) === want, `${name} is not what was given`, n, { got, want });
  };
  same('metadata', parsed.metadata, c.metadata === 'null' ? '{}' : c.metadata);
  if (c.custom !== 'null') same('custom_metadata', parsed.custom_metadata, c.custom);
  else check(!('custom_metadata' in parsed), 'custom_metadata appears from nowhere', n, body);
  if (c.kind === 'message') same('text', parsed.text, c.text);
  if (c.kind === 'data') same('data', parsed.data, c.data);
  if (c.kind === 'hook.end') same('transcript', parsed.transcript[1].text, c.text);
  check(parsed.type === c.kind.replace('hook.', 'session.'), 'the type is wrong', n, body);

  // What most published backends do: verify the re-serialised body.
  const ok = (payload, header, key) => verifySignature({ payload, signature: header, secret: key });
  check(ok(printed, signature, secret), 'the signature is refused', n, { body, signature });
  check(!ok(`${printed} `, signature, secret), 'a changed body is accepted', n, body);
  check(!ok(printed, signature, 'whsec_other'), 'another secret is accepted', n, body);
});
console.log(`${cases.length} bodies, seed ${seedText}`);
