"""Webhook bodies and signatures against node and the published SDK; see tests/node/event_body.mjs."""
import os
import pathlib
import random
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('RIPOSTE_BUILD_DIR', TOP / 'build'))


def test_bodies_survive_json_in_node_and_are_verified_by_the_published_sdk():
    seed = int(os.environ.get('SEED', random.randrange(2**32)))
    print('seed', seed)  # shown by pytest when the test fails; SEED=… repeats it
    run = subprocess.run(
        ['node', TOP / 'tests/node/event_body.mjs', BUILD / 'tests/tools/event_body',
         str(seed), '5000'], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert f'5000 bodies, seed {seed}' in run.stdout
