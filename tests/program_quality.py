#!/usr/bin/env python3
"""eval, denoise and upscale with models whose figures can be told beforehand.

    program_quality.py --program build/hourglass [restore|eval]...

Exit 77 where there is no OpenCL device."""
import json, math, os, re
from program_files import cell, picture_folder, png_size, read_png, write_png
from program_runs import AE, BLOCKS, DENOISER, PLAIN, REPEATER, VAE, given, train
from whole_program import arguments, figures_of, near, report, run, run_tests, write, wrong


def test_restore():
    """Models with known weights: one gives the mean of every 2 x 2 pixels, one repeats each pixel 3 x 3 times."""
    given(BLOCKS, "blocks")
    given(REPEATER, "repeater")
    train(write("ae.yaml", AE), "ae")
    train(write("vae.yaml", VAE.replace("UNITS", "2")), "vae")

    # on test pictures: the figures are those of eval, the rows have their cells
    seen = figures_of("denoise", "blocks", "--out", "rows.png", "--count", "12")
    report([s["picture"] for s in seen["steps"]] == ["noisy", "cleaned"] and seen["pictures"] == 2000, "denoise: steps", seen)
    report(near(seen["steps"][1]["mse"], figures_of("eval", "blocks")["mse"]), "denoise: what eval says", seen)
    report(near(seen["steps"][0]["mse"], 0.045, 0.15), "denoise: noise of 0.3, half of which is cut off on black", seen)
    report(all(near(s["psnr"], -10 * math.log10(s["mse"])) for s in seen["steps"]), "denoise: psnr", seen)
    report(0.4 < seen["better"] < 0.8, "denoise: more gain from means than lose", seen)
    report(png_size("rows.png")[1] == 2 + 6 * 74, "twelve pictures are two times three rows", png_size("rows.png"))
    noisy, cleaned = cell("rows.png", 0, 72, 72, 1, 10), cell("rows.png", 1, 72, 72, 1, 10)
    mean = sum(noisy[6 * y][6 * x] for y in (2, 3) for x in (4, 5)) / 4  # a block, each pixel enlarged six times
    report(abs(cleaned[12][24] - mean) <= 1 and cleaned[12][24] == cleaned[23][35], "denoise: the rows", mean, cleaned[12][24])
    table = run("denoise", "blocks", "--out", "rows.png").stdout
    report(re.search(r"^picture +mse +psnr$", table, re.M) and "of 2000 test pictures" in table, "denoise: the table", table)
    seen = figures_of("upscale", "repeater", "--out", "rows.png", "--out-dir", "new", "--count", "4")
    report([s["picture"] for s in seen["steps"]] == ["nearest", "bilinear", "output"], "upscale: steps", seen)
    report(near(seen["steps"][0]["mse"], seen["steps"][2]["mse"]) and seen["better"] < 0.5,
           "upscale: this model does what nearest does", seen)
    report(sorted(os.listdir("new")) == ["%05d.png" % i for i in range(4)], "--out-dir: a file each", os.listdir("new"))
    report([list(r) for r in read_png("new/00002.png")[0]] == [r[::2] for r in cell("rows.png", 2, 72, 72, 2, 4)[::2]],
           "--out-dir: the rows' pictures")

    # a user's own files, of any size: computed at their size, with what is missing to the next that fits continued from the edge
    os.mkdir("own")
    os.mkdir("empty")
    odd = [[(37 * x + 91 * y) % 256 for x in range(15)] for y in range(9)]
    write_png("own/odd.png", odd)
    write_png("own/colour.png", [[v for x in range(4) for v in (200, 10 * x, 20 * y)] for y in range(6)], 3)
    done = run("denoise", "blocks", "--pictures", "own", "--out", "rows.png", "--out-dir", "cleaned")
    report(done.returncode == 0 and done.stdout == "", "denoise --pictures DIR", done.stdout, done.stderr)
    rows, bpp = read_png("cleaned/odd.png")
    edge = [row + row[-1:] for row in odd] + [odd[-1] + odd[-1][-1:]]
    want = [[sum(edge[y // 2 * 2 + j][x // 2 * 2 + i] for j in (0, 1) for i in (0, 1)) / 4 for x in range(15)] for y in range(9)]
    report(bpp == 1 and len(rows) == 9, "denoise --pictures: the size", bpp, len(rows))
    report(all(abs(a - b) < 0.51 for r, w in zip(rows, want) for a, b in zip(r, w)),
           "denoise --pictures: the values", rows[:2], want[:2])
    report(len(read_png("cleaned/colour.png")[0]) == 6, "denoise --pictures: each at its own size")
    run("upscale", "repeater", "--pictures", "own/odd.png", "--out", "rows.png", "--out-dir", "large")
    rows = read_png("large/odd.png")[0]
    report(len(rows) == 27 and all(rows[y][x] == odd[y // 3][x // 3] for y in range(27) for x in range(45)),
           "upscale --pictures: the values")
    report(cell("rows.png", 0, 54, 90)[53][89] == odd[8][14] and cell("rows.png", 1, 54, 90)[0][0] == odd[0][0],
           "upscale --pictures: rows of one picture")
    done = run("upscale", "repeater", "--pictures", "own", "--resize", "5x7", "--out-dir", "large")
    report(done.returncode == 0 and png_size("large/odd.png") == (21, 15), "--pictures with --resize", done.stderr)

    wrong(2, ["denoise", "ae", "--out", "x.png"], "does not remove noise", "hourglass models")
    wrong(2, ["denoise", "repeater", "--out", "x.png"], "`upscale`")
    wrong(2, ["upscale", "vae", "--out", "x.png"], "does not enlarge")
    wrong(2, ["upscale", "blocks", "--out", "x.png"], "`denoise`")
    wrong(2, ["denoise", "blocks"], "--out-dir")
    wrong(2, ["denoise", "blocks", "--out", "x.png", "--picture", "own"], "'--pictures'")
    wrong(2, ["denoise", "blocks", "--out", "x.png", "--pictures", "own", "--data", "own"], "--data")
    wrong(2, ["denoise", "blocks", "--out-dir", "own", "--pictures", "own"], "own/colour.png")
    wrong(2, ["denoise", "blocks", "--out-dir", "x", "--pictures", "own/odd.png", "--pictures", "cleaned/odd.png"], "cleaned/odd.png")
    wrong(3, ["denoise", "blocks", "--out", "x.png", "--pictures", "none.png"], "none.png")
    wrong(3, ["denoise", "blocks", "--out", "x.png", "--pictures", "empty"], "no PNG files")
    wrong(3, ["denoise", "blocks", "--out", "x.png", "--pictures", "blocks.yaml"], "blocks.yaml")
    wrong(8, ["denoise", "blocks", "--out-dir", "/proc/x"], "/proc")
    told = DENOISER.replace("ONCE", "false").replace("LR", "0.01").replace("encoder:", "condition: {labels: 10}\nencoder:")
    told = write("told.yaml", told)
    train(told, "told")
    seen = figures_of("denoise", "told", "--out", "rows.png")
    report(near(seen["steps"][1]["mse"], figures_of("eval", "told")["mse"]), "denoise: test pictures have labels", seen)
    drawn = [run("denoise", "told", "--pictures", "own/odd.png", "--label", label, "--out-dir", "told" + label).returncode
             for label in ("0", "9")]
    report(drawn == [0, 0] and read_png("told0/odd.png") != read_png("told9/odd.png"), "denoise --pictures --label", drawn)
    wrong(2, ["denoise", "told", "--out", "x.png", "--pictures", "own/odd.png"], "--label", "0 to 9")
    wrong(2, ["denoise", "told", "--out", "x.png", "--label", "1"], "--pictures")
    fixed = write("fixed.yaml", VAE.replace("UNITS", "2").replace("encoder:", "corrupt: {noise: 0.3}\nencoder:"))
    train(fixed, "fixed")
    wrong(3, ["denoise", "fixed", "--out", "x.png", "--pictures", "own/odd.png"], "own/odd.png", "9x15", "--resize 12x12")
    done = run("denoise", "fixed", "--out", "x.png", "--pictures", "own/odd.png", "--resize", "12x12")
    report(done.returncode == 0, "a dense model takes pictures of its size", done.stderr)


def test_eval():
    """The mean of every 2 x 2 pixels keeps an even picture and makes a chequered one grey: all figures can be told beforehand."""
    chequered = [[255 * ((x + y) % 2) for x in range(12)] for y in range(12)]
    counts = {"even": 3, "odd": 1}
    data = picture_folder("data", {"train": counts, "test": counts}, {"even": [[51] * 12] * 12, "odd": chequered})
    given(PLAIN, "plain", "--data", data)
    seen = figures_of("eval", "plain")
    report(seen["pictures"] == 4 and near(seen["mse"], 0.25 / 4) and near(seen["loss"], 0.25 / 4), "eval: mse", seen)
    report(near(seen["psnr"], -10 * math.log10(0.25 / 4)), "eval: psnr", seen)
    classes = {c.pop("class"): c for c in seen["classes"]}
    even, odd = classes["even"], classes["odd"]
    report(even["pictures"] == 3 and even["mse"] < 1e-12 and near(even["ssim"], 1), "eval: class even", classes)
    report(odd["pictures"] == 1 and near(odd["mse"], 0.25) and near(odd["psnr"], 6.0206), "eval: class odd", classes)
    base = {b.pop("picture"): b for b in seen["baselines"]}
    report(list(base) == ["model", "mean picture", "PCA, 36 numbers"], "eval: baselines", base)
    # the mean has 0.4 and 0.15 in turns; both kinds of pictures lie on one line
    mean = (3 * (0.2 ** 2 + 0.05 ** 2) + (0.6 ** 2 + 0.15 ** 2)) / 8
    report(near(base["mean picture"]["mse"], mean), "eval: the mean picture's figures", base, mean)
    report(base["PCA, 36 numbers"]["mse"] < 1e-10 and near(base["model"]["mse"], seen["mse"]), "eval: baselines' figures", base)
    table = run("eval", "plain").stdout
    report(re.search(r"^mse +0.0625$", table, re.M) and re.search(r"^odd +1 +0.25 ", table, re.M) and "bce" not in table,
           "eval: the tables", table)

    # other data: beside the run's own, made grey and resized where that is asked for
    colours = [[v for x in range(16) for v in ((255, 0, 0) if (x + y) % 2 else (0, 255, 0))] for y in range(16)]
    picture_folder("other", {"train": {"gaudy": 2}, "test": {"gaudy": 2}}, {"gaudy": colours}, 3)
    wrong(3, ["eval", "plain", "--data", "other"], "16 x 16", "--resize 12x12")
    both = figures_of("eval", "plain", "--data", "other", "--resize", "12x12")
    report(both["trained_on"] == figures_of("eval", "plain") and both["pictures"] == 2, "eval --data: both", both)
    done = run("eval", "plain", "--data", "other", "--resize", "12x12", "--out", "both.png", "--count", "2")
    report("colour made grey" in done.stderr and re.search(r"^ +data +other$", done.stdout, re.M),
           "eval --data: the columns", done.stdout, done.stderr)
    report(png_size("both.png")[1] == 2 + 4 * 74, "eval --out: two rows of each", png_size("both.png"))
    report(cell("both.png", 0, 72, 72)[0][0] == cell("both.png", 1, 72, 72)[71][71] == 51, "eval --out: the values")
    own = figures_of("eval", "plain", "--data", "data")
    report("trained_on" not in own and own["baselines"] == both["trained_on"]["baselines"], "eval --data with the run's own data", own)
    os.rename("data", "moved")
    done = run("eval", "plain", "--data", "other", "--resize", "12x12", "--json")
    alone = json.loads(done.stdout)
    report("warning" in done.stderr and "trained_on" not in alone and alone["mse"] == both["mse"],
           "eval --data without the run's own", done.stderr)
    wrong(3, ["eval", "plain"], "data")
    wrong(2, ["eval", "plain", "--out", "x.jpg"], ".png")
    wrong(2, ["eval", "plain", "--pcs"], "'--pca'")

    # binary cross entropy where the loss is that, and what a small or noisy input is worth by itself
    train(write("ae.yaml", AE), "ae")
    seen = figures_of("eval", "ae")
    report(near(seen["bce"], seen["loss"], 1e-3) and all("bce" in row for row in seen["baselines"] + seen["classes"]), "eval: bce", seen)
    report(sum(c["pictures"] for c in seen["classes"]) == 2000 and len(seen["classes"]) == 10, "eval: all classes", seen["classes"])
    given(BLOCKS, "blocks")
    steps = figures_of("denoise", "blocks", "--out", "rows.png")["steps"]
    base = figures_of("eval", "blocks")["baselines"]
    report(base[1]["picture"] == "noisy input" and near(base[1]["mse"], steps[0]["mse"]), "eval: the noisy input", base, steps)
    given(REPEATER, "repeater")
    steps = figures_of("upscale", "repeater", "--out", "rows.png")["steps"]
    base = figures_of("eval", "repeater")["baselines"]
    report([b["picture"] for b in base][1:4] == ["nearest", "bilinear", "mean picture"], "eval: enlargements", base)
    report(all(near(base[i + 1]["mse"], steps[i]["mse"]) for i in (0, 1)), "eval: enlargements' figures", base, steps)


if __name__ == "__main__":
    run_tests(arguments().tests, globals())
