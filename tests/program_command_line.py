#!/usr/bin/env python3
"""The program as a user meets it: wrong command lines, every verb in a pipe, and training on a terminal.

    program_command_line.py --program build/hourglass [wrong|verbs|builtin|terminal]...

Exit 77 where there is no OpenCL device."""
import json, os, pty, re, select, signal, subprocess, time
import whole_program
from program_files import npy, png_size, read_npy
from program_runs import AE, SMALL, VAE, train
from whole_program import arguments, report, run, run_tests, write, wrong


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
    for variants, named in [("plain,nonsense=gpu", "'nonsense=gpu'"), ("nonsense", "'nonsense'"), ("step=sideways", "'step=sideways'"),
                            ("conv_forward=nonsense", "'nonsense'")]:
        wrong(2, ["plan", "m3", "--variants", variants], named, "conv_forward")
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
    for share in ["1", "3,2", "0,1", "1,2,3"]:
        wrong(2, ["plan", ae, "--compile", share], "--compile")
    wrong(2, ["tune", "--compile"], "--compile")
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
    report(plan["parameters"] == count == sum(l["parameters"] for l in plan["layers"]),
           "plan --json: parameters", plan["parameters"], count)
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
    left = sorted(os.listdir("runs/tiny-vae"))
    report(left == ["checkpoint.safetensors", "log.jsonl", "loss.png", "model.yaml"], "what a run leaves", left)
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
        report(done.returncode == 0 and all(k in done.stdout for k in ("loss", "kl", "mse", "psnr", "ssim")),
               "eval " + path, done.stdout, done.stderr)
    figures = json.loads(run("eval", "whole", "--json").stdout)
    report(abs(figures["loss"] - figures["reconstruction"] - figures["kl"]) < 1e-3 * figures["loss"],
           "loss is the sum of its parts", figures)

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
    published = {"conv-ae": 4385, "conv-ae-denoise": 4385, "conv-ae-upscale": 3801, "vae": 807700,
                 "dense-ae": 50992, "sparse-ae": 50992, "deep-ae": 222384, "keras-denoise": 28353, "keras-vae": 101652,
                 "kvfrans-vae": 122136, "aae": 2937150 + 2937784 + 827501, "aae-published": 2937150 + 2937784 + 827000}
    for name, text in texts.items():
        said = re.search(r"^# .*?([0-9,]+) parameters", text, re.M)
        report(said and said.group(1) == listed[name], name + ": the head's count", said and said.group(1), listed[name])
        report(re.search(r"^name: (.*)$", text, re.M).group(1) == name, name + ": name", text)
        same = published.get(name.replace("-torch", "").replace("-2016", "") if name != "keras-vae-2016" else name)
        report(same is None or listed[name] == f"{same:,}", name + ": the published count", listed[name], same)


def on_terminal(words, environment, until=None):
    """Runs on a pseudo-terminal; types Ctrl-C once `until` has appeared. Gives what was shown and the exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment)
        os.environ["TERM"] = "xterm"
        os.execv(whole_program.program, [whole_program.program, *words])
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


def test_terminal():
    vae = write("vae.yaml", VAE.replace("UNITS", "2"))
    words = ["train", vae, "--seed", "3"]
    shown, status = on_terminal(words + ["--out", "one", "--epochs", "4", "--log-every", "5"], {"NO_COLOR": ""})
    report(status == 0, "training on a terminal", shown)
    report(re.search(r"\repoch 1/4 |\r\033\[2mepoch 1/4 .*step \d+/\d+ .*loss .*pictures/s .*left", shown),
           "a progress line", repr(shown[:2000]))
    report("\033[1m" in shown, "colour on a terminal", repr(shown[:500]))
    shown, status = on_terminal(words + ["--out", "two", "--epochs", "4", "--log-every", "5"], {"NO_COLOR": "1"})
    report(status == 0 and not re.search(r"\033\[[0-9;]*m", shown), "NO_COLOR", repr(shown[:500]))
    shown, status = on_terminal(words + ["--out", "three", "--epochs", "100000"], {}, until=r"epoch 2/100000 ")
    report(status == 130, "Ctrl-C: exit 130", status, shown[-500:])
    report("--resume --out three" in shown, "Ctrl-C: says how to go on", shown[-500:])
    done = run("eval", "three")
    report(done.returncode == 0, "Ctrl-C: the checkpoint is whole", done.stderr)
    # SIGTERM to a process in a pipe
    child = subprocess.Popen([whole_program.program, *words, "--out", "four", "--epochs", "100000"], stderr=subprocess.PIPE, text=True)
    for line in child.stderr:
        if line.startswith("epoch 1/"):
            child.send_signal(signal.SIGTERM)
            break
    rest = child.stderr.read()
    report(child.wait() == 143 and "--resume --out four" in rest, "SIGTERM: exit 143", child.returncode, rest)


if __name__ == "__main__":
    run_tests(arguments().tests, globals())
