#!/usr/bin/env python3
"""Whole-program tests of machine code that other processes make, for a training whose caches are cold and for the tuner, and of what
goes wrong while tuning.

    faults_beside.py --program build/hourglass --layer build/tests/libhg_cl_layer.so [TEST...]

Prints the checks that fail; exit status 0 all passed, 1 something failed, 77 no OpenCL device."""
import json
import os
import signal
import subprocess
import time
import whole_program
from faulty import DATA, STEPS, checkpoint, counts, environment, full_run, inside, main, messages, place, report, run, train, whole

# The machine code of all its kernels is made again and again here: it has few.
MODEL = """name: tiny
input: {channels: 1, height: 12, width: 12}
encoder:
  - conv2d: {filters: 4, kernel: 3, stride: 2, padding: same, activation: relu}
  - flatten
  - dense: {units: 3}
decoder:
  - dense: {units: 36, activation: relu}
  - reshape: [4, 3, 3]
  - conv2d_transpose: {filters: 1, kernel: 4, stride: 4, padding: same, activation: sigmoid}
loss: bce
optimizer: sgd
train: {batch: 20, epochs: 4}
"""

# ---- cold caches

class Cold:
    """A training whose driver has an empty cache folder."""

    def __init__(self, *rest, **extra):
        self.out = place("cold")
        self.start("train", "--out", self.out, "--seed", "4", *DATA, *STEPS, *rest, **extra)

    def start(self, verb, *rest, **extra):
        self.cache, self.calls = place("cache"), inside("cold-calls")
        os.mkdir(self.cache)
        command = [whole_program.program, verb, inside("tiny.yaml"), "--verbose", *rest]
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
    plan = lambda *rest, **extra: run("plan", inside("tiny.yaml"), *rest, POCL_CACHE_DIR=cache, **extra).returncode
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
    return run("tune", inside("tiny.yaml"), "--tuning", path, "--seconds", "4", *rest, **extra)


def test_tuning():
    """A driver that crashes or fails while tuning costs that candidate, and nothing else; choices go with the run."""
    path = os.path.join(place("tuning"), "t.json")
    calls = inside("calls")
    done = tune(path, HG_CL_CALLS=calls)
    report(done.returncode == 0, "tune ends well", f"exit {done.returncode}: {done.stderr.strip()}")
    with open(path) as file:
        choices = json.load(file)["choices"]
    report(len(choices) >= 6 and all(c["pick"] for c in choices.values()), "the file has the operations", str(list(choices))[:300])
    launches = counts(calls)["clEnqueueNDRangeKernel"]

    for part in range(4, 12): # a launch may belong to what the rule had chosen, which is not on trial
        if os.path.exists(path):
            os.remove(path)
        done = tune(path, HG_CL_FAIL=f"clEnqueueNDRangeKernel:{launches * part // 12}:abort")
        if done.returncode != -signal.SIGABRT or os.path.exists(path + ".trying"):
            break
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
        command = [whole_program.program, "tune", inside("tiny.yaml"), "--compile", "--tuning", "none"]
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


if __name__ == "__main__":
    main(globals(), MODEL)
