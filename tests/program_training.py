#!/usr/bin/env python3
"""Training: which examples, how it goes on from another run, in which precision.

    program_training.py --program build/hourglass [parts|warm|lanes|precision]...

Exit 77 where there is no OpenCL device."""
import json
from program_files import safetensors
from program_runs import AE, CONVOLUTIONS, SMALL, VAE, checkpoint, records, train, weights
from whole_program import arguments, report, run, run_tests, write, wrong


def test_parts():
    """Which examples are trained and tested on, and that other verbs take the same."""
    vae = write("vae.yaml", VAE.replace("UNITS", "2"))
    parts = ["--split", "0.1", "--skip", "50", "--limit", "200"]
    done = run("train", vae, *parts, "--out", "split", "--epochs", "1")
    report(done.returncode == 0 and " 200 training and 1000 test" in done.stderr, "--split --skip --limit", done.stderr)
    figures = run("eval", "split", "--json")
    report(" 200 training and 1000 test" in figures.stderr, "eval takes the run's parts", figures.stderr)
    loss = json.loads(figures.stdout)["loss"]
    report(abs(loss - records("split", True)[-1]["val_loss"]) < 1e-6 * loss, "eval sees what training saw", loss, records("split", True))
    done = run("train", "--resume", "--out", "split", "--epochs", "2")
    report(done.returncode == 0 and " 200 training and 1000 test" in done.stderr, "resume takes the run's parts", done.stderr)
    run("train", vae, "--limit", "200", "--out", "first", "--epochs", "1")
    report(records("first", True)[0]["loss"] != records("split", True)[0]["loss"], "other examples give another loss")
    wrong(3, ["train", vae, "--skip", "10000", "--out", "new"], "--skip")
    # an epoch's last, smaller batch: 200 = 6 x 32 + 8
    drop = write("drop.yaml", VAE.replace("UNITS", "2").replace("epochs: 2}", "epochs: 2, drop_last: true}"))
    train(vae, "kept")
    train(drop, "dropped", "--epochs", "2")
    report([r["step"] for r in records("kept", True)] == [7, 14], "7 steps an epoch", records("kept", True))
    report([r["step"] for r in records("dropped", True)] == [6, 12], "drop_last: 6 steps an epoch", records("dropped", True))
    run("train", drop, *SMALL, "--out", "pieces", "--epochs", "2", "--steps", "8")
    report(run("train", "--resume", "--out", "pieces", "--epochs", "2").returncode == 0, "resume with drop_last")
    report(checkpoint("pieces") == checkpoint("dropped"), "drop_last: a resumed run ends with the same bits")
    wrong(2, ["train", drop, "--limit", "31", "--out", "new"], "drop_last", "31", "--batch")


def test_warm():
    """Two runs, the second from the first with its optimizer, end with the weights of one: nothing random is in between."""
    ae = write("ae.yaml", AE)
    still = ["--no-shuffle"]
    train(ae, "whole", "--epochs", "4", *still)
    train(ae, "first", *still)
    train(ae, "second", "--init", "first", "--keep-optimizer", *still)
    train(ae, "cold", "--init", "first", *still)
    report(weights("second") == weights("whole"), "--keep-optimizer goes on as if training had not ended")
    report(weights("cold") != weights("whole"), "without it the optimizer begins anew")
    run("train", ae, *SMALL, *still, "--init", "first/checkpoint.safetensors", "--keep-optimizer", "--out", "pieces", "--steps", "3")
    done = run("train", "--resume", "--out", "pieces", "--epochs", "2")
    report(done.returncode == 0, "resume a run that was begun with --keep-optimizer", done.stderr)
    report(weights("pieces") == weights("whole"), "the steps of the optimizer before the run are remembered")
    train(ae, "third", "--init", "first", "--keep-optimizer", "--epochs", "1", *still)
    train(ae, "fourth", "--init", "third", "--keep-optimizer", "--epochs", "1", *still)
    report(weights("fourth") == weights("whole"), "and of all runs before that")
    for optimizer in ["rmsprop", "sgd", "adadelta"]:
        other = write(optimizer + ".yaml", AE + "optimizer: %s\n" % optimizer)
        wrong(3, ["train", other, "--init", "first", "--keep-optimizer", "--out", "new", *SMALL], optimizer, "--keep-optimizer")
    train("adadelta.yaml", "adadelta")
    wrong(3, ["train", "rmsprop.yaml", "--init", "adadelta", "--keep-optimizer", "--out", "new", *SMALL], "rmsprop", "--keep-optimizer")
    shapes = {"encoder.0.weight": [4, 1, 3, 3], "encoder.0.bias": [4], "decoder.1.weight": [4, 1, 3, 3], "decoder.1.bias": [1]}
    bare = safetensors("bare.safetensors", {name: (shape, 0.1) for name, shape in shapes.items()})
    wrong(3, ["train", ae, "--init", bare, "--keep-optimizer", "--out", "new", *SMALL], "adam", "--keep-optimizer")


