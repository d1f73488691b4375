#!/usr/bin/env python3
"""tools/reproduce.

    reproduce.py --program build/hourglass --script tools/reproduce [quick|again|missing]..."""
import json, os, re, subprocess, sys
import whole_program
from whole_program import report


def run(*words):
    return subprocess.run([sys.executable, script, "--program", program, *words], capture_output=True, text=True)


def trainings():
    """How many the log speaks of so far."""
    return len(re.findall(r"^\$ \S+ train ", open("out/log.txt").read(), re.M))


def test_quick():
    """Every system trains on the built-in digits, improves on where it began, and draws its pictures."""
    done = run("--quick", "--out", "out", "--data", "nowhere", "--publish", "published")
    report(done.returncode == 0, "--quick", done.stdout, done.stderr[-3000:])
    sys.path.insert(0, os.path.dirname(script))
    import systems
    html, markdown = open("out/page.html").read(), open("out/page.md").read()
    for system in systems.SYSTEMS:
        runs = [r.name for r in system.runs if r.quick]
        report(re.search(r"^%s +%s: .* reached$" % (system.id, runs[-1]), done.stdout, re.M), system.id + " learns", done.stdout)
        for picture in system.pictures:
            name = systems.picture_path(picture.run, picture.verb, picture.options)
            drawn = os.path.exists("out/" + name)
            report(drawn == (picture.run in runs) and (name in markdown) == drawn, system.id + ": " + picture.caption, name, drawn)
    report(html.count("<img ") == html.count("data:image/png;base64,") >= len(os.listdir("out/pictures")) / 2, "the page holds its pictures itself", html.count("<img "))
    links = re.findall(r"^!\[.*\]\((.*)\)$", open("published/README.md").read(), re.M)
    report(len(links) > 20 and sorted(links + ["README.md"]) == sorted(os.listdir("published")), "the published page has its pictures beside it", links)
    text = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]*", "", html) # in which any four letters occur
    report("http" not in text.replace("http-equiv", ""), "and nothing from elsewhere")


def test_again():
    """What is done is not done again; what was stopped goes on; what is asked for otherwise begins anew."""
    first = run("T2", "--quick", "--out", "out")
    report(first.returncode == 0 and trainings() == 2, "two trainings", first.stderr)
    cleaned = "out/pictures/t2-denoise-json-count-10.png"
    before = open("out/runs/t2/checkpoint.safetensors", "rb").read(), os.path.getmtime(cleaned)
    done = run("T2", "--quick", "--out", "out")
    report(done.returncode == 0 and trainings() == 2 and done.stdout == first.stdout, "none the second time", done.stdout, done.stderr)
    report(os.path.getmtime(cleaned) == before[1], "pictures stay, too")
    # as if it had been stopped in its second epoch
    command = [w for w in json.load(open("out/runs/t2.json"))["command"]]
    stopped = subprocess.run([program, *command, "--force", "--steps", "40"], capture_output=True, text=True)
    report(stopped.returncode == 0, "a part of the training", stopped.stderr)
    done = run("T2", "--quick", "--out", "out")
    report(done.returncode == 0 and trainings() == 3 and " train --resume " in open("out/log.txt").read(), "it goes on", done.stderr)
    report(done.stdout == first.stdout, "to the same figures", done.stdout, first.stdout)
    # another state of what it goes on from
    state = json.load(open("out/runs/t1.json"))
    state["command"].append("--other")
    json.dump(state, open("out/runs/t1.json", "w"))
    run("T2", "--quick", "--out", "out")
    report(trainings() == 5, "another beginning: both anew", trainings())


def test_missing():
    done = run("K1", "E4", "--data", "nowhere", "--out", "out")
    report(done.returncode == 3 and "nowhere/mnist" in done.stderr and "tools/fetch cifar10" in done.stderr, "no data: what and where from", done.returncode, done.stderr)
    report("for want of data: E4 K1" in done.stdout, "the last line says so, too", done.stdout)
    done = run("e3B", "--data", "nowhere", "--out", "out")
    report(done.returncode == 3 and done.stdout.endswith("for want of data: E3b\n"), "upper or lower case", done.stdout, done.stderr)
    done = run("T9")
    report(done.returncode == 2 and "T1" in done.stderr, "no such system", done.stderr)
    done = subprocess.run([sys.executable, script, "T1", "--program", "no-such-file"], capture_output=True, text=True)
    report(done.returncode == 2 and "no-such-file" in done.stderr, "no program", done.stderr)
    with open("file", "w"):
        pass
    done = run("K1", "--quick", "--out", "file/out")
    report(done.returncode == 8 and "file/out" in done.stderr, "a folder that cannot be made", done.returncode, done.stderr)
    done = subprocess.run([sys.executable, script, "K1", "--quick", "--program", program, "--out", "out"], capture_output=True, text=True,
                          env={**os.environ, "HOURGLASS_DEVICE": "no such device"})
    report(done.returncode == 4 and "no such device" in done.stderr, "a failure of the program is passed on", done.returncode, done.stderr)


def main():
    global program, script
    args = whole_program.arguments("script")
    program, script = args.program, args.script
    whole_program.run_tests(args.tests, globals())


if __name__ == "__main__":
    main()
