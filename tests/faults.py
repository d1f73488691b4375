#!/usr/bin/env python3
"""Whole-program tests of what goes wrong: OpenCL objects left alive, failing OpenCL calls, poor devices, kills and signals.

    faults.py --program build/hourglass --layer build/tests/libhg_cl_layer.so [TEST...]

The layer is tests/cl_layer/layer.c. Prints a line per check; exit status 0 all passed, 1 something failed, 77 no OpenCL device."""
import argparse
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

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
UPSCALER = """name: upscaler
input: {channels: 1, height: 6, width: 6}
corrupt: downscale
encoder:
  - conv2d: {filters: 2, kernel: 3, padding: same, activation: relu}
decoder:
  - conv2d_transpose: {filters: 1, kernel: 4, stride: 2, padding: 1, activation: sigmoid}
loss: mse
train: {batch: 20, epochs: 1}
"""
DATA = ["--limit", "190", "--batch", "20"]
STEPS = ["--save-every", "7", "--log-every", "2", "--epochs", "4"]

failures = 0
args = None
folder = None


def report(ok, name, detail=""):
    global failures
    failures += not ok
    print(f"{'ok  ' if ok else 'FAIL'} {name}{': ' + detail if detail and not ok else ''}", flush=True)
    return ok


def environment(**extra):
    env = dict(os.environ, OPENCL_LAYERS=args.layer)
    for key in list(env):
        if key.startswith("HG_CL_"):
            del env[key]
    env.update({k: str(v) for k, v in extra.items()})
    return env


def run(verb, *rest, timeout=120, **extra):
    return subprocess.run([args.program, verb, *rest], capture_output=True, text=True, timeout=timeout, env=environment(**extra))


def place(name):
    path = os.path.join(folder, name)
    shutil.rmtree(path, ignore_errors=True)
    return path


def train(out, *rest, **extra):
    return run("train", os.path.join(folder, "tiny.yaml"), "--out", out, "--seed", "4", *DATA, *STEPS, *rest, **extra)


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
        done = train(out, HG_CL_CALLS=os.path.join(folder, "calls"))
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


# ---- objects

