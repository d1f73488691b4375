"""Models that several tests train, and what a run leaves."""
import json, struct
from program_files import safetensors
from whole_program import report, run, write

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
REPEATER = BLOCKS.replace("noise: 0.3", "downscale: {factor: 3}").replace("factor: 2", "factor: 3").replace(
    "  - avg_pool2d: {size: 2}\n", "")
PLAIN = BLOCKS.replace("corrupt: {noise: 0.3}\n", "")
SMALL = ["--limit", "200", "--seed", "3"]


def train(model, out, *rest):
    done = run("train", model, "--out", out, *SMALL, *rest)
    report(done.returncode == 0, "training " + model, done.stderr)
    return done


def given(model, name, *rest):
    """A run of BLOCKS, REPEATER or PLAIN whose convolution leaves the picture as it is."""
    start = safetensors(name + ".safetensors", {"encoder.0.weight": ([1, 1, 1, 1], 1.0), "encoder.0.bias": ([1], 0.0)})
    done = run("train", write(name + ".yaml", model), "--init", start, "--limit", "32", "--epochs", "1", "--lr", "1e-12", "--tune", "0",
               "--out", name, *rest)
    report(done.returncode == 0, "a run with given weights", done.stderr)


def records(folder, epochs):
    return [r for r in map(json.loads, open(folder + "/log.jsonl")) if ("val_loss" in r) == epochs]


def checkpoint(run):
    return open(run + "/checkpoint.safetensors", "rb").read()


def weights(folder):
    data = checkpoint(folder)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__")
    return {name: data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]] for name, t in header.items()}
