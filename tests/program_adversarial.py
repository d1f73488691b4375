#!/usr/bin/env python3
"""Models with a prior, a discriminator and phases.

    program_adversarial.py --program build/hourglass [adversarial]...

Exit 77 where there is no OpenCL device."""
import json
from program_files import read_npy
from program_runs import SMALL, VAE, checkpoint, records, train, weights
from whole_program import arguments, report, run, run_tests, write, wrong

ADVERSARIAL = """name: adversarial
input: {channels: 1, height: 12, width: 12}
encoder:
  - flatten
  - dense: {units: 24, activation: relu}
  - dropout: 0.1
  - dense: 3
decoder:
  - dense: {units: 24, activation: relu}
  - dropout: 0.1
  - dense: {units: 144, activation: sigmoid}
  - reshape: [1, 12, 12]
prior: {std: 2}
discriminator:
  - dense: {units: 3, activation: relu}
  - dense: {units: 3, activation: relu, share: 0}
  - dense: {units: 1, activation: sigmoid}
phases:
  - name: reconstruct
    loss: bce
    update: {encoder: {adam: {lr: 0.003}}, decoder: {sgd: {momentum: 0.5}}}
  - name: discriminate
    loss: {adversarial: {real: prior, fake: code}}
    detach: code
    keep_gradients: true
    update: {discriminator: {adam: {lr: 0.002}}}
  - name: regularise
    loss: {adversarial: {real: code}}
    keep_gradients: true
    update: {encoder: {rmsprop: {lr: 0.001}}, decoder: {again: reconstruct}}
train: {batch: 32, epochs: 3}
"""


def test_adversarial():
    model = write("adversarial.yaml", ADVERSARIAL)
    done = train(model, "whole", "--log-every", "1", "--epochs", "3")
    parts = ["reconstruction", "discriminator", "generator"]
    epoch = [line for line in done.stderr.splitlines() if line.startswith("epoch 3/3")][-1]
    report(all(epoch.count(part) == 2 for part in parts), "the line of an epoch has all losses", epoch)
    report("hourglass sample" in done.stderr, "sample is proposed", done.stderr)
    for record in records("whole", False) + records("whole", True):
        total = sum(record[part] for part in parts)
        report(abs(record["loss"] - total) < 1e-5 * total, "the loss is the sum of its parts", record)
        report(record["kl"] == record["penalty"] == 0, "the parts of other models are 0", record)
    last = records("whole", True)[-1]
    report(all("val_" + part in last for part in parts), "an epoch's record has the validation's parts", last)
    # the state of every optimizer is there, under its phase's name
    names = set(weights("whole"))
    phases = {n.split(".")[1] for n in names if n.startswith("optimizer.")}
    report(phases == {"reconstruct", "discriminate", "regularise"}, "optimizers by phase", names)
    for name in ["optimizer.reconstruct.exp_avg.encoder.1.weight", "optimizer.reconstruct.momentum_buffer.decoder.0.bias",
                 "optimizer.discriminate.exp_avg_sq.discriminator.2.weight", "optimizer.regularise.square_avg.encoder.3.bias"]:
        report(name in names, name + " is in the checkpoint", names)
    report(not any("discriminator.1." in n for n in names), "shared weights are saved once", names)
    report(not any("decoder" in n for n in names if ".regularise." in n),
           "another step of the same optimizer has no state of its own", names)
    # the same bits twice, interrupted and not; --init and --keep-optimizer
    run("train", model, *SMALL, "--out", "pieces", "--epochs", "3", "--steps", "9", "--log-every", "1")
    report(run("train", "--resume", "--out", "pieces", "--epochs", "3").returncode == 0, "resume")
    report(checkpoint("pieces") == checkpoint("whole"), "a resumed run ends with the same bits")
    told = [open(folder + "/log.jsonl").read().count("discriminator") for folder in ("pieces", "whole")]
    report(told[0] == told[1], "and the same log", told)
    still = write("still.yaml", ADVERSARIAL.replace("dropout: 0.1", "dropout: 0").replace("std: 2", "std: 0"))
    train(still, "long", "--epochs", "4", "--no-shuffle")
    train(still, "first", "--epochs", "2", "--no-shuffle")
    train(still, "second", "--epochs", "2", "--no-shuffle", "--init", "first", "--keep-optimizer")
    report(weights("second") == weights("long"), "--keep-optimizer: all of them go on, with their own steps")
    train(model, "more", "--init", "whole", "--epochs", "1")
    wrong(3, ["train", write("vae.yaml", VAE.replace("UNITS", "3")), *SMALL, "--init", "whole", "--out", "new"], "discriminator.0.weight")
    wrong(2, ["train", model, *SMALL, "--lr", "0.1", "--out", "new"], "several optimizers", "--lr")
    # verbs
    seen = json.loads(run("eval", "whole", "--json").stdout)
    report(all(abs(seen[part] - last["val_" + part]) < 1e-6 * seen[part] for part in parts),
           "eval gives the last epoch's losses", seen, last)
    shown = run("eval", "whole").stdout
    report(all(part in shown for part in parts) and "kl" not in shown, "eval shows them", shown)
    report(run("sample", "whole", "--count", "9", "--out", "s.png").returncode == 0, "sample")
    report(run("encode", "whole", "--out", "c.npy").returncode == 0 and read_npy("c.npy")[0][1:] == (3,), "encode")
    labels = [launch["label"] for launch in json.loads(run("plan", model, "--json").stdout)["launches"]]
    for label in ["encoder.1 dense forward, discriminate", "discriminator.1(prior) dense weight gradient, discriminate",
                  "optimizer, regularise", "discriminator.0 dense data gradient, regularise"]:
        report(label in labels, "plan shows '%s'" % label, labels)
    report(not any("discriminator" in l and "weight gradient" in l for l in labels if "regularise" in l),
           "nothing is computed that no one needs", labels)
    report(run("plan", model, "--of", "evaluate").returncode == 0, "plan of the evaluation")
    report(run("bench", "--models", model, "--seconds", "0.05").returncode == 0, "bench")
    report(run("tune", model, "--seconds", "1", "--tuning", "t.json").returncode == 0, "tune")
    report(run("train", model, *SMALL, "--precision", "mixed", "--out", "mixed").returncode == 0, "mixed precision")
    # where the loss is no longer finite, the layer is named, whichever phase it is in, and the weights are kept
    wild = ADVERSARIAL.replace("units: 144, activation: sigmoid", "units: 144").replace("bce", "mse")
    wild = write("wild.yaml", wild.replace("adam: {lr: 0.003}", "sgd: {lr: 1e6}"))
    wrong(9, ["train", wild, *SMALL, "--out", "wild"], "diverged", "coder.", "wild/checkpoint.safetensors")


if __name__ == "__main__":
    run_tests(arguments().tests, globals())
