"""What the whole-program tests of faults share: a small model, a folder for their files, and a layer between the program and OpenCL
(tests/cl_layer/layer.c) that counts calls and makes them fail, as HG_CL_* in the environment says."""
import argparse
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

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

here = argparse.Namespace(failures=0)  # what main() was given, and the folder that all files are in


def inside(*names):
    return os.path.join(here.folder, *names)


def report(ok, name, detail=""):
    here.failures += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {name}{': ' + detail if detail and not ok else ''}", flush=True)
    return ok


def environment(**extra):
    env = dict(os.environ, OPENCL_LAYERS=here.layer)
    for key in list(env):
        if key.startswith("HG_CL_"):
            del env[key]
    env.update({k: str(v) for k, v in extra.items()})
    return env


def run(verb, *rest, timeout=120, **extra):
    return subprocess.run([here.program, verb, *rest], capture_output=True, text=True, timeout=timeout, env=environment(**extra))


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


def main(about, found, model=MODEL):
    """Runs the tests that are asked for of those that a file has, its functions test_NAME, with this model as tiny.yaml."""
    tests = {name[5:]: test for name, test in found.items() if name.startswith("test_")}
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--program", required=True, type=os.path.abspath)
    parser.add_argument("--layer", required=True, type=os.path.abspath)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the files behind")
    parser.add_argument("tests", nargs="*", help=f"of {', '.join(tests)}")
    parser.parse_args(namespace=here)
    here.folder = tempfile.mkdtemp(prefix="hourglass-faults-")
    with open(inside("tiny.yaml"), "w") as file:
        file.write(model)
    try:
        done = run("devices", "--json")
        if done.returncode == 4 or done.stdout.strip() in ("[]", ""):
            print("SKIP: no OpenCL device")
            return 77
        for name in here.tests or tests:
            tests[name]()
    finally:
        if not here.keep:
            shutil.rmtree(here.folder, ignore_errors=True)
    print(f"{'passed' if not here.failures else str(here.failures) + ' failed'}, seed {here.seed}")
    return 1 if here.failures else 0
