"""The systems of the tutorials: how each is trained, what figures are published, which pictures are drawn. tools/reproduce does it.

Published figures are those of the works; bands allow for other initial weights and random numbers."""
import dataclasses, json, re


# ---- what a system is made of

@dataclasses.dataclass
class Run:
    """A training. Its name is unique; `start` names another run to go on from, with its optimizer; `edits` replace parts of the model's text.
    A system's variants, not `quick` and behind what is, are left out of quick reproductions."""
    name: str
    model: str
    data: str = 'mnist'
    epochs: int = 0  # 0: the model's
    options: tuple = ()
    start: str = ''
    edits: tuple = ()
    quick: bool = True


@dataclasses.dataclass
class Check:
    """A figure: `value` takes a Reproduction. Without a band it is only told."""
    what: str
    published: object
    value: object
    low: float = None
    high: float = None


@dataclasses.dataclass
class Picture:
    """`verb` of a run with options; data sets among them stand as {mnist}, files made here as {codes}. Those that say most are `published`."""
    caption: str
    run: str
    verb: str
    options: tuple = ()
    published: bool = False


@dataclasses.dataclass(eq=False)
class System:
    id: str
    title: str
    about: str
    runs: list
    checks: list
    pictures: list = dataclasses.field(default_factory=list)
    curve_published: bool = False

    def curve(self):
        return 'runs/%s/loss.png' % self.runs[0].name

    def published(self):
        return [picture_path(p.run, p.verb, p.options) for p in self.pictures if p.published] + [self.curve()] * self.curve_published


def picture_path(run, verb, options):
    """Among all results."""
    return 'pictures/' + re.sub('[^a-z0-9.]+', '-', ' '.join((run, verb) + options).lower()).strip('-') + '.png'


# Figures: functions of a Reproduction.

def val(run, epoch=None, key='val_loss'):
    """Of the log's record of an epoch, or the last."""
    return lambda r: r.epoch(run, epoch)[key]


def train(run, epoch=None, key='loss'):
    return val(run, epoch, key)


def spread(run, key):
    """Between the largest and the smallest of all epochs."""
    return lambda r: max(e[key] for e in r.epochs_done(run)) - min(e[key] for e in r.epochs_done(run))


def told(run, verb, options, *keys):
    """What a verb tells with --json, at the end of a way of keys; in a list of objects, a text stands for the one that has it."""
    def value(r):
        at = json.loads(r.told(run, verb, *options))
        for key in keys:
            at = next(o for o in at if key in o.values()) if isinstance(at, list) and isinstance(key, str) else at[key]
        return at
    return value


def squared_error(run):
    """Of a 28 x 28 picture, as the lesson's losses count."""
    return lambda r: 784 * told(run, 'eval', TOLD_ROWS, 'mse')(r)


def judged(run, *options):
    """Of 1,000 new pictures, how many per cent are of the class asked for, by the nearest training picture."""
    return lambda r: float(r.told(run, 'sample', '--count', '1000', '--judge', *options).split()[-2])


def clear(run):
    """Of 1,000 new pictures, how many per cent are clearly of one class, by the nearest training pictures."""
    return lambda r: float(re.search(r'^new .*?([0-9.]+) %', r.told(run, 'sample', '--count', '1000', '--judge'), re.M).group(1))


def named(run):
    """Of 100 test pictures, how many have the class that most of their nearest neighbours in the code have."""
    return lambda r: 100 * told(run, 'latent', PCA, 'embeddings', 0, 'knn_accuracy')(r)


def ratio(value, of):
    return lambda r: value(r) / of(r)


def difference(value, of):
    return lambda r: value(r) - of(r)


def smallest_rise(run):
    """The least that the error grows by from one noise to the next."""
    def value(r):
        errors = [level['mse'] for level in told(run, 'perturb', JSON, 'levels')(r)]
        return min(b - a for a, b in zip(errors, errors[1:]))
    return value


