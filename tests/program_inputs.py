#!/usr/bin/env python3
"""Models that do not see just pictures: the input is corrupted, or a label comes with it.

    program_inputs.py --program build/hourglass [corrupt|condition]...

Exit 77 where there is no OpenCL device."""
import json, os, struct
from program_files import npy, png_size, read_npy, write_png
from program_runs import CONVOLUTIONS, DENOISER, VAE, checkpoint, records, train
from whole_program import arguments, figures_of, report, run, run_tests, write, wrong

UPSCALER = """name: upscaler
input: {channels: 1, height: 12, width: 12}
corrupt:
  - downscale
  - noise: 0.1
encoder:
  - conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}
decoder:
  - conv2d_transpose: {filters: 1, kernel: 4, stride: 2, padding: 1, activation: sigmoid}
loss: mse
optimizer: {adam: {lr: 0.01}}
train: {batch: 32, epochs: 4}
"""


def test_corrupt():
    # noise drawn once is the example's own through every order; else it is new in every epoch; evaluation's is always the same
    for once in ["true", "false"]:
        still = write("still.yaml", DENOISER.replace("ONCE", once).replace("LR", "1e-30"))
        train(still, once)
        first, second = records(once, True)
        report((abs(first["loss"] - second["loss"]) < 1e-6 * first["loss"]) == (once == "true"), "once: " + once, first, second)
        report(first["val_loss"] == second["val_loss"], "evaluation draws the same noise", first, second)

    denoiser, upscaler = write("denoiser.yaml", DENOISER.replace("ONCE", "false").replace("LR", "0.01")), write("upscaler.yaml", UPSCALER)
    sizes = {}
    for name, model, side in [("denoiser", denoiser, 12), ("upscaler", upscaler, 24)]:
        done = train(model, name, "--log-every", "1", "--epochs", "4")
        report("pictures 1x%dx%d corrupted to 1x12x12" % (side, side) in done.stderr, "train says what is corrupted", done.stderr)
        losses = [r["loss"] for r in records(name, False)]
        report(losses[-1] < 0.8 * losses[0], name + " learns", losses)
        train(model, name + "-again", "--log-every", "1", "--epochs", "4", "--steps", "3")
        report(run("train", "--resume", "--out", name + "-again", "--epochs", "4").returncode == 0, "resume " + name)
        same = open(name + "/checkpoint.safetensors", "rb").read() == open(name + "-again/checkpoint.safetensors", "rb").read()
        report(same, "the same noise in a resumed run of " + name)
        # figures are of outputs against the pictures, from the inputs that evaluation makes
        figures = json.loads(run("eval", name, "--json").stdout)
        report(abs(figures["mse"] - figures["loss"]) < 1e-5 * figures["loss"], "eval: " + name, figures)
        last = records(name, True)[-1]
        report(abs(figures["loss"] - last["val_loss"]) < 1e-6, "eval sees what training saw", figures, last)
        plan = json.loads(run("plan", model, "--json").stdout)
        report(plan["input"] == [1, 12, 12] and plan["target"] == [1, side, side] and plan["layers"][0]["name"] == "corrupt.0",
               "plan --json", plan["layers"])
        report("pictures 1x%dx%d, corrupted to the input 1x12x12" % (side, side) in run("plan", model).stdout, "plan")
        for verb, out, rest in [("reconstruct", "rows.png", ["--count", "5"]),
                                ("reconstruct", "clean.png", ["--count", "5", "--as-input"]),
                                ("encode", "noisy.npy", []),
                                ("encode", "clean.npy", ["--as-input"]),
                                ("interpolate", "way.png", ["--from", "1", "--to", "2"]),
                                ("latent", "latent.svg", ["--count", "50", "--pca"])]:
            done = run(verb, name, "--out", out, *rest)
            report(done.returncode == 0, "%s %s %s" % (verb, name, rest), done.stderr)
        sizes[name] = png_size("rows.png")[1], png_size("clean.png")[1]
        report(read_npy("noisy.npy")[0] == read_npy("clean.npy")[0] == (2000, 8, 12, 12), "encode " + name, read_npy("noisy.npy")[0])
        report(read_npy("noisy.npy")[1] != read_npy("clean.npy")[1], "--as-input leaves the noise out")
        report(1.4 < sizes[name][0] / sizes[name][1] < 1.6,
               "rows of input, output, target; without corruption of input, output", sizes[name])
    # pictures of the input's size are not what is trained on, but what --as-input takes
    codes = npy("codes.npy", [0.1 * (i % 50) for i in range(20 * 8 * 144)], [20, 8, 12, 12])
    run("decode", "denoiser", "--codes", codes, "--out", "small")
    wrong(3, ["train", upscaler, "--data", "small", "--out", "new"], "12 x 12", "24 x 24", "--resize 24x24")
    wrong(3, ["reconstruct", "upscaler", "--data", "small", "--out", "rows.png"], "12 x 12", "24 x 24")
    done = run("reconstruct", "upscaler", "--data", "small", "--as-input", "--out", "rows.png")
    report(done.returncode == 0, "reconstruct small pictures --as-input", done.stderr)


