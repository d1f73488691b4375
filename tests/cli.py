#!/usr/bin/env python3
"""The program as a user meets it: wrong command lines, every verb in a pipe, and training on a terminal.

    cli.py --program build/hourglass [wrong|verbs|builtin|parts|warm|corrupt|condition|adversarial|restore|eval|codes|precision|terminal]...

Exit 77 where there is no OpenCL device."""
import json, math, os, pty, re, select, signal, struct, subprocess, time, zlib
from whole_program import arguments, report, run_tests

AE = """name: tiny-ae
input: {channels: 1, height: 12, width: 12}
encoder:
  - conv2d: {filters: 4, kernel: 3, stride: 2, padding: same, activation: relu}
  - max_pool2d: {size: 2, padding: same}
decoder:
  - upsample2d: {factor: 2}
  - conv2d_transpose: {filters: 1, kernel: 3, stride: 2, padding: same, activation: sigmoid}
loss: bce
train: {batch: 32, epochs: 2}
"""
VAE = """name: tiny-vae
input: {channels: 1, height: 12, width: 12}
encoder:
  - flatten
  - dense: {units: 16, activation: relu}
latent: {gaussian: {units: UNITS}}
decoder:
  - dense: {units: 144, activation: sigmoid}
  - reshape: [1, 12, 12]
loss: {bce: {reduction: sum}}
train: {batch: 32, epochs: 2}
"""
DENOISER = """name: denoiser
input: {channels: 1, height: 12, width: 12}
corrupt: {noise: {mean: 0.2, std: 0.3, once: ONCE}}
encoder:
  - conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}
decoder:
  - conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}
loss: mse
optimizer: {adam: {lr: LR}}
train: {batch: 32, epochs: 2}
"""
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
CONVOLUTIONS = """name: convolutions
input: {channels: 1, height: 12, width: 12}
encoder:
  - conv2d: {filters: 8, kernel: 3, padding: same}
  - batch_norm: {activation: relu}
  - max_pool2d
  - conv2d: {filters: 8, kernel: 3, padding: same, activation: relu}
decoder:
  - conv2d_transpose: {filters: 8, kernel: 3, stride: 2, padding: same, activation: relu}
  - conv2d: {filters: 1, kernel: 3, padding: same, activation: sigmoid}
loss: bce
optimizer: {adam: {lr: 0.01}}
train: {batch: 32, epochs: 2}
"""
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
SMALL = ["--limit", "200", "--seed", "3"]


def run(*words, stdout=subprocess.PIPE, environment=None):
    env = dict(os.environ, **(environment or {}))
    return subprocess.run([program, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=300, env=env)


def write(name, text, mode="w"):
    with open(name, mode) as file:
        file.write(text)
    return name


def npy(name, values, shape, descr="<f4", order=False, cut=0):
    header = "{'descr': '%s', 'fortran_order': %s, 'shape': (%s,), }" % (descr, order, ", ".join(map(str, shape)))
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % len(values), *values)
    return write(name, data[:len(data) - cut], "wb")