def test_lanes():
    """Launches that run beside others compute what they compute after them: dense layers, convolutions, several phases a step."""
    for model in ["vae", "m1", "aae-fducau"]:
        for way in ["lanes", "enqueue"]:
            done = run("train", model, "--limit", "1280", "--epochs", "1", "--tune", "0", "--variants", "step=" + way, "--out", model + way)
            report(done.returncode == 0, "training %s, step=%s" % (model, way), done.stderr)
        report(weights(model + "lanes") == weights(model + "enqueue"), model + ": two lanes give the bits of one")


def test_precision():
    models = {"mixed-vae": VAE.replace("UNITS", "4"), "mixed-conv": CONVOLUTIONS}
    for name, text in models.items():
        model, last = write(name + ".yaml", text), {}
        words = ["train", model, "--limit", "2000", "--epochs", "2", "--seed", "3", "--tune", "0"]
        for out, rest in [("full", []), ("mixed", ["--precision", "mixed"]), ("twice", ["--precision", "mixed"])]:
            done = run(*words, "--out", name + out, *rest)
            report(done.returncode == 0, "training %s %s" % (name, out), done.stderr)
            last[out] = records(name + out, True)[-1]["val_loss"]
        report(0 < abs(last["mixed"] / last["full"] - 1) < 0.02, name + ": mixed precision converges as full does", last)
        report(checkpoint(name + "mixed") == checkpoint(name + "twice"), name + ": mixed precision gives the same bits twice")
        # a run goes on in the precision that it began with, and says so where another is asked for
        run(*words, "--out", name + "parts", "--precision", "mixed", "--steps", "70")
        wrong(2, ["train", "--resume", "--out", name + "parts", "--precision", "full"], "precision mixed", "--precision mixed", "--init")
        done = run("train", "--resume", "--out", name + "parts", "--epochs", "2")
        report(done.returncode == 0, "resume " + name, done.stderr)
        report(checkpoint(name + "parts") == checkpoint(name + "mixed"),
               name + ": a resumed run in mixed precision ends with the same bits")
        wrong(2, ["train", "--resume", "--out", name + "full", "--precision", "mixed", "--epochs", "3"], "precision full")
        # other verbs take the run's precision, too
        seen = json.loads(run("eval", name + "mixed", "--json").stdout)["loss"]
        other = json.loads(run("eval", name + "mixed", "--json", "--precision", "full").stdout)["loss"]
        report(abs(seen - last["mixed"]) < 1e-6 * seen and 0 < abs(other - seen) < 0.01 * seen, name + ": eval", seen, other, last)
        full, mixed = (json.loads(run("plan", model, "--json", "--precision", p).stdout) for p in ["full", "mixed"])
        memory = [{m["role"]: m["bytes"] for m in plan["memory"]} for plan in (full, mixed)]
        report(full["precision"] == "full" and mixed["precision"] == "mixed",
               "plan says the precision", full["precision"], mixed["precision"])
        # blocks are whole pages, which hides the gain in a tiny model
        report(memory[1]["activations"] < memory[0]["activations"] or name == "mixed-vae", "plan: activations", *memory)
        report(memory[1]["parameters"] == memory[0]["parameters"], "plan: parameters stay as they are", *memory)
        report(mixed["total"]["bytes"] < full["total"]["bytes"], "plan: traffic", full["total"], mixed["total"])
    wrong(2, ["plan", "m1", "--precision", "half"], "--precision half", "full", "mixed")
    # beyond 65504 values are infinite: the layer is named, and what helps
    wide = write("large.yaml", CONVOLUTIONS.replace("  - batch_norm: {activation: relu}\n  - max_pool2d\n", "").replace("stride: 2, ", "")
                 .replace("lr: 0.01", "lr: 1e-12"))
    shapes = {"encoder.0": [8, 1, 3, 3], "encoder.1": [8, 8, 3, 3], "decoder.0": [8, 8, 3, 3], "decoder.1": [1, 8, 3, 3]}
    tensors = {name + ".weight": (shape, 0.0) for name, shape in shapes.items()}
    tensors.update({name + ".bias": ([shape[0]], 1e6 if name == "encoder.0" else 0.0) for name, shape in shapes.items()})
    weights = safetensors("large.safetensors", tensors)
    start = ["train", wide, "--init", weights, "--limit", "64", "--epochs", "1", "--tune", "0", "--out"]
    wrong(9, start + ["large-mixed", "--precision", "mixed"], "encoder.0", "--precision full")
    done = run(*start, "large-full")
    report(done.returncode == 0, "full precision holds more than 65504", done.stderr)


if __name__ == "__main__":
    run_tests(arguments().tests, globals())
