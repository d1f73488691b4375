"""The model language in PyTorch, written from the README's description: layers, losses, optimizers, schedules, phases. Random layers
are not modelled (dropout must have rate 0, epsilon_std and noise's std must be 0); draws from the prior are."""
import math

import numpy
import torch
import torch.nn.functional as F


def entry(item, default=None):
    """`name` or `name: {options}` or `name: value` -> name, options."""
    if item is None:
        return default, {}
    if isinstance(item, str):
        return item, {}
    ((name, options),) = item.items()
    if options is None:
        options = {}
    return name, options if isinstance(options, dict) else {"": options}


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


def activate(item, x):
    name, o = entry(item, "linear")
    return {
        "linear": lambda: x,
        "relu": lambda: F.relu(x),
        "leaky_relu": lambda: F.leaky_relu(x, o.get("slope", o.get("", 0.2))),
        "elu": lambda: F.elu(x, o.get("alpha", o.get("", 1.0))),
        "selu": lambda: F.selu(x),
        "gelu": lambda: F.gelu(x),
        "silu": lambda: F.silu(x),
        "tanh": lambda: torch.tanh(x),
        "sigmoid": lambda: torch.sigmoid(x),
        "softplus": lambda: F.softplus(x, threshold=1e9),
    }[name]()


def same_padding(size, kernel, stride, dilation=1):
    """TensorFlow's: zeros in front and behind, so that the output has ceil(size / stride) places."""
    total = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2


def pads(padding, shape, kernel, stride, dilation=(1, 1)):
    """(top, bottom), (left, right)."""
    if padding == "same":
        return tuple(same_padding(shape[a], kernel[a], stride[a], dilation[a]) for a in (0, 1))
    if padding == "valid":
        return (0, 0), (0, 0)
    return tuple((p, p) for p in pair(padding))


def pad(x, around, value=0.0):
    (top, bottom), (left, right) = around
    return F.pad(x, (left, right, top, bottom), value=value)


