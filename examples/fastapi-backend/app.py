"""A backend for a Riposte voice agent.

    POST /agent      the webhook: what the caller said comes in, what to say streams out
    POST /authorize  the browser asks here for a session; the API key stays on this machine

Everything about the conversation happens in `reply`. Replace what it does with a call of your
language model; the rest may stay as it is.
"""
import asyncio
import collections
import datetime
import hashlib
import hmac
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import StreamingResponse

PORT = int(os.environ.get('PORT', '3002'))
HOST = os.environ.get('HOST', '127.0.0.1')
RIPOSTE_URL = os.environ.get('RIPOSTE_URL', 'http://127.0.0.1:8080')
API_KEY = os.environ.get('LAYERCODE_API_KEY', '')
WEBHOOK_SECRET = os.environ.get('LAYERCODE_WEBHOOK_SECRET', '')

TOLERANCE_S = 300
CONVERSATION_LIMIT = 1000
AGENT_EVENTS = ('message', 'data', 'welcome', 'session.start')

app = FastAPI()
# The page that calls /authorize may come from another port or host.
app.add_middleware(CORSMiddleware, allow_origins=['*'], allow_methods=['POST'],
                   allow_headers=['Content-Type'])


# ---- the conversation ----

# conversation_id -> [{'role', 'text'}]; the oldest is forgotten when there are too many.
conversations: collections.OrderedDict[str, list[dict]] = collections.OrderedDict()


def history_of(conversation_id: str) -> list[dict]:
    history = conversations.setdefault(conversation_id, [])
    conversations.move_to_end(conversation_id)
    if len(conversations) > CONVERSATION_LIMIT:
        conversations.popitem(last=False)
    return history


async def think(text: str) -> AsyncIterator[str]:
    """Stands in for a language model: yields text piece by piece."""
    for word in re.findall(r'\S+\s*', text):
        await asyncio.sleep(0.03)
        yield word


def answer_to(text: str, history: list[dict]) -> str:
    if re.search(r'\btime\b', text, re.IGNORECASE):
        return f'It is {datetime.datetime.now():%I:%M %p}.'.replace(' 0', ' ')
    if re.search(r'\bgood ?bye\b', text, re.IGNORECASE):
        return 'Goodbye, it was nice to talk to you.'
    turns = sum(item['role'] == 'user' for item in history)
    return f'You said: {text} That was number {turns} of what you told me.'


async def reply(event: dict) -> AsyncIterator[dict]:
    """The events of the answer. When the caller interrupts, Riposte closes the connection, and this
    is cancelled at its next `await`."""
    history = history_of(event['conversation_id'])

    # The caller talked over the last answer. What was not heard was, for the caller, never said.
    if interruption := event.get('interruption_context'):
        last = next((item for item in reversed(history) if item['role'] == 'assistant'), None)
        if last:
            last['text'] = interruption['text_heard']

    if event['type'] == 'message':
        history.append({'role': 'user', 'text': event['text']})
        answer = answer_to(event['text'], history)
    elif event['type'] == 'data':
        # To the browser, e.g. to update its page.
        yield {'type': 'response.data', 'content': {'received': event['data']}}
        answer = 'Thank you, I have received your data.'
    else:
        answer = 'Hello, this is the FastAPI example. What can I do for you?'

    said = {'role': 'assistant', 'text': ''}
    history.append(said)
    async for piece in think(answer):
        said['text'] += piece
        yield {'type': 'response.tts', 'content': piece}
    if answer.startswith('Goodbye'):
        yield {'type': 'response.hangup'}
    yield {'type': 'response.end'}


# ---- HTTP ----

def is_signed(body: bytes, header: str) -> bool:
    """Whether `header` is `t=<unix seconds>,v1=<hex HMAC-SHA256(secret, t + "." + body)>`."""
    match = re.fullmatch(r't=(\d{1,12}),v1=([0-9a-f]{64})', header)
    if not match or abs(time.time() - int(match[1])) > TOLERANCE_S:
        return False
    signed = match[1].encode() + b'.' + body
    expected = hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, match[2])


async def as_sse(event: dict) -> AsyncIterator[str]:
    try:
        async for item in reply(event):
            yield f'data: {json.dumps({**item, "turn_id": event["turn_id"]})}\n\n'
    except Exception as error:
        # Riposte ends the turn, says its fallback line if it has one, and keeps this in its log.
        failure = {'type': 'response.error', 'error': str(error), 'turn_id': event['turn_id']}
        yield f'data: {json.dumps(failure)}\n\n'
        raise


@app.post('/agent')
async def agent(request: Request) -> Response:
    body = await request.body()
    if not is_signed(body, request.headers.get('layercode-signature', '')):
        raise HTTPException(401, 'The signature is missing or wrong.')
    event = json.loads(body)
    if not event.get('turn_id') or event.get('type') not in AGENT_EVENTS:
        print(event.get('type'), 'of', event.get('session_id'))  # a session webhook
        return Response(status_code=204)
    return StreamingResponse(as_sse(event), media_type='text/event-stream')


@app.post('/authorize')
async def authorize(request: Request) -> Response:
    """Hands on what the browser sent (agent_id, conversation_id, metadata …) with our key."""
    async with httpx.AsyncClient() as client:
        try:
            answer = await client.post(
                f'{RIPOSTE_URL}/v1/agents/web/authorize_session', content=await request.body(),
                headers={'Content-Type': 'application/json', 'Authorization': f'Bearer {API_KEY}'})
        except httpx.HTTPError as error:
            raise HTTPException(502, 'Riposte cannot be reached.') from error
    return Response(answer.content, answer.status_code, media_type='application/json')


@app.get('/health')
async def health() -> dict:
    return {'ok': True}


if __name__ == '__main__':
    if not WEBHOOK_SECRET:
        sys.exit('Set LAYERCODE_WEBHOOK_SECRET to the webhook secret of your agent.')
    uvicorn.run(app, host=HOST, port=PORT)
