"""Our JSON against node's: JSON.stringify(JSON.parse(text)) of documents made at random.

Both sides must print the same bytes or both refuse. The seed is printed; RIPOSTE_SEED=n repeats a run.
"""
import decimal
import fractions
import json
import math
import os
import pathlib
import random
import shutil
import string
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('RIPOSTE_BIN', ROOT / 'build/riposte')).parent
SEED = int(os.environ.get('RIPOSTE_SEED') or random.SystemRandom().randrange(2**32))

# The same records as tests/tools/json_roundtrip.
NODE = r"""
const input = require('fs').readFileSync(0), out = [];
for (let at = 0; at < input.length;) {
  const len = input.readUInt32LE(at);
  const text = new TextDecoder().decode(input.subarray(at + 4, at + 4 + len));
  at += 4 + len;
  let answer;
  try { answer = '=' + JSON.stringify(JSON.parse(text)); } catch (e) { answer = '!' + e.message; }
  const bytes = Buffer.from(answer), head = Buffer.alloc(4);
  head.writeUInt32LE(bytes.length);
  out.push(head, bytes);
}
process.stdout.write(Buffer.concat(out));
"""

pytestmark = pytest.mark.skipif(not shutil.which('node'), reason='node is not installed')


def answers(command, documents):
    """One answer for each document, as bytes."""
    records = b''.join(struct.pack('<I', len(d)) + d for d in documents)
    out = subprocess.run(command, input=records, capture_output=True, check=True, timeout=300).stdout
    result, at = [], 0
    while at < len(out):
        size, = struct.unpack_from('<I', out, at)
        result.append(out[at + 4:at + 4 + size])
        at += 4 + size
    assert len(result) == len(documents)
    return result


def compare(documents):
    """Fails on the first document about which the two disagree; gives how many were accepted."""
    ours = answers([BUILD / 'tests/tools/json_roundtrip'], documents)
    node = answers(['node', '-e', NODE], documents)
    accepted = 0
    for document, a, b in zip(documents, ours, node):
        if a[:1] == b'!' and b[:1] == b'!':
            continue
        assert a == b, f'seed {SEED}\ndocument: {document!r}\nours: {a!r}\nnode: {b!r}'
        accepted += 1
    return accepted


# ---- documents ----------------------------------------------------------------------------------

SPACE = ['', '', '', '', ' ', '\n', '\t', '\r\n', '  ']
CHARACTERS = string.ascii_letters + string.digits + ' /<>&\'%{}[]:,\x7f\xa0é߿ࠀ€\u2028\u2029\ufeff￿😀𐀀\U0010ffff'
ESCAPES = [r'\"', r'\\', r'\/', r'\b', r'\f', r'\n', r'\r', r'\t', r'\u0000', r'\u001F', r'\u0041',
           r'\u00e9', r'\u20AC', r'\uFFFF', r'\ud83d', r'\uDE00', r'\ud83d\ude00', r'\uDBFF\uDFFF',
           r'\ud83d\u0041', r'\ude00\ud83d']
BAD_ESCAPES = [r'\x41', r'\u12', r'\u12g4', r'\U0041', r'\0', '\\\n', '\x00', '\x1f', '\n', '"']
BAD_UTF8 = [b'\x80', b'\xc0\x80', b'\xc1\xbf', b'\xc3', b'\xe2\x82', b'\xe0\x80\x80', b'\xed\xa0\x80',
            b'\xed\xb0\x80', b'\xf0\x9f\x98', b'\xf0\x80\x80\x80', b'\xf4\x90\x80\x80', b'\xf5\x80',
            b'\xff', b'\xfe\xff', b'\xe1\x80\xc3\xa9', b'\xf1\x80\x80\xf1\x80\x80\x80']
KEYS = ['a', 'b', 'a', '', '__proto__', 'constructor', 'toString', 'length', '0', '1', '2', '10', '00',
        '01', '-0', '-1', '1.0', '1e3', ' 1', '4294967293', '4294967294', '4294967295', '4294967296',
        '9007199254740993', '99999999999', '+1', '٣']
WORDS = ['true', 'false', 'null']
BAD_WORDS = ['', 'tru', 'True', 'nul', 'NaN', 'Infinity', '-Infinity', 'undefined', "'a'", '/**/1', '1 2',
             '[1,]', '[,1]', '{"a":1,}', '{,}', '{"a"}', '{a:1}', '{"a":1 "b":2}', '[1}', '{"a":1]', '\x0b1',
             '\xa01', '\u20281', '[', '{', '"', '"\\', '"\\u', '-', '+1', '.5', '1.', '01', '-01', '1e',
             '1e+', '1.e1', '0x10', '1_0', '--1', '1,2', '0e', '00', '1E5E5', '\ufeff\ufeff1', '[]]', '١']


def halfway(rng):
    """A decimal at, or just off, the middle between two doubles, in full length."""
    bits = rng.choice([rng.getrandbits(63), rng.getrandbits(52), rng.randrange(2046) << 52]) % (2047 << 52)
    low = fractions.Fraction(struct.unpack('<d', struct.pack('<Q', bits))[0])
    high = struct.unpack('<d', struct.pack('<Q', bits + 1))[0]
    high = fractions.Fraction(high) if math.isfinite(high) else fractions.Fraction(2)**1024
    middle = (low + high) / 2
    with decimal.localcontext(decimal.Context(prec=1200, Emax=9999, Emin=-9999)):
        exact = decimal.Decimal(middle.numerator) / decimal.Decimal(middle.denominator)
        digits = '%e' % 0 if not exact else format(exact, rng.choice(['e', 'E', 'f']))
    if rng.random() < .5:  # a nudge beyond all digits, or beyond those that are looked at
        mantissa, mark, exponent = digits.partition('e') if 'e' in digits else digits.partition('E')
        if '.' in mantissa:
            digits = mantissa + '0' * rng.choice([0, 1, 900]) + '1' + mark + exponent
    return digits


