"""What the whole-program tests of faults share: a small model, and a layer between the program and OpenCL
(tests/cl_layer/layer.c) that counts calls and makes them fail, as HG_CL_* in the environment says."""
import json
import os
import shutil
import struct
import subprocess
import sys
import whole_program
from whole_program import arguments, report, run_tests, write

MODEL = """name: tiny
input: {channels: 1, height: 12, width: 12}
encoder:
  - conv2d: {filters: 4, kernel: 3, stride: 2, padding: same, activation: relu}
  - batch_norm
  - max_pool2d: {size: 2}
  - flatten
latent: {gaussian: {units: 2}}
decoder:
  - dense: {units: 36, activation: relu}
  - reshape: [4, 3, 3]
  - dropout: {rate: 0.1}
  - upsample2d: {factor: 2}
  - conv2d_transpose: {filters: 1, kernel: 3, stride: 2, padding: same, activation: sigmoid}
loss: {bce: {reduction: sum}}
optimizer: {adam: {lr: 0.001}}
train: {batch: 20, epochs: 4}
"""
DATA = ["--limit", "190", "--batch", "20"]
STEPS = ["--save-every", "7", "--log-every", "2", "--epochs", "4"]

layer = None  # main() sets it


def inside(*names):
    """In the folder of the test, wherever that lies: for the environment of a program."""
    return os.path.abspath(os.path.join(*names))


def environment(**extra):
    env = dict(os.environ, OPENCL_LAYERS=layer)
    for key in list(env):
        if key.startswith("HG_CL_"):
            del env[key]
    env.update({k: str(v) for k, v in extra.items()})
    return env


def run(verb, *rest, timeout=120, **extra):
    return subprocess.run([whole_program.program, verb, *rest], capture_output=True, text=True, timeout=timeout, env=environment(**extra))


def place(name):
    path = inside(name)
    shutil.rmtree(path, ignore_errors=True)
    return path


def train(out, *rest, **extra):
    return run("train", inside("tiny.yaml"), "--out", out, "--seed", "4", *DATA, *STEPS, *rest, **extra)


def checkpoint(out):
    path = os.path.join(out, "checkpoint.safetensors")
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def whole(data):
    """Is it a complete safetensors file?"""
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    return len(data) == 8 + length + max(e["data_offsets"][1] for k, e in header.items() if k != "__metadata__")


def messages(done):
    return [line for line in done.stderr.splitlines() if line.startswith("hourglass:") and not line.startswith("hourglass: warning:")]


def counts(path):
    with open(path) as file:
        return {name: int(n) for name, n in (line.split() for line in file)}


uninterrupted = None


def full_run():
    """The checkpoint of a run that nothing disturbed."""
    global uninterrupted
    if uninterrupted is None:
        out = place("full")
        done = train(out, HG_CL_CALLS=inside("calls"))
        report(done.returncode == 0, "an undisturbed run ends well", f"exit {done.returncode}: {done.stderr.strip()}")
        if done.returncode:
            sys.exit(1)
        uninterrupted = checkpoint(out)
    return uninterrupted


def resumes_to_the_same(name, out):
    full = full_run()
    done = train(out, "--resume")
    if not report(done.returncode == 0, f"{name}: resumes", f"exit {done.returncode}: {done.stderr.strip()}"):
        return
    report(checkpoint(out) == full, f"{name}: the resumed run ends with the bits of an undisturbed one")


def main(found, model=MODEL):
    """Runs the tests that are asked for of those that a file has, its functions test_NAME, with this model as tiny.yaml."""
    global layer
    args = arguments("layer")
    layer = args.layer

    def prepare():
        global uninterrupted
        uninterrupted = None
        write("tiny.yaml", model)

    run_tests(args.tests, found, prepare)
