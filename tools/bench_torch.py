"""The benchmark models in PyTorch, timed step by step at the word of tools/bench-peers.

    bench_torch.py MODEL VARIANT

Says what it is as a line of JSON, then answers each line with a number of seconds by the milliseconds of a step over that time, and
at the end of its input says how much memory it had at most (MiB)."""
import json
import os
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class AE(nn.Module):
    """m1: the notebook's convolutional autoencoder."""
    shape, batch = (1, 28, 28), 128

    def __init__(self):
        super().__init__()
        conv = lambda i, o, p=1: nn.Conv2d(i, o, 3, padding=p)
        self.encoder = nn.ModuleList([conv(1, 16), conv(16, 8), conv(8, 8)])
        self.decoder = nn.ModuleList([conv(8, 8), conv(8, 8), conv(8, 16, 0)])
        self.last = conv(16, 1)

    def loss(self, x):
        y = x
        for c in self.encoder:
            y = F.max_pool2d(F.relu(c(y)), 2, ceil_mode=True)
        for c in self.decoder:
            y = F.interpolate(F.relu(c(y)), scale_factor=2.0, mode='nearest')
        return F.binary_cross_entropy(torch.sigmoid(self.last(y)), x)


class VAE(nn.Module):
    def loss(self, x):
        n = x.shape[0]
        h = self.encoder(x)
        mean, logvar = self.mean(h), self.logvar(h)
        y = self.decoder(mean + torch.randn_like(mean) * torch.exp(0.5 * logvar))
        kl = -0.5 * (1 + logvar - mean * mean - torch.exp(logvar)).sum() / n
        return self.reconstruction(y, x) / n + kl

    def reconstruction(self, y, x):
        return F.binary_cross_entropy(y, x, reduction='sum')


class ConvVAE(VAE):
    """m2: strided convolutions, transposed convolutions."""
    shape, batch = (1, 28, 28), 128

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 32, 3, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Flatten(),
                                     nn.Linear(3136, 16), nn.ReLU())
        self.mean, self.logvar = nn.Linear(16, 2), nn.Linear(16, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)),
                                     nn.ConvTranspose2d(64, 64, 3, 2, 1, 1), nn.ReLU(), nn.ConvTranspose2d(64, 32, 3, 2, 1, 1), nn.ReLU(),
                                     nn.ConvTranspose2d(32, 1, 3, 1, 1), nn.Sigmoid())


class DenseVAE(VAE):
    """m3: dense layers."""
    shape, batch = (784,), 128

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 512), nn.ReLU())
        self.mean, self.logvar = nn.Linear(512, 2), nn.Linear(512, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 512), nn.ReLU(), nn.Linear(512, 784), nn.Sigmoid())


class PictureVAE(VAE):
    """m4: 64 x 64 colour pictures."""
    shape, batch, norm = (3, 64, 64), 64, False

    def __init__(self):
        super().__init__()
        widths, encoder, decoder = [3, 32, 64, 128, 256], [], []
        for i, o in zip(widths, widths[1:]):
            encoder += [nn.Conv2d(i, o, 4, 2, 1)] + [nn.BatchNorm2d(o)] * self.norm + [nn.ReLU()]
        for i, o in zip(widths[:0:-1], widths[-2::-1]):
            decoder += [nn.ConvTranspose2d(i, o, 4, 2, 1)] + ([nn.BatchNorm2d(o)] * self.norm + [nn.ReLU()] if o > 3 else [nn.Sigmoid()])
        self.encoder = nn.Sequential(*encoder, nn.Flatten())
        self.mean, self.logvar = nn.Linear(4096, 128), nn.Linear(4096, 128)
        self.decoder = nn.Sequential(nn.Linear(128, 4096), nn.Unflatten(1, (256, 4, 4)), *decoder)

    def reconstruction(self, y, x):
        return ((y - x) ** 2).sum()


class PictureVAENorm(PictureVAE):
    """m4bn: with batch normalisation."""
    norm = True


class Upscaler(nn.Module):
    """m5: super-resolution, 128 x 128 to 256 x 256 in colour; the large pictures are random and always the same."""
    shape, batch = (3, 128, 128), 8

    def __init__(self):
        super().__init__()
        layers = []
        for i in [3, 64, 64, 64, 64]:
            layers += [nn.Conv2d(i, 64, 3, padding=1), nn.ReLU()]
        self.net = nn.Sequential(*layers, nn.ConvTranspose2d(64, 3, 4, 2, 1))
        self.target = torch.rand(self.batch, 3, 256, 256)

    def loss(self, x):
        return F.mse_loss(self.net(x), self.target)


MODELS = {'m1': AE, 'm2': ConvVAE, 'm3': DenseVAE, 'm4': PictureVAE, 'm4bn': PictureVAENorm, 'm5': Upscaler}
VARIANTS = {'eager': (False, False), 'channels_last, foreach': (True, True)}  # memory format, Adam's fused loops


def make_step(cls, channels_last, foreach):
    torch.manual_seed(0)
    model, x = cls(), torch.rand(cls.batch, *cls.shape)
    if channels_last and x.dim() == 4:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
        if hasattr(model, 'target'):
            model.target = model.target.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=foreach)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = model.loss(x)
        loss.backward()
        optimizer.step()
        return loss.item()
    return step


def measure(step, seconds):
    begin, n = time.perf_counter(), 0
    while n == 0 or time.perf_counter() - begin < seconds:
        step()
        n += 1
    return (time.perf_counter() - begin) / n * 1e3


def has_openblas():
    try:
        return 'openblas' in open('/proc/self/maps').read()
    except OSError:
        return None


def main():
    cls = MODELS[sys.argv[1]]
    torch.set_num_threads(os.cpu_count() or 1)
    step = make_step(cls, *VARIANTS[sys.argv[2]])
    for _ in range(3):
        step()
    print(json.dumps({'version': torch.__version__, 'threads': torch.get_num_threads(), 'openblas': has_openblas(), 'batch': cls.batch}), flush=True)
    for line in sys.stdin:
        print(measure(step, float(line)), flush=True)
    unit = 1 if sys.platform == 'darwin' else 1024  # of ru_maxrss, in bytes
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20, flush=True)


if __name__ == '__main__':
    main()