def normals(seed, step, stream, n):
    """n standard normals from Philox-4x32-10: number i is normal i mod 4 of block i / 4 of the stream at this step."""
    mask = numpy.uint64(0xffffffff)
    block = numpy.arange(-(-n // 4), dtype=numpy.uint64)
    x, y, z, w = block, block * 0 + numpy.uint64(step & 0xffffffff), block * 0 + numpy.uint64(step >> 32), block * 0 + numpy.uint64(stream)
    k0, k1 = numpy.uint64(seed & 0xffffffff), numpy.uint64(seed >> 32)
    for _ in range(10):
        p, q = numpy.uint64(0xd2511f53) * x, numpy.uint64(0xcd9e8d57) * z
        x, y, z, w = (q >> numpy.uint64(32)) ^ y ^ k0, q & mask, (p >> numpy.uint64(32)) ^ w ^ k1, p & mask
        k0, k1 = (k0 + numpy.uint64(0x9e3779b9)) & mask, (k1 + numpy.uint64(0xbb67ae85)) & mask
    out = []
    for a, b in ((x, y), (z, w)):  # Box-Muller
        r = numpy.sqrt(-2 * numpy.log(((a >> numpy.uint64(8)).astype(float) + 0.5) / 2 ** 24))
        t = 2 * numpy.pi * (b >> numpy.uint64(8)).astype(float) / 2 ** 24
        out += [r * numpy.cos(t), r * numpy.sin(t)]
    return numpy.stack(out, 1).ravel()[:n]


PRIOR_STREAM, PHASE_STREAMS = 7, 1 << 20
SETS = {"encoder": ("encoder.", "latent."), "decoder": ("decoder.",), "discriminator": ("discriminator.",)}


class Model:
    def __init__(self, text, dtype):
        self.text, self.dtype = text, dtype
        self.weights, self.buffers = {}, {}
        i = text["input"]
        self.input = (i.get("channels", 1), i["height"], i["width"])
        corrupt = text.get("corrupt") or []
        corrupt = corrupt if isinstance(corrupt, list) else [corrupt] if isinstance(corrupt, str) else [{k: v} for k, v in corrupt.items()]
        self.corruptions = [entry(c) for c in corrupt]
        self.layers = {section: [entry(l) for l in text.get(section) or []] for section in ("encoder", "decoder", "discriminator")}
        _, self.latent = entry(text.get("latent"))
        self.variational = text.get("latent") is not None
        condition = text.get("condition")
        self.labels = condition["labels"] if isinstance(condition, dict) else condition or 0
        self.training = True
        h = self.forward(torch.zeros(2, *self.input, dtype=dtype), torch.zeros(2, dtype=torch.int64))[4]  # makes the parameters
        if text.get("discriminator"):
            self.judge(h)

    # ---- parameters

    def parameter(self, name, shape, fan_in):
        if name not in self.weights:
            bound = 1 / math.sqrt(max(fan_in, 1))
            values = torch.empty(shape).uniform_(-bound, bound)  # float32 values in both precisions
            self.weights[name] = values.to(self.dtype).requires_grad_(True)
        return self.weights[name]

    def tensors(self):
        return {**self.weights, **self.buffers}

    def bias(self, name, options, n, fan_in):
        return self.parameter(name + ".bias", (n,), fan_in) if options.get("bias", True) else None

    # ---- layers

    def conv2d(self, x, name, o):
        k, s, d = pair(o.get("kernel", 3)), pair(o.get("stride", 1)), pair(o.get("dilation", 1))
        fan = x.shape[1] * k[0] * k[1]
        w = self.parameter(name + ".weight", (o["filters"], x.shape[1], *k), fan)
        x = pad(x, pads(o.get("padding", "valid"), x.shape[2:], k, s, d))
        return F.conv2d(x, w, self.bias(name, o, o["filters"], fan), stride=s, dilation=d)

    def conv2d_transpose(self, x, name, o):
        k, s = pair(o.get("kernel", 3)), pair(o.get("stride", 1))
        fan = x.shape[1] * k[0] * k[1]
        w = self.parameter(name + ".weight", (x.shape[1], o["filters"], *k), fan)
        b = self.bias(name, o, o["filters"], fan)
        if o.get("padding", "valid") != "same":
            p = (0, 0) if o.get("padding", "valid") == "valid" else pair(o["padding"])
            return F.conv_transpose2d(x, w, b, stride=s, padding=p, output_padding=pair(o.get("output_padding", 0)))
        # the adjoint of the `same` convolution from the output's size to the input's: everything, then what its padding would drop
        size = [x.shape[2 + a] * s[a] for a in (0, 1)]
        full = F.conv_transpose2d(x, w, None, stride=s)
        front = [same_padding(size[a], k[a], s[a])[0] for a in (0, 1)]
        full = F.pad(full, (0, max(0, front[1] + size[1] - full.shape[3]), 0, max(0, front[0] + size[0] - full.shape[2])))
        y = full[:, :, front[0]:front[0] + size[0], front[1]:front[1] + size[1]]
        return y if b is None else y + b.view(1, -1, 1, 1)

    def dense(self, x, name, o):
        w = self.parameter(name + ".weight", (o["units"], x.shape[1]), x.shape[1])
        return F.linear(x, w, self.bias(name, o, o["units"], x.shape[1]))

    def max_pool2d(self, x, name, o):
        k = pair(o.get("size", o.get("", 2)))
        s = pair(o.get("stride", k))
        x = pad(x, pads(o.get("padding", "valid"), x.shape[2:], k, s), -math.inf)
        return F.max_pool2d(x, k, s)

    def avg_pool2d(self, x, name, o):
        """`same` divides by the places inside the picture, a number by the whole window."""
        k = pair(o.get("size", o.get("", 2)))
        s = pair(o.get("stride", k))
        around = pads(o.get("padding", "valid"), x.shape[2:], k, s)
        total = F.avg_pool2d(pad(x, around), k, s)
        if o.get("padding") == "same":
            total = total / F.avg_pool2d(pad(torch.ones_like(x), around), k, s)
        return total

    def upsample2d(self, x, name, o):
        f = pair(o.get("factor", o.get("", 2)))
        if o.get("method", "nearest") == "nearest":
            return x.repeat_interleave(f[0], 2).repeat_interleave(f[1], 3)
        return F.interpolate(x, scale_factor=tuple(float(v) for v in f), mode="bilinear", align_corners=False)

    def flatten(self, x, name, o):
        return x.flatten(1)

    def reshape(self, x, name, o):
        return x.reshape(x.shape[0], *(o.get("shape") or o[""]))

    def activation(self, x, name, o):
        return activate(o.get("function", o.get("", "linear")) if set(o) <= {"function", ""} else o, x)

    def dropout(self, x, name, o):
        assert o.get("rate", o.get("", 0.5)) == 0, "dropout is random: give it rate 0"
        return x

    def batch_norm(self, x, name, o):
        c, key = x.shape[1], name + "."
        if key + "running_mean" not in self.buffers:
            if o.get("affine", True):
                self.weights[key + "weight"] = (1 + 0.1 * torch.randn(c)).to(self.dtype).requires_grad_(True)
                self.weights[key + "bias"] = (0.1 * torch.randn(c)).to(self.dtype).requires_grad_(True)
            self.buffers[key + "running_mean"] = torch.zeros(c, dtype=self.dtype)
            self.buffers[key + "running_var"] = torch.ones(c, dtype=self.dtype)
            return x  # only making the parameters
        return F.batch_norm(x, self.buffers[key + "running_mean"], self.buffers[key + "running_var"], self.weights.get(key + "weight"),
                            self.weights.get(key + "bias"), self.training, o.get("momentum", 0.1), o.get("epsilon", 1e-5))

    # ---- what makes the input from the target

    def target(self):
        """The pictures' shape."""
        c, h, w = self.input
        for name, o in self.corruptions:
            if name == "downscale":
                f = pair(o.get("factor", o.get("", 2)))
                h, w = h * f[0], w * f[1]
        return c, h, w

    def corrupt(self, x):
        for name, o in self.corruptions:
            if name == "noise":
                assert o.get("std", o.get("", 0.5)) == 0, "noise is random: its std must be 0"
                x = x + o.get("mean", 0.0)
                x = x.clamp(0, 1) if o.get("clip", True) else x
                continue
            f, method = pair(o.get("factor", o.get("", 2))), o.get("method", "average")
            size = (x.shape[2] // f[0], x.shape[3] // f[1])
            if method == "average":
                x = F.avg_pool2d(x, f)
            elif method == "bilinear":
                x = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
            else:
                x = F.interpolate(x, size=size, mode="nearest")
        return x

    # ---- the whole

    def tell(self, x, labels):
        """The label, one-hot, behind the numbers of a flat x, as constant planes behind the channels of a picture."""
        hot = F.one_hot(labels, self.labels).to(self.dtype)
        if x.dim() == 4:
            hot = hot[:, :, None, None].expand(-1, -1, *x.shape[2:])
        return torch.cat([x, hot], 1)

    def run(self, section, x, labels):
        """The section's output, its penalties, and what went into its last activation."""
        penalty, logits, untold = 0.0, None, self.labels > 0 and labels is not None
        for i, (name, o) in enumerate(self.layers[section]):
            if untold and name not in ("flatten", "reshape"):
                x, untold = self.tell(x, labels), False
            before = x
            x = getattr(self, name)(x, f"{section}.{o.get('share', i)}", o)
            logits = before if name == "activation" else x if "activation" in o else None
            if "activation" in o and name != "activation":
                x = activate(o["activation"], x)
            if o.get("activity_l1"):
                penalty = penalty + o["activity_l1"] * x.abs().sum() / x.shape[0]
        if untold and section == "encoder":
            x = self.tell(x, labels)
        return x, penalty, logits

    def forward(self, x, labels):
        h, penalty, _ = self.run("encoder", x, labels)
        kl = torch.zeros((), dtype=self.dtype)
        if self.variational:
            assert self.latent.get("epsilon_std", 1) == 0, "the latent is random: epsilon_std must be 0"
            units = self.latent["units"]
            m = self.dense(h, "latent.mean", {"units": units})
            s = self.dense(h, "latent.logvar", {"units": units})
            kl = -0.5 * (1 + s - m * m - s.exp()).sum(1).mean()
            h = m
        y, more, logits = self.run("decoder", h, labels)
        return y, logits, kl, penalty + more, h

    def judge(self, code):
        return self.run("discriminator", code, None)[0]

    def reconstruction(self, loss, y, logits, target):
        name, o = entry(loss, "mse")
        target = target.reshape(y.shape)
        if name == "mse":
            each = (y - target) ** 2
        else:
            layer, lo = self.layers["decoder"][-1] if self.layers["decoder"] else self.layers["encoder"][-1]
            last = lo.get("function", lo.get("", lo)) if layer == "activation" else lo.get("activation")
            if entry(last)[0] == "sigmoid":
                each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
            else:
                each = F.binary_cross_entropy(y, target, reduction="none")
        value = each.mean() if o.get("reduction", "mean") == "mean" else each.sum() / y.shape[0]
        return value * o.get("weight", 1.0)

    def adversarial(self, o, code, draws):
        """-mean ln(D(real) + epsilon) - mean ln(1 - D(fake) + epsilon), and whose loss that is."""
        what, epsilon, value = {"code": code, "prior": draws}, o.get("epsilon", 1e-9), 0.0
        if o.get("real"):
            value = value - torch.log(self.judge(what[o["real"]]) + epsilon).mean()
        if o.get("fake"):
            value = value - torch.log(1 - self.judge(what[o["fake"]]) + epsilon).mean()
        return value, "discriminator" if o.get("fake") or o["real"] == "prior" else "generator"

    def draw(self, code, seed, step, phase):
        """Draws from the prior; pictures are [H, W, C] inside."""
        std = (self.text.get("prior") or {}).get("std", 1.0)
        values = torch.from_numpy(std * normals(seed, step, PRIOR_STREAM + phase * PHASE_STREAMS, code.numel())).to(self.dtype)
        return values.reshape(code.shape[0], *code.shape[2:], code.shape[1]).movedim(-1, 1) if code.dim() == 4 else values.reshape(code.shape)

    def phase_loss(self, phase, rows, told, seed, step, p, parts):
        """The loss of one phase; what it consists of is added to the parts."""
        losses = phase["loss"]
        losses = {losses: {}} if isinstance(losses, str) else losses
        y, logits, kl, penalty, code = self.forward(self.corrupt(rows), told)
        code = code.detach() if phase.get("detach") == "code" else code
        total = 0.0
        for name, o in losses.items():
            if name == "adversarial":
                value, part = self.adversarial(o, code, self.draw(code, seed, step, p))
                total = total + o.get("weight", 1.0) * value
            else:
                value, part = self.reconstruction({name: o}, y, logits, rows), "reconstruction"
                total = total + value + self.latent.get("beta", 1.0) * kl + penalty
                parts["kl"] += float(kl)
                parts["penalty"] += float(penalty)
            parts[part] += float(value)
        parts["loss"] += float(total)
        return total

    def phases(self, steps):
        """The text's phases, with their optimizers; without any the one that stands for them."""
        listed, made = self.text.get("phases"), {}
        if not listed:
            loss, o = entry(self.text.get("loss"), "mse")
            return [({"loss": {loss: o}}, [Update(self.text.get("optimizer"), self.weights, steps)])]
        out = []
        for phase in listed:
            updates = []
            for name, optimizer in phase["update"].items():
                if isinstance(optimizer, dict) and "again" in optimizer:
                    updates.append(made[optimizer["again"], name])
                    continue
                weights = {k: w for k, w in self.weights.items() if k.startswith(SETS[name])}
                updates.append(Update(optimizer, weights, steps))
                made[phase["name"], name] = updates[-1]
            out.append((phase, updates))
        return out

    def train(self, pictures, labels, batch, steps, seed):
        """The parts of the loss of each step, each before its phase's updates."""
        x = torch.from_numpy(numpy.ascontiguousarray(pictures)).to(self.dtype) / 255
        labels = torch.from_numpy(labels)
        n, out, at = len(x), [], 0
        phases = self.phases(steps)
        for step in range(1, steps + 1):
            rows, told = x[at:at + batch], labels[at:at + batch]
            at = at + batch if at + batch < n else 0
            parts = dict.fromkeys(("loss", "reconstruction", "kl", "penalty", "discriminator", "generator"), 0.0)
            for p, (phase, updates) in enumerate(phases):
                for w in self.weights.values():
                    w.grad = w.grad if phase.get("keep_gradients") else None
                self.phase_loss(phase, rows, told, seed, step, p, parts).backward()
                for update in updates:
                    update.step(step)
            out.append(parts)
        return out


class Update:
    """Optimizers in PyTorch's form, and Keras's place of epsilon where the option says so."""

    def __init__(self, optimizer, weights, steps):
        self.name, self.o = entry(optimizer, "adam")
        self.weights, self.steps, self.count = weights, steps, 0
        self.state = {k: (torch.zeros_like(w), torch.zeros_like(w)) for k, w in weights.items()}

    def rate(self, step):
        lr = self.o.get("lr", {"adam": 1e-3, "sgd": 1e-2, "rmsprop": 1e-3, "adadelta": 1.0}[self.name])
        name, o = entry(self.o.get("schedule"), "constant")
        floor, warmup = o.get("floor", 0.0), o.get("warmup", 0)
        if step < warmup:
            return self.scheduled(name, o, lr, step, floor, warmup) * step / warmup
        return self.scheduled(name, o, lr, step, floor, warmup)

    def scheduled(self, name, o, lr, step, floor, warmup):
        if name == "constant":
            return lr
        if name == "exponential":
            return (lr - floor) * o.get("rate", 0.9999) ** (step - 1) + floor
        span = self.steps - warmup - 1
        t = min(max((step - warmup - 1) / span if span > 0 else 1.0, 0.0), 1.0)
        return floor + (lr - floor) * 0.5 * (1 + math.cos(math.pi * t))

    @torch.no_grad()
    def step(self, step):
        self.count += 1
        grads = {k: w.grad for k, w in self.weights.items()}
        if self.o.get("clip_norm"):
            norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads.values()))
            scale = min(1.0, self.o["clip_norm"] / (norm + 1e-6))
            grads = {k: g * scale for k, g in grads.items()}
        if self.o.get("clip_value"):
            grads = {k: g.clamp(-self.o["clip_value"], self.o["clip_value"]) for k, g in grads.items()}
        for k, w in self.weights.items():
            getattr(self, self.name)(w, grads[k], *self.state[k], self.count, self.rate(step))

    def sgd(self, w, g, m, _, step, lr):
        m.mul_(self.o.get("momentum", 0.0)).add_(g)
        w -= lr * (g + self.o.get("momentum", 0.0) * m if self.o.get("nesterov") else m)

    def adam(self, w, g, m, v, step, lr):
        b1, b2, eps = self.o.get("beta1", 0.9), self.o.get("beta2", 0.999), self.o.get("epsilon", 1e-8)
        m.mul_(b1).add_(g, alpha=1 - b1)
        v.mul_(b2).addcmul_(g, g, value=1 - b2)
        c1, c2 = 1 - b1 ** step, 1 - b2 ** step
        if self.o.get("epsilon_form", "torch") in ("torch", "pytorch"):
            w -= lr / c1 * m / ((v / c2).sqrt() + eps)
        else:
            w -= lr * math.sqrt(c2) / c1 * m / (v.sqrt() + eps)

    def rmsprop(self, w, g, v, _, step, lr):
        rho, eps = self.o.get("rho", 0.99), self.o.get("epsilon", 1e-8)
        v.mul_(rho).addcmul_(g, g, value=1 - rho)
        outside = self.o.get("epsilon_form", "torch") in ("torch", "pytorch")
        w -= lr * g / (v.sqrt() + eps if outside else (v + eps).sqrt())

    def adadelta(self, w, g, v, d, step, lr):
        rho, eps = self.o.get("rho", 0.9), self.o.get("epsilon", 1e-6)
        v.mul_(rho).addcmul_(g, g, value=1 - rho)
        delta = (d + eps).sqrt() / (v + eps).sqrt() * g
        d.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        w -= lr * delta
