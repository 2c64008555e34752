// Small parts of the page.

import { useEffect, useRef } from 'preact/hooks';
import type { Latency } from './api';
import type { Turn } from './call';

export function Notice({ kind, children }: { kind: 'bad' | 'info'; children: preact.ComponentChildren }) {
  return (
    <p class={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </p>
  );
}

// A level between 0 and 1, read at each frame; drawn without going through the page's state.
export function Meter({ label, level }: { label: string; level: () => number }) {
  const bar = useRef<HTMLProgressElement>(null);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      if (bar.current) bar.current.value = Math.min(1, level());
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [level]);
  return (
    <label class="meter">
      <span>{label}</span>
      <progress ref={bar} max={1} value={0} />
    </label>
  );
}

const stages: [keyof Latency, string][] = [
  ['decided_ms', 'end of turn decided'],
  ['posted_ms', 'request sent'],
  ['first_text_ms', 'first text'],
  ['first_audio_ms', 'first audio'],
];

// From the caller's last word to the agent's first sound, in the steps between.
export function Waterfall({ latency }: { latency: Latency }) {
  const total = latency.first_audio_ms ?? 0;
  let before = 0;
  const rows = stages
    .filter(([key]) => latency[key] !== undefined)
    .map(([key, name]) => {
      const at = latency[key] as number;
      const row = { key, name, from: before, took: Math.max(0, at - before) };
      before = at;
      return row;
    });
  return (
    <details class="waterfall">
      <summary>answered after {Math.round(total)} ms</summary>
      <table>
        <tbody>
          {rows.map((r) => (
            <tr key={r.key}>
              <th scope="row">{r.name}</th>
              <td>
                <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                  <rect
                    x={total ? (100 * r.from) / total : 0}
                    width={total ? Math.max(0.8, (100 * r.took) / total) : 0}
                    height="6"
                  />
                </svg>
              </td>
              <td class="number">{Math.round(r.took)} ms</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

export function TurnView({ turn }: { turn: Turn }) {
  return (
    <li class={`turn ${turn.who}`}>
      <span class="who">{turn.who === 'user' ? 'You' : 'Agent'}</span>
      <div>
        <p>
          {turn.text}
          {turn.interim && <span class="interim">{turn.text ? ` ${turn.interim}` : turn.interim}</span>}
          {!turn.text && !turn.interim && <span class="interim">…</span>}
          {turn.cut && <span class="cut" title="You spoke into it"> — interrupted</span>}
        </p>
        {turn.data.map((d, i) => (
          <pre key={i} class="data" aria-label="Data">
            {JSON.stringify(d, null, 2)}
          </pre>
        ))}
        {turn.latency && <Waterfall latency={turn.latency} />}
      </div>
    </li>
  );
}