def test_condition():
    dense = VAE.replace("UNITS", "2").replace("encoder:", "condition: {labels: 10}\nencoder:")
    dense = write("dense.yaml", dense + "optimizer: {adam: {lr: 0.01}}\n")
    planes = write("planes.yaml", CONVOLUTIONS.replace("encoder:", "condition: 10\nencoder:"))
    for name, model, first, shape in [("dense", dense, "encoder.1.weight", [16, 154]),
                                      ("planes", planes, "encoder.0.weight", [8, 11, 3, 3])]:
        for precision in ["full", "mixed"]:
            train(model, name, "--force", "--epochs", "4", "--precision", precision)
            data = checkpoint(name)
            header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
            report(header[first]["shape"] == shape, "weights keep PyTorch's names, and see the label: " + first, header[first])
            train(model, name + "-again", "--force", "--epochs", "4", "--precision", precision, "--steps", "5")
            report(run("train", "--resume", "--out", name + "-again", "--epochs", "4").returncode == 0, "resume " + name)
            report(checkpoint(name) == checkpoint(name + "-again"), "a resumed conditional run has the same bits", name, precision)
        figures = json.loads(run("eval", name, "--json").stdout)
        last = records(name, True)[-1]
        report(abs(figures["loss"] - last["val_loss"]) < 1e-5 * figures["loss"], "eval " + name, figures, last)
        plan = json.loads(run("plan", model, "--json").stdout)
        report(sum(l["layer"] == "condition" for l in plan["layers"]) == 2, "plan names both places of the label", plan["layers"])
        for verb, out, rest in [("reconstruct", "rows.png", []),
                                ("encode", name + ".npy", []),
                                ("latent", "latent.svg", ["--count", "50"]),
                                ("interpolate", "way.png", ["--from", "1", "--to", "2"]),
                                ("interpolate", "way3.png", ["--from", "1", "--to", "2", "--label", "3"]),
                                ("inspect", "codes.png", ["--random", "-1", "1"]),
                                ("arithmetic", "nines.png", ["--add", "9", "--subtract", "4"])]:
            done = run(verb, name, "--out", out, *rest)
            report(done.returncode == 0, "%s %s %s" % (verb, name, rest), done.stderr)
        report(figures_of("perturb", name, "--noise", "0", "--out", "n.png")["levels"][0]["mse"] == figures["mse"], "perturb " + name)
        report(open("way.png", "rb").read() != open("way3.png", "rb").read(), "--label says as what the way is drawn")
        shape, values = read_npy(name + ".npy")
        codes = npy("some.npy", values[:len(values) // shape[0] * 20], [20, *shape[1:]])
        drawn = set()
        for label in "0", "9":
            done = run("decode", name, "--codes", codes, "--label", label, "--out", "codes.png")
            report(done.returncode == 0, "decode --label", done.stderr)
            drawn.add(open("codes.png", "rb").read())
        report(len(drawn) == 2, "decode --label is another picture for another label")
        wrong(2, ["decode", name, "--codes", codes, "--out", "c.png"], "--label", "0 to 9")
        wrong(2, ["decode", name, "--codes", codes, "--out", "c.png", "--label", "10"], "0 to 9")

    def picture(out, *rest, of="dense"):
        done = run("sample", of, "--out", out, *rest)
        report(done.returncode == 0, "sample " + " ".join(rest), done.stderr)
        return open(out, "rb").read(), done.stdout

    # all classes in rows, one class alone, the same codes for all
    picture("all.png"), picture("three.png", "--label", "3", "--count", "25"), picture("few.png", "--count", "11")
    all_of, three, few = png_size("all.png"), png_size("three.png"), png_size("few.png")
    report(all_of[0] == all_of[1] == 2 * three[0] - 2 == 2 * three[1] - 2, "10 of each of 10; 5 x 5 of one", all_of, three)
    report(few[0] == (all_of[0] - 2) // 5 + 2 and few[1] == all_of[1], "rows are full", few, all_of)
    report(picture("a.png")[0] != picture("b.png", "--same-codes")[0], "--same-codes")
    report(picture("a.png", "--label", "1")[0] != picture("b.png", "--label", "2")[0], "--label")
    done = run("manifold", "dense", "--grid", "3", "--label", "3", "--out", "m.png")
    report(done.returncode == 0, "manifold --label", done.stderr)
    # what a classifier reads: after some training most are of the class asked for, and before it few are
    shares = []
    for epochs in ["1", "40"]:
        train(dense, "judged", "--force", "--limit", "1000", "--epochs", epochs)
        rows = [line.split() for line in picture("judged.png", "--count", "200", "--judge", of="judged")[1].splitlines()]
        heads = ["class"] + [str(i) for i in range(10)] + ["all"]
        report([row[0] for row in rows] == heads and rows[-1][1] == "200", "sample --judge prints a row of each class", rows)
        report(sum(int(row[2]) for row in rows[1:-1]) == int(rows[-1][2]), "and their sum", rows)
        shares.append(int(rows[-1][2]) / 200)
    report(shares[0] + 0.2 < shares[1] > 0.6, "samples become what is asked for", shares)
    # where none can be asked for: after some training more are clearly of one than before it, but not more than of the test pictures
    clear = []
    for epochs in ["1", "40"]:
        train(write("plain.yaml", VAE.replace("UNITS", "2")), "judged", "--force", "--limit", "1000", "--epochs", epochs)
        head, new, test = [line.split() for line in picture("judged.png", "--count", "200", "--judge", of="judged")[1].splitlines()]
        report([row[:2] for row in (new, test)] == [["new", "200"], ["test", "200"]] and "8 of the 10" in " ".join(head), "sample --judge without classes", new, test)
        for row in new, test:
            report(len(row) == 15 and sum(map(int, row[5:])) == int(row[2]) and row[3] == "%.1f" % (int(row[2]) / 2), "counts, their sum and its share", row)
        clear += [int(new[2]), int(test[2])]
    report(clear[0] < clear[2] and clear[1] == clear[3] > 160, "samples become clear; test pictures are", clear)

    # what does not fit
    wrong(2, ["sample", "dense", "--label", "10", "--out", "s.png"], "0 to 9")
    wrong(2, ["sample", "dense", "--label", "1", "--same-codes", "--out", "s.png"], "--label")
    wrong(2, ["manifold", "dense", "--out", "m.png"], "--label")
    os.mkdir("folder")
    write_png("folder/one.png", [[0] * 12] * 12)
    wrong(2, ["arithmetic", "dense", "--add", "folder", "--subtract", "4", "--out", "a.png"], "labels", "--add")
    train(write("plain.yaml", VAE.replace("UNITS", "2")), "plain")
    for rest in [["--label", "1"], ["--same-codes"]]:
        wrong(2, ["sample", "plain", "--out", "s.png", *rest], rest[0], "condition")
    wrong(2, ["manifold", "plain", "--out", "s.png", "--label", "1"], "--label", "condition")
    run("decode", "dense", "--codes", npy("codes.npy", [0.1] * 40, [20, 2]), "--label", "0", "--out", "small")
    wrong(3, ["train", dense, "--data", "small", "--out", "new"], "labels", "sub-folder", "condition: {labels: 10}")
    wrong(3, ["eval", "dense", "--data", "small"], "labels", "sub-folder")
    wrong(3, ["sample", "plain", "--judge", "--data", "small", "--out", "s.png"], "labels", "sub-folder", "--judge")
    few = write("few.yaml", open(dense).read().replace("labels: 10", "labels: 7"))
    wrong(3, ["train", few, "--out", "new"], "up to 9", "condition: {labels: 10}")
    report(not os.path.exists("new"), "a training without labels leaves no directory")


if __name__ == "__main__":
    run_tests(arguments().tests, globals())
