"""Sound: WAV files, mel spectrograms, cepstra, pitch, and sound from magnitudes.

Signals are arrays (..., time) from -1 to 1; features are (..., bands, frames), as
`layers.MelSpectrogram` gives them. `mel_spectrogram`, `log_mel`, `mfcc` and `deltas` take traced
tensors too: they can be part of a model, and gradients flow through them. The transforms themselves
are `ops.stft`, `ops.istft` and `ops.rfft`; a transform that is trained is `layers.STFTSpectrogram`.
`SpecAugment` is a layer that hides parts of features while a network trains.

    samples, rate = audio.read_wav("word.wav")
    loudness = audio.log_mel(samples[:, 0], rate)
    features = audio.mfcc(samples[:, 0], rate)
"""

from __future__ import annotations

from chainrule.audio.deltas import deltas as deltas
from chainrule.audio.features import log_mel as log_mel
from chainrule.audio.features import mel_spectrogram as mel_spectrogram
from chainrule.audio.features import mel_to_magnitudes as mel_to_magnitudes
from chainrule.audio.features import mfcc as mfcc
from chainrule.audio.features import power_to_db as power_to_db
from chainrule.audio.mel import hz_to_mel as hz_to_mel
from chainrule.audio.mel import mel_filters as mel_filters
from chainrule.audio.mel import mel_to_hz as mel_to_hz
from chainrule.audio.phases import griffin_lim as griffin_lim
from chainrule.audio.phases import spectral_convergence as spectral_convergence
from chainrule.audio.pitch import pitch as pitch
from chainrule.audio.spec_augment import SpecAugment as SpecAugment
from chainrule.base.namespace import publish
from chainrule.utils.wav import read_wav as read_wav
from chainrule.utils.wav import resample as resample
from chainrule.utils.wav import write_wav as write_wav

publish(globals())
