"""The webhook agent against a backend that does everything wrong: what the session gets to see, what
the log keeps, and that nothing is left. tests/tools/webhook_ask is the session."""
import subprocess
import time

import pytest

import fake_backend as fb
from asker import Asker


@pytest.fixture
def ask(backend):
    """Makes askers of this backend; ends them before it."""
    made = []

    def make(url=None, **config):
        made.append(Asker(url or backend.url, **config))
        return made[-1]

    yield make
    for asker in made:
        asker.close()


# ---- answers that are fine ----

def test_text_arrives_while_the_backend_still_thinks(backend, ask):
    backend.on('message', fb.say('Hel', 'lo.', fb.gate('more'), fb.data({'x': [1.0, None]}), ' Bye.'))
    asker = ask()
    asker.request()
    asker.until('text')
    assert asker.trace()[0] == ('text', 'Hel')
    backend.open('more')
    end = asker.until('end')
    assert asker.trace() == [('text', 'Hel'), ('text', 'lo.'), ('json', {'x': [1, None]}),
                             ('text', ' Bye.'), 'end']
    assert 0 <= end['sent_us'] <= end['first_byte_us']
    record = asker.record()
    assert (record['status'], record['code'], record['cancelled']) == (200, None, False)
    assert (record['events'], record['dropped'], record['type']) == (5, 0, 'message')
    assert record['url'] == backend.url
    assert record['request'] == backend.requests[0].body.decode()
    assert record['response'].startswith('data: {"type": "response.tts", "content": "Hel"')
    assert record['done_us'] >= record['first_byte_us'] >= record['sent_us'] >= 0


@pytest.mark.parametrize('pieces', [1, 2, 7])
def test_answers_in_tiny_pieces(backend, ask, pieces):
    backend.on('message', fb.say('Grüße 😀', fb.data('ü'), pieces=pieces))
    asker = ask()
    asker.request()
    asker.until('end')
    assert asker.trace() == [('text', 'Grüße 😀'), ('json', 'ü'), 'end']


def test_what_is_sent(backend, ask):
    asker = ask(metadata={'b': 1, '1': 'ü'}, pending_secret='whsec_next',
                custom_headers={'X-Tenant': 't_42', 'content-type': 'evil', 'x-bad': 'a\r\nb: c',
                                'layercode-signature': 'evil'})
    asker.request('asst-1', text='"Hi"\n')
    asker.until('end', 'asst-1')
    request = backend.requests[0]
    assert request.method == 'POST' and request.target == '/agent'
    assert request.body.decode() == (
        '{"type":"message","session_id":"lc_conn_1","conversation_id":"lc_conv_1","turn_id":"asst-1"'
        ',"text":"\\"Hi\\"\\n","metadata":{"1":"ü","b":1}}')
    assert request.header('content-type') == 'application/json'
    assert request.header('X-Tenant') == 't_42'
    assert request.header('x-bad') is None and request.header('b') is None
    assert request.header('expect') is None
    assert fb.check_signature(request.header('riposte-signature-next'), request.body,
                              'whsec_next') is None
    names = [name.lower() for name, _ in request.headers]
    assert (names.index('content-type') < names.index('layercode-signature')
            < names.index('riposte-signature-next') < names.index('x-tenant'))


def test_connections_are_used_again(backend, ask):
    asker = ask()
    for ident in 'abc':
        asker.request(ident)
        asker.until('end', ident)
        asker.record(ident)
    assert [r.connection for r in backend.requests] == [0, 0, 0]
    assert [asker.record(ident)['reused'] for ident in 'abc'] == [False, True, True]


def test_a_kept_connection_that_the_backend_closed_is_no_failure(backend, ask):
    async def closing(request, reply):
        await fb.say('x')(request, reply)
        await reply.finish()
        reply.keep_alive = False  # without telling: the connection is closed after the answer
    backend.on('message', closing)
    asker = ask()
    for ident in 'abcdef':
        asker.request(ident)
        asker.record(ident)
        assert asker.trace(ident) == [('text', 'x'), 'end']


@pytest.mark.parametrize('answer', [
    fb.empty(), fb.empty(200), fb.say(end=False), fb.say(b': nothing to say\n\n', end=False)])
