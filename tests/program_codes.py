#!/usr/bin/env python3
"""The verbs that show codes, with a model whose codes can be seen in its pictures.

    program_codes.py --program build/hourglass [codes]...

Exit 77 where there is no OpenCL device."""
import os, re
from program_files import cell, npy, picture_folder, png_size, read_npy, write_png
from program_runs import AE, PLAIN, VAE, given, train
from whole_program import arguments, figures_of, near, report, run, run_tests, write, wrong

FLAT_PRIOR = """name: tiny-aae
input: {channels: 1, height: 12, width: 12}
encoder:
  - flatten
  - dense: {units: 2}
decoder:
  - dense: {units: 144, activation: sigmoid}
prior: {std: 2}
discriminator:
  - dense: {units: 1, activation: sigmoid}
phases:
  - {name: reconstruct, loss: bce, update: {encoder: {adam: {lr: 0.01}}, decoder: {adam: {lr: 0.01}}}}
  - {name: discriminate, loss: {adversarial: {real: prior, fake: code}}, detach: code, update: {discriminator: {adam: {lr: 0.01}}}}
  - {name: regularise, loss: {adversarial: {real: code}}, update: {encoder: {adam: {lr: 0.01}}}}
train: {batch: 32, epochs: 2}
"""


def halves(bright):
    """White on one side, dark on the other, so that the codes of the two are at right angles but for what is dark."""
    return [[255 * ((y < 6) == bright)] * 12 for y in range(12)]


def interpolate():
    """Half-way a mean, or what keeps the length."""
    for rest, middle in [([], 0.5), (["--spherical"], 0.5 ** 0.5)]:
        done = run("interpolate", "plain", "--from", "0", "--to", "2", "--steps", "5", "--out", "way.png", *rest)
        report(done.returncode == 0, "interpolate", done.stderr)
        way = [cell("way.png", 0, 72, 72, k, 7) for k in range(7)]
        report(way[0] == way[1] and way[5] == way[6], "interpolate: both ends are exact", rest)
        report(way[1][0][0] == way[5][71][0] == 0 and way[5][0][0] == way[1][71][0] == 255, "interpolate: from lower to upper", rest)
        report(all(abs(way[3][y][0] - 255 * middle) <= 1 for y in (0, 71)), "interpolate: the middle", rest, way[3][0][0])


def manifold():
    """Each cell is what its two numbers decode to; quantiles are those of the model's prior."""
    train(write("aae.yaml", FLAT_PRIOR), "aae")
    npy("prior.npy", [2 * v * 1.6448536269514722 for v in (-1, -1, -1, 1, 1, -1, 1, 1)], [4, 2])
    run("decode", "aae", "--codes", "prior.npy", "--out", "grid.png")
    run("manifold", "aae", "--grid", "2", "--normal", "--out", "normal.png")
    report(open("grid.png", "rb").read() == open("normal.png", "rb").read(), "manifold --normal of an adversarial model")
    report(figures_of("eval", "aae")["discriminator"] > 0 and "bce" in figures_of("eval", "aae"), "eval of an adversarial model")
    low = -1.6448536269514722
    for rest, order in [([], lambda r, c: (r, c)), (["--axes", "columns-first"], lambda r, c: (c, r))]:
        places = [low, 0, -low]
        npy("grid.npy", [v for r in places for c in places for v in order(r, c)], [9, 2])
        run("decode", "vae", "--codes", "grid.npy", "--out", "grid.png")
        done = run("manifold", "vae", "--grid", "3", "--normal", "--out", "normal.png", *rest)
        report(done.returncode == 0, "manifold --normal", rest, done.stderr)
        report(open("grid.png", "rb").read() == open("normal.png", "rb").read(), "manifold --normal: the cells", rest)
        run("manifold", "vae", "--grid", "3", "--range", str(low), str(-low), "--out", "range.png", *rest)
        report(open("range.png", "rb").read() == open("normal.png", "rb").read(), "manifold --range", rest)
    run("manifold", "vae", "--grid", "3", "--normal", "--out", "rows.png")
    report(open("rows.png", "rb").read() != open("normal.png", "rb").read(), "manifold: the axes differ")


