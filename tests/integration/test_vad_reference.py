"""Our voice activity network against ONNX Runtime, on people's voices, jingles and noise."""
import os
import pathlib
import subprocess
import wave

import numpy as np
import onnxruntime
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('RIPOSTE_BUILD_DIR', ROOT / 'build'))
SPEECH = pathlib.Path(os.environ.get('RIPOSTE_SPEECH_DIR', ROOT / 'build/speech'))
WINDOW, CONTEXT = 512, 64


def recording(name):
    """16-bit mono samples, at whatever rate: to the network they are just numbers."""
    with wave.open(str(SPEECH / 'recordings' / name)) as f:
        pcm = np.frombuffer(f.readframes(f.getnframes()), '<i2')
        return pcm.reshape(-1, f.getnchannels()).mean(axis=1).astype('<i2')


def noise(_):
    rng = np.random.default_rng(5)
    loudness = np.geomspace(1, 32767, 100 * WINDOW)
    return np.clip(rng.standard_normal(loudness.size) * loudness, -32768, 32767).astype('<i2')


def reference(pcm):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        str(SPEECH / 'vad/silero_vad_16k_op15.onnx'), options, providers=['CPUExecutionProvider'])
    samples = pcm.astype(np.float32) / 32768
    state = np.zeros((2, 1, 128), np.float32)
    context = np.zeros(CONTEXT, np.float32)
    result = []
    for at in range(0, len(samples) - WINDOW + 1, WINDOW):
        window = samples[at:at + WINDOW]
        probability, state = session.run(None, {
            'input': np.concatenate([context, window])[None], 'state': state,
            'sr': np.array(16000, np.int64)})
        context = window[-CONTEXT:]
        result.append(probability[0, 0])
    return np.array(result)


def ours(pcm, code):
    tool = BUILD / 'tests/tools/vad_dump'
    run = subprocess.run([tool, SPEECH / 'vad/silero_vad_16k.bin', code], input=pcm.tobytes(),
                         capture_output=True, check=True, timeout=60)
    return np.array(run.stdout.split(), float)


@pytest.mark.parametrize('code', ['best', 'portable'])
@pytest.mark.parametrize('source, name', [
    (recording, 'beckett.wav'), (recording, 'endgame_nagg_nell.wav'),
    (recording, 'jingles/error.wav'), (recording, 'jingles/success.wav'), (noise, 'noise')])
def test_same_probabilities(source, name, code):
    pcm = source(name)
    want, got = reference(pcm), ours(pcm, code)
    assert len(want) == len(got) == len(pcm) // WINDOW
    assert np.abs(want - got).max() < 1e-4
    if name == 'beckett.wav':  # and it is not all the same number
        assert want.max() > 0.9 and want.min() < 0.1