def test_objects():
    """After every verb no OpenCL object is alive."""
    full_run()
    out, count = os.path.join(folder, "full"), os.path.join(folder, "count")
    png, npy = os.path.join(folder, "x.png"), os.path.join(folder, "x.npy")
    upscaler, model, large = place("upscaler"), os.path.join(folder, "upscaler.yaml"), os.path.join(folder, "large")
    with open(model, "w") as file:
        file.write(UPSCALER)
    verbs = [
        ("devices",), ("models",), ("plan", os.path.join(folder, "tiny.yaml")), ("plan", os.path.join(folder, "tiny.yaml"), "--time"),
        ("train", os.path.join(folder, "tiny.yaml"), "--out", place("again"), "--limit", "60", "--steps", "4"),
        ("eval", out), ("reconstruct", out, "--count", "4", "--out", png), ("encode", out, "--out", npy),
        ("decode", out, "--codes", npy, "--out", os.path.join(folder, "decoded")), ("sample", out, "--count", "4", "--out", png),
        ("interpolate", out, "--from", "0", "--to", "1", "--steps", "3", "--out", png), ("latent", out, "--out", png),
        ("manifold", out, "--grid", "3", "--range", "-1", "1", "--out", png),
        ("inspect", out, "--count", "4", "--out", png), ("perturb", out, "--count", "4", "--noise", "0,1", "--out", png),
        ("arithmetic", out, "--add", "9", "--subtract", "4", "--count", "4", "--out", png),
        ("train", model, "--out", upscaler, "--limit", "60", "--steps", "3"), ("upscale", upscaler, "--count", "4", "--out", png),
        ("upscale", upscaler, "--pictures", png, "--pictures", os.path.join(folder, "decoded", "00000.png"), "--out-dir", large),
        ("help",), ("train", "/nonexistent.yaml"),
    ]
    for verb in verbs:
        if os.path.exists(count):
            os.remove(count)
        done = run(*verb, HG_CL_COUNT=count)
        expected = 3 if verb[-1] == "/nonexistent.yaml" else 0
        name = f"objects after {' '.join(verb[:1])}"
        report(done.returncode == expected, f"{name}: exit {expected}", f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
        alive = {k: n for k, n in counts(count).items() if n} if os.path.exists(count) else {}
        report(not alive, f"{name}: none alive", str(alive))


# ---- failing calls

EXPECTED = {
    "clCreateBuffer": {6}, "clCreateSubBuffer": {6}, "clBuildProgram": {0, 5}, "clCreateProgramWithSource": {0, 5},
    "clCreateKernel": {5}, "clSetKernelArg": {5, 6, 7}, "clCreateContext": {4, 6, 7}, "clCreateCommandQueue": {4, 6, 7},
    "clCreateCommandQueueWithProperties": {4, 6, 7}, "clGetPlatformIDs": {0, 4}, "clGetPlatformInfo": {0, 4},
    "clGetDeviceIDs": {0, 4}, "clGetDeviceInfo": {0, 4}, "clFinish": {7}, "clFlush": {7}, "clWaitForEvents": {7},
    "clEnqueueMapBuffer": {6, 7}, "clEnqueueUnmapMemObject": {0, 7}, "clGetProgramBuildInfo": {0, 5},
    "clGetKernelWorkGroupInfo": {0, 5, 7},
}


def expected_codes(function):
    if function.startswith("clRelease"):
        return {0, 7}
    if "CommandBuffer" in function or function.endswith("KHR"): # launches are enqueued then
        return {0}
    if function.startswith("clGet"):
        return EXPECTED.get(function, {0, 4, 5, 7})
    return EXPECTED.get(function, {7})


def fail_at(function, number, total):
    out = place("failing")
    name = f"{function} fails ({number} of {total})"
    done = train(out, HG_CL_FAIL=f"{function}:{number}", HG_CL_COUNT=os.path.join(folder, "count"))
    codes = expected_codes(function)
    if not report(done.returncode in codes, f"{name}: exit {sorted(codes)}", f"exit {done.returncode}: {done.stderr.strip()[-400:]}"):
        return
    if done.returncode == 0 and function == "clGetDeviceInfo": # a device that says less may be a poorer one, with other kernels
        report(whole(checkpoint(out)), f"{name}: tolerated")
        return
    if done.returncode == 0:
        report(parameters(out) == parameters(os.path.join(folder, "full")), f"{name}: tolerated, with the same bits")
        return
    report(len(messages(done)) == 1, f"{name}: one message", done.stderr.strip()[-400:])
    alive = {k: n for k, n in counts(os.path.join(folder, "count")).items() if n}
    report(not alive, f"{name}: no object left alive", str(alive))
    data = checkpoint(out)
    report(data is None or whole(data), f"{name}: the checkpoint is whole")
    if os.path.isdir(out):
        resumes_to_the_same(name, out)


def test_failures():
    """For each function that training calls: failures of the first call, of one in the middle and of one near the end."""
    full_run()
    called = counts(os.path.join(folder, "calls"))
    for function, total in sorted(called.items()):
        middle = total * 2 // 3 + 1 if total > 1 else 1
        for number in sorted({1, middle} if not function.startswith("clRelease") else {middle}):
            fail_at(function, number, total)


def parameters(out):
    """What a checkpoint holds, without the header: that has the command line."""
    data = checkpoint(out)
    return data and data[8 + struct.unpack("<Q", data[:8])[0]:]


def test_replays():
    """Steps replayed from a command buffer give the bits of steps enqueued, and so does a run whose driver fails at it anywhere."""
    full_run()
    bits = parameters(os.path.join(folder, "full"))
    calls, count = os.path.join(folder, "replay-calls"), os.path.join(folder, "count")
    done = train(place("replayed"), "--variants", "step=replay", HG_CL_CALLS=calls, HG_CL_COUNT=count)
    same = done.returncode == 0 and parameters(os.path.join(folder, "replayed")) == bits
    report(same, "steps replayed: the same bits", done.stderr.strip()[-300:])
    called = {name: n for name, n in counts(calls).items() if name.endswith("KHR") or name.startswith("clGetExtension")}
    if "clEnqueueCommandBufferKHR" not in called:
        print("SKIP: the driver has no command buffers")
        return
    for name, total in sorted(called.items()):
        for number in sorted({1, total // 2 + 1, total} if not name.startswith("clRelease") else ()):
            done = train(place("replayed"), "--variants", "step=replay", HG_CL_FAIL=f"{name}:{number}", HG_CL_COUNT=count)
            what = f"{name} fails ({number} of {total})"
            unseen = done.returncode == 0 and not messages(done)
            report(unseen, f"{what}: nobody notices", f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
            report(parameters(os.path.join(folder, "replayed")) == bits, f"{what}: the same bits")
            alive = {k: n for k, n in counts(count).items() if n}
            report(not alive, f"{what}: no object left alive", str(alive))


def test_allocation():
    """Every allocation in turn, and a device that ran out of memory at an enqueue."""
    full_run()
    called = counts(os.path.join(folder, "calls"))
    for number in range(1, called.get("clCreateBuffer", 0) + 1, 3):
        fail_at("clCreateBuffer", number, called["clCreateBuffer"])
    for code, name in ((-4, "memory object allocation failure"), (-6, "out of host memory")):
        out = place("failing")
        done = train(out, HG_CL_FAIL=f"clEnqueueNDRangeKernel:{called['clEnqueueNDRangeKernel'] // 2}:{code}")
        report(done.returncode in {6, 7}, f"a launch fails with {name}: exit 6 or 7", f"exit {done.returncode}")
        report(len(messages(done)) == 1, f"a launch fails with {name}: one message", done.stderr.strip()[-300:])


# ---- poor devices

def test_limits():
    """Training passes on devices with less of everything, and the losses stay the same as far as floats go."""
    full_run()
    base = last_loss(os.path.join(folder, "full"))
    for limits in ("work_group=1", "work_group=64", "local=16384", "no_fp64", "alloc=67108864",
                   "work_group=64,local=16384,alloc=67108864,no_fp64", "alloc=65536"):
        out = place("limited")
        done = train(out, HG_CL_LIMITS=limits)
        if report(done.returncode == 0, f"limits {limits}: trains", f"exit {done.returncode}: {done.stderr.strip()[-300:]}"):
            loss = last_loss(out)
            report(abs(loss - base) <= 0.02 * abs(base), f"limits {limits}: the loss is as without", f"{loss} and {base}")
    for model in ("conv-vae", "conv-ae"):
        for limits in ("work_group=1", "work_group=64,local=16384,alloc=67108864,no_fp64"):
            done = run("train", model, "--out", place("limited"), "--limit", "32", "--batch", "16", "--steps", "2", HG_CL_LIMITS=limits)
            report(done.returncode == 0, f"limits {limits}: {model} trains", f"exit {done.returncode}: {done.stderr.strip()[-300:]}")


def last_loss(out):
    with open(os.path.join(out, "log.jsonl")) as file:
        return [r["loss"] for r in map(json.loads, file) if "val_loss" in r][-1]


# ---- kills and signals

def start(out, *rest):
    command = [args.program, "train", os.path.join(folder, "tiny.yaml"), "--out", out, "--seed", "4", *DATA, *STEPS, *rest]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment())


def test_kill():
    """SIGKILL at random moments, then --resume: the same bits as a run that was never interrupted."""
    full = full_run()
    begun = time.monotonic()
    train(place("timed"))
    length = time.monotonic() - begun
    rng = random.Random(args.seed)
    for attempt in range(4):
        out, kills = place("killed"), 0
        process = start(out)
        while True:
            try:
                process.wait(rng.uniform(0.3, 1.0) * length if kills < 4 else 120)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                kills += 1
                data = checkpoint(out)
                report(data is None or whole(data), f"kill {attempt}.{kills}: the checkpoint is whole")
                process = start(out, "--resume") if os.path.isdir(out) else start(out)
        error = process.stderr.read()
        ended = f"exit {process.returncode}: {error.strip()[-300:]}"
        if report(process.returncode == 0, f"kill {attempt}: ends after {kills} kills", ended):
            report(checkpoint(out) == full, f"kill {attempt}: the bits of an undisturbed run")


def stop_with(number, code):
    name, out = signal.Signals(number).name, place("stopped")
    command = [args.program, "train", os.path.join(folder, "tiny.yaml"), "--out", out, "--seed", "4", *DATA, "--epochs", "100000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env=environment(HG_CL_COUNT=os.path.join(folder, "count")))
    for _ in range(600):  # until the first epoch is done
        time.sleep(0.1)
        log = os.path.join(out, "log.jsonl")
        if process.poll() is not None or (os.path.exists(log) and os.path.getsize(log) > 0):
            break
    process.send_signal(number)
    try:
        _, error = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        report(False, f"{name}: stops")
        return
    report(process.returncode == code, f"{name}: exit {code}", f"exit {process.returncode}: {error.strip()[-300:]}")
    report("--resume" in error, f"{name}: says how to resume", error.strip()[-300:])
    data = checkpoint(out)
    report(data is not None and whole(data), f"{name}: a whole checkpoint is saved")
    alive = {k: n for k, n in counts(os.path.join(folder, "count")).items() if n}
    report(not alive, f"{name}: no object left alive", str(alive))
    if data is None:
        return
    steps = metadata_step(data)
    words = ["train", os.path.join(folder, "tiny.yaml"), "--seed", "4", *DATA, "--epochs", "100000", "--steps", str(steps + 5)]
    done = run(*words, "--out", out, "--resume")
    report(done.returncode == 0, f"{name}: resumes", f"exit {done.returncode}: {done.stderr.strip()[-300:]}")
    straight = place("straight")
    if steps > 3000:
        return
    done = run(*words, "--out", straight)
    same = done.returncode == 0 and checkpoint(straight) == checkpoint(out)
    report(same, f"{name}: resumed, the bits of an undisturbed run of {steps + 5} steps")


def metadata_step(data):
    (length,) = struct.unpack("<Q", data[:8])
    return int(json.loads(data[8:8 + length])["__metadata__"]["step"])


def test_signals():
    """SIGINT and SIGTERM finish the step, save and say how to resume."""
    stop_with(signal.SIGTERM, 143)
    stop_with(signal.SIGINT, 130)


# ---- the same bits

def test_same_bits():
    """The same seed gives the same bytes, whatever the number of PoCL's threads."""
    full = full_run()
    for threads in ("1", "2"):
        out = place("threads")
        done = train(out, POCL_MAX_PTHREAD_COUNT=threads)
        same = done.returncode == 0 and checkpoint(out) == full
        report(same, f"{threads} PoCL threads: the same checkpoint bytes", done.stderr.strip()[-300:])
    models = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch")
    for model in ("padding", "pools", "normalized", "vae"):  # together every layer and option
        bits = set()
        for threads in ("1", "2", "2"):
            out = place("threads")
            done = run("train", os.path.join(models, model + ".yaml"), "--out", out, "--seed", "4", "--limit", "64", "--epochs", "2",
                       POCL_MAX_PTHREAD_COUNT=threads)
            bits.add(checkpoint(out))
            if not report(done.returncode == 0, f"{model}: trains", done.stderr.strip()[-300:]):
                break
        report(len(bits) == 1, f"{model}: the same checkpoint bytes with 1 and 2 threads, and again")
    out = place("other")
    done = run("train", os.path.join(folder, "tiny.yaml"), "--out", out, "--seed", "5", *DATA, *STEPS)
    report(done.returncode == 0 and checkpoint(out) != full, "another seed gives other bytes")


# ---- cold caches

class Cold:
    """A training whose driver has an empty cache folder."""

    def __init__(self, *rest, **extra):
        self.out = place("cold")
        self.start("train", "--out", self.out, "--seed", "4", *DATA, *STEPS, *rest, **extra)

    def start(self, verb, *rest, **extra):
        self.cache, self.calls = place("cache"), os.path.join(folder, "cold-calls")
        os.mkdir(self.cache)
        command = [args.program, verb, os.path.join(folder, "tiny.yaml"), "--verbose", *rest]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env=environment(POCL_CACHE_DIR=self.cache, HG_CL_CALLS=self.calls, **extra))

    def others(self, ended=False):
        """The processes that make machine code for it, whosever children they are by now; with `ended` also its own that have ended."""
        found, known = [], f"POCL_CACHE_DIR={self.cache}\0".encode()
        for process in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc/self") else ()):
            try:
                stat, words, environ = (open(f"/proc/{process}/{name}", "rb").read() for name in ("stat", "cmdline", "environ"))
            except OSError:  # has just ended, or is another user's
                continue
            state, parent = stat.rpartition(b")")[2].split()[:2]
            if (b"--compile" in words and known in environ) or (ended and state == b"Z" and int(parent) == self.process.pid):
                found.append(int(process))
        return found

    def signal_all(self, number):
        """As a terminal does."""
        for process in self.others() + [self.process.pid]:
            os.kill(process, number)

    def wait_for(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            time.sleep(0.005)
        return condition()

    def ends_as_ever(self, name):
        error = self.process.communicate(timeout=120)[1]
        report(self.process.returncode == 0, f"{name}: trains", f"exit {self.process.returncode}: {error.strip()[-300:]}")
        report(checkpoint(self.out) == full_run(), f"{name}: the same bits")
        report(not self.others(), f"{name}: no process is left", str(self.others()))
        return error


def test_cold():
    """Where the driver's cache is cold, other processes make machine code for the first step; whatever becomes of them, the bits stay."""
    full_run()
    cold = Cold()
    if "make machine code ahead" not in cold.ends_as_ever("cold"):
        print("SKIP: no other process makes machine code: the driver makes it when it builds, or there is one processor")
        return
    before = kernels_in(cold.cache)
    done = train(place("warm"), "--verbose", POCL_CACHE_DIR=cold.cache)
    report(done.returncode == 0 and "machine code ahead" not in done.stderr, "warm: no other process", done.stderr.strip()[-300:])
    report(kernels_in(cold.cache) == before, "warm: the cache had everything")

    cold = Cold("--steps", "3")
    cold.process.communicate(timeout=120)
    report(not cold.others(), "a training that is over soon: no process is left", str(cold.others()))

    # the others alone make what the first step needs; one that crashes, at a call that the training does not come to
    crash, cache = f"clFinish:{counts(cold.calls)['clFinish'] + 2}:abort", place("cache")
    plan = lambda *rest, **extra: run("plan", os.path.join(folder, "tiny.yaml"), *rest, POCL_CACHE_DIR=cache, **extra).returncode
    report(plan() == 0 and plan("--compile", "1,2", HG_CL_FAIL=crash) == -signal.SIGABRT, "a process that crashes")
    report(plan("--compile", "1,2") == 0 == plan("--compile", "2,2"), "plan --compile")
    before = kernels_in(cache)
    train(place("warm"), "--steps", "1", POCL_CACHE_DIR=cache)
    after = kernels_in(cache)
    report(before and after == before, "plan --compile makes what a step needs", f"{len(before)} kernels of {len(after)}")
    cold = Cold("--steps", "3", HG_CL_FAIL=crash)
    error = cold.process.communicate(timeout=120)[1]
    report(cold.process.returncode == 0 and "machine code ahead" in error, "a process that crashes: nobody notices", error.strip()[-300:])

    cold = Cold("--steps", "3", "--tune", "1", "--tuning", os.path.join(place("tuned"), "t.json"))
    error = cold.process.communicate(timeout=120)[1]
    again = cold.process.returncode == 0 and error.count("machine code ahead") == 2
    report(again, "others before tuning, and again behind it", error.strip()[-300:])

    if not os.path.isdir("/proc/self"):
        print("SKIP: no /proc to find processes in")
        return
    for number in (signal.SIGKILL, signal.SIGSTOP):
        name = f"{number.name} to the other processes"
        cold = Cold()
        if report(cold.wait_for(cold.others), f"{name}: they are there"):
            for process in cold.others():
                os.kill(process, number)
        cold.ends_as_ever(name)

    cold = Cold("--epochs", "100000")
    report(cold.wait_for(cold.others), "a long training: others are there")
    alone = cold.wait_for(lambda: not cold.others(ended=True) and cold.process.poll() is None)
    report(alone, "a long training: they end, and no zombie stays", str(cold.others(ended=True)))
    cold.signal_all(signal.SIGINT)
    error = cold.process.communicate(timeout=60)[1]
    report(cold.process.returncode == 130 and whole(checkpoint(cold.out)), "Ctrl-C", error.strip()[-300:])

    cold = Cold("--epochs", "100000")
    if report(cold.wait_for(cold.others), "Ctrl-C while the caches are cold: others are there"):
        cold.signal_all(signal.SIGINT)
    error = cold.process.communicate(timeout=60)[1]
    ended = cold.process.returncode == 130 and whole(checkpoint(cold.out)) and not cold.others()
    report(ended, "Ctrl-C while the caches are cold", error.strip()[-300:])

    cold = Cold()
    if report(cold.wait_for(cold.others), "SIGKILL to the training: others are there"):
        cold.process.kill()
        cold.process.communicate()
    report(cold.wait_for(lambda: not cold.others()), "SIGKILL to the training: the others end", str(cold.others()))


def kernels_in(cache):
    return {os.path.join(path, name) for path, _, names in os.walk(cache) for name in names if name.endswith(".so")}


# ---- tuning

def tune(path, *rest, **extra):
    return run("tune", os.path.join(folder, "tiny.yaml"), "--tuning", path, "--seconds", "4", *rest, **extra)


def test_tuning():
    """A driver that crashes or fails while tuning costs that candidate, and nothing else; choices go with the run."""
    path = os.path.join(place("tuning"), "t.json")
    calls = os.path.join(folder, "calls")
    done = tune(path, HG_CL_CALLS=calls)
    report(done.returncode == 0, "tune ends well", f"exit {done.returncode}: {done.stderr.strip()}")
    with open(path) as file:
        choices = json.load(file)["choices"]
    report(len(choices) >= 6 and all(c["pick"] for c in choices.values()), "the file has the operations", str(list(choices))[:300])
    launches = counts(calls)["clEnqueueNDRangeKernel"]

    os.remove(path)
    done = tune(path, HG_CL_FAIL=f"clEnqueueNDRangeKernel:{launches // 3}:abort")
    report(done.returncode == -signal.SIGABRT, "a crashing driver takes the process down", f"exit {done.returncode}")
    report(os.path.exists(path + ".trying"), "what was tried is on the disk")
    with open(path + ".trying") as file:
        tried = file.read()
    done = tune(path)
    report(done.returncode == 0 and tried in done.stderr, "the next tuning names it and goes on",
           f"exit {done.returncode}: {done.stderr.strip()}")
    with open(path) as file:
        after = json.load(file)
    key, pick = tried.split(" = ")
    report(after["crashed"] == [tried], "it is remembered", str(after["crashed"]))
    report(len(after["choices"]) >= 6 and after["choices"].get(key, {}).get("pick") != pick, "and not chosen",
           str(after["choices"].get(key)))

    os.remove(path)
    done = tune(path, HG_CL_FAIL="clBuildProgram:3")
    report(done.returncode == 0, "a candidate that does not build is left out", f"exit {done.returncode}: {done.stderr.strip()}")
    done = tune(path, "--again", HG_CL_FAIL=f"clFinish:{40}+")
    report(done.returncode == 7 and len(messages(done)) == 1, "a lost device is a failure",
           f"exit {done.returncode}: {done.stderr.strip()}")

    tuned, plain = place("tuned"), place("untuned")
    report(train(tuned, "--tuning", path).returncode == 0 and train(plain, "--tuning", "none").returncode == 0, "trains with and without")
    stopped = place("stopped")
    train(stopped, "--tuning", path, "--steps", "13")
    done = train(stopped, "--tuning", "none", "--resume")
    same = done.returncode == 0 and checkpoint(stopped) == checkpoint(tuned)
    report(same, "a run goes on with its own choices", done.stderr.strip()[-300:])


class ColdTuning(Cold):
    def __init__(self, *rest, **extra):
        self.path = os.path.join(place("cold-tuning"), "t.json")
        self.start("tune", "--tuning", self.path, *rest, **extra)

    def choices(self):
        with open(self.path) as file:
            return json.load(file)["choices"]


def test_beside():
    """Other processes make the machine code of candidates; whatever becomes of them, the tuning ends and its file is whole."""
    cold = ColdTuning("--seconds", "4")
    error = cold.process.communicate(timeout=120)[1]
    report(cold.process.returncode == 0 and len(cold.choices()) >= 6, "tune", error.strip()[-300:])
    if "make candidates' machine code" not in error:
        print("SKIP: no other process makes machine code: there is one processor")
        return
    choices = cold.choices()

    # one alone: what it is told of it makes, what it does not know it passes over, and it ends with its input
    key, choice = next((k, c) for k, c in choices.items() if c["pick"].startswith("cpu"))
    wanted = f"{key}\t{choice['pick']}\n"

    def beside(name, text):
        cache = place("cache")
        command = [args.program, "tune", os.path.join(folder, "tiny.yaml"), "--compile", "--tuning", "none"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment(POCL_CACHE_DIR=cache))
        process.stdin.write(text)
        process.stdin.flush()
        cold.wait_for(lambda: kernels_in(cache) or process.poll() is not None, 60 if wanted in text else 1)
        out, error = process.communicate(timeout=60)
        said = f"exit {process.returncode}, {len(kernels_in(cache))} kernels: {out}{error}"
        report(process.returncode == 0 and not out and bool(kernels_in(cache)) == (wanted in text), name, said)

    beside("told of nothing", "")
    beside("told of a candidate", wanted)
    beside("told that it is done", wanted.replace(choice["pick"], "plain")[:-1] + "\n\n")
    nonsense = f"\n\nno tab\nno such key\tplain\n{key}\tno such variant\n{key}\t\n\t\n{key}\t{choice['pick']}:1:1:1:1:1:1:1\n"
    beside("told nonsense", nonsense + wanted)
    beside("told a very long line", "x" * 70000)

    if not os.path.isdir("/proc/self"):
        print("SKIP: no /proc to find processes in")
        return
    for number in (signal.SIGKILL, signal.SIGSTOP):
        cold = ColdTuning("--seconds", "4")
        if report(cold.wait_for(cold.others), f"{number.name} to the other processes: they are there"):
            for process in cold.others():
                os.kill(process, number)
        error = cold.process.communicate(timeout=120)[1]
        tuned = cold.process.returncode == 0 and len(cold.choices()) >= 6
        report(tuned, f"{number.name} to the other processes: tuned", error.strip()[-300:])
        report(not cold.others(), f"{number.name} to the other processes: none is left", str(cold.others()))

    cold = ColdTuning()
    if report(cold.wait_for(cold.others), "Ctrl-C: others are there"):
        cold.signal_all(signal.SIGINT)
    error = cold.process.communicate(timeout=60)[1]
    report(cold.process.returncode == 130 and not cold.others(), "Ctrl-C", f"exit {cold.process.returncode}: {error.strip()[-300:]}")

    cold = ColdTuning()
    if report(cold.wait_for(cold.others), "SIGKILL to the tuning: others are there"):
        cold.process.kill()
        cold.process.communicate()
    report(cold.wait_for(lambda: not cold.others()), "SIGKILL to the tuning: the others end", str(cold.others()))


TESTS = {name[5:]: test for name, test in list(globals().items()) if name.startswith("test_")}


def main():
    global args, folder
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--layer", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the files behind")
    parser.add_argument("tests", nargs="*", help=f"of {', '.join(TESTS)}")
    args = parser.parse_args()
    args.program, args.layer = os.path.abspath(args.program), os.path.abspath(args.layer)
    folder = tempfile.mkdtemp(prefix="hourglass-faults-")
    with open(os.path.join(folder, "tiny.yaml"), "w") as file:
        file.write(MODEL)
    try:
        done = run("devices", "--json")
        if done.returncode == 4 or done.stdout.strip() in ("[]", ""):
            print("SKIP: no OpenCL device")
            return 77
        for name in args.tests or TESTS:
            TESTS[name]()
    finally:
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"{'passed' if not failures else str(failures) + ' failed'}, seed {args.seed}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
