#!/usr/bin/env python3
"""hourglass bench: what its JSON says about itself, known ratios in --compare, refusals, failing devices, Ctrl-C.

    bench.py --program build/hourglass --layer build/tests/libhg_cl_layer.so [results|layers|compare|wrong|failing|stopped]...

Exit 77 where there is no OpenCL device. No test depends on how fast anything is."""
import json, math, os, signal, subprocess, time
import xml.etree.ElementTree
from whole_program import arguments, report, run, run_tests, write

MODEL = """name: tiny
input: {channels: 1, height: 12, width: 12}
encoder:
  - conv2d: {filters: 4, kernel: 3, stride: 2, padding: same, activation: relu}
  - flatten
  - dense: {units: 6}
decoder:
  - dense: {units: 144, activation: sigmoid}
  - reshape: [1, 12, 12]
loss: mse
train: {batch: 32, epochs: 2}
"""
QUICK = ["--models", "tiny.yaml", "--batch", "8", "--repeats", "3", "--seconds", "0"]
FIELDS = {"device": str, "driver": str, "model": str, "batch": int, "mode": str, "ms_per_step": float, "ms_min": float, "ms_max": float,
          "images_per_second": float, "gflop_per_step": float, "gflops": float, "roof_gflops": float, "roof_gbs": float, "share": float}


def bench(*words, status=0, **environment):
    done = run("bench", *words, environment=environment)
    report(done.returncode == status, "bench %s: exit %d" % (" ".join(words), status), "exit %d" % done.returncode, done.stderr)
    return done


def load(name):
    with open(name) as file:
        return json.load(file)


def near(a, b, tolerance=1e-9):
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-30)


def check_result(r):
    name = "%s %s %s" % (r["model"], r["mode"], r.get("layer", ""))
    for key, kind in FIELDS.items():
        report(isinstance(r.get(key), kind), "%s: %s is a %s" % (name, key, kind.__name__), r.get(key))
    report(0 < r["ms_min"] <= r["ms_per_step"] <= r["ms_max"], name + ": the median lies between least and most", r)
    report(near(r["images_per_second"], 1e3 * r["batch"] / r["ms_per_step"]), name + ": pictures per second", r)
    report(near(r["gflops"], 1e3 * r["gflop_per_step"] / r["ms_per_step"]), name + ": GFLOP/s", r)
    report(r["roof_gflops"] > 0 and r["roof_gbs"] > 0, name + ": roofs", r)


def test_results():
    """Shape and sums of the JSON; the loss is that of a training that does the same; the charts are charts."""
    done = bench(*QUICK, "--json", "a.json", "--chart", "a.png")
    bench(*QUICK, "--json", "b.json", "--chart", "b.svg")
    a, b = load("a.json"), load("b.json")
    report({"version", "date", "command", "results"} <= set(a), "the JSON says where it comes from", list(a))
    report(a["command"].endswith("--json a.json --chart a.png") and a["command"].startswith("hourglass bench"), "the command", a["command"])
    report([r["mode"] for r in a["results"]] == ["train", "infer"], "training and inference", a["results"])
    report(a["failures"] == [] and not a["interrupted"], "nothing failed", a)
    for r in a["results"]:
        check_result(r)
        report(near(r["share"], r["gflops"] / r["roof_gflops"]), "share of the roof", r)
        report(r["batch"] == 8 and r["model"] == "tiny.yaml", "batch and model", r)
        report(r["first_step_ms"] > 0 and r["first_step_warm_ms"] > 0 and r["first_step"] in ("cold", "warm"), "first steps", r)
        report(r["device_bytes"] > 0 and r["peak_resident_bytes"] > 1 << 20, "memory", r)
        report(any(line.split()[:2] == ["tiny.yaml", r["mode"]] for line in done.stdout.splitlines()), "a line in the table", done.stdout)
    report([r["loss"] for r in a["results"]] == [r["loss"] for r in b["results"]], "the same losses twice", a["results"], b["results"])
    report(max(len(line) for line in done.stdout.splitlines()[1:]) <= 120, "the table fits 120 columns", done.stdout)

    trained = run("train", "tiny.yaml", "--out", "run", "--batch", "8", "--limit", "8", "--no-shuffle", "--steps", "10", "--log-every", "1")
    report(trained.returncode == 0, "training", trained.stderr)
    with open("run/log.jsonl") as file:
        steps = {r["step"]: r["loss"] for r in map(json.loads, file) if "val_loss" not in r}
    train, infer = a["results"]
    report(near(train["loss"], steps[train["loss_step"]], 1e-6), "the loss is training's", train["loss"], steps)
    report(near(infer["loss"], steps[1], 1e-5), "the reconstruction's error is the first step's loss", infer["loss"], steps)

    with open("a.png", "rb") as file:
        data = file.read()
    report(data[:8] == b"\x89PNG\r\n\x1a\n" and data[-8:-4] == b"IEND" and len(data) > 5000, "the chart is a PNG", len(data))
    report(xml.etree.ElementTree.parse("b.svg").getroot().tag.endswith("svg"), "the chart is an SVG")