def test_nothing_to_say_is_an_end(backend, ask, answer):
    backend.next(answer)
    asker = ask()
    asker.request()
    asker.until('end')
    assert asker.trace() == ['end']
    assert asker.record()['code'] is None


@pytest.mark.parametrize('head', [
    {'content_type': 'Text/Event-Stream; charset=UTF-8'},
    {'headers': [('Content-Encoding', 'none'), ('Cache-Control', 'no-cache, no-transform')]},
    {'close': True}, {'code': 201}])
def test_heads_that_are_fine(backend, ask, head):
    backend.next(fb.say('x', **head))
    asker = ask()
    asker.request()
    asker.until('end')
    assert asker.trace() == [('text', 'x'), 'end']


def test_strange_events_are_dropped(backend, ask):
    backend.next(fb.say(
        fb.event({'textToBeShown': 'x'}), fb.event({'type': 'response.dance'}), b'data: [DONE]\n\n',
        fb.tts('old', turn_id='asst-0'), fb.tts({'no': 'text'}), fb.tts('new'),
        b'event: e\r\nid: 1\r\ndata: {"type":"response.tts",\r\ndata: "content":"two lines"}\r\n\r\n'))
    asker = ask()
    asker.request()
    asker.until('end')
    assert asker.trace() == [('text', 'new'), ('text', 'two lines'), 'end']
    assert asker.record()['dropped'] == 5


def test_the_end_does_not_wait_for_the_stream_to_close(backend, ask):
    backend.next(fb.hold('Bye.', fb.hangup()))
    asker = ask()
    asker.request()
    asker.until('end')
    assert asker.trace() == [('text', 'Bye.'), 'hangup', 'end']
    # … and the stream is given up after a moment.
    record = asker.record()
    assert (record['code'], record['cancelled']) == (None, False)
    backend.wait_disconnected(backend.requests[0])


def test_a_flood_after_the_end_is_cut_off(backend, ask):
    async def flood(request, reply):
        await fb.say('x')(request, reply)
        for _ in range(1000):
            await reply.body(b'data: ' + b'a' * 65536 + b'\n\n')
    backend.next(flood)
    asker = ask()
    asker.request()
    asker.until('end')
    asker.record()
    backend.wait_disconnected(backend.requests[0])
    assert backend.requests[0].sent < 60 << 20


def test_data_is_answered_with_json_or_a_stream(backend, ask):
    backend.next(fb.plain({'b': 1.50, 'a': [None]}), fb.say(fb.data(1), 'text'), fb.empty())
    asker = ask()
    for ident in 'abc':
        asker.request(ident, type='data', data={'k': 'ü'})
        asker.until('end', ident)
    assert asker.trace('a') == [('plain', {'b': 1.5, 'a': [None]}), 'end']
    assert asker.trace('b') == [('json', 1), ('text', 'text'), 'end']
    assert asker.trace('c') == ['end']
    assert backend.requests[0].json['data'] == {'k': 'ü'}


def test_requests_run_side_by_side(backend, ask):
    backend.next(fb.say(fb.gate('slow'), 'slow'), fb.say('quick'))
    asker = ask()
    asker.request('a')
    backend.wait()
    asker.request('b', type='data', data=1)
    asker.until('end', 'b')
    backend.open('slow')
    asker.until('end', 'a')
    assert asker.trace('a') == [('text', 'slow'), 'end']


# ---- failures ----

FAILURES = {
    'status': (fb.status(500, b'oh no'), 'bad_status', 500),
    'status without an end': (fb.stall(b'oh no', code=503), 'bad_status', 503),
    'unauthorized': (fb.status(401), 'bad_status', 401),
    'not found': (fb.status(404, b'<html>', 'text/html'), 'bad_status', 404),
    'redirect': (fb.status(307, headers=[('Location', 'http://127.0.0.1:1/')]), 'bad_status', 307),
    'page': (fb.status(200, b'<html>', 'text/html'), 'bad_content_type', 200),
    'json': (fb.plain({'a': 1}), 'bad_content_type', 200),
    'no type': (fb.say('x', content_type=None), 'bad_content_type', 200),
    'text': (fb.say(b'Hello there.\n\n', end=False), 'bad_answer', 200),
    'binary': (fb.say(bytes(range(256)), end=False), 'bad_answer', 200),
    'other turn': (fb.say(fb.tts('x', turn_id='y'), end=False), 'bad_answer', 200),
    'no http': (fb.raw(b'\x16\x03\x01 garbage \r\n\r\n'), 'connection_lost', 0),
    'half a head': (fb.raw(b'HTTP/1.1 200 OK\r\nContent-Ty'), 'connection_lost', 0),
    'no answer': (fb.refuse(), 'connection_lost', 0),
    'cut': (fb.cut(), 'connection_lost', 200),
    'reset': (fb.cut(reset=True), 'connection_lost', None),  # the head may die with it
    'short': (fb.cut(length=1000), 'connection_lost', 200),
    'bad chunk': (fb.raw(b'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
                         b'Transfer-Encoding: chunked\r\n\r\nzz\r\n'), 'connection_lost', 200),
    'endless line': (fb.endless(), 'answer_too_large', 200),
    'error': (fb.say(fb.event({'type': 'response.error', 'error': 'secret thing'})),
              'backend_error', 200),
}


