#!/usr/bin/env python3
"""Trains a model file with Hourglass and with PyTorch from the same weights on the same batches, and compares the losses.

    compare.py --program build/hourglass [--steps 25] [--tolerance 1e-4] [--double] MODEL.yaml...

The PyTorch side (reference.py) is written from the README's description of the model language alone. The loss of every step
must agree to the tolerance (relative), and so must its parts; the final weights must lie where PyTorch's lie. Exit status: 0 all
agree, 1 something differs, 77 PyTorch or PyYAML is not installed."""
import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
    import yaml
except ImportError as missing:
    print(f"SKIP: {missing} (Debian: python3-torch python3-yaml)")
    sys.exit(77)

import reference


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, array in tensors.items():
        raw = numpy.ascontiguousarray(array, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    out = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        out[name] = numpy.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"])
    return out


def smooth_pictures(n, channels, height, width, seed):
    """Bytes [n, C, H, W]: a few soft blobs each, with black background, as digits have."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    out = numpy.zeros((n, channels, height, width))
    for i in range(n):
        for c in range(channels):
            for _ in range(3):
                cy, cx, r = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(1, 1 + min(height, width) / 3)
                out[i, c] += rng.uniform(0.3, 1) * numpy.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r * r))
    return (numpy.clip(out, 0, 1) * 255).astype(numpy.uint8)


def labels_of(n):
    return numpy.arange(n) * 7 % 10


def write_idx(folder, pictures):
    n, _, height, width = pictures.shape
    for part in ("train", "t10k"):
        with open(os.path.join(folder, f"{part}-images-idx3-ubyte"), "wb") as file:
            file.write(struct.pack(">IIII", 0x803, n, height, width) + pictures[:, 0].tobytes())
        with open(os.path.join(folder, f"{part}-labels-idx1-ubyte"), "wb") as file:
            file.write(struct.pack(">II", 0x801, n) + labels_of(n).astype(numpy.uint8).tobytes())


def write_cifar(folder, pictures):
    records = b"".join(bytes([l]) + p.tobytes() for l, p in zip(labels_of(len(pictures)), pictures))
    for name in ("data_batch_1.bin", "test_batch.bin"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(records)


SEED = 1  # of draws from the prior


def train_hourglass(args, path, folder, weights, data, n):
    out = os.path.join(folder, "run")
    command = [args.program, "train", path, "--data", data, "--out", out, "--init", weights, "--no-shuffle", "--limit", str(n),
               "--steps", str(args.steps), "--log-every", "1", "--seed", str(SEED)]
    if args.device:
        command += ["--device", args.device]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}\nexit {done.returncode}: {done.stderr.strip()}")
    steps = {}
    with open(os.path.join(out, "log.jsonl")) as file:
        for line in file:
            record = json.loads(line)
            if "val_loss" not in record:
                steps[record["step"]] = record
    return steps, read_safetensors(os.path.join(out, "checkpoint.safetensors"))


def compare_steps(args, name, ours, theirs):
    worst, where = 0.0, ""
    for i, parts in enumerate(theirs, 1):
        if i not in ours:
            print(f"FAIL {name}: step {i} is missing in log.jsonl")
            return False
        for key, value in parts.items():
            have = ours[i].get(key)
            if have is None and value == 0:
                continue
            off = abs(have - value) / max(abs(value), 1e-12) if have is not None else float("inf")
            # a part that is small beside the loss need only agree as far as it moves the loss
            if key != "loss":
                off = min(off, abs((have or 0) - value) / max(abs(parts["loss"]), 1e-12))
            if not off <= worst:
                worst, where = off, f"step {i} {key}: {have!r}, PyTorch {value!r}"
    ok = worst <= args.tolerance
    print(f"{'ok  ' if ok else 'FAIL'} {name}: {len(theirs)} steps, largest relative difference {worst:.2e} ({where})")
    return ok


def compare_weights(name, start, ours, theirs):
    """The distance to PyTorch's weights, relative to the way travelled."""
    apart = travelled = 0.0
    for key, value in theirs.items():
        if key not in ours or ours[key].shape != value.shape:
            print(f"FAIL {name}: {key} {value.shape} is not in the checkpoint as such")
            return False
        apart += float(((ours[key] - value) ** 2).sum())
        travelled += float(((value - start[key]) ** 2).sum())
    ratio = (apart / max(travelled, 1e-30)) ** 0.5
    if ratio > 0.05:
        print(f"FAIL {name}: the weights are {ratio:.3f} of the way travelled apart from PyTorch's")
    return ratio <= 0.05


def compare_model(args, path):
    name = os.path.basename(path)
    with open(path) as file:
        text = yaml.safe_load(file)
    torch.manual_seed(3)
    model = reference.Model(text, torch.float64 if args.double else torch.float32)
    channels, height, width = model.target()
    batch = text.get("train", {}).get("batch", 128)
    n = args.limit or batch * 3 + batch // 2  # the last batch of an epoch is a smaller one
    pictures = smooth_pictures(n, channels, height, width, 5)
    start = {k: v.detach().numpy().astype("f4") for k, v in model.tensors().items()}
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "data")
        os.mkdir(data)
        if channels == 1:
            write_idx(data, pictures)
        elif (channels, height, width) == (3, 32, 32):
            write_cifar(data, pictures)
        else:
            raise RuntimeError(f"{name}: pictures are 1 x any size, or 3x32x32")
        weights = os.path.join(folder, "start.safetensors")
        write_safetensors(weights, start)
        ours, trained = train_hourglass(args, path, folder, weights, data, n)
    theirs = model.train(pictures, labels_of(n), batch, args.steps, SEED)
    end = {k: v.detach().numpy().astype("f4") for k, v in model.tensors().items()}
    return compare_steps(args, name, ours, theirs) & compare_weights(name, start, trained, end)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--device")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--tolerance", type=float, default=1e-4)
    parser.add_argument("--double", action="store_true", help="PyTorch computes in double precision")
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    torch.set_num_threads(2)
    failed = 0
    for path in args.models:
        try:
            failed += not compare_model(args, path)
        except (RuntimeError, OSError, KeyError) as error:
            print(f"FAIL {os.path.basename(path)}: {error}")
            failed += 1
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
