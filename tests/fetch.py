#!/usr/bin/env python3
"""tools/fetch against a server of this machine.

    fetch.py --program tools/fetch [good|wrong|interrupted|mirrors|archive]..."""
import contextlib, gzip, hashlib, http.server, importlib.machinery, importlib.util, io, os, random, subprocess, sys, tarfile, threading
import whole_program
from whole_program import report


class Server(http.server.ThreadingHTTPServer):
    """Serves `files` (name: bytes). It hangs up after `cut` bytes as long as there are numbers in the list, and knows ranges or not."""

    def __init__(self, files, cut=(), ranges=True):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.ranges, self.asked = files, list(cut), ranges, []
        self.url = "http://127.0.0.1:%d/" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, name = self.server, self.path[1:]
        begin = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        server.asked.append((name, begin))
        if name not in server.files:
            return self.send_error(404)
        data = server.files[name]
        if not server.ranges:
            begin = 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(data) - 1, len(data)))
        self.send_header("Content-Length", str(len(data) - begin))
        self.end_headers()
        end = begin + server.cut.pop(0) if server.cut else len(data)
        with contextlib.suppress(OSError):
            self.wfile.write(data[begin:end])

    def log_message(self, *words):
        pass


def load():
    """A fresh copy of the program as a module, so that a test can give it sets of its own."""
    loader = importlib.machinery.SourceFileLoader("fetch", program)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("fetch", loader))
    loader.exec_module(module)
    return module


def run(sets, *words):
    """Exit status and what was said, with `sets` in place of the program's own."""
    module = load()
    module.SETS = sets
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = module.main(list(words))
    return status, said.getvalue()


def noise(n, seed):
    return random.Random(seed).randbytes(n)


def pinned(files):
    return {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()}


FILES = {"one.gz": noise(200000, 1), "two.gz": noise(3000, 2)}
EMPTY = "http://127.0.0.1:9/"  # nobody listens on the discard port


def test_good():
    server = Server(FILES)
    sets = {"set": ([server.url], pinned(FILES), {})}
    status, said = run(sets, "set", "--to", "deep/data")
    report(status == 0 and "complete" in said, "download", status, said)
    found = {name: open("deep/data/set/" + name, "rb").read() for name in os.listdir("deep/data/set")}
    report(found == FILES, "the files and nothing else", list(found))
    n = len(server.asked)
    status, said = run(sets, "set", "--to", "deep/data")
    report(status == 0 and "there already" in said and len(server.asked) == n, "what is there is not downloaded again", status, said)
    with open("deep/data/set/two.gz", "wb") as file:
        file.write(b"mine")
    status, said = run(sets, "set", "--to", "deep/data")
    report(status == 8 and "two.gz" in said, "another file of that name is refused", status, said)
    report(open("deep/data/set/two.gz", "rb").read() == b"mine", "and left alone")


def test_wrong():
    damaged = {"one.gz": FILES["one.gz"][:-1] + b"?", "two.gz": FILES["two.gz"]}
    for files, word in [(damaged, "SHA-256"), ({"one.gz": FILES["one.gz"] + b"more", "two.gz": b""}, "200004 bytes")]:
        server = Server(files)
        status, said = run({"set": ([server.url], pinned(FILES), {})}, "set")
        report(status == 3 and word in said and server.url in said, "wrong bytes: " + word, status, said)
        report(os.listdir("data/set") == [], "nothing is left of them", os.listdir("data/set"))
    # the program's own table, by its command line
    server = Server({"train-images-idx3-ubyte.gz": gzip.compress(b"no digits")})
    done = subprocess.run([sys.executable, program, "mnist", "--mirror", server.url], capture_output=True, text=True)
    report(done.returncode == 3 and "9912422" in done.stderr and done.stdout == "", "mnist from a server with something else", done.stderr)
    report(os.listdir("data/mnist") == [], "nothing is left of it", os.listdir("data/mnist"))
    done = subprocess.run([sys.executable, program, "mnits"], capture_output=True, text=True)
    report(done.returncode == 2 and "mnist" in done.stderr, "unknown name", done.stderr)
    with open("file", "w"):
        pass
    status, said = run({"set": ([server.url], pinned(FILES), {})}, "set", "--to", "file")
    report(status == 8 and "file" in said, "a folder that cannot be made", status, said)