def latent():
    """Neighbours' votes and errors, counted here as well."""
    noise = [((i * 7919 + 13) * 104729 % 1000003) % 256 for i in range(3 * 8 * 144 + 7)]
    for part in ["train", "test"]:
        for kind in range(3):
            os.makedirs("noisy/%s/%d" % (part, kind))
            for i in range(8):
                at = (kind * 8 + i) * 144 + (7 if part == "test" else 0)
                pixels = [[min(255, 10 * kind + noise[at + 12 * y + x] // (1 + (x > 7))) for x in range(12)] for y in range(12)]
                write_png("noisy/%s/%d/%d.png" % (part, kind, i), pixels)
    words = ["plain", "--data", "noisy"]
    run("encode", *words, "--out", "codes.npy")
    shape, values = read_npy("codes.npy")
    codes = [values[36 * i:36 * i + 36] for i in range(24)]
    right = 0
    for i, code in enumerate(codes):
        near_ones = sorted((sum((a - b) ** 2 for a, b in zip(code, other)), k // 8) for k, other in enumerate(codes) if k != i)[:3]
        votes = [label for _, label in near_ones]
        right += max(votes, key=lambda v: (votes.count(v), -votes.index(v))) == i // 8
    seen = figures_of("latent", *words, "--pca", "--knn", "3", "--out", "latent.svg")
    code, pca = seen["embeddings"]
    report(shape == (24, 1, 6, 6) and 8 < right < 24 and near(code["knn_accuracy"], right / 24), "latent: neighbours", right, seen)
    report(code["numbers"] == pca["numbers"] == 36, "latent: the numbers of a code", seen)
    report(near(code["squared_error"], 144 * figures_of("eval", *words)["mse"]), "latent: the code's error", seen)
    report(0 <= pca["squared_error"] < 1e-6 and seen["pictures"] == 24, "latent: 36 components of 24 pictures lose nothing", seen)
    table = run("latent", "vae", "--pca", "--out", "latent.png").stdout
    report(re.search(r"^embedding +numbers +knn_accuracy +squared_error$", table, re.M), "latent: the table's head", table)
    report(re.search(r"^PCA of the pixels +2 +0\.", table, re.M), "latent: the table", table)
    os.mkdir("bare")
    for i in range(30):
        write_png("bare/%02d.png" % i, [[(x * y + 9 * i) % 256 for x in range(12)] for y in range(12)])
    bare = figures_of("latent", "plain", "--data", "bare", "--pca", "--knn", "1", "--count", "3", "--out", "x.svg")
    report([e["knn_accuracy"] for e in bare["embeddings"]] == [None, None], "latent without labels", bare)


def perturb():
    """Without noise it is the reconstruction; the rest grows with the noise, the same way each time."""
    seen = figures_of("perturb", "plain", "--noise", "0,0.1,0.2,0.4", "--count", "4", "--out", "noise.png", "--chart", "curve.svg")
    errors = [level["mse"] for level in seen["levels"]]
    report([level["noise"] for level in seen["levels"]] == [0, 0.1, 0.2, 0.4], "perturb: the levels", seen)
    report(errors[0] == figures_of("eval", "plain")["mse"] == 0, "perturb: no noise", seen)
    report(near(errors[1], 0.01, 0.3) and near(errors[2], 4 * errors[1], 1e-4) and near(errors[3], 16 * errors[1], 1e-4),
           "perturb: this decoder passes the noise on", errors)
    picture, clean, noisy = (cell("noise.png", row, 72, 72, 3, 4) for row in range(3))
    report(picture == clean != noisy, "perturb: the rows")
    report(open("curve.svg").read(200).lstrip().startswith("<?xml"), "perturb --chart")
    again = [figures_of("perturb", "plain", "--noise", "0.1", "--out", "n.png", "--seed", s)["levels"][0]["mse"] for s in ("0", "1")]
    report(again[0] == errors[1] != again[1], "perturb --seed", again, errors)
    still = figures_of("perturb", "vae", "--noise", "0", "--out", "n.png")["levels"][0]["mse"]
    report(still == figures_of("eval", "vae")["mse"], "perturb: no noise in a variational model", still)


def inspect():
    """Half of the numbers are zero, the others one; in the picture of the code as well."""
    seen = figures_of("inspect", "plain", "--out", "code.png", "--random", "0.25", "0.75")
    want = {"pictures": 4, "code": [1, 6, 6], "minimum": 0, "maximum": 1, "mean": 0.5, "std": 0.5, "zeros": 0.5, "unused": 0}
    report(all(seen[k] == v for k, v in want.items()) and seen["unit_means"] == [0.5, 0.5], "inspect: figures", seen)
    report(png_size("code.png")[1] == 2 + 5 * 74, "inspect: rows", png_size("code.png"))
    # 36 places and 1 channel: the code is two pixels wide in the middle of its cell, which is 72 pixels
    report([cell("code.png", 1, 72, 72, 0, 4)[y][36] for y in (0, 35, 36, 71)] == [0, 0, 255, 255], "inspect: code by positions")
    run("inspect", "plain", "--out", "maps.png", "--layout", "maps")
    report(cell("maps.png", 0, 72, 72, 1, 4) == cell("maps.png", 1, 72, 72, 1, 4), "inspect: code as maps")
    tones = {v for line in cell("code.png", 4, 72, 72, 0, 4) for v in line}
    report(all(0.25 * 255 - 1 <= v <= 0.75 * 255 + 1 for v in tones) and len(tones) > 20,
           "inspect --random: this decoder shows the codes", sorted(tones))


def arithmetic():
    """Lower and the difference make upper; groups from classes, codes and folders alike."""
    groups = {"class": ["upper", "lower"], "codes": ["upper.npy", "lower.npy"], "folder": ["data/train/upper", "data/train/lower"]}
    for name, bright in [("upper", True), ("lower", False)]:
        npy(name + ".npy", [v / 255 for line in halves(bright)[::2] for v in line[::2]] * 2, [2, 36])
    for kind, (add, subtract) in groups.items():
        words = ["arithmetic", "plain", "--add", add, "--subtract", subtract, "--scale", "0,0.5,1", "--count", "2"]
        done = run(*words, "--out", kind + ".png")
        report(done.returncode == 0 and "6 apart" in done.stdout, "arithmetic by " + kind, done.stdout, done.stderr)
        rows = [cell(kind + ".png", k, 72, 72, 1, 2) for k in range(4)]
        report(rows[0] == rows[1] and rows[0][0][0] == 0 and rows[0][71][0] == 255, "arithmetic: the subtracted group's pictures", kind)
        report(all(abs(rows[2][y][0] - 127.5) <= 1 for y in (0, 71)), "arithmetic: half-way", kind)
        report(rows[3][0][0] == 255 and rows[3][71][0] == 0, "arithmetic: they become the others", kind)


def refusals():
    wrong(2, ["interpolate", "plain", "--out", "x.png", "--from", "0", "--to", "1", "--sperical"], "'--spherical'")
    wrong(2, ["manifold", "vae", "--out", "x.png", "--axes", "rows"], "rows-first")
    wrong(2, ["manifold", "vae", "--out", "x.png", "--normal", "--range", "0", "1"], "--normal")
    wrong(2, ["manifold", "vae3", "--out", "x.png", "--normal"], "3 numbers")
    wrong(2, ["latent", "vae", "--out", "x.png", "--json"], "--pca")
    wrong(2, ["latent", "vae", "--out", "x.png", "--pca", "--knn", "0"], "--knn")
    for noise in ["", "a", "0,", "-1", "0,,1", "0;1"]:
        wrong(2, ["perturb", "vae", "--out", "x.png", "--noise", noise], "--noise")
    wrong(2, ["perturb", "vae", "--out", "x.png", "--chart", "x.txt"], ".svg")
    wrong(2, ["inspect", "vae", "--out", "x.png", "--layout", "map"], "maps")
    wrong(2, ["inspect", "vae", "--out", "x.png", "--random", "1", "0"], "--random")
    for verb in ["perturb", "inspect"]:
        wrong(2, [verb, "vae"], "--out")
        wrong(8, [verb, "vae", "--out", "no/where.png"], "no")
        wrong(3, [verb, "none", "--out", "x.png"], "none")
    change = ["arithmetic", "plain", "--out", "x.png"]
    wrong(2, change, "--add")
    wrong(2, change + ["--add", "upper"], "--subtract")
    wrong(2, change + ["--add", "uper", "--subtract", "lower"], "'upper'")
    wrong(3, change + ["--add", "upper.npy", "--subtract", npy("bad.npy", [0] * 8, [4, 2])], "bad.npy", "[N, 1, 6, 6]")
    wrong(3, change + ["--add", "upper", "--subtract", "none.npy"], "none.npy")
    wrong(3, change + ["--add", "upper", "--subtract", "data"], "no PNG files")
    write_png("noisy/test/0/odd.png", [[0] * 5] * 4)
    wrong(3, change + ["--add", "upper", "--subtract", "noisy/test/0"], "odd.png", "4 x 5", "--resize 12x12")
    wrong(3, change + ["--add", "upper", "--subtract", "lower", "--data", "bare"], "no labels")
    report(not os.path.exists("x.png"), "a verb that fails leaves no picture")


def test_codes():
    """Where the code is the mean of every 2 x 2 pixels and decoding repeats it, all that is done with codes can be seen in the pictures."""
    counts = {"train": {"lower": 2, "upper": 3}, "test": {"lower": 2, "upper": 2}}
    picture_folder("data", counts, {"lower": halves(False), "upper": halves(True)})
    given(PLAIN, "plain", "--data", "data")
    train(write("ae.yaml", AE), "ae")
    train(write("vae.yaml", VAE.replace("UNITS", "2")), "vae", "--epochs", "4")
    train(write("vae3.yaml", VAE.replace("UNITS", "3")), "vae3")
    interpolate()
    manifold()
    latent()
    perturb()
    inspect()
    arithmetic()
    refusals()


if __name__ == "__main__":
    run_tests(arguments().tests, globals())
