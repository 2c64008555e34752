// Talk to an agent, or type; see what is heard, answered and sent.

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Agent } from './api';
import { Call, initial, microphoneProblem, type State } from './call';
import { Meter, Notice, TurnView } from './parts';

export function Playground({ agents }: { agents: Agent[] }) {
  const [agent, setAgent] = useState(agents.find((a) => a.name === 'Demo')?.id ?? agents[0]?.id ?? '');
  const [state, setState] = useState<State>(initial);
  const [text, setText] = useState('');
  const call = useRef<Call | null>(null);
  const end = useRef<HTMLDivElement>(null);
  const live = state.status === 'connecting' || state.status === 'connected';
  const warning = microphoneProblem();

  const userLevel = useCallback(() => (call.current?.userLevel ?? 0), []);
  const agentLevel = useCallback(() => (call.current?.agentLevel ?? 0), []);

  useEffect(() => end.current?.scrollIntoView({ block: 'nearest' }), [state.turns]);
  useEffect(() => () => void call.current?.stop(), []);

  const start = () => {
    call.current = new Call(agent, (edit) => setState(edit));
    void call.current.start();
  };
  const send = (event: Event) => {
    event.preventDefault();
    if (text.trim() === '') return;
    call.current?.type(text);
    setText('');
  };

  return (
    <main>
      <section class="controls" aria-label="Call">
        <label>
          <span>Agent</span>
          <select value={agent} disabled={live} onChange={(e) => setAgent(e.currentTarget.value)}>
            {agents.map((a) => (
              <option key={a.id} value={a.id}>
                {a.name}
              </option>
            ))}
          </select>
        </label>
        {live ? (
          <button class="stop" onClick={() => void call.current?.stop()}>
            Hang up
          </button>
        ) : (
          <button class="start" disabled={!agent} onClick={start}>
            Start talking
          </button>
        )}
        {state.status === 'connected' && (
          <button aria-pressed={state.muted} onClick={() => call.current?.mute(!state.muted)}>
            {state.muted ? 'Unmute' : 'Mute'}
          </button>
        )}
        <output class={`status ${state.status}`}>
          {{ idle: 'ready', connecting: 'connecting…', connected: 'connected', ended: 'call ended' }[state.status]}
        </output>
      </section>

      {warning && <Notice kind="info">{warning}</Notice>}
      {state.problem && <Notice kind="bad">{state.problem}</Notice>}

      <section class="meters" aria-label="Levels">
        <Meter label="You" level={userLevel} />
        <Meter label="Agent" level={agentLevel} />
      </section>

      <section class="transcript" aria-label="Conversation">
        {state.turns.length === 0 ? (
          <p class="empty">
            {live
              ? 'Say something, or type below.'
              : 'Press “Start talking”, allow the microphone, and say hello. The Demo agent repeats what you say, tells the time, sends data, and hangs up when you say goodbye.'}
          </p>
        ) : (
          <ol aria-live="polite">
            {state.turns.map((t) => (
              <TurnView key={t.id} turn={t} />
            ))}
          </ol>
        )}
        <div ref={end} />
      </section>

      <form class="type" onSubmit={send}>
        <label class="hidden" for="type">
          Type instead of speaking
        </label>
        <input
          id="type"
          value={text}
          autocomplete="off"
          placeholder="Type instead of speaking"
          disabled={state.status !== 'connected'}
          onInput={(e) => setText(e.currentTarget.value)}
        />
        <button disabled={state.status !== 'connected' || text.trim() === ''}>Send</button>
      </form>
    </main>
  );
}
