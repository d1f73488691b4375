"""What the tests of the whole program share: a word on every check that fails, and every test in an empty folder of its own."""
import argparse, json, os, shutil, subprocess, sys, tempfile

failures = 0


def report(ok, what, *details):
    global failures
    if not ok:
        failures += 1
        print("FAILED: " + what, *(str(d) for d in details), sep="\n    ")


def arguments(*paths, needs_device=True):
    """The command line: --program and the other paths, made absolute, and names of tests. Exits with 77 where there is no device but one
    is needed."""
    parser = argparse.ArgumentParser()
    for path in ("program",) + paths:
        parser.add_argument("--" + path, required=True, type=os.path.abspath)
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()
    if not needs_device:
        return args
    devices = subprocess.run([args.program, "devices", "--json"], capture_output=True, text=True, timeout=300)
    if devices.returncode == 0 and not json.loads(devices.stdout):
        print("skipped: no OpenCL device")
        sys.exit(77)
    return args


def run_tests(names, functions, prepare=lambda: None):
    """Calls test_NAME out of `functions` for each name, in a fresh folder that `prepare` fills, and exits."""
    for name in names:
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
