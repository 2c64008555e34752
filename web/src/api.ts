// The REST API, called with the sign-in cookie of this page. Paths are relative, so that the pages
// also work below a path of a reverse proxy.

export interface Agent {
  id: string;
  name: string;
}

export interface Latency {
  decided_ms?: number;
  posted_ms?: number;
  first_text_ms?: number;
  first_audio_ms?: number;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function call<T>(path: string, body?: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, 'The server cannot be reached. Is it still running?');
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new ApiError(response.status, answer.error ?? `The server answered ${response.status}.`);
  return answer as T;
}

export async function listAgents(): Promise<Agent[]> {
  return (await call<{ agents: Agent[] }>('v1/agents')).agents;
}

export interface Authorized {
  client_session_key: string;
  conversation_id: string;
  config: unknown;
}

export function authorize(body: unknown): Promise<Authorized> {
  return call<Authorized>('v1/agents/web/authorize_session', body);
}

interface Said {
  turn_id?: string;
  latency?: Latency | null;
}

// What the turns of a conversation's newest session took, by turn id.
export async function latencies(agent: string, conversation: string): Promise<Map<string, Latency>> {
  const path = `v1/agents/${encodeURIComponent(agent)}/sessions`;
  const list = await call<{ sessions: { session_id: string }[] }>(
    `${path}?conversation_id=${encodeURIComponent(conversation)}&limit=1`,
  );
  const found = new Map<string, Latency>();
  if (list.sessions.length === 0) return found;
  const session = await call<{ transcript?: Said[] }>(
    `${path}/${encodeURIComponent(list.sessions[0].session_id)}`,
  );
  for (const said of session.transcript ?? [])
    if (said.turn_id && said.latency) found.set(said.turn_id, said.latency);
  return found;
}