def test_interrupted():
    for ranges in [True, False]:
        os.makedirs("%s/set" % ranges)
        server = Server(FILES, cut=[50000, 70000], ranges=ranges)
        status, said = run({"set": ([server.url], pinned(FILES), {})}, "set", "--to", str(ranges))
        whole = open("%s/set/one.gz" % ranges, "rb").read() == FILES["one.gz"]
        report(status == 0 and whole, "a connection that breaks, ranges: %s" % ranges, status, said)
        if ranges:
            begins = [begin for name, begin in server.asked if name == "one.gz"]
            report(begins == [0, 50000, 120000], "it goes on where it stopped", server.asked)
        # what an earlier attempt left; and what never was the file's beginning
        for left in [FILES["one.gz"][:90000], b"x" * 90000, FILES["one.gz"], b"x" * 200000]:
            folder = "%s-%d-%d" % (ranges, len(left), left[0])
            os.makedirs(folder + "/set")
            with open(folder + "/set/one.gz.part", "wb") as file:
                file.write(left)
            server = Server(FILES, ranges=ranges)
            status, said = run({"set": ([server.url], pinned(FILES), {})}, "set", "--to", folder)
            whole = open(folder + "/set/one.gz", "rb").read() == FILES["one.gz"]
            report(status == 0 and whole and sorted(os.listdir(folder + "/set")) == sorted(FILES), folder, status, said)
            if left == FILES["one.gz"]:
                report("one.gz" not in [name for name, _ in server.asked], "a whole .part needs no server", server.asked)
    # given up half-way: no final name, and the rest is kept for the next time
    server = Server(FILES, cut=[1000] * 10)
    status, said = run({"set": ([server.url], pinned(FILES), {})}, "set", "--to", "given-up")
    report(status == 3 and os.listdir("given-up/set") == ["one.gz.part"], "given up", status, said, os.listdir("given-up/set"))


def test_mirrors():
    empty, damaged, good = Server({}), Server({name: data[::-1] for name, data in FILES.items()}), Server(FILES)
    status, said = run({"set": ([EMPTY, empty.url, damaged.url, good.url], pinned(FILES), {})}, "set")
    report(status == 0 and open("data/set/one.gz", "rb").read() == FILES["one.gz"], "the next mirror", status, said)
    status, said = run({"set": ([EMPTY], pinned(FILES), {})}, "set", "--to", "given", "--mirror", empty.url, "--mirror", good.url)
    report(status == 0 and EMPTY not in said, "--mirror in place of the set's own", status, said)
    status, said = run({"set": ([EMPTY, empty.url], pinned(FILES), {})}, "set", "--to", "none")
    report(status == 3 and "network" in said and "404" in said and EMPTY in said and "--mirror" in said,
           "no mirror: why, and what to do", status, said)
    report(os.listdir("none/set") == [], "nothing is left", os.listdir("none/set"))


def test_archive():
    members = {"folder/a.bin": noise(5000, 3), "folder/b.bin": noise(6000, 4)}

    def pack(contents):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for name, data in contents.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
        return {"all.tar.gz": packed.getvalue()}

    sizes = {name: len(data) for name, data in members.items()}
    files = pack({**members, "../escaped": b"x", "folder/readme.html": b"y"})
    server = Server(files)
    sets = {"set": ([server.url], pinned(files), sizes)}
    status, said = run(sets, "set")
    found = {name: open("data/set/" + name, "rb").read() for name in os.listdir("data/set")}
    wanted = {name: members["folder/" + name] for name in ("a.bin", "b.bin")}
    report(status == 0 and found == wanted, "what is wanted of the archive, and no more", status, said, list(found))
    report(not os.path.exists("data/escaped") and not os.path.exists("escaped"), "names do not lead out of the folder")
    n = len(server.asked)
    status, said = run(sets, "set")
    report(status == 0 and len(server.asked) == n, "an unpacked archive is not downloaded again", status, said)
    os.remove("data/set/b.bin")
    report(run(sets, "set")[0] == 0 and os.path.exists("data/set/b.bin"), "what is missing of it comes again")
    files = pack({"folder/a.bin": members["folder/a.bin"]})
    status, said = run({"set": ([Server(files).url], pinned(files), sizes)}, "set", "--to", "less")
    report(status == 3 and "b.bin" in said, "an archive without all files", status, said)


def main():
    global program
    args = whole_program.arguments(needs_device=False)
    program = args.program
    os.environ["no_proxy"] = "127.0.0.1"
    whole_program.run_tests(args.tests, globals())


if __name__ == "__main__":
    main()
