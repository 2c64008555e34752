// The page: is somebody signed in, which agents are there, then the playground.

import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type Agent, ApiError, listAgents } from './api';
import { Notice } from './parts';
import { Playground } from './playground';

function SignedOut() {
  return (
    <main>
      <h2>Sign in</h2>
      <p>
        This page is opened by a link that works once. The server prints one when it starts; another
        comes from
      </p>
      <pre>riposte owner-link</pre>
    </main>
  );
}

function App() {
  const [agents, setAgents] = useState<Agent[] | null>(null);
  const [error, setError] = useState<ApiError | null>(null);

  const load = () => {
    setError(null);
    listAgents().then(setAgents, setError);
  };
  useEffect(load, []);

  let body;
  if (error?.status === 401) body = <SignedOut />;
  else if (error)
    body = (
      <main>
        <Notice kind="bad">{error.message}</Notice>
        <button onClick={load}>Try again</button>
      </main>
    );
  else if (!agents)
    body = (
      <main>
        <p role="status">Loading…</p>
      </main>
    );
  else body = <Playground agents={agents} />;
  return (
    <>
      <header>
        <img src="icon.svg" alt="" width="28" height="28" />
        <h1>Riposte</h1>
        <span>Playground</span>
      </header>
      {body}
    </>
  );
}

render(<App />, document.getElementById('app') as HTMLElement);
