#!/usr/bin/env python3
"""Whole-program tests of what goes wrong: OpenCL objects left alive, failing OpenCL calls, poor devices, kills and signals.

    faults.py --program build/hourglass --layer build/tests/libhg_cl_layer.so [TEST...]

The layer is tests/cl_layer/layer.c. Prints the checks that fail; exit status 0 all passed, 1 something failed, 77 no OpenCL device."""
import json
import os
import random
import signal
import struct
import subprocess
import time
import whole_program
from faulty import (DATA, STEPS, checkpoint, counts, environment, full_run, inside, main, messages, place, report,
                    resumes_to_the_same, run, train, whole)

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

# ---- objects

def test_objects():
    """After every verb no OpenCL object is alive."""
    full_run()
    out, count = inside("full"), inside("count")
    png, npy = inside("x.png"), inside("x.npy")
    upscaler, model, large = place("upscaler"), inside("upscaler.yaml"), inside("large")
    with open(model, "w") as file:
        file.write(UPSCALER)
    verbs = [
        ("devices",), ("models",), ("plan", inside("tiny.yaml")), ("plan", inside("tiny.yaml"), "--time"),
        ("train", inside("tiny.yaml"), "--out", place("again"), "--limit", "60", "--steps", "4"),
        ("eval", out), ("reconstruct", out, "--count", "4", "--out", png), ("encode", out, "--out", npy),
        ("decode", out, "--codes", npy, "--out", inside("decoded")), ("sample", out, "--count", "4", "--out", png),
        ("interpolate", out, "--from", "0", "--to", "1", "--steps", "3", "--out", png), ("latent", out, "--out", png),
        ("manifold", out, "--grid", "3", "--range", "-1", "1", "--out", png),
        ("inspect", out, "--count", "4", "--out", png), ("perturb", out, "--count", "4", "--noise", "0,1", "--out", png),
        ("arithmetic", out, "--add", "9", "--subtract", "4", "--count", "4", "--out", png),
        ("train", model, "--out", upscaler, "--limit", "60", "--steps", "3"), ("upscale", upscaler, "--count", "4", "--out", png),
        ("upscale", upscaler, "--pictures", png, "--pictures", inside("decoded", "00000.png"), "--out-dir", large),
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
    done = train(out, HG_CL_FAIL=f"{function}:{number}", HG_CL_COUNT=inside("count"))
    codes = expected_codes(function)
    if not report(done.returncode in codes, f"{name}: exit {sorted(codes)}", f"exit {done.returncode}: {done.stderr.strip()[-400:]}"):
        return
    if done.returncode == 0 and function == "clGetDeviceInfo": # a device that says less may be a poorer one, with other kernels
        report(whole(checkpoint(out)), f"{name}: tolerated")
        return
    if done.returncode == 0:
        report(parameters(out) == parameters(inside("full")), f"{name}: tolerated, with the same bits")
        return
    report(len(messages(done)) == 1, f"{name}: one message", done.stderr.strip()[-400:])
    alive = {k: n for k, n in counts(inside("count")).items() if n}
    report(not alive, f"{name}: no object left alive", str(alive))
    data = checkpoint(out)
    report(data is None or whole(data), f"{name}: the checkpoint is whole")
    if os.path.isdir(out):
        resumes_to_the_same(name, out)


def test_failures():
    """For each function that training calls: failures of the first call, of one in the middle and of one near the end."""
    full_run()
    called = counts(inside("calls"))
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
    bits = parameters(inside("full"))
    calls, count = inside("replay-calls"), inside("count")
    done = train(place("replayed"), "--variants", "step=replay", HG_CL_CALLS=calls, HG_CL_COUNT=count)
    same = done.returncode == 0 and parameters(inside("replayed")) == bits
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
            report(parameters(inside("replayed")) == bits, f"{what}: the same bits")
            alive = {k: n for k, n in counts(count).items() if n}
            report(not alive, f"{what}: no object left alive", str(alive))


def test_allocation():
    """Every allocation in turn, and a device that ran out of memory at an enqueue."""
    full_run()
    called = counts(inside("calls"))
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
    base = last_loss(inside("full"))
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
    command = [whole_program.program, "train", inside("tiny.yaml"), "--out", out, "--seed", "4", *DATA, *STEPS, *rest]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment())


def test_kill():
    """SIGKILL at random moments, then --resume: the same bits as a run that was never interrupted."""
    full = full_run()
    begun = time.monotonic()
    train(place("timed"))
    length = time.monotonic() - begun
    rng = random.Random(1)
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
    command = [whole_program.program, "train", inside("tiny.yaml"), "--out", out, "--seed", "4", *DATA, "--epochs", "100000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env=environment(HG_CL_COUNT=inside("count")))
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
    alive = {k: n for k, n in counts(inside("count")).items() if n}
    report(not alive, f"{name}: no object left alive", str(alive))
    if data is None:
        return
    steps = metadata_step(data)
    words = ["train", inside("tiny.yaml"), "--seed", "4", *DATA, "--epochs", "100000", "--steps", str(steps + 5)]
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
    done = run("train", inside("tiny.yaml"), "--out", out, "--seed", "5", *DATA, *STEPS)
    report(done.returncode == 0 and checkpoint(out) != full, "another seed gives other bytes")


if __name__ == "__main__":
    main(globals())