def test_layers():
    """Every layer with its directions, and the floor of each from its FLOP, bytes and the roofs."""
    done = bench(*QUICK, "--layers", "--json", "l.json")
    results = load("l.json")["results"]
    found = {(r["layer"], r["mode"]) for r in results}
    for layer in ("encoder.0", "encoder.2", "decoder.0"):
        report((layer, "forward") in found and (layer, "weight gradient") in found, layer + ": forward and weight gradient", sorted(found))
    report(("encoder.0", "data gradient") not in found, "pictures need no gradient", sorted(found))
    report(("decoder.0", "data gradient") in found and ("optimizer", "update") in found, "data gradient and update", sorted(found))
    for r in results:
        check_result(r)
        floor = max(r["gflop_per_step"] / r["roof_gflops"], r["gbyte_per_step"] / r["roof_gbs"]) * 1e3
        report(near(r["floor_ms"], floor) and near(r["share"], floor / r["ms_per_step"]), "floor and share", r)
    report(max(len(line) for line in done.stdout.splitlines()[1:]) <= 120, "the table fits 120 columns", done.stdout)
    plan = json.loads(run("plan", "tiny.yaml", "--batch", "8", "--json").stdout)
    report(near(sum(r["gflop_per_step"] for r in results), 1e-9 * plan["total"]["flops"]),
           "all FLOP of the plan belong to a layer", len(results))


def entry(model, mode, rate, device="D", **more):
    return dict({"device": device, "model": model, "mode": mode, "batch": 10, "ms_per_step": 1e4 / rate, "images_per_second": rate}, **more)


def file_of(name, *entries):
    with open(name, "w") as file:
        json.dump({"version": "0", "date": "then", "results": list(entries)}, file)
    return name


def ratios(*words):
    lines = bench("--compare", *words).stdout.splitlines()
    rows = [line.split() for line in lines if not line.startswith(("A:", "B:", "model"))]
    return {" ".join(r[:-6]) if r[0] != "geometric" else "mean": float(r[-1]) for r in rows}


def test_compare():
    """Ratios and their geometric mean, of numbers that are known."""
    file_of("a.json", entry("m1", "train", 100), entry("m1", "infer", 50), entry("m2", "train", 7))
    file_of("b.json", entry("m1", "infer", 400, "E"), entry("m1", "train", 200, "E"), entry("m3", "train", 1, "E"))
    report(ratios("a.json", "b.json") == {"m1 train": 2, "m1 infer": 8, "mean": 4},
           "twice and eight times: four times", ratios("a.json", "b.json"))
    report(ratios("b.json", "a.json") == {"m1 train": 0.5, "m1 infer": 0.125, "mean": 0.25}, "the other way round")
    report("2 of" in bench("--compare", "a.json", "b.json").stderr or "1 results of" in bench("--compare", "a.json", "b.json").stderr,
           "what has no partner is told")
    file_of("a.json", entry("m1", "forward", 5, layer="encoder.0"), entry("m1", "forward", 5, layer="encoder.1"))
    file_of("b.json", entry("m1", "forward", 10, layer="encoder.1"), entry("m1", "forward", 20, layer="encoder.0"))
    report(ratios("a.json", "b.json") == {"m1 encoder.0 forward": 4, "m1 encoder.1 forward": 2, "mean": round(math.sqrt(8), 3)}, "layers",
           ratios("a.json", "b.json"))
    file_of("a.json", entry("m1", "train", 10, "D"), entry("m1", "train", 10, "E"))
    file_of("b.json", entry("m1", "train", 30, "E"), entry("m1", "train", 20, "D"))
    lines = [line.split() for line in bench("--compare", "a.json", "b.json").stdout.splitlines()]
    report([line[-2:] for line in lines if line[0] == "m1"] == [["2.000", "D"], ["3.000", "E"]], "several devices: each with itself", lines)


def wrong(status, *words, needle="", **environment):
    done = bench(*words, status=status, **environment)
    messages = [line for line in done.stderr.splitlines() if line.startswith("hourglass:")]
    report(len(messages) == 1 and needle in messages[0], "bench %s: one message with '%s'" % (" ".join(words), needle), done.stderr)
    report(done.stdout == "", "bench %s: nothing was measured" % " ".join(words), done.stdout)


