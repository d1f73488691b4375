"""What the tests of the whole program share: a word on every check that fails, and every test in an empty folder of its own."""
import argparse, json, os, shutil, subprocess, sys, tempfile

failures = 0
program = None  # what run() runs: arguments() sets it


def report(ok, what, *details):
    global failures
    if not ok:
        failures += 1
        print("FAILED: " + what, *(str(d) for d in details), sep="\n    ")
    return ok


def arguments(*paths, needs_device=True):
    """The command line: --program and the other paths, made absolute, and names of tests. Exits with 77 where there is no device but one
    is needed."""
    global program
    parser = argparse.ArgumentParser()
    for path in ("program",) + paths:
        parser.add_argument("--" + path, required=True, type=os.path.abspath)
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()
    program = args.program
    if not needs_device:
        return args
    devices = subprocess.run([args.program, "devices", "--json"], capture_output=True, text=True, timeout=300)
    if devices.returncode == 0 and not json.loads(devices.stdout):
        print("skipped: no OpenCL device")
        sys.exit(77)
    return args


def run(*words, stdout=subprocess.PIPE, environment=None):
    """The program with these words, to its end; `environment` is added to this one."""
    env = dict(os.environ, **(environment or {}))
    return subprocess.run([program, *words], stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=300, env=env)


def write(name, text, mode="w"):
    with open(name, mode) as file:
        file.write(text)
    return name


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


def figures_of(*words):
    """What the program prints with --json."""
    done = run(*words, "--json")
    report(done.returncode == 0, " ".join(words), done.stderr)
    return json.loads(done.stdout)


def near(a, b, part=1e-5):
    return abs(a - b) <= part * max(abs(a), abs(b))


def run_tests(names, functions, prepare=lambda: None):
    """Calls test_NAME out of `functions` for each name, all where there are none, in a fresh folder that `prepare` fills, and exits."""
    for name in names or [f[5:] for f in functions if f.startswith("test_")]:
        folder = tempfile.mkdtemp(prefix="hourglass-test-")
        os.chdir(folder)
        try:
            prepare()
            functions["test_" + name]()
        finally:
            os.chdir("/")
            shutil.rmtree(folder)
    print("%d failures" % failures)
    sys.exit(1 if failures else 0)
