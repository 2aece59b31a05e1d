"""Layers: what a model is made of."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.layers.activations.activation import Activation as Activation
from chainrule.layers.activations.elu import ELU as ELU
from chainrule.layers.activations.leaky_relu import LeakyReLU as LeakyReLU
from chainrule.layers.activations.prelu import PReLU as PReLU
from chainrule.layers.activations.relu import ReLU as ReLU
from chainrule.layers.activations.softmax import Softmax as Softmax
from chainrule.layers.attention.additive_attention import AdditiveAttention as AdditiveAttention
from chainrule.layers.attention.attention import Attention as Attention
from chainrule.layers.attention.grouped_query_attention import (
    GroupedQueryAttention as GroupedQueryAttention,
)
from chainrule.layers.attention.grouped_query_attention import (
    GroupedQueryAttention as GroupQueryAttention,
)
from chainrule.layers.attention.multi_head_attention import MultiHeadAttention as MultiHeadAttention
from chainrule.layers.configs import deserialize as deserialize
from chainrule.layers.configs import serialize as serialize
from chainrule.layers.convolutional.conv import Conv1D as Conv1D
from chainrule.layers.convolutional.conv import Conv2D as Conv2D
from chainrule.layers.convolutional.conv import Conv3D as Conv3D
from chainrule.layers.convolutional.conv_transpose import Conv1DTranspose as Conv1DTranspose
from chainrule.layers.convolutional.conv_transpose import Conv2DTranspose as Conv2DTranspose
from chainrule.layers.convolutional.conv_transpose import Conv3DTranspose as Conv3DTranspose
from chainrule.layers.convolutional.depthwise_conv import DepthwiseConv1D as DepthwiseConv1D
from chainrule.layers.convolutional.depthwise_conv import DepthwiseConv2D as DepthwiseConv2D
from chainrule.layers.convolutional.separable_conv import SeparableConv1D as SeparableConv1D
from chainrule.layers.convolutional.separable_conv import SeparableConv2D as SeparableConv2D
from chainrule.layers.core.dense import Dense as Dense
from chainrule.layers.core.einsum_dense import EinsumDense as EinsumDense
from chainrule.layers.core.embedding import Embedding as Embedding
from chainrule.layers.core.identity import Identity as Identity
from chainrule.layers.core.input_layer import Input as Input
from chainrule.layers.core.input_layer import InputLayer as InputLayer
from chainrule.layers.core.lambda_layer import Lambda as Lambda
from chainrule.layers.core.masking import Masking as Masking
from chainrule.layers.core.reversible_embedding import (
    ReversibleEmbedding as ReversibleEmbedding,
)
from chainrule.layers.core.wrapper import Wrapper as Wrapper
from chainrule.layers.input_spec import InputSpec as InputSpec
from chainrule.layers.layer import Layer as Layer
from chainrule.layers.merging.add import Add as Add
from chainrule.layers.merging.add import add as add
from chainrule.layers.merging.average import Average as Average
from chainrule.layers.merging.average import average as average
from chainrule.layers.merging.concatenate import Concatenate as Concatenate
from chainrule.layers.merging.concatenate import concatenate as concatenate
from chainrule.layers.merging.dot import Dot as Dot
from chainrule.layers.merging.dot import dot as dot
from chainrule.layers.merging.maximum import Maximum as Maximum
from chainrule.layers.merging.maximum import maximum as maximum
from chainrule.layers.merging.minimum import Minimum as Minimum
from chainrule.layers.merging.minimum import minimum as minimum
from chainrule.layers.merging.multiply import Multiply as Multiply
from chainrule.layers.merging.multiply import multiply as multiply
from chainrule.layers.merging.subtract import Subtract as Subtract
from chainrule.layers.merging.subtract import subtract as subtract
from chainrule.layers.normalization.batch_normalization import (
    BatchNormalization as BatchNormalization,
)
from chainrule.layers.normalization.group_normalization import (
    GroupNormalization as GroupNormalization,
)
from chainrule.layers.normalization.layer_normalization import (
    LayerNormalization as LayerNormalization,
)
from chainrule.layers.normalization.rms_normalization import RMSNormalization as RMSNormalization
from chainrule.layers.normalization.spectral_normalization import (
    SpectralNormalization as SpectralNormalization,
)
from chainrule.layers.normalization.unit_normalization import UnitNormalization as UnitNormalization
from chainrule.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling1D as AdaptiveAveragePooling1D,
)
from chainrule.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling2D as AdaptiveAveragePooling2D,
)
from chainrule.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling3D as AdaptiveAveragePooling3D,
)
from chainrule.layers.pooling.adaptive_pooling import AdaptiveMaxPooling1D as AdaptiveMaxPooling1D
from chainrule.layers.pooling.adaptive_pooling import AdaptiveMaxPooling2D as AdaptiveMaxPooling2D
from chainrule.layers.pooling.adaptive_pooling import AdaptiveMaxPooling3D as AdaptiveMaxPooling3D
from chainrule.layers.pooling.average_pooling import AveragePooling1D as AveragePooling1D
from chainrule.layers.pooling.average_pooling import AveragePooling2D as AveragePooling2D
from chainrule.layers.pooling.average_pooling import AveragePooling3D as AveragePooling3D
from chainrule.layers.pooling.global_pooling import GlobalAveragePooling1D as GlobalAveragePooling1D
from chainrule.layers.pooling.global_pooling import GlobalAveragePooling2D as GlobalAveragePooling2D
from chainrule.layers.pooling.global_pooling import GlobalAveragePooling3D as GlobalAveragePooling3D
from chainrule.layers.pooling.global_pooling import GlobalMaxPooling1D as GlobalMaxPooling1D
from chainrule.layers.pooling.global_pooling import GlobalMaxPooling2D as GlobalMaxPooling2D
from chainrule.layers.pooling.global_pooling import GlobalMaxPooling3D as GlobalMaxPooling3D
from chainrule.layers.pooling.max_pooling import MaxPooling1D as MaxPooling1D
from chainrule.layers.pooling.max_pooling import MaxPooling2D as MaxPooling2D
from chainrule.layers.pooling.max_pooling import MaxPooling3D as MaxPooling3D
from chainrule.layers.preprocessing.category_encoding import CategoryEncoding as CategoryEncoding
from chainrule.layers.preprocessing.discretization import Discretization as Discretization
from chainrule.layers.preprocessing.hashed_crossing import HashedCrossing as HashedCrossing
from chainrule.layers.preprocessing.hashing import Hashing as Hashing
from chainrule.layers.preprocessing.image.aug_mix import AugMix as AugMix
from chainrule.layers.preprocessing.image.auto_contrast import AutoContrast as AutoContrast
from chainrule.layers.preprocessing.image.center_crop import CenterCrop as CenterCrop
from chainrule.layers.preprocessing.image.cut_mix import CutMix as CutMix
from chainrule.layers.preprocessing.image.equalization import Equalization as Equalization
from chainrule.layers.preprocessing.image.max_num_bounding_boxes import (
    MaxNumBoundingBoxes as MaxNumBoundingBoxes,
)
from chainrule.layers.preprocessing.image.mix_up import MixUp as MixUp
from chainrule.layers.preprocessing.image.rand_augment import RandAugment as RandAugment
from chainrule.layers.preprocessing.image.random_brightness import (
    RandomBrightness as RandomBrightness,
)
from chainrule.layers.preprocessing.image.random_color_degeneration import (
    RandomColorDegeneration as RandomColorDegeneration,
)
from chainrule.layers.preprocessing.image.random_color_jitter import (
    RandomColorJitter as RandomColorJitter,
)
from chainrule.layers.preprocessing.image.random_contrast import RandomContrast as RandomContrast
from chainrule.layers.preprocessing.image.random_crop import RandomCrop as RandomCrop
from chainrule.layers.preprocessing.image.random_elastic_transform import (
    RandomElasticTransform as RandomElasticTransform,
)
from chainrule.layers.preprocessing.image.random_erasing import RandomErasing as RandomErasing
from chainrule.layers.preprocessing.image.random_flip import RandomFlip as RandomFlip
from chainrule.layers.preprocessing.image.random_gaussian_blur import (
    RandomGaussianBlur as RandomGaussianBlur,
)
from chainrule.layers.preprocessing.image.random_grayscale import RandomGrayscale as RandomGrayscale
from chainrule.layers.preprocessing.image.random_hue import RandomHue as RandomHue
from chainrule.layers.preprocessing.image.random_invert import RandomInvert as RandomInvert
from chainrule.layers.preprocessing.image.random_perspective import (
    RandomPerspective as RandomPerspective,
)
from chainrule.layers.preprocessing.image.random_posterization import (
    RandomPosterization as RandomPosterization,
)
from chainrule.layers.preprocessing.image.random_rotation import RandomRotation as RandomRotation
from chainrule.layers.preprocessing.image.random_saturation import (
    RandomSaturation as RandomSaturation,
)
from chainrule.layers.preprocessing.image.random_sharpness import RandomSharpness as RandomSharpness
from chainrule.layers.preprocessing.image.random_shear import RandomShear as RandomShear
from chainrule.layers.preprocessing.image.random_translation import (
    RandomTranslation as RandomTranslation,
)
from chainrule.layers.preprocessing.image.random_zoom import RandomZoom as RandomZoom
from chainrule.layers.preprocessing.image.resizing import Resizing as Resizing
from chainrule.layers.preprocessing.image.solarization import Solarization as Solarization
from chainrule.layers.preprocessing.integer_lookup import IntegerLookup as IntegerLookup
from chainrule.layers.preprocessing.mel_spectrogram import MelSpectrogram as MelSpectrogram
from chainrule.layers.preprocessing.normalization import Normalization as Normalization
from chainrule.layers.preprocessing.pipeline import Pipeline as Pipeline
from chainrule.layers.preprocessing.rescaling import Rescaling as Rescaling
from chainrule.layers.preprocessing.stft_spectrogram import STFTSpectrogram as STFTSpectrogram
from chainrule.layers.preprocessing.string_lookup import StringLookup as StringLookup
from chainrule.layers.preprocessing.text_vectorization import (
    TextVectorization as TextVectorization,
)
from chainrule.layers.regularization.activity_regularization import (
    ActivityRegularization as ActivityRegularization,
)
from chainrule.layers.regularization.alpha_dropout import AlphaDropout as AlphaDropout
from chainrule.layers.regularization.dropout import Dropout as Dropout
from chainrule.layers.regularization.gaussian_dropout import GaussianDropout as GaussianDropout
from chainrule.layers.regularization.gaussian_noise import GaussianNoise as GaussianNoise
from chainrule.layers.regularization.spatial_dropout import SpatialDropout1D as SpatialDropout1D
from chainrule.layers.regularization.spatial_dropout import SpatialDropout2D as SpatialDropout2D
from chainrule.layers.regularization.spatial_dropout import SpatialDropout3D as SpatialDropout3D
from chainrule.layers.reshaping.cropping import Cropping1D as Cropping1D
from chainrule.layers.reshaping.cropping import Cropping2D as Cropping2D
from chainrule.layers.reshaping.cropping import Cropping3D as Cropping3D
from chainrule.layers.reshaping.flatten import Flatten as Flatten
from chainrule.layers.reshaping.permute import Permute as Permute
from chainrule.layers.reshaping.repeat_vector import RepeatVector as RepeatVector
from chainrule.layers.reshaping.reshape import Reshape as Reshape
from chainrule.layers.reshaping.up_sampling import UpSampling1D as UpSampling1D
from chainrule.layers.reshaping.up_sampling import UpSampling2D as UpSampling2D
from chainrule.layers.reshaping.up_sampling import UpSampling3D as UpSampling3D
from chainrule.layers.reshaping.zero_padding import ZeroPadding1D as ZeroPadding1D
from chainrule.layers.reshaping.zero_padding import ZeroPadding2D as ZeroPadding2D
from chainrule.layers.reshaping.zero_padding import ZeroPadding3D as ZeroPadding3D
from chainrule.layers.rnn.bidirectional import Bidirectional as Bidirectional
from chainrule.layers.rnn.conv_lstm import ConvLSTM1D as ConvLSTM1D
from chainrule.layers.rnn.conv_lstm import ConvLSTM2D as ConvLSTM2D
from chainrule.layers.rnn.conv_lstm import ConvLSTM3D as ConvLSTM3D
from chainrule.layers.rnn.gru import GRU as GRU
from chainrule.layers.rnn.gru import GRUCell as GRUCell
from chainrule.layers.rnn.lstm import LSTM as LSTM
from chainrule.layers.rnn.lstm import LSTMCell as LSTMCell
from chainrule.layers.rnn.rnn import RNN as RNN
from chainrule.layers.rnn.simple_rnn import SimpleRNN as SimpleRNN
from chainrule.layers.rnn.simple_rnn import SimpleRNNCell as SimpleRNNCell
from chainrule.layers.rnn.stacked_rnn_cells import StackedRNNCells as StackedRNNCells
from chainrule.layers.rnn.time_distributed import TimeDistributed as TimeDistributed

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D

AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D


publish(globals())