def foreign(trained, data):
    """The denoiser of T2 on other data, beside its own and beside a denoiser that was trained on the other."""
    other = told('t2', 'eval', TOLD_ROWS + data, 'mse')
    return [Check("squared error, of that on MNIST", None, ratio(other, told('t2', 'eval', TOLD_ROWS + data, 'trained_on', 'mse')), low=1.2),
            Check("of that of a denoiser trained on the pictures", None, ratio(other, told(trained, 'denoise', TOLD_ROWS, 'steps', 'cleaned', 'mse')), low=1.05)]


def beyond(run):
    """Beside enlarging without a model."""
    output = told(run, 'upscale', TOLD_ROWS, 'steps', 'output', 'psnr')
    return [Check('%s: PSNR, dB beyond %s enlargement' % (run, how), None, difference(output, told(run, 'upscale', TOLD_ROWS, 'steps', how, 'psnr')), low=0)
            for how in ['bilinear', 'nearest']]


JSON = ('--json',)
ROWS = ('--count', '10')
TOLD_ROWS = JSON + ROWS
PCA = JSON + ('--pca',)
SPLIT = ('--split', '0.1')
RANDOM = JSON + ('--random', '0', '7', '--count', '7')
FASHION, GREY_CIFAR = ('--data', '{fashion-mnist}', '--resize', '28x28'), ('--data', '{cifar10}', '--resize', '28x28')