@pytest.mark.parametrize('name', FAILURES)
def test_failures_end_the_turn(backend, ask, name):
    answer, code, status = FAILURES[name]
    backend.next(answer)
    asker = ask()
    asker.request()
    error = asker.until('error')
    status = error['status'] if status is None else status
    assert (error['code'], error['status']) == (code, status)
    assert error['why'].startswith(f'127.0.0.1:{backend.port}: ') and ' ms after ' in error['why']
    assert 'secret thing' not in error['why'] and '/agent' not in error['why']
    record = asker.record()
    assert (record['code'], record['status'], record['cancelled']) == (code, status, False)
    assert record['why'] == error['why']
    # The next request is not affected.
    asker.request('b')
    asker.until('end', 'b')


def test_what_was_said_before_a_failure_stays_said(backend, ask):
    backend.next(fb.cut('One.', fb.gate('cut')))
    asker = ask()
    asker.request()
    asker.until('text')
    backend.open('cut')
    asker.until('error')
    assert asker.trace() == [('text', 'One.'), 'error']


def test_the_log_keeps_what_a_failure_says(backend, ask):
    backend.next(fb.status(500, b'Traceback: boom'))
    asker = ask()
    asker.request()
    assert asker.record()['response'] == 'Traceback: boom'


def test_nobody_listens(ask):
    asker = ask('http://127.0.0.1:1/agent?token=s3cret')
    asker.request()
    error = asker.until('error')
    assert (error['code'], error['status']) == ('connection_failed', 0)
    assert 's3cret' not in error['why']


def test_a_name_that_does_not_exist(ask):
    asker = ask('http://no-such-host.invalid/agent')
    asker.request()
    assert asker.until('error')['code'] == 'connection_failed'


def test_a_link_local_address_is_refused(ask):
    asker = ask('http://169.254.169.254/latest/meta-data')
    asker.request()
    assert asker.until('error')['code'] == 'connection_failed'


@pytest.mark.parametrize('answer,config,what', [
    (fb.never(), {'first_byte_ms': 100}, 'waiting for the answer'),
    (fb.stall('Hel'), {'idle_ms': 100}, 'receiving the answer'),
    (fb.stall(), {'idle_ms': 100}, 'receiving the answer')])
def test_timeouts(backend, ask, answer, config, what):
    backend.next(answer)
    asker = ask(**config)
    asker.request()
    error = asker.until('error')
    assert error['code'] == 'timeout'
    assert what in error['why']
    backend.wait_disconnected(backend.requests[0])


def test_comments_keep_a_slow_answer_alive(backend, ask):
    async def slow(request, reply):
        await reply.head()
        for _ in range(10):
            await reply.body(b': thinking\n')
            await reply.sleep(0.2)
        await reply.tts('x')
    backend.next(slow)
    asker = ask(idle_ms=1500)
    asker.request()
    asker.until('end')
    assert asker.trace() == [('text', 'x'), 'end']


def test_limits(backend, ask):
    asker = ask(max_event=1000, max_answer=3000, max_body=500)
    backend.next(fb.say('a' * 1000))
    asker.request('a')
    assert asker.until('error', 'a')['code'] == 'answer_too_large'
    backend.next(fb.say(*['a' * 500] * 10))
    asker.request('b')
    assert asker.until('error', 'b')['code'] == 'answer_too_large'
    asker.request('c', text='a' * 1000)
    assert asker.until('refused', 'c')['err'] == 'RP_ELIMIT'
    asker.request('d')
    asker.until('end', 'd')


