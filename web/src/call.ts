// One conversation: the published browser SDK, and what its messages mean for the page.

import type { Latency } from './api';
import * as api from './api';

export interface Turn {
  id: string;
  who: 'user' | 'assistant';
  text: string; // final words, or the answer so far
  interim: string; // words that may still change
  data: unknown[];
  done: boolean;
  cut: boolean; // the caller spoke into it
  latency?: Latency;
}

export interface State {
  status: 'idle' | 'connecting' | 'connected' | 'ended';
  problem: string;
  muted: boolean;
  turns: Turn[];
}

export const initial: State = { status: 'idle', problem: '', muted: false, turns: [] };

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Message = Record<string, any>;

function change(turns: Turn[], id: string, who: Turn['who'], edit: (t: Turn) => Turn): Turn[] {
  if (turns.some((t) => t.id === id)) return turns.map((t) => (t.id === id ? edit(t) : t));
  const made: Turn = { id, who, text: '', interim: '', data: [], done: false, cut: false };
  return [...turns, edit(made)];
}

// What one message of the server does to the transcript.
export function apply(turns: Turn[], m: Message): Turn[] {
  const id = String(m.turn_id ?? '');
  switch (m.type) {
    case 'turn.start':
      if (m.role === 'user')
        turns = turns.map((t) => (t.who === 'assistant' && !t.done ? { ...t, done: true, cut: true } : t));
      return change(turns, id, m.role, (t) => t);
    case 'turn.end':
      return m.role === 'user'
        ? change(turns, id, 'user', (t) => ({ ...t, interim: '', done: true })).filter(
            (t) => t.id !== id || t.text !== '',
          )
        : change(turns, id, 'assistant', (t) => ({ ...t, done: true }));
    case 'user.transcript.interim_delta':
      return change(turns, id, 'user', (t) => ({ ...t, interim: m.content }));
    case 'user.transcript.delta':
      return change(turns, id, 'user', (t) => ({
        ...t,
        text: t.text ? `${t.text} ${m.content}` : m.content,
        interim: '',
      }));
    case 'user.transcript':
      return change(turns, id, 'user', (t) => ({ ...t, text: m.content, interim: '' }));
    case 'response.text.delta':
      return change(turns, id, 'assistant', (t) => ({ ...t, text: t.text + m.content }));
    case 'response.text':
      return change(turns, id, 'assistant', (t) => ({ ...t, text: m.content }));
    case 'response.data':
      return change(turns, id, 'assistant', (t) => ({ ...t, data: [...t.data, m.content] }));
    default:
      return turns;
  }
}

// Why nobody can speak here, or '' if all is well.
export function microphoneProblem(): string {
  if (!window.isSecureContext)
    return 'Browsers give no microphone to this address. Open the page as http://localhost or over HTTPS; typing works all the same.';
  if (!navigator.mediaDevices?.getUserMedia)
    return 'This browser has no microphone access. Typing works all the same.';
  return '';
}

export function explain(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  if (name === 'NotAllowedError')
    return 'The microphone was refused. Allow it for this page in the address bar, then start again; typing works all the same.';
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return 'No microphone was found. Plug one in, then start again; typing works all the same.';
  if (name === 'NotReadableError') return 'Another program holds the microphone.';
  return error instanceof Error ? error.message : String(error);
}

export class Call {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  private client: any;
  private over = false;
  private conversation = '';
  userLevel = 0;
  agentLevel = 0;

  constructor(
    private agent: string,
    private update: (edit: (s: State) => State) => void,
  ) {}

  async start(): Promise<void> {
    this.update(() => ({ ...initial, status: 'connecting' }));
    const { default: LayercodeClient } = await import('@layercode/js-sdk');
    const withMicrophone = !microphoneProblem() && (await this.microphoneAllowed());
    this.client = new LayercodeClient({
      agentId: this.agent,
      authorizeSessionEndpoint: 'v1/agents/web/authorize_session',
      authorizeSessionRequest: async ({ body }: { body: Message }) => {
        const answer = await api.authorize(body);
        this.conversation = answer.conversation_id;
        return new Response(JSON.stringify(answer), { headers: { 'Content-Type': 'application/json' } });
      },
      enableVAD: false,
      audioInput: withMicrophone,
      audioOutput: true,
      enableAmplitudeMonitoring: true,
      onConnect: () => this.set({ status: 'connected' }),
      onDisconnect: () => this.end(),
      onError: (error: Error) => this.set({ problem: explain(error) }),
      onUserAmplitudeChange: (level: number) => (this.userLevel = level),
      onAgentAmplitudeChange: (level: number) => (this.agentLevel = level),
      onMuteStateChange: (muted: boolean) => this.set({ muted }),
      onMessage: (m: Message) => this.message(m),
      onDataMessage: (m: Message) => this.message(m),
    } as never);
    const url = new URL('v1/agents/web/websocket', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    this.client._websocketUrl = url.href;
    try {
      await this.client.connect();
    } catch (error) {
      this.set({ problem: explain(error) });
      this.end();
    }
  }

  // Asked for before the SDK does, so that a refusal leaves a call that can still type and listen.
  private async microphoneAllowed(): Promise<boolean> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      stream.getTracks().forEach((track) => track.stop());
      return true;
    } catch (error) {
      this.set({ problem: explain(error) });
      return false;
    }
  }

  private set(change: Partial<State>): void {
    if (!this.over) this.update((s) => ({ ...s, ...change }));
  }

  private message(m: Message): void {
    if (this.over) return;
    this.update((s) => ({ ...s, turns: apply(s.turns, m) }));
    if (m.type === 'turn.end' && m.role === 'assistant') void this.measure();
  }

  private async measure(): Promise<void> {
    try {
      const found = await api.latencies(this.agent, this.conversation);
      this.update((s) => ({
        ...s,
        turns: s.turns.map((t) => (found.has(t.id) ? { ...t, latency: found.get(t.id) } : t)),
      }));
    } catch {
      // Figures are a nicety: the call goes on without them.
    }
  }

  type(text: string): void {
    void this.client?.sendClientResponseText(text);
  }

  mute(muted: boolean): void {
    if (muted) this.client?.mute();
    else void this.client?.unmute();
  }

  private end(): void {
    this.set({ status: 'ended' });
    this.over = true;
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.end();
    await client?.disconnect();
  }
}