def test_wrong():
    """Every refusal comes before anything is measured."""
    file_of("a.json", entry("m1", "train", 100))
    file_of("other.json", entry("m2", "train", 100))
    file_of("empty.json")
    file_of("negative.json", entry("m1", "train", -1))
    for name, text in {"text.json": "no JSON", "list.json": "[1]", "twice.json": '{"version": "0", "version": "1", "results": []}',
                       "plan.json": '{"name": "m1", "launches": []}', "numbers.json": '{"version": "0", "results": [1]}'}.items():
        write(name, text)
    for name, needle in {"text.json": "no JSON", "list.json": "no file of results", "twice.json": "no JSON",
                         "plan.json": "no file of results", "numbers.json": "result 0", "empty.json": "no results",
                         "negative.json": "result 0", "missing.json": "missing.json", "other.json": "in common", ".": "."}.items():
        wrong(3, "--compare", "a.json", name, needle=needle)
    wrong(2, "--compare", "a.json", needle="two files")
    wrong(2, "--compare", "a.json", "a.json", "a.json", needle="a.json")
    wrong(2, "--compare", "a.json", "a.json", "--layers", needle="--compare")
    wrong(2, "m1", needle="--models")
    wrong(2, "--models", "m1,m22", needle="m22")
    wrong(2, "--models", "m1,,m2", needle="empty")
    wrong(2, "--repeats", "0", needle="--repeats")
    wrong(2, "--seconds", "x", needle="--seconds")
    wrong(2, "--layers", "--chart", "x.png", needle="--chart")
    wrong(2, "--chart", "x.txt", needle=".svg")
    wrong(2, "--all", "--device", "cpu", needle="--all")
    wrong(3, "--models", "nowhere/m.yaml", needle="nowhere")
    wrong(8, "--json", "nowhere/x.json", needle="--json")
    wrong(8, "--json", ".", needle="--json")
    wrong(8, "--chart", "nowhere/x.png", needle="--chart")
    wrong(4, "--models", "tiny.yaml", "--device", "no such device", needle="no such device")
    wrong(4, "--models", "tiny.yaml", OCL_ICD_VENDORS="/nonexistent", needle="device")


def test_failing():
    """A device that fails in the middle: the failure is a line of the table and the exit status, what could be measured is kept."""
    calls = os.path.abspath("calls")
    bench(*QUICK, OPENCL_LAYERS=layer, HG_CL_CALLS=calls, HG_CL_COUNT=os.path.abspath("count"))
    with open(calls) as file:
        total = {name: int(n) for name, n in map(str.split, file)}
    with open("count") as file:
        alive = {k: n for k, n in map(str.split, file) if n != "0"}
    report(not alive, "no OpenCL object is left alive", alive)
    for function, status in {"clEnqueueNDRangeKernel": 7, "clCreateBuffer": 6, "clBuildProgram": 5, "clEnqueueReadBuffer": 7}.items():
        number = total[function] * 3 // 4 + 1
        done = bench(*QUICK, "--json", "f.json", status=status, OPENCL_LAYERS=layer, HG_CL_FAIL="%s:%d" % (function, number),
                     HG_CL_COUNT=os.path.abspath("count"))
        report(" failed: " in done.stdout, function + ": a line of the table", done.stdout)
        with open("count") as file:
            alive = {k: n for k, n in map(str.split, file) if n != "0"}
        report(not alive, function + ": no OpenCL object is left alive", alive)
        found = load("f.json")
        statuses = [f["status"] for f in found["failures"]]
        report(statuses == [status] and found["failures"][0]["message"], function + ": a failure in the JSON", found)
        for r in found["results"]:
            check_result(r)
    bench("--models", "tiny.yaml,other.yaml", *QUICK[2:], "--json", "f.json", status=6,
          OPENCL_LAYERS=layer, HG_CL_FAIL="clCreateBuffer:2")
    found = load("f.json")
    report({r["model"] for r in found["results"]} >= {"other.yaml"}, "after a model that did not fit the next one is measured", found)


def test_stopped():
    """Ctrl-C ends after the repetition; what was measured before is kept."""
    process = subprocess.Popen([program, "bench", "--models", "tiny.yaml,other.yaml", "--repeats", "2", "--seconds", "1.5",
                                "--json", "s.json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("tiny.yaml"):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    report(process.returncode == 130, "exit 130", process.returncode, err)
    report("stopped by Ctrl-C" in err, "it says so", err)
    found = load("s.json")
    report(found["interrupted"] and {r["model"] for r in found["results"]} == {"tiny.yaml"}, "what was measured is kept", found)


def write_models():
    for model in ("tiny", "other"):
        write(model + ".yaml", MODEL.replace("tiny", model))


def main():
    global program, layer
    args = arguments("layer")
    program, layer = args.program, args.layer
    run_tests(args.tests, globals(), write_models)


if __name__ == "__main__":
    main()