def read_npy(name):
    data = open(name, "rb").read()
    size = struct.unpack("<H", data[8:10])[0]
    header = eval(data[10:10 + size].decode(), {})
    return header["shape"], struct.unpack("<%df" % ((len(data) - 10 - size) // 4), data[10 + size:])


def png_size(name):
    data = open(name, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", name
    return struct.unpack(">II", data[16:24])


def write_png(name, pixels, channels=1):
    """Rows of bytes, `channels` to a pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    head = struct.pack(">IIBBBBB", len(pixels[0]) // channels, len(pixels), 8, 0 if channels == 1 else 2, 0, 0, 0)
    rows = b"".join(b"\0" + bytes(row) for row in pixels)
    return write(name, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""), "wb")


def read_png(name):
    """Rows of bytes of an 8-bit grey or RGB file, and the bytes to a pixel."""
    data = open(name, "rb").read()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8 and kind in (0, 2), (name, depth, kind)
    packed, at, bpp = b"", 8, 3 if kind == 2 else 1
    while at < len(data):
        length = struct.unpack(">I", data[at:at + 4])[0]
        packed += data[at + 8:at + 8 + length] if data[at + 4:at + 8] == b"IDAT" else b""
        at += length + 12
    raw, stride, above, rows = zlib.decompress(packed), width * bpp, bytes(width * bpp), []
    for y in range(height):
        method, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a, b, c = row[i - bpp] if i >= bpp else 0, above[i], above[i - bpp] if i >= bpp else 0
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            row[i] = (row[i] + (0, a, b, (a + b) // 2, nearest)[method]) % 256
        rows.append(bytes(row))
        above = row
    return rows, bpp


def cell(name, row, height, width, column=0, columns=1):
    """The grey values of a cell of a picture in rows: cells lie 2 pixels apart, and the labels' margin is at the left."""
    pixels, bpp = read_png(name)
    left = len(pixels[0]) // bpp - (columns - column) * (width + 2)
    return [[line[x * bpp] for x in range(left, left + width)] for line in pixels[2 + row * (height + 2):][:height]]


def wrong(status, words, *needles, **extra):
    """Fails with this status, nothing on standard output, and one message that has all the needles."""
    done = run(*words, **extra)
    what = "%s: exit %d, expected %d" % (" ".join(words), done.returncode, status)
    report(done.returncode == status, what, done.stderr)
    report(done.stderr.count("hourglass: ") - done.stderr.count("hourglass: warning") == 1, " ".join(words) + ": one message", done.stderr)
    if extra.get("stdout", subprocess.PIPE) == subprocess.PIPE:
        report(done.stdout == "", " ".join(words) + ": nothing on standard output", done.stdout)
    for needle in needles:
        report(needle in done.stderr, "%s: the message says '%s'" % (" ".join(words), needle), done.stderr)


def train(model, out, *rest):
    done = run("train", model, "--out", out, *SMALL, *rest)
    report(done.returncode == 0, "training " + model, done.stderr)
    return done


def test_wrong():
    ae, vae, vae3 = write("ae.yaml", AE), write("vae.yaml", VAE.replace("UNITS", "2")), write("vae3.yaml", VAE.replace("UNITS", "3"))
    train(ae, "ae")
    train(vae, "vae")
    train(vae3, "vae3")
    # verbs, options, arguments
    wrong(2, [], "hourglass help")
    wrong(2, ["trian"], "'train'")
    wrong(2, ["xyzzy"], "hourglass help")
    wrong(2, ["train"], "MODEL")
    wrong(2, ["train", ae, "more"], "'more'")
    wrong(2, ["train", ae, "--epoch", "3"], "'--epochs'")
    wrong(2, ["train", ae, "--epoch=3"], "'--epochs'")
    wrong(2, ["train", ae, "-e", "3"], "-e")
    wrong(2, ["train", ae, "--epochs"], "--epochs")
    wrong(2, ["train", ae, "--resume=yes"], "--resume")
    for value in ["x", "-1", "0", "1e3", "0x10", "3.5", "", " 3", "99999999999999999999"]:
        wrong(2, ["train", ae, "--epochs", value], "--epochs")
    for value in ["x", "-1", "0", "nan", "inf", "1e400", "0.1x"]:
        wrong(2, ["train", ae, "--lr", value], "--lr")
    for value in ["28", "28x", "x28", "28x28x1", "0x28", "-1x28"]:
        wrong(2, ["train", ae, "--resize", value], "--resize")
    wrong(2, ["train", ae, "--resume", "--force"], "--resume")
    wrong(2, ["train", ae, "--resume", "--init", "ae"], "--init")
    wrong(2, ["train", ae, "--keep-optimizer"], "--init")
    for value in ["0", "1", "-0.1", "x"]:
        wrong(2, ["train", ae, "--split", value], "--split")
    wrong(2, ["help", "conv2"], "conv2d")
    # models, runs
    wrong(2, ["train", "conv-vea"], "'conv-vae'")
    wrong(3, ["train", "none.yaml"], "none.yaml")
    wrong(3, ["plan", write("bad.yaml", AE.replace("filters", "filtres"))], "bad.yaml:4", "filters")
    wrong(3, ["eval", "no-such-run"], "no-such-run")
    wrong(3, ["eval", write("bad.safetensors", "x")], "bad.safetensors")
    wrong(3, ["train", vae, "--out", "new", "--init", "ae", *SMALL], "encoder.1.weight")
    wrong(3, ["train", vae, "--out", "nothing-there", "--resume"], "nothing-there")
    # devices
    wrong(4, ["plan", ae, "--device", "no such device"], "no such device")
    wrong(4, ["plan", ae], "no such device", environment={"HOURGLASS_DEVICE": "no such device"})
    wrong(4, ["plan", ae, "--device", "99"], "99")
    # data
    wrong(3, ["train", ae, "--out", "new", "--data", "nowhere"], "nowhere")
    wrong(3, ["train", ae, "--out", "new", "--data", ae], "ae.yaml")
    wrong(3, ["eval", "ae", "--data", "nowhere"], "nowhere")
    report(not os.path.exists("new"), "a training that fails before it begins leaves no directory")
    # outputs
    wrong(8, ["train", ae, "--out", "ae"], "--resume", "--force")
    wrong(8, ["train", ae, "--out", "ae.yaml/run"], "ae.yaml")
    wrong(8, ["train", ae, "--out", "/proc/run"], "/proc")
    for verb in ["reconstruct", "encode", "decode", "sample", "interpolate", "latent", "manifold"]:
        rest = ["--from", "0", "--to", "1"] if verb == "interpolate" else ["--codes", "codes.npy"] if verb == "decode" else []
        wrong(2, [verb, "vae", *rest], "--out")
        wrong(8, [verb, "vae", *rest, "--out", "no/where.npy" if verb == "encode" else "no/where.png"], "no")
        if verb != "decode":
            wrong(2, [verb, "vae", *rest, "--out", "file.jpg"], ".npy" if verb == "encode" else ".png")
            wrong(2, [verb, *rest, "--out", "file.png"], "RUN")
    with open("/dev/full", "w") as full:
        wrong(8, ["models"], "standard output", stdout=full)
        wrong(8, ["help"], "standard output", stdout=full)
    # verbs that do not fit the model, numbers that do not fit the data
    wrong(2, ["sample", "ae", "--out", "s.png"], "latent")
    wrong(2, ["manifold", "vae3", "--out", "m.png"], "3 numbers")
    wrong(2, ["manifold", "vae", "--out", "m.png", "--range", "2", "-2"], "--range")
    wrong(2, ["manifold", "vae", "--out", "m.png", "--range", "2"], "--range")
    wrong(2, ["manifold", "vae", "--out", "m.png", "--range", "a", "b"], "--range")
    wrong(2, ["interpolate", "vae", "--out", "i.png", "--from", "0"], "--to")
    wrong(2, ["interpolate", "vae", "--out", "i.png", "--from", "0", "--to", "1000000"], "--to")
    # codes
    decode = ["decode", "vae", "--out", "d.png", "--codes"]
    wrong(3, decode + ["none.npy"], "none.npy")
    wrong(3, decode + [write("empty.npy", "")], "empty.npy")
    wrong(3, decode + [write("text.npy", "not an array at all")], "text.npy")
    wrong(3, decode + [npy("short.npy", [0] * 8, [4, 2], cut=3)], "truncated")
    wrong(3, decode + [npy("long.npy", [0] * 9, [4, 2])], "too long")
    wrong(3, decode + [npy("double.npy", [0] * 16, [4, 2], "<f8")], "float32")
    wrong(3, decode + [npy("fortran.npy", [0] * 8, [4, 2], order=True)], "Fortran")
    wrong(3, decode + [npy("shape.npy", [0] * 12, [4, 3])], "[N, 2]")
    wrong(3, decode + [npy("none2.npy", [], [0, 2])], "no code")
    wrong(3, decode + [npy("nan.npy", [0, float("nan")], [1, 2])], "nan")
    wrong(3, decode + [npy("huge.npy", [0, 0], [2 ** 62, 2])], "huge.npy")
    report(not os.path.exists("d.png") and not os.path.exists("s.png"), "a verb that fails leaves no picture")


def test_verbs():
    vae = write("vae.yaml", VAE.replace("UNITS", "2"))
    done = run("models")
    report(done.returncode == 0 and "conv-vae" in done.stdout and "4,385" in done.stdout, "models", done.stdout, done.stderr)
    for line in done.stdout.splitlines()[1:]:
        plan = run("help", line.split()[0])
        report(plan.returncode == 2, "a model is no topic of help", plan.stdout)
    devices = json.loads(run("devices", "--json").stdout)
    report(all(k in devices[0] for k in ("index", "platform", "name", "type", "driver", "score", "why")), "devices --json", devices[0])
    for topic in ["", "train", "conv2d", "gaussian", "adam", "bce"]:
        done = run("help", *topic.split())
        report(done.returncode == 0 and len(done.stdout) > 100, "help " + topic, done.stdout, done.stderr)
    report(run("train", "--help").stdout == run("help", "train").stdout, "train --help")
    report(re.match(r"hourglass \d+\.\d+\.\d+\n$", run("--version").stdout), "--version")

    plan = json.loads(run("plan", vae, "--json").stdout)
    count = 144 * 16 + 16 + 2 * (16 * 2 + 2) + 2 * 144 + 144
    report(plan["parameters"] == count == sum(l["parameters"] for l in plan["layers"]), "plan --json: parameters", plan["parameters"], count)
    report(len(plan["launches"]) > 10 and sum(l["bytes"] for l in plan["launches"]) == plan["total"]["bytes"] > 0, "plan --json: launches")
    timed = json.loads(run("plan", vae, "--time", "--json", "--batch", "8").stdout)
    report(timed["batch"] == 8 and timed["total"]["seconds"] > 0, "plan --time --json", timed["total"])
    report("total" in run("plan", vae, "--time").stdout, "plan --time")

    # training in a pipe: a plain line per epoch on standard error, nothing on standard output
    first = run("train", vae, *SMALL)
    report(first.returncode == 0 and first.stdout == "", "train in a pipe", first.stdout, first.stderr)
    report("\r" not in first.stderr and "\033" not in first.stderr, "no escape sequences in a pipe", repr(first.stderr))
    report(len(re.findall(r"^epoch [12]/2 ", first.stderr, re.M)) == 2, "one line per epoch", first.stderr)
    for needle in ["device: ", "data: ", "model: ", "parameters"]:
        report(needle in first.stderr, "train says " + needle, first.stderr)
    report(sorted(os.listdir("runs/tiny-vae")) == ["checkpoint.safetensors", "log.jsonl", "loss.png", "model.yaml"], "what a run leaves", os.listdir("runs/tiny-vae"))
    run("train", vae, *SMALL, "--steps", "3")
    report(os.path.exists("runs/tiny-vae-2/checkpoint.safetensors"), "the next free number", os.listdir("runs"))

    # a run that goes on ends with the same bits, and finds its settings again
    run("train", vae, *SMALL, "--out", "whole", "--epochs", "3")
    run("train", vae, *SMALL, "--out", "parts", "--epochs", "3", "--steps", "4")
    done = run("train", "--resume", "--out", "parts", "--epochs", "3")
    report(done.returncode == 0, "resume without MODEL", done.stderr)
    same = open("whole/checkpoint.safetensors", "rb").read() == open("parts/checkpoint.safetensors", "rb").read()
    report(same, "a resumed run ends with the same bits")
    done = run("train", vae, "--resume", "--out", "parts")
    report(done.returncode == 0 and "nothing left" in done.stderr, "resuming a finished run", done.stderr)
    report(run("train", vae, *SMALL, "--force", "--out", "parts").returncode == 0, "--force")
    report(run("train", vae, *SMALL, "--out", "warm", "--init", "whole", "--steps", "2").returncode == 0, "--init RUN")

    # a folder of data, named from where one stands, is found again from elsewhere, with its limit and size
    run("sample", "whole", "--count", "1", "--out", "one.png")
    run("decode", "whole", "--codes", npy("many.npy", [0.1 * i for i in range(80)], [40, 2]), "--out", "pictures")
    done = run("train", vae, "--data", "pictures", "--resize", "12x12", "--limit", "20", "--epochs", "1", "--out", "own")
    report(done.returncode == 0 and " 20 training and 4 test" in done.stderr, "train on PNG files with --limit", done.stderr)
    os.mkdir("elsewhere")
    os.chdir("elsewhere")
    done = run("eval", "../own")
    report(done.returncode == 0 and " 20 training and 4 test" in done.stderr, "the data is found again", done.stderr)
    done = run("train", "../own", "--resume", "--epochs", "2")
    report(done.returncode == 0 and " 20 training and 4 test" in done.stderr, "resume with the data of the run", done.stderr)
    os.chdir("..")

    for path in ["whole", "whole/checkpoint.safetensors"]:
        done = run("eval", path)
        report(done.returncode == 0 and all(k in done.stdout for k in ("loss", "kl", "mse", "psnr", "ssim")), "eval " + path, done.stdout, done.stderr)
    figures = json.loads(run("eval", "whole", "--json").stdout)
    report(abs(figures["loss"] - figures["reconstruction"] - figures["kl"]) < 1e-3 * figures["loss"], "loss is the sum of its parts", figures)

    def draw(verb, size, *rest, out="picture.png"):
        done = run(verb, "whole", "--out", out, *rest)
        report(done.returncode == 0 and (done.stdout == "" or "--pca" in rest), verb, done.stderr)
        if size:
            width, height = png_size(out)
            report(abs(width / height - size[0] / size[1]) < 0.2 * size[0] / size[1], verb + ": the grid's shape", width, height)

    draw("reconstruct", (5, 2), "--count", "5")
    draw("sample", (4, 4), "--count", "16", "--seed", "5")
    draw("interpolate", (8, 1), "--from", "3", "--to", "8", "--steps", "6")
    draw("manifold", (1, 1), "--grid", "4", "--range", "-1", "1")
    draw("latent", None)
    draw("latent", None, "--pca", out="latent.svg")
    report(open("latent.svg").read(200).lstrip().startswith("<?xml"), "latent as SVG")
    draw("encode", None, out="codes.npy")
    shape, values = read_npy("codes.npy")
    report(shape == (2000, 2) and len(set(values)) > 100, "encode: shape", shape)
    run("encode", "whole", "--part", "train", "--out", "codes.npy")
    report(read_npy("codes.npy")[0] == (200, 2), "encode --part train", read_npy("codes.npy")[0])
    npy("four.npy", [0, 0, 1, 1, -1, 1, 0, 2], [4, 2])
    draw("decode", (2, 2), "--codes", "four.npy")
    report(run("decode", "whole", "--codes", "four.npy", "--out", "folder").returncode == 0, "decode into a folder")
    report(len(os.listdir("folder")) == 4 and png_size("folder/00000.png") == (12, 12), "decode: one file each", os.listdir("folder"))
    before = open("picture.png", "rb").read()
    draw("sample", None, "--count", "16", "--seed", "5")
    draw("sample", None, "--count", "16", "--seed", "5", out="again.png")
    report(open("picture.png", "rb").read() == open("again.png", "rb").read() != before, "the same seed gives the same samples")


def test_builtin():
    """Every built-in model says in its head how many parameters it has; the counts are those of the works that it is taken from."""
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tools", "models")
    texts = {name[:-5]: open(os.path.join(folder, name)).read() for name in os.listdir(folder)}
    listed = {line.split()[0]: line.split()[2] for line in run("models").stdout.splitlines()[1:]}
    report(sorted(texts) == sorted(listed), "models lists all files of tools/models", sorted(set(texts) ^ set(listed)))
    published = {"conv-ae": 4385, "conv-ae-denoise": 4385, "conv-ae-upscale": 3801, "vae": 807700, "dense-ae": 50992, "sparse-ae": 50992, "deep-ae": 222384,
                 "keras-denoise": 28353, "keras-vae": 101652, "kvfrans-vae": 122136, "aae-published": 2937150 + 2937784 + 827000,
                 "aae": 2937150 + 2937784 + 827501}
    for name, text in texts.items():
        said = re.search(r"^# .*?([0-9,]+) parameters", text, re.M)
        report(said and said.group(1) == listed[name], name + ": the head's count", said and said.group(1), listed[name])
        report(re.search(r"^name: (.*)$", text, re.M).group(1) == name, name + ": name", text)
        same = published.get(name.replace("-torch", "").replace("-2016", "") if name != "keras-vae-2016" else name)
        report(same is None or listed[name] == f"{same:,}", name + ": the published count", listed[name], same)


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


def weights(folder):
    data = checkpoint(folder)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__")
    return {name: data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]] for name, t in header.items()}


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
    report(run("train", "--resume", "--out", "pieces", "--epochs", "2").returncode == 0, "resume a run that was begun with --keep-optimizer")
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


def safetensors(name, tensors):
    header, data = {}, b""
    for key, (shape, value) in tensors.items():
        n = 4 * eval("*".join(map(str, shape)))
        header[key] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + n]}
        data += struct.pack("<f", value) * (n // 4)
    text = json.dumps(header).encode()
    return write(name, struct.pack("<Q", len(text)) + text + data, "wb")


def checkpoint(run):
    return open(run + "/checkpoint.safetensors", "rb").read()


def test_precision():
    models = {"mixed-vae": VAE.replace("UNITS", "4"), "mixed-conv": CONVOLUTIONS}
    for name, text in models.items():
        model, last = write(name + ".yaml", text), {}
        for out, rest in [("full", []), ("mixed", ["--precision", "mixed"]), ("twice", ["--precision", "mixed"])]:
            done = run("train", model, "--out", name + out, "--limit", "2000", "--epochs", "2", "--seed", "3", "--tune", "0", *rest)
            report(done.returncode == 0, "training %s %s" % (name, out), done.stderr)
            last[out] = records(name + out, True)[-1]["val_loss"]
        report(0 < abs(last["mixed"] / last["full"] - 1) < 0.02, name + ": mixed precision converges as full does", last)
        report(checkpoint(name + "mixed") == checkpoint(name + "twice"), name + ": mixed precision gives the same bits twice")
        # a run goes on in the precision that it began with, and says so where another is asked for
        run("train", model, "--out", name + "parts", "--limit", "2000", "--epochs", "2", "--seed", "3", "--tune", "0", "--precision", "mixed", "--steps", "70")
        wrong(2, ["train", "--resume", "--out", name + "parts", "--precision", "full"], "precision mixed", "--precision mixed", "--init")
        done = run("train", "--resume", "--out", name + "parts", "--epochs", "2")
        report(done.returncode == 0, "resume " + name, done.stderr)
        report(checkpoint(name + "parts") == checkpoint(name + "mixed"), name + ": a resumed run in mixed precision ends with the same bits")
        wrong(2, ["train", "--resume", "--out", name + "full", "--precision", "mixed", "--epochs", "3"], "precision full")
        # other verbs take the run's precision, too
        seen = json.loads(run("eval", name + "mixed", "--json").stdout)["loss"]
        other = json.loads(run("eval", name + "mixed", "--json", "--precision", "full").stdout)["loss"]
        report(abs(seen - last["mixed"]) < 1e-6 * seen and 0 < abs(other - seen) < 0.01 * seen, name + ": eval", seen, other, last)
        full, mixed = (json.loads(run("plan", model, "--json", "--precision", p).stdout) for p in ["full", "mixed"])
        memory = [{m["role"]: m["bytes"] for m in plan["memory"]} for plan in (full, mixed)]
        report(full["precision"] == "full" and mixed["precision"] == "mixed", "plan says the precision", full["precision"], mixed["precision"])
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


def records(folder, epochs):
    return [r for r in map(json.loads, open(folder + "/log.jsonl")) if ("val_loss" in r) == epochs]


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
        report(abs(figures["loss"] - records(name, True)[-1]["val_loss"]) < 1e-6, "eval sees what training saw", figures, records(name, True)[-1])
        plan = json.loads(run("plan", model, "--json").stdout)
        report(plan["input"] == [1, 12, 12] and plan["target"] == [1, side, side] and plan["layers"][0]["name"] == "corrupt.0", "plan --json", plan["layers"])
        report("pictures 1x%dx%d, corrupted to the input 1x12x12" % (side, side) in run("plan", model).stdout, "plan")
        for verb, out, rest in [("reconstruct", "rows.png", ["--count", "5"]), ("reconstruct", "clean.png", ["--count", "5", "--as-input"]), ("encode", "noisy.npy", []),
                                ("encode", "clean.npy", ["--as-input"]), ("interpolate", "way.png", ["--from", "1", "--to", "2"]), ("latent", "latent.svg", ["--count", "50", "--pca"])]:
            done = run(verb, name, "--out", out, *rest)
            report(done.returncode == 0, "%s %s %s" % (verb, name, rest), done.stderr)
        sizes[name] = png_size("rows.png")[1], png_size("clean.png")[1]
        report(read_npy("noisy.npy")[0] == read_npy("clean.npy")[0] == (2000, 8, 12, 12), "encode " + name, read_npy("noisy.npy")[0])
        report(read_npy("noisy.npy")[1] != read_npy("clean.npy")[1], "--as-input leaves the noise out")
        report(1.4 < sizes[name][0] / sizes[name][1] < 1.6, "rows of input, output, target; without corruption of input, output", sizes[name])
    # pictures of the input's size are not what is trained on, but what --as-input takes
    codes = npy("codes.npy", [0.1 * (i % 50) for i in range(20 * 8 * 144)], [20, 8, 12, 12])
    run("decode", "denoiser", "--codes", codes, "--out", "small")
    wrong(3, ["train", upscaler, "--data", "small", "--out", "new"], "12 x 12", "24 x 24", "--resize 24x24")
    wrong(3, ["reconstruct", "upscaler", "--data", "small", "--out", "rows.png"], "12 x 12", "24 x 24")
    done = run("reconstruct", "upscaler", "--data", "small", "--as-input", "--out", "rows.png")
    report(done.returncode == 0, "reconstruct small pictures --as-input", done.stderr)


def test_condition():
    dense = write("dense.yaml", VAE.replace("UNITS", "2").replace("encoder:", "condition: {labels: 10}\nencoder:") + "optimizer: {adam: {lr: 0.01}}\n")
    planes = write("planes.yaml", CONVOLUTIONS.replace("encoder:", "condition: 10\nencoder:"))
    for name, model, first, shape, in [("dense", dense, "encoder.1.weight", [16, 154]), ("planes", planes, "encoder.0.weight", [8, 11, 3, 3])]:
        for precision in ["full", "mixed"]:
            train(model, name, "--force", "--epochs", "4", "--precision", precision)
            data = checkpoint(name)
            header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
            report(header[first]["shape"] == shape, "weights keep PyTorch's names, and see the label: " + first, header[first])
            train(model, name + "-again", "--force", "--epochs", "4", "--precision", precision, "--steps", "5")
            report(run("train", "--resume", "--out", name + "-again", "--epochs", "4").returncode == 0, "resume " + name)
            report(checkpoint(name) == checkpoint(name + "-again"), "a resumed conditional run has the same bits", name, precision)
        figures = json.loads(run("eval", name, "--json").stdout)
        report(abs(figures["loss"] - records(name, True)[-1]["val_loss"]) < 1e-5 * figures["loss"], "eval " + name, figures, records(name, True)[-1])
        plan = json.loads(run("plan", model, "--json").stdout)
        report(sum(l["layer"] == "condition" for l in plan["layers"]) == 2, "plan names both places of the label", plan["layers"])
        for verb, out, rest in [("reconstruct", "rows.png", []), ("encode", name + ".npy", []), ("latent", "latent.svg", ["--count", "50"]),
                                ("interpolate", "way.png", ["--from", "1", "--to", "2"]), ("interpolate", "way3.png", ["--from", "1", "--to", "2", "--label", "3"]),
                                ("inspect", "codes.png", ["--random", "-1", "1"]), ("arithmetic", "nines.png", ["--add", "9", "--subtract", "4"])]:
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
        report([row[0] for row in rows] == ["class"] + [str(i) for i in range(10)] + ["all"] and rows[-1][1] == "200", "sample --judge prints a row of each class", rows)
        report(sum(int(row[2]) for row in rows[1:-1]) == int(rows[-1][2]), "and their sum", rows)
        shares.append(int(rows[-1][2]) / 200)
    report(shares[0] + 0.2 < shares[1] > 0.6, "samples become what is asked for", shares)

    # what does not fit
    wrong(2, ["sample", "dense", "--label", "10", "--out", "s.png"], "0 to 9")
    wrong(2, ["sample", "dense", "--label", "1", "--same-codes", "--out", "s.png"], "--label")
    wrong(2, ["manifold", "dense", "--out", "m.png"], "--label")
    os.mkdir("folder")
    write_png("folder/one.png", [[0] * 12] * 12)
    wrong(2, ["arithmetic", "dense", "--add", "folder", "--subtract", "4", "--out", "a.png"], "labels", "--add")
    train(write("plain.yaml", VAE.replace("UNITS", "2")), "plain")
    for rest in [["--label", "1"], ["--same-codes"], ["--judge"]]:
        wrong(2, ["sample", "plain", "--out", "s.png", *rest], rest[0], "condition")
    wrong(2, ["manifold", "plain", "--out", "s.png", "--label", "1"], "--label", "condition")
    run("decode", "dense", "--codes", npy("codes.npy", [0.1] * 40, [20, 2]), "--label", "0", "--out", "small")
    wrong(3, ["train", dense, "--data", "small", "--out", "new"], "labels", "sub-folder", "condition: {labels: 10}")
    wrong(3, ["eval", "dense", "--data", "small"], "labels", "sub-folder")
    wrong(3, ["train", write("few.yaml", open(dense).read().replace("labels: 10", "labels: 7")), "--out", "new"], "up to 9", "condition: {labels: 10}")
    report(not os.path.exists("new"), "a training without labels leaves no directory")


BLOCKS = """name: blocks
input: {channels: 1, height: 12, width: 12}
corrupt: {noise: 0.3}
encoder:
  - conv2d: {filters: 1, kernel: 1}
  - avg_pool2d: {size: 2}
decoder:
  - upsample2d: {factor: 2}
loss: mse
"""
REPEATER = BLOCKS.replace("noise: 0.3", "downscale: {factor: 3}").replace("  - avg_pool2d: {size: 2}\n", "").replace("factor: 2", "factor: 3")


def given(model, name, weights):
    """A run of a model with these weights."""
    start = safetensors(name + ".safetensors", weights)
    done = run("train", write(name + ".yaml", model), "--init", start, "--limit", "32", "--epochs", "1", "--lr", "1e-12", "--tune", "0", "--out", name)
    report(done.returncode == 0, "a run with given weights", done.stderr)


def figures_of(*words):
    done = run(*words, "--json")
    report(done.returncode == 0, " ".join(words), done.stderr)
    return json.loads(done.stdout)


def near(a, b, part=1e-5):
    return abs(a - b) <= part * max(abs(a), abs(b))


def test_restore():
    """Models with known weights: one gives the mean of every 2 x 2 pixels, one repeats each pixel 3 x 3 times."""
    weights = {"encoder.0.weight": ([1, 1, 1, 1], 1.0), "encoder.0.bias": ([1], 0.0)}
    given(BLOCKS, "blocks", weights)
    given(REPEATER, "repeater", weights)
    train(write("ae.yaml", AE), "ae")
    train(write("vae.yaml", VAE.replace("UNITS", "2")), "vae")

    # on test pictures: the figures are those of eval, the rows have their cells
    seen = figures_of("denoise", "blocks", "--out", "rows.png", "--count", "12")
    report([s["picture"] for s in seen["steps"]] == ["noisy", "cleaned"] and seen["pictures"] == 2000, "denoise: steps", seen)
    report(near(seen["steps"][1]["mse"], figures_of("eval", "blocks")["mse"]), "denoise: what eval says", seen)
    report(near(seen["steps"][0]["mse"], 0.045, 0.15) and all(near(s["psnr"], -10 * math.log10(s["mse"])) for s in seen["steps"]), "denoise: noise of 0.3, half of which is cut off on black", seen)
    report(0.4 < seen["better"] < 0.8, "denoise: more gain from means than lose", seen)
    report(png_size("rows.png")[1] == 2 + 6 * 74, "twelve pictures are two times three rows", png_size("rows.png"))
    noisy, cleaned = cell("rows.png", 0, 72, 72, 1, 10), cell("rows.png", 1, 72, 72, 1, 10)
    mean = sum(noisy[6 * y][6 * x] for y in (2, 3) for x in (4, 5)) / 4  # a block, each pixel enlarged six times
    report(abs(cleaned[12][24] - mean) <= 1 and cleaned[12][24] == cleaned[23][35], "denoise: the rows", mean, cleaned[12][24])
    table = run("denoise", "blocks", "--out", "rows.png").stdout
    report(re.search(r"^picture +mse +psnr$", table, re.M) and "of 2000 test pictures" in table, "denoise: the table", table)
    seen = figures_of("upscale", "repeater", "--out", "rows.png", "--out-dir", "new", "--count", "4")
    report([s["picture"] for s in seen["steps"]] == ["nearest", "bilinear", "output"], "upscale: steps", seen)
    report(near(seen["steps"][0]["mse"], seen["steps"][2]["mse"]) and seen["better"] < 0.5, "upscale: this model does what nearest does", seen)
    report(sorted(os.listdir("new")) == ["%05d.png" % i for i in range(4)], "--out-dir: a file each", os.listdir("new"))
    report(read_png("new/00002.png")[0] == [bytes(r) for r in cell("rows.png", 2, 72, 72, 2, 4)][::2] or
           [[v for v in r] for r in read_png("new/00002.png")[0]] == [r[::2] for r in cell("rows.png", 2, 72, 72, 2, 4)[::2]], "--out-dir: the rows' pictures")

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
    report(bpp == 1 and len(rows) == 9 and all(abs(a - b) < 0.51 for r, w in zip(rows, want) for a, b in zip(r, w)), "denoise --pictures: the values", rows[:2], want[:2])
    report(len(read_png("cleaned/colour.png")[0]) == 6, "denoise --pictures: each at its own size")
    run("upscale", "repeater", "--pictures", "own/odd.png", "--out", "rows.png", "--out-dir", "large")
    rows = read_png("large/odd.png")[0]
    report(len(rows) == 27 and all(rows[y][x] == odd[y // 3][x // 3] for y in range(27) for x in range(45)), "upscale --pictures: the values")
    report(cell("rows.png", 0, 54, 90)[53][89] == odd[8][14] and cell("rows.png", 1, 54, 90)[0][0] == odd[0][0], "upscale --pictures: rows of one picture")
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
    told = write("told.yaml", DENOISER.replace("ONCE", "false").replace("LR", "0.01").replace("encoder:", "condition: {labels: 10}\nencoder:"))
    train(told, "told")
    seen = figures_of("denoise", "told", "--out", "rows.png")
    report(near(seen["steps"][1]["mse"], figures_of("eval", "told")["mse"]), "denoise: test pictures have labels", seen)
    drawn = [run("denoise", "told", "--pictures", "own/odd.png", "--label", label, "--out-dir", "told" + label).returncode for label in ("0", "9")]
    report(drawn == [0, 0] and read_png("told0/odd.png") != read_png("told9/odd.png"), "denoise --pictures --label", drawn)
    wrong(2, ["denoise", "told", "--out", "x.png", "--pictures", "own/odd.png"], "--label", "0 to 9")
    wrong(2, ["denoise", "told", "--out", "x.png", "--label", "1"], "--pictures")
    fixed = write("fixed.yaml", VAE.replace("UNITS", "2").replace("encoder:", "corrupt: {noise: 0.3}\nencoder:"))
    train(fixed, "fixed")
    wrong(3, ["denoise", "fixed", "--out", "x.png", "--pictures", "own/odd.png"], "own/odd.png", "9x15", "--resize 12x12")
    report(run("denoise", "fixed", "--out", "x.png", "--pictures", "own/odd.png", "--resize", "12x12").returncode == 0, "a dense model takes pictures of its size")


PLAIN = BLOCKS.replace("corrupt: {noise: 0.3}\n", "")


def picture_folder(name, counts, pixels, channels=1):
    """PNG files NAME/PART/CLASS/I.png; counts[part][class] of them, all of the class's pixels."""
    for part in counts:
        for kind in counts[part]:
            os.makedirs("%s/%s/%s" % (name, part, kind))
            for i in range(counts[part][kind]):
                write_png("%s/%s/%s/%d.png" % (name, part, kind, i), pixels[kind], channels)
    return name


def test_eval():
    """The mean of every 2 x 2 pixels keeps an even picture and makes a chequered one grey: all figures can be told beforehand."""
    weights = {"encoder.0.weight": ([1, 1, 1, 1], 1.0), "encoder.0.bias": ([1], 0.0)}
    chequered = [[255 * ((x + y) % 2) for x in range(12)] for y in range(12)]
    data = picture_folder("data", {"train": {"even": 3, "odd": 1}, "test": {"even": 3, "odd": 1}}, {"even": [[51] * 12] * 12, "odd": chequered})
    start = safetensors("plain.safetensors", weights)
    done = run("train", write("plain.yaml", PLAIN), "--init", start, "--data", data, "--epochs", "1", "--lr", "1e-12", "--tune", "0", "--out", "plain")
    report(done.returncode == 0, "training", done.stderr)
    seen = figures_of("eval", "plain")
    report(seen["pictures"] == 4 and near(seen["mse"], 0.25 / 4) and near(seen["loss"], 0.25 / 4) and near(seen["psnr"], -10 * math.log10(0.25 / 4)), "eval: mse", seen)
    classes = {c.pop("class"): c for c in seen["classes"]}
    report(classes["even"]["pictures"] == 3 and classes["even"]["mse"] < 1e-12 and near(classes["even"]["ssim"], 1), "eval: class even", classes)
    report(classes["odd"]["pictures"] == 1 and near(classes["odd"]["mse"], 0.25) and near(classes["odd"]["psnr"], 6.0206), "eval: class odd", classes)
    base = {b.pop("picture"): b for b in seen["baselines"]}
    report(list(base) == ["model", "mean picture", "PCA, 36 numbers"], "eval: baselines", base)
    # the mean has 0.4 and 0.15 in turns; both kinds of pictures lie on one line
    mean = (3 * (0.2 ** 2 + 0.05 ** 2) + (0.6 ** 2 + 0.15 ** 2)) / 8
    report(near(base["mean picture"]["mse"], mean) and base["PCA, 36 numbers"]["mse"] < 1e-10 and near(base["model"]["mse"], seen["mse"]), "eval: baselines' figures", base, mean)
    table = run("eval", "plain").stdout
    report(re.search(r"^mse +0.0625$", table, re.M) and re.search(r"^odd +1 +0.25 ", table, re.M) and "bce" not in table, "eval: the tables", table)

    # other data: beside the run's own, made grey and resized where that is asked for
    colours = [[v for x in range(16) for v in ((255, 0, 0) if (x + y) % 2 else (0, 255, 0))] for y in range(16)]
    picture_folder("other", {"train": {"gaudy": 2}, "test": {"gaudy": 2}}, {"gaudy": colours}, 3)
    wrong(3, ["eval", "plain", "--data", "other"], "16 x 16", "--resize 12x12")
    both = figures_of("eval", "plain", "--data", "other", "--resize", "12x12")
    report(both["trained_on"] == figures_of("eval", "plain") and both["pictures"] == 2, "eval --data: both", both)
    done = run("eval", "plain", "--data", "other", "--resize", "12x12", "--out", "both.png", "--count", "2")
    report("colour made grey" in done.stderr and re.search(r"^ +data +other$", done.stdout, re.M), "eval --data: the columns", done.stdout, done.stderr)
    report(png_size("both.png")[1] == 2 + 4 * 74, "eval --out: two rows of each", png_size("both.png"))
    report(cell("both.png", 0, 72, 72)[0][0] == cell("both.png", 1, 72, 72)[71][71] == 51, "eval --out: the values")
    own = figures_of("eval", "plain", "--data", "data")
    report("trained_on" not in own and own["baselines"] == both["trained_on"]["baselines"], "eval --data with the run's own data", own)
    os.rename("data", "moved")
    done = run("eval", "plain", "--data", "other", "--resize", "12x12", "--json")
    alone = json.loads(done.stdout)
    report("warning" in done.stderr and "trained_on" not in alone and alone["mse"] == both["mse"], "eval --data without the run's own", done.stderr)
    wrong(3, ["eval", "plain"], "data")
    wrong(2, ["eval", "plain", "--out", "x.jpg"], ".png")
    wrong(2, ["eval", "plain", "--pcs"], "'--pca'")

    # binary cross entropy where the loss is that, and what a small or noisy input is worth by itself
    train(write("ae.yaml", AE), "ae")
    seen = figures_of("eval", "ae")
    report(near(seen["bce"], seen["loss"], 1e-3) and all("bce" in row for row in seen["baselines"] + seen["classes"]), "eval: bce", seen)
    report(sum(c["pictures"] for c in seen["classes"]) == 2000 and len(seen["classes"]) == 10, "eval: all classes", seen["classes"])
    given(BLOCKS, "blocks", weights)
    steps = figures_of("denoise", "blocks", "--out", "rows.png")["steps"]
    base = figures_of("eval", "blocks")["baselines"]
    report(base[1]["picture"] == "noisy input" and near(base[1]["mse"], steps[0]["mse"]), "eval: the noisy input", base, steps)
    given(REPEATER, "repeater", weights)
    steps = figures_of("upscale", "repeater", "--out", "rows.png")["steps"]
    base = figures_of("eval", "repeater")["baselines"]
    report([b["picture"] for b in base][1:4] == ["nearest", "bilinear", "mean picture"] and all(near(base[i + 1]["mse"], steps[i]["mse"]) for i in (0, 1)), "eval: enlargements", base, steps)


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


def test_codes():
    """Where the code is the mean of every 2 x 2 pixels and decoding repeats it, all that is done with codes can be seen in the pictures."""
    weights = {"encoder.0.weight": ([1, 1, 1, 1], 1.0), "encoder.0.bias": ([1], 0.0)}
    picture_folder("data", {"train": {"lower": 2, "upper": 3}, "test": {"lower": 2, "upper": 2}}, {"lower": halves(False), "upper": halves(True)})
    start = safetensors("plain.safetensors", weights)
    done = run("train", write("plain.yaml", PLAIN), "--init", start, "--data", "data", "--epochs", "1", "--lr", "1e-12", "--tune", "0", "--out", "plain")
    report(done.returncode == 0, "training", done.stderr)
    train(write("ae.yaml", AE), "ae")
    train(write("vae.yaml", VAE.replace("UNITS", "2")), "vae", "--epochs", "4")
    train(write("vae3.yaml", VAE.replace("UNITS", "3")), "vae3")

    # interpolate: half-way a mean, or what keeps the length
    for rest, middle in [([], 0.5), (["--spherical"], 0.5 ** 0.5)]:
        done = run("interpolate", "plain", "--from", "0", "--to", "2", "--steps", "5", "--out", "way.png", *rest)
        report(done.returncode == 0, "interpolate", done.stderr)
        way = [cell("way.png", 0, 72, 72, k, 7) for k in range(7)]
        report(way[0] == way[1] and way[5] == way[6], "interpolate: both ends are exact", rest)
        report(way[1][0][0] == way[5][71][0] == 0 and way[5][0][0] == way[1][71][0] == 255, "interpolate: from lower to upper", rest)
        report(all(abs(way[3][y][0] - 255 * middle) <= 1 for y in (0, 71)), "interpolate: the middle", rest, way[3][0][0])

    # manifold: each cell is what its two numbers decode to; quantiles are those of the model's prior
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
        report(done.returncode == 0 and open("grid.png", "rb").read() == open("normal.png", "rb").read(), "manifold --normal", rest, done.stderr)
        run("manifold", "vae", "--grid", "3", "--range", str(low), str(-low), "--out", "range.png", *rest)
        report(open("range.png", "rb").read() == open("normal.png", "rb").read(), "manifold --range", rest)
    run("manifold", "vae", "--grid", "3", "--normal", "--out", "rows.png")
    report(open("rows.png", "rb").read() != open("normal.png", "rb").read(), "manifold: the axes differ")

    # latent: neighbours' votes and errors, counted here as well
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
    report(code["numbers"] == pca["numbers"] == 36 and near(code["squared_error"], 144 * figures_of("eval", *words)["mse"]), "latent: the code's error", seen)
    report(0 <= pca["squared_error"] < 1e-6 and seen["pictures"] == 24, "latent: 36 components of 24 pictures lose nothing", seen)
    table = run("latent", "vae", "--pca", "--out", "latent.png").stdout
    report(re.search(r"^embedding +numbers +knn_accuracy +squared_error$", table, re.M) and re.search(r"^PCA of the pixels +2 +0\.", table, re.M), "latent: the table", table)
    os.mkdir("bare")
    for i in range(30):
        write_png("bare/%02d.png" % i, [[(x * y + 9 * i) % 256 for x in range(12)] for y in range(12)])
    bare = figures_of("latent", "plain", "--data", "bare", "--pca", "--knn", "1", "--count", "3", "--out", "x.svg")
    report([e["knn_accuracy"] for e in bare["embeddings"]] == [None, None], "latent without labels", bare)

    # perturb: without noise it is the reconstruction; the rest grows with the noise, the same way each time
    seen = figures_of("perturb", "plain", "--noise", "0,0.1,0.2,0.4", "--count", "4", "--out", "noise.png", "--chart", "curve.svg")
    errors = [level["mse"] for level in seen["levels"]]
    report(errors[0] == figures_of("eval", "plain")["mse"] == 0 and [l["noise"] for l in seen["levels"]] == [0, 0.1, 0.2, 0.4], "perturb: no noise", seen)
    report(near(errors[1], 0.01, 0.3) and near(errors[2], 4 * errors[1], 1e-4) and near(errors[3], 16 * errors[1], 1e-4), "perturb: this decoder passes the noise on", errors)
    report(cell("noise.png", 0, 72, 72, 3, 4) == cell("noise.png", 1, 72, 72, 3, 4) != cell("noise.png", 2, 72, 72, 3, 4), "perturb: the rows")
    report(open("curve.svg").read(200).lstrip().startswith("<?xml"), "perturb --chart")
    again = [figures_of("perturb", "plain", "--noise", "0.1", "--out", "n.png", "--seed", s)["levels"][0]["mse"] for s in ("0", "1")]
    report(again[0] == errors[1] != again[1], "perturb --seed", again, errors)
    report(figures_of("perturb", "vae", "--noise", "0", "--out", "n.png")["levels"][0]["mse"] == figures_of("eval", "vae")["mse"], "perturb: no noise in a variational model")

    # inspect: half of the numbers are zero, the others one; in the picture of the code as well
    seen = figures_of("inspect", "plain", "--out", "code.png", "--random", "0.25", "0.75")
    want = {"pictures": 4, "code": [1, 6, 6], "minimum": 0, "maximum": 1, "mean": 0.5, "std": 0.5, "zeros": 0.5, "unused": 0}
    report(all(seen[k] == v for k, v in want.items()) and seen["unit_means"] == [0.5, 0.5], "inspect: figures", seen)
    report(png_size("code.png")[1] == 2 + 5 * 74, "inspect: rows", png_size("code.png"))
    # 36 places and 1 channel: the code is two pixels wide in the middle of its cell, which is 72 pixels
    report([cell("code.png", 1, 72, 72, 0, 4)[y][36] for y in (0, 35, 36, 71)] == [0, 0, 255, 255], "inspect: code by positions")
    run("inspect", "plain", "--out", "maps.png", "--layout", "maps")
    report(cell("maps.png", 0, 72, 72, 1, 4) == cell("maps.png", 1, 72, 72, 1, 4), "inspect: code as maps")
    tones = {v for line in cell("code.png", 4, 72, 72, 0, 4) for v in line}
    report(all(0.25 * 255 - 1 <= v <= 0.75 * 255 + 1 for v in tones) and len(tones) > 20, "inspect --random: this decoder shows the codes", sorted(tones))

    # arithmetic: lower and the difference make upper; groups from classes, codes and folders alike
    groups = {"class": ["upper", "lower"], "codes": ["upper.npy", "lower.npy"], "folder": ["data/train/upper", "data/train/lower"]}
    for name, bright in [("upper", True), ("lower", False)]:
        npy(name + ".npy", [v / 255 for line in halves(bright)[::2] for v in line[::2]] * 2, [2, 36])
    for kind, (add, subtract) in groups.items():
        done = run("arithmetic", "plain", "--add", add, "--subtract", subtract, "--scale", "0,0.5,1", "--count", "2", "--out", kind + ".png")
        report(done.returncode == 0 and "6 apart" in done.stdout, "arithmetic by " + kind, done.stdout, done.stderr)
        rows = [cell(kind + ".png", k, 72, 72, 1, 2) for k in range(4)]
        report(rows[0] == rows[1] and rows[0][0][0] == 0 and rows[0][71][0] == 255, "arithmetic: the subtracted group's pictures", kind)
        report(all(abs(rows[2][y][0] - 127.5) <= 1 for y in (0, 71)) and rows[3][0][0] == 255 and rows[3][71][0] == 0, "arithmetic: they become the others", kind)

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


def on_terminal(words, environment, until=None):
    """Runs on a pseudo-terminal; types Ctrl-C once `until` has appeared. Gives what was shown and the exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment)
        os.environ["TERM"] = "xterm"
        os.execv(program, [program, *words])
    shown, end = "", time.time() + 120
    while time.time() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data.decode(errors="replace")
        if until and re.search(until, shown):
            os.write(terminal, b"\x03")
            until = None
    else:
        os.kill(pid, signal.SIGKILL)
    return shown, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_adversarial():
    model = write("adversarial.yaml", ADVERSARIAL)
    done = train(model, "whole", "--log-every", "1", "--epochs", "3")
    parts = ["reconstruction", "discriminator", "generator"]
    epoch = [line for line in done.stderr.splitlines() if line.startswith("epoch 3/3")][-1]
    report(all(epoch.count(part) == 2 for part in parts), "the line of an epoch has all losses", epoch)
    report("hourglass sample" in done.stderr, "sample is proposed", done.stderr)
    for record in records("whole", False) + records("whole", True):
        total = sum(record[part] for part in parts)
        report(abs(record["loss"] - total) < 1e-5 * total and record["kl"] == record["penalty"] == 0, "the loss is the sum of its parts", record)
    last = records("whole", True)[-1]
    report(all("val_" + part in last for part in parts), "an epoch's record has the validation's parts", last)
    # the state of every optimizer is there, under its phase's name
    names = set(weights("whole"))
    report({n.split(".")[1] for n in names if n.startswith("optimizer.")} == {"reconstruct", "discriminate", "regularise"}, "optimizers by phase", names)
    for name in ["optimizer.reconstruct.exp_avg.encoder.1.weight", "optimizer.reconstruct.momentum_buffer.decoder.0.bias",
                 "optimizer.discriminate.exp_avg_sq.discriminator.2.weight", "optimizer.regularise.square_avg.encoder.3.bias"]:
        report(name in names, name + " is in the checkpoint", names)
    report(not any("discriminator.1." in n for n in names), "shared weights are saved once", names)
    report(not any("decoder" in n for n in names if ".regularise." in n), "another step of the same optimizer has no state of its own", names)
    # the same bits twice, interrupted and not; --init and --keep-optimizer
    run("train", model, *SMALL, "--out", "pieces", "--epochs", "3", "--steps", "9", "--log-every", "1")
    report(run("train", "--resume", "--out", "pieces", "--epochs", "3").returncode == 0, "resume")
    report(checkpoint("pieces") == checkpoint("whole"), "a resumed run ends with the same bits")
    report(open("pieces/log.jsonl").read().count("discriminator") == open("whole/log.jsonl").read().count("discriminator"), "and the same log")
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
    report(all(abs(seen[part] - last["val_" + part]) < 1e-6 * seen[part] for part in parts), "eval gives the last epoch's losses", seen, last)
    shown = run("eval", "whole").stdout
    report(all(part in shown for part in parts) and "kl" not in shown, "eval shows them", shown)
    report(run("sample", "whole", "--count", "9", "--out", "s.png").returncode == 0, "sample")
    report(run("encode", "whole", "--out", "c.npy").returncode == 0 and read_npy("c.npy")[0][1:] == (3,), "encode")
    labels = [launch["label"] for launch in json.loads(run("plan", model, "--json").stdout)["launches"]]
    for label in ["encoder.1 dense forward, discriminate", "discriminator.1(prior) dense weight gradient, discriminate", "optimizer, regularise",
                  "discriminator.0 dense data gradient, regularise"]:
        report(label in labels, "plan shows '%s'" % label, labels)
    report(not any("discriminator" in l and "weight gradient" in l for l in labels if "regularise" in l), "nothing is computed that no one needs", labels)
    report(run("plan", model, "--of", "evaluate").returncode == 0, "plan of the evaluation")
    report(run("bench", "--models", model, "--seconds", "0.05").returncode == 0, "bench")
    report(run("tune", model, "--seconds", "1", "--tuning", "t.json").returncode == 0, "tune")
    report(run("train", model, *SMALL, "--precision", "mixed", "--out", "mixed").returncode == 0, "mixed precision")
    # where the loss is no longer finite, the layer is named, whichever phase it is in, and the weights are kept
    wild = write("wild.yaml", ADVERSARIAL.replace("units: 144, activation: sigmoid", "units: 144").replace("bce", "mse").replace("adam: {lr: 0.003}", "sgd: {lr: 1e6}"))
    wrong(9, ["train", wild, *SMALL, "--out", "wild"], "diverged", "coder.", "wild/checkpoint.safetensors")


def test_terminal():
    vae = write("vae.yaml", VAE.replace("UNITS", "2"))
    words = ["train", vae, "--seed", "3"]
    shown, status = on_terminal(words + ["--out", "one", "--epochs", "4", "--log-every", "5"], {"NO_COLOR": ""})
    report(status == 0, "training on a terminal", shown)
    report(re.search(r"\repoch 1/4 |\r\033\[2mepoch 1/4 .*step \d+/\d+ .*loss .*pictures/s .*left", shown), "a progress line", repr(shown[:2000]))
    report("\033[1m" in shown, "colour on a terminal", repr(shown[:500]))
    shown, status = on_terminal(words + ["--out", "two", "--epochs", "4", "--log-every", "5"], {"NO_COLOR": "1"})
    report(status == 0 and not re.search(r"\033\[[0-9;]*m", shown), "NO_COLOR", repr(shown[:500]))
    shown, status = on_terminal(words + ["--out", "three", "--epochs", "100000"], {}, until=r"epoch 2/100000 ")
    report(status == 130, "Ctrl-C: exit 130", status, shown[-500:])
    report("--resume --out three" in shown, "Ctrl-C: says how to go on", shown[-500:])
    done = run("eval", "three")
    report(done.returncode == 0, "Ctrl-C: the checkpoint is whole", done.stderr)
    # SIGTERM to a process in a pipe
    child = subprocess.Popen([program, *words, "--out", "four", "--epochs", "100000"], stderr=subprocess.PIPE, text=True)
    for line in child.stderr:
        if line.startswith("epoch 1/"):
            child.send_signal(signal.SIGTERM)
            break
    rest = child.stderr.read()
    report(child.wait() == 143 and "--resume --out four" in rest, "SIGTERM: exit 143", child.returncode, rest)


def main():
    global program
    args = arguments()
    program = args.program
    run_tests(args.tests or ["wrong", "verbs", "builtin", "parts", "warm", "corrupt", "condition", "restore", "eval", "codes", "precision", "terminal"], globals())


if __name__ == "__main__":
    main()