# ---- ending it ourselves ----

@pytest.mark.parametrize('answer', [fb.never(), fb.stall('x')])
def test_cancel_hangs_up_at_once(backend, ask, answer):
    backend.next(answer)
    asker = ask()
    asker.request()
    backend.wait()
    asker.say(do='cancel', id='a')
    backend.wait_disconnected(backend.requests[0])
    record = asker.record()
    assert record['cancelled'] and record['code'] is None
    assert 'end' not in asker.trace() and 'error' not in asker.trace()


@pytest.mark.parametrize('then', ['cancel', 'close'])
@pytest.mark.parametrize('in_event', [1, 2, 3, 4])
def test_ended_inside_any_of_its_events(backend, ask, then, in_event):
    backend.next(fb.say('one', fb.data(2), fb.hangup()))
    asker = ask()
    asker.request(in_event=in_event, then=then)
    record = asker.record()
    assert len(asker.trace()) == in_event
    assert record['cancelled'] == (in_event < 4)


@pytest.mark.parametrize('then', ['cancel', 'close'])
@pytest.mark.parametrize('answer', [fb.status(500), fb.refuse(), fb.cut(), fb.empty()])
def test_ended_inside_its_last_event(backend, ask, then, answer):
    backend.next(answer)
    asker = ask()
    asker.request(in_event=1, then=then)
    assert not asker.record()['cancelled']
    assert len(asker.trace()) == 1


def test_closing_ends_everything(backend, ask):
    backend.on('message', fb.never())
    asker = ask()
    for ident in 'abc':
        asker.request(ident)
    backend.wait(3)
    asker.say(do='close')
    for request in backend.requests:
        backend.wait_disconnected(request)
    assert all(asker.record(ident)['cancelled'] for ident in 'abc')


def test_a_request_from_inside_an_event(backend, ask):
    asker = ask()
    asker.request(in_event=1, then='request')
    asker.until('end', 'a')
    asker.until('end', 'inner')


# ---- back-pressure ----

def test_pausing_stops_the_backend_and_no_timeout_runs(backend, ask):
    async def much(request, reply):
        await reply.head()
        for n in range(2000):
            await reply.tts(f'{n} ' + 'a' * 10000)
        await reply.end()
    backend.next(much)
    asker = ask(idle_ms=1000, max_answer=64 << 20)
    asker.request(in_event=1, then='pause')
    asker.until('text')
    wait_still(backend.requests[0])
    time.sleep(1.5)  # longer than idle_ms, which must not run
    assert backend.requests[0].finished is None
    assert len(asker.trace()) < 1000
    asker.say(do='resume', id='a')
    asker.until('end')
    texts = [t[1].split()[0] for t in asker.trace() if t[0] == 'text']
    assert texts == [str(n) for n in range(2000)]


def wait_still(request):
    """Until the answer has not moved for half a second. Taken too early it proves less, but breaks
    nothing: what comes after has to be complete all the same."""
    sent = -1
    while sent != request.sent:
        sent = request.sent
        time.sleep(0.5)


# ---- TLS ----

@pytest.fixture(scope='module')
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tls')
    cert, key = folder / 'cert.pem', folder / 'key.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                    '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext',
                    'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], check=True,
                   capture_output=True)
    return str(cert), str(key)


@pytest.fixture
def tls_backend(certificate):
    fake = fb.FakeBackend(certificate=certificate).start()
    yield fake
    fake.stop()
    fake.check()


def test_https(tls_backend, ask, certificate):
    asker = ask(tls_backend.url, ca_file=certificate[0])
    for ident in 'ab':
        asker.request(ident)
        asker.until('end', ident)
        asker.record(ident)
    assert [r.connection for r in tls_backend.requests] == [0, 0]


def test_an_unknown_certificate_is_refused(tls_backend, ask):
    asker = ask(tls_backend.url)
    asker.request()
    assert asker.until('error')['code'] == 'connection_failed'
    assert not tls_backend.requests


def test_http_where_https_is_spoken(tls_backend, ask):
    asker = ask(tls_backend.url.replace('https', 'http'))
    asker.request()
    assert asker.until('error')['code'] in ('connection_lost', 'bad_status')