def number(rng):
    kind = rng.randrange(12)
    value = struct.unpack('<d', rng.randbytes(8))[0]
    if kind == 0:
        return str(rng.randrange(-100, 100))
    if kind == 1:
        return str(rng.randrange(-2**65, 2**65))
    if kind == 2:
        return f'{rng.randrange(10**6)}.{rng.randrange(10**rng.randrange(1, 9))}'
    if kind == 3:
        return repr(value) if math.isfinite(value) else '1e999'
    if kind == 4:
        return f'%.{rng.randrange(20)}e' % value if math.isfinite(value) else '-1E+400'
    if kind == 5:
        return repr(rng.random())
    if kind == 6:  # powers of two, and what is beside them
        power = math.ldexp(1, rng.randrange(-1074, 1024))
        return repr(rng.choice([power, math.nextafter(power, 0), math.nextafter(power, math.inf)]))
    if kind == 7:
        return halfway(rng)
    if kind == 8:
        return f'{rng.choice(["", "-"])}{rng.choice(["0", "1", "9", "123"])}{rng.choice(["", ".0", ".50", ".000001"])}' \
               f'{rng.choice(["", "e5", "E+5", "e-5", "e00", "E-07", "e308", "e-320", "e400", "e-400"])}'
    if kind == 9:
        return ''.join(rng.choices(string.digits, k=rng.randrange(1, 40))).lstrip('0') + '0'
    if kind == 10:
        return '0.' + '0' * rng.randrange(330) + ''.join(rng.choices(string.digits, k=rng.randrange(1, 30)))
    return f'{rng.randrange(1, 10**19)}e{rng.randrange(-345, 310)}'


def text(rng, bad):
    out = b''
    for _ in range(rng.choice([0, 1, 3, 10, 40])):
        kind = rng.random()
        if kind < .6:
            out += ''.join(rng.choices(CHARACTERS, k=rng.randrange(1, 12))).encode()
        elif kind < .9:
            out += rng.choice(ESCAPES).encode()
        elif kind < .95:
            out += rng.choice(BAD_UTF8)
        elif bad:
            out += rng.choice(BAD_ESCAPES).encode()
    return b'"' + out + b'"'


def value(rng, depth, bad):
    def space():
        return rng.choice(SPACE).encode()

    kind = rng.random()
    if bad and kind < .02:
        return rng.choice(BAD_WORDS).encode()
    if depth == 0 or kind < .3:
        return rng.choice([number(rng).encode(), text(rng, bad), rng.choice(WORDS).encode()])
    if kind < .6:
        items = (space() + value(rng, depth - 1, bad) + space() for _ in range(rng.choice([0, 1, 2, 3])))
        return b'[' + b','.join(items) + space() + b']'
    members, count = [], rng.choice([0, 1, 2, 3, 17, 40])
    for _ in range(count):
        key = rng.choice([json.dumps(rng.choice(KEYS)).encode(), json.dumps(str(rng.randrange(30))).encode(),
                          text(rng, bad)])
        members.append(space() + key + space() + b':' + space() + value(rng, depth - 1 if count < 17 else 0, bad) + space())
    return b'{' + b','.join(members) + space() + b'}'


def mutate(rng, document):
    """A few bytes changed, dropped, added or moved, or the end cut off."""
    d = bytearray(document)
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(d) + 1)
        kind = rng.randrange(4)
        if kind == 0:
            d[at:at + 1] = bytes([rng.randrange(256)])
        elif kind == 1:
            del d[at:at + rng.randrange(1, 4)]
        elif kind == 2:
            d[at:at] = rng.choice([b'"', b'\\', b',', b':', b'[', b']', b'{', b'}', b'0', b'-', b'e', b'.',
                                   b'\xef\xbb\xbf', b'\x00', b'\xff', b'null'])
        else:
            del d[at:]
    return bytes(d)


# ---- tests --------------------------------------------------------------------------------------

def test_documents():
    print('seed', SEED)
    rng = random.Random(SEED)
    documents = [value(rng, rng.randrange(6), False) for _ in range(6000)]
    assert compare(documents) == len(documents)


def test_refusals():
    print('seed', SEED)
    rng = random.Random(SEED + 1)
    documents = [value(rng, rng.randrange(5), True) for _ in range(3000)]
    documents += [mutate(rng, value(rng, rng.randrange(4), False)) for _ in range(6000)]
    documents += [w.encode() for w in BAD_WORDS] + [b'[' + w.encode() + b']' for w in BAD_WORDS]
    accepted = compare(documents)
    assert 1000 < accepted < len(documents) - 1000  # else we compare nothing


def test_numbers():
    print('seed', SEED)
    rng = random.Random(SEED + 2)
    documents = [b'[' + b','.join(number(rng).encode() for _ in range(50)) + b']' for _ in range(400)]
    assert compare(documents) == len(documents)


def test_powers():
    """Every power of two and of ten with its neighbours, read from more digits than they need."""
    around = [math.ldexp(1, e) for e in range(-1074, 1024)] + [float(f'1e{e}') for e in range(-323, 309)]
    documents = []
    for v in around:
        near = [math.nextafter(v, 0), v, math.nextafter(v, math.inf)]
        documents.append(('[' + ','.join('%.25e' % x for x in near if math.isfinite(x)) + ']').encode())
    assert compare(documents) == len(documents)