SYSTEMS = [
    System('T1', 'Convolutional autoencoder', 'AI for Beginners, TensorFlow notebook. Reconstructs digits; random codes are no digits.',
           [Run('t1', 'conv-ae')],
           [Check('validation after 1 epoch', 0.1454, val('t1', 1), high=0.16),
            Check('validation after 25 epochs', 0.0953, val('t1', 25), high=0.098),
            Check('training, 25th epoch', 0.0963, train('t1', 25)),
            Check('smallest number of a code', 0, told('t1', 'inspect', RANDOM, 'minimum'), low=0),
            Check('largest', 6.31, told('t1', 'inspect', RANDOM, 'maximum'))],
           [Picture('Test digits and what comes out', 't1', 'reconstruct', ROWS),
            Picture('Digits, their codes (a line for each of 4 x 4 places, 8 channels), reconstructions; random numbers from 0 to 7 as codes, which give no digits', 't1', 'inspect', RANDOM, published=True)], curve_published=True),
    System('T2', 'Denoiser', 'AI for Beginners, TensorFlow notebook. T1 goes on with noisy digits. The published figures are of a cell that had been run before; '
           'after 50 epochs they are to be reached.',
           [Run('t1', 'conv-ae'), Run('t2', 'conv-ae-denoise', epochs=50, start='t1')],
           [Check('validation after 25 epochs', None, val('t2', 25), high=0.160),
            Check('validation after 50 epochs', 0.1398, val('t2', 50), high=0.143),
            Check('share of test digits that are closer to clean than before', None, told('t2', 'denoise', TOLD_ROWS, 'better'), low=0.99)],
           [Picture('Noisy digits, cleaned, and clean', 't2', 'denoise', TOLD_ROWS, published=True)]),
    System('T3', 'Super-resolution', 'AI for Beginners, TensorFlow notebook. 14 x 14 to 28 x 28.',
           [Run('t3', 'conv-ae-upscale')],
           [Check('validation after 1 epoch', 0.1519, val('t3', 1)),
            Check('validation after 25 epochs', 0.0955, val('t3', 25), high=0.098),
            *beyond('t3')],
           [Picture('Small digits enlarged without a model, by the model, and the digits themselves', 't3', 'upscale', TOLD_ROWS, published=True)]),
    System('T4', 'Variational autoencoder, dense', 'AI for Beginners, TensorFlow notebook, a code of 2. The lesson takes the second head for log sigma when drawing and '
           'for log sigma squared in the KL; the right form is trained beside it.',
           [Run('t4', 'vae'), Run('t4-right', 'vae', edits=(('logsigma_kl_logvar', 'logvar'),), quick=False)],
           [Check('squared error of a test picture, of principal components\'', None,
                  ratio(told('t4', 'latent', PCA, 'embeddings', 0, 'squared_error'), told('t4', 'latent', PCA, 'embeddings', 1, 'squared_error')), high=1),
            Check('validation after 1 epoch', 41.89, val('t4', 1), high=44),
            Check('validation after 25 epochs', 35.73, val('t4', 25), high=37.0),
            Check('training, 25th epoch', 35.37, train('t4', 25)),
            Check('validation, the right form', None, val('t4-right', 25))],
           [Picture('Test digits and what comes out', 't4', 'reconstruct', ROWS),
            Picture('Codes of the test digits; beside them principal components of the pixels', 't4', 'latent', PCA, published=True),
            Picture('What lies where in the code, -1 to 1', 't4', 'manifold', ('--grid', '10', '--range', '-1', '1'), published=True),
            Picture('The right form: what lies where', 't4-right', 'manifold', ('--grid', '10', '--range', '-1', '1'))]),
    System('P1', 'Convolutional autoencoder, PyTorch', 'AI for Beginners, PyTorch notebook: nine tenths of the training file, the rest to test.',
           [Run('p1', 'conv-ae-torch', options=SPLIT)],
           [Check('validation after 30 epochs', 0.104, val('p1', 30), high=0.108), Check('training, 30th epoch', 0.104, train('p1', 30), high=0.108)],
           [Picture('Test digits and what comes out', 'p1', 'reconstruct', ROWS)]),
    System('P2', 'Denoiser, PyTorch', 'AI for Beginners, PyTorch notebook: one block of noise is added to every batch, and another to all test pictures. Beside it the sound '
           'form, with noise drawn anew at every step.',
           [Run('p2', 'conv-ae-denoise-torch', options=SPLIT),
            Run('p2-fresh', 'conv-ae-denoise-torch', options=SPLIT, edits=((', once: true, per: place', ''),), quick=False)],
           [Check('validation after 100 epochs', 0.133, val('p2', 100), high=0.139), Check('training, 100th epoch', 0.134, train('p2', 100), high=0.139),
            Check('validation, the sound form', None, val('p2-fresh', 100), high=0.139)],
           [Picture('Noisy digits (one noise for all), cleaned, and clean', 'p2', 'denoise', TOLD_ROWS, published=True),
            Picture('The sound form', 'p2-fresh', 'denoise', TOLD_ROWS)]),
    System('P3', 'Super-resolution, PyTorch', 'AI for Beginners, PyTorch notebook: pictures are made smaller bilinearly.',
           [Run('p3', 'conv-ae-upscale-torch', options=SPLIT)],
           [Check('validation after 30 epochs', 0.103, val('p3', 30), high=0.107), Check('training, 30th epoch', 0.102, train('p3', 30), high=0.107),
            *beyond('p3')],
           [Picture('Small digits enlarged without a model, by the model, and the digits themselves', 'p3', 'upscale', TOLD_ROWS)]),
    System('P4', 'Variational autoencoder, PyTorch', 'AI for Beginners, PyTorch notebook, the same form of the KL as T4.',
           [Run('p4', 'vae-torch', options=SPLIT)],
           [Check('validation after 30 epochs', 35.6, val('p4', 30), high=37), Check('training, 30th epoch', 35.1, train('p4', 30), high=37)],
           [Picture('Test digits and what comes out', 'p4', 'reconstruct', ROWS)]),
    System('P5', 'Adversarial autoencoder', 'AI for Beginners, PyTorch notebook, a code of 150. As published its discriminator never learns: the figures are those of one that knows '
           'nothing. Beside it what was meant.',
           [Run('p5-meant', 'aae', options=SPLIT), Run('p5', 'aae-published', options=SPLIT, quick=False)],
           [Check('as published: training reconstruction', 0.0919, train('p5', 30, 'reconstruction'), high=0.099),
            Check('validation reconstruction', 0.0945, val('p5', 30, 'val_reconstruction'), high=0.099),
            Check('discriminator', 1.39, val('p5', 30, 'val_discriminator'), low=1.366, high=1.406),
            Check('generator', 0.692, val('p5', 30, 'val_generator'), low=0.673, high=0.713),
            Check('as meant: validation reconstruction', None, val('p5-meant', 30, 'val_reconstruction')),
            Check('range of the discriminator over the epochs', None, spread('p5-meant', 'val_discriminator'), low=0.02),
            Check('means of the numbers of a code: the least', None, told('p5-meant', 'inspect', TOLD_ROWS, 'unit_means', 0), low=-0.1),
            Check('the largest', None, told('p5-meant', 'inspect', TOLD_ROWS, 'unit_means', 1), high=0.1),
            Check('their standard deviations: the least', None, told('p5-meant', 'inspect', TOLD_ROWS, 'unit_stds', 0), low=0.85),
            Check('the largest', None, told('p5-meant', 'inspect', TOLD_ROWS, 'unit_stds', 1), high=1.15),
            Check('new pictures that are clearly of one class, %', None, clear('p5-meant'), low=65)],
           [Picture('Test digits and what comes out, as published', 'p5', 'reconstruct', ROWS, published=True), Picture('As meant', 'p5-meant', 'inspect', TOLD_ROWS),
            Picture('As meant: digits that nobody wrote', 'p5-meant', 'sample', ('--count', '64'), published=True)], curve_published=True),
    System('E1', 'A code of 2', 'Exercise of AI for Beginners: T1 with a code of two numbers, against two principal components of the pixels.',
           [Run('e1', 'conv-ae-2d')],
           [Check("squared error of a test picture, of the components'", None,
                  ratio(told('e1', 'latent', PCA, 'embeddings', 0, 'squared_error'), told('e1', 'latent', PCA, 'embeddings', 1, 'squared_error')), high=1),
            Check('how many are named by their neighbours in the code, %', None, named('e1')),
            Check('percentage points more than in the components', None,
                  lambda r: 100 * difference(told('e1', 'latent', PCA, 'embeddings', 0, 'knn_accuracy'), told('e1', 'latent', PCA, 'embeddings', 1, 'knn_accuracy'))(r), low=0)],
           [Picture('Codes of the test digits; beside them principal components of the pixels', 'e1', 'latent', PCA),
            Picture('Test digits and what comes out', 'e1', 'reconstruct', ROWS)]),
    System('E2', 'Noise on the code', 'Exercise of AI for Beginners: the codes of T1 with growing noise.',
           [Run('t1', 'conv-ae')],
           [Check("squared error without noise, of the reconstruction's", None, ratio(told('t1', 'perturb', JSON, 'levels', 0, 'mse'), told('t1', 'eval', TOLD_ROWS, 'mse')),
                  low=0.9999, high=1.0001),
            Check('least rise of the error from one noise to the next', None, smallest_rise('t1'), low=0)],
           [Picture('Digits, and what their codes with noise of 0, 0.5, 1, 2, 4 decode to', 't1', 'perturb', JSON, published=True), Picture('The reconstructions', 't1', 'eval', TOLD_ROWS)]),
    System('E3', 'The denoiser on other data', 'Exercise of AI for Beginners: the denoiser of T2 meets Fashion-MNIST.',
           [Run('t1', 'conv-ae'), Run('t2', 'conv-ae-denoise', epochs=50, start='t1'), Run('e3-fashion', 'conv-ae-denoise', data='fashion-mnist', epochs=50)],
           foreign('e3-fashion', FASHION),
           [Picture("Fashion-MNIST's pictures", 't2', 'eval', TOLD_ROWS + FASHION, published=True), Picture('A denoiser that was trained on them', 'e3-fashion', 'denoise', TOLD_ROWS)]),
    System('E3b', 'The denoiser on other data', 'The same with photographs of CIFAR-10, grey and 28 x 28.',
           [Run('t1', 'conv-ae'), Run('t2', 'conv-ae-denoise', epochs=50, start='t1'),
            Run('e3-cifar', 'conv-ae-denoise', data='cifar10', epochs=50, options=('--resize', '28x28'))],
           foreign('e3-cifar', GREY_CIFAR),
           [Picture("CIFAR-10's pictures", 't2', 'eval', TOLD_ROWS + GREY_CIFAR, published=True), Picture('A denoiser that was trained on them', 'e3-cifar', 'denoise', TOLD_ROWS)]),
    System('E4', 'Super-resolution of photographs', 'Exercise of AI for Beginners: CIFAR-10, 16 x 16 and 8 x 8 to 32 x 32, and noise as input.',
           [Run('e4-2x', 'cifar-upscale-2x', data='cifar10'), Run('e4-4x', 'cifar-upscale-4x', data='cifar10')],
           [Check('twofold: PSNR in dB', None, told('e4-2x', 'upscale', TOLD_ROWS, 'steps', 'output', 'psnr')), *beyond('e4-2x'),
            Check('fourfold: PSNR in dB', None, told('e4-4x', 'upscale', TOLD_ROWS, 'steps', 'output', 'psnr')), *beyond('e4-4x')],
           [Picture('Twofold: enlarged without a model, by the model, original', 'e4-2x', 'upscale', TOLD_ROWS, published=True), Picture('Fourfold', 'e4-4x', 'upscale', TOLD_ROWS, published=True),
            Picture('Noise enlarged without a model, and what the fourfold model makes of it: blots, as photographs have', 'e4-4x', 'upscale', ROWS + ('--pictures', '{noise}'), published=True)]),
    System('E5', 'Convolutional variational autoencoder', 'The assignment of AI for Beginners: T1 as a VAE with a code of 2, in the right form.',
           [Run('e5', 'conv-ae-vae'), Run('t4-right', 'vae', edits=(('logsigma_kl_logvar', 'logvar'),), quick=False)],
           [Check('validation after 30 epochs (a mean picture: 52.85)', None, val('e5', 30), high=52.85), Check('the dense VAE with 153 times the parameters', None, val('t4-right', 25))],
           [Picture('Test digits and what comes out', 'e5', 'reconstruct', ROWS), Picture('Codes of the test digits', 'e5', 'latent'),
            Picture('What lies where in the code', 'e5', 'manifold', ('--grid', '15', '--range', '-2', '2'), published=True)]),
    System('K1', 'Dense autoencoder', 'Building Autoencoders in Keras: as it is today, and in 2016 with Adadelta.',
           [Run('k1', 'dense-ae'), Run('k1-2016', 'dense-ae-2016', quick=False)],
           [Check('validation after 50 epochs', 0.09, val('k1', 50), high=0.097), Check('the same in 2016', 0.11, val('k1-2016', 50), high=0.115)],
           [Picture('Test digits and what comes out', 'k1', 'reconstruct', ROWS)]),
    System('K2', 'Sparse autoencoder', 'Building Autoencoders in Keras: a penalty on the code. The published means of code numbers, and with them half of the dense one, are of 2016: '
           'Adam follows the penalty much further.',
           [Run('k1', 'dense-ae'), Run('k1-2016', 'dense-ae-2016', quick=False), Run('k2', 'sparse-ae'), Run('k2-2016', 'sparse-ae-2016', quick=False)],
           [Check('validation without the penalty after 100 epochs', 0.10, val('k2', 100, 'val_reconstruction'), high=0.105),
            Check('training with it, less that', 0.01, lambda r: train('k2', 100)(r) - val('k2', 100, 'val_reconstruction')(r), low=0.002, high=0.02),
            Check("mean code number, of the dense one's (PyTorch with the same optimizer: 0.143)", None, ratio(told('k2', 'inspect', TOLD_ROWS, 'mean'), told('k1', 'inspect', TOLD_ROWS, 'mean')), low=0.12, high=0.17),
            Check('2016: training with the penalty', 0.11, train('k2-2016', 100), high=0.12),
            Check('2016: validation without it', 0.10, val('k2-2016', 100, 'val_reconstruction'), high=0.11),
            Check('2016: mean code number', 3.33, told('k2-2016', 'inspect', TOLD_ROWS, 'mean')), Check('2016: of the dense one', 7.30, told('k1-2016', 'inspect', TOLD_ROWS, 'mean')),
            Check('2016: the ratio', 0.456, ratio(told('k2-2016', 'inspect', TOLD_ROWS, 'mean'), told('k1-2016', 'inspect', TOLD_ROWS, 'mean')), low=0.25, high=0.65)],
           [Picture('Test digits, codes, and what comes out', 'k2', 'inspect', TOLD_ROWS, published=True), Picture('The same without a penalty', 'k1', 'inspect', TOLD_ROWS)]),
    System('K3', 'Deep autoencoder', 'Building Autoencoders in Keras: as it is today, and in 2016 with Adadelta.',
           [Run('k3', 'deep-ae'), Run('k3-2016', 'deep-ae-2016', quick=False)],
           [Check('validation after 100 epochs', 0.08, val('k3', 100), high=0.092), Check('the same in 2016', 0.097, val('k3-2016', 100), high=0.105)],
           [Picture('Test digits and what comes out', 'k3', 'reconstruct', ROWS, published=True)]),
    System('K4', 'Convolutional autoencoder', 'Building Autoencoders in Keras: T1 for 50 epochs, and in 2016 with Adadelta.',
           [Run('k4', 'conv-ae', epochs=50), Run('k4-2016', 'conv-ae-2016', quick=False)],
           [Check('validation after 1 epoch', 0.1155, val('k4', 1)), Check('validation after 50 epochs', 0.094, val('k4', 50), high=0.097),
            Check('the same in 2016', 0.094, val('k4-2016', 50), high=0.105)],
           [Picture('Test digits and what comes out', 'k4', 'reconstruct', ROWS)]),
    System('K5', 'Denoiser', 'Building Autoencoders in Keras: 32 filters, noise without a mean.',
           [Run('k5', 'keras-denoise')],
           [Check('validation after 100 epochs', None, val('k5', 100)),
            Check('squared error, of the noisy pictures\'', None, ratio(told('k5', 'denoise', TOLD_ROWS, 'steps', 'cleaned', 'mse'), told('k5', 'denoise', TOLD_ROWS, 'steps', 'noisy', 'mse')), high=0.2)],
           [Picture('Noisy digits, cleaned, and clean', 'k5', 'denoise', TOLD_ROWS, published=True)]),
    System('K7', 'Variational autoencoder', 'Building Autoencoders in Keras, in its three revisions. Where the cross-entropy is a mean over the pixels and the KL a sum, the KL wins: '
           'that is the second one. The published grids reach from -15 to 15, times 0.01 in 2016.',
           [Run('k7', 'keras-vae'), Run('k7-2016', 'keras-vae-2016', quick=False), Run('k7-2016b', 'keras-vae-2016b', quick=False)],
           [Check('validation, as it is today', None, val('k7')), Check('its KL', None, val('k7', None, 'val_kl'), low=0.1),
            Check('the text of 2016: cross-entropy per pixel', None, val('k7-2016', None, 'val_reconstruction')), Check('its KL', None, val('k7-2016', None, 'val_kl'), low=0),
            Check('the script of 2016: cross-entropy per pixel', None, val('k7-2016b', None, 'val_reconstruction')),
            Check('its KL', None, val('k7-2016b', None, 'val_kl'), low=0)],
           [Picture('Codes of the test digits', 'k7', 'latent', published=True), Picture('What lies where, -15 to 15, as published', 'k7', 'manifold', ('--grid', '15', '--range', '-15', '15', '--axes', 'columns-first')),
            Picture('What lies where, at the quantiles of N(0, 1)', 'k7', 'manifold', ('--grid', '15', '--normal', '--axes', 'columns-first'), published=True),
            Picture('The text of 2016: codes', 'k7-2016', 'latent'),
            Picture('The text of 2016: -0.15 to 0.15', 'k7-2016', 'manifold', ('--grid', '15', '--range', '-0.15', '0.15', '--axes', 'columns-first')),
            Picture('The script of 2016: codes', 'k7-2016b', 'latent'),
            Picture('The script of 2016: -0.15 to 0.15', 'k7-2016b', 'manifold', ('--grid', '15', '--range', '-0.15', '0.15', '--axes', 'columns-first'))]),
    System('F1', 'Convolutional variational autoencoder, a code of 20', 'Variational Autoencoders Explained. No figures are published, only that what is drawn from N(0, 1) are digits.',
           [Run('f1', 'kvfrans-vae', options=('--skip', '5000'))],
           [Check('training, 1st epoch', None, train('f1', 1)),
            Check('10th epoch, of the 1st', None, ratio(train('f1', 10), train('f1', 1)), high=0.9),
            Check('validation: KL', None, val('f1', 10, 'val_kl'), low=1), Check('new pictures that are clearly of one class, %', None, clear('f1'), low=50)],
           [Picture('Test digits and what comes out', 'f1', 'reconstruct', ('--count', '16')), Picture('Digits that nobody wrote', 'f1', 'sample', ('--count', '64'), published=True)]),
    System('C1', 'Conditional variational autoencoder', 'Conditional Variational Autoencoders, with layers of a dense VAE, and with convolutions: encoder and decoder are told the digit, '
           'so that it can be asked for. No figures are published; a classifier, the nearest training digit, reads 1,000 new ones. '
           'The code need not say which digit it is: its neighbours name far fewer than those in T4.',
           [Run('c1', 'conditional-vae'), Run('c1-conv', 'conditional-conv-vae'), Run('t4', 'vae')],
           [Check('new digits that are read as asked for, %', None, judged('c1'), low=95),
            Check('the same codes for each digit, %', None, judged('c1', '--same-codes'), low=95),
            Check('convolutional, %', None, judged('c1-conv'), low=95),
            Check('test digits named by their neighbours in the code, %', None, named('c1'), high=30),
            Check('the same in T4, %', None, named('t4')),
            Check('validation', None, val('c1')), Check('convolutional: validation', None, val('c1-conv'))],
           [Picture('New digits, a row of each', 'c1', 'sample'), Picture('Every row from the same codes', 'c1', 'sample', ('--same-codes',), published=True),
            Picture('Convolutional', 'c1-conv', 'sample'), Picture('Where the styles of a 3 lie in the code', 'c1', 'manifold', ('--grid', '10', '--label', '3'))]),
    System('A1', 'Adversarial autoencoder, a code of 2', "fducau's AAE_pytorch, the basic script: codes are drawn towards a normal distribution of deviation 5. 30 of its up to 500 epochs.",
           [Run('a1', 'aae-fducau', epochs=30, options=('--limit', '47000'))],
           [Check('validation reconstruction', None, val('a1', 30, 'val_reconstruction')),
            Check('range of the discriminator over the epochs', None, spread('a1', 'val_discriminator'), low=0.02),
            Check('standard deviations of the two numbers: the smaller', None, told('a1', 'inspect', TOLD_ROWS, 'unit_stds', 0), low=3.5),
            Check('the larger', None, told('a1', 'inspect', TOLD_ROWS, 'unit_stds', 1), high=6.5),
            Check('new pictures that are clearly of one class, %', None, clear('a1'), low=60)],
           [Picture('Codes of the test digits', 'a1', 'latent', published=True), Picture('Test digits, codes, and what comes out', 'a1', 'inspect', TOLD_ROWS),
            Picture('What lies where', 'a1', 'manifold', ('--grid', '15', '--range', '-10', '10')), Picture('Digits that nobody wrote', 'a1', 'sample', ('--count', '64'), published=True)]),
    System('N1', 'What each part of the loss does', 'T4 in the right form: only the reconstruction, only the KL, both.',
           [Run('n1-reconstruction', 'vae', edits=(('units: 2, form: logsigma_kl_logvar', 'units: 2, beta: 0'),)),
            Run('n1-kl', 'vae', edits=(('logsigma_kl_logvar', 'logvar'), ('reduction: sum', 'reduction: sum, weight: 0'))),
            Run('t4-right', 'vae', edits=(('logsigma_kl_logvar', 'logvar'),), quick=False)],
           [Check('only the reconstruction: squared error', None, squared_error('n1-reconstruction'), high=40),
            Check('only the KL: it is gone', None, val('n1-kl', 25, 'val_kl'), high=0.01),
            Check('only the KL: squared error (a mean picture: 52.9)', None, squared_error('n1-kl'), low=52.8),
            Check('both: squared error', None, squared_error('t4-right'), high=40)],
           [Picture('Only the reconstruction: clusters with gaps', 'n1-reconstruction', 'latent', published=True), Picture('Only the KL: all classes in one heap', 'n1-kl', 'latent', published=True),
            Picture('Both', 't4-right', 'latent'), Picture('Both: the way from a digit to another', 't4-right', 'interpolate', ('--from', '0', '--to', '1'), published=True),
            Picture('Both: what a 7 has and a 1 has not, added to ones', 't4-right', 'arithmetic', ('--add', '7', '--subtract', '1'), published=True)]),
]
