"""Layers: what a model is made of."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.layers.activations.activation import Activation
from chainrule.layers.activations.elu import ELU
from chainrule.layers.activations.leaky_relu import LeakyReLU
from chainrule.layers.activations.prelu import PReLU
from chainrule.layers.activations.relu import ReLU
from chainrule.layers.activations.softmax import Softmax
from chainrule.layers.configs import deserialize, serialize
from chainrule.layers.convolutional.conv import Conv1D, Conv2D, Conv3D
from chainrule.layers.convolutional.conv_transpose import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
)
from chainrule.layers.convolutional.depthwise_conv import DepthwiseConv1D, DepthwiseConv2D
from chainrule.layers.convolutional.separable_conv import SeparableConv1D, SeparableConv2D
from chainrule.layers.core.dense import Dense
from chainrule.layers.core.einsum_dense import EinsumDense
from chainrule.layers.core.embedding import Embedding
from chainrule.layers.core.identity import Identity
from chainrule.layers.core.input_layer import Input, InputLayer
from chainrule.layers.core.lambda_layer import Lambda
from chainrule.layers.core.masking import Masking
from chainrule.layers.core.wrapper import Wrapper
from chainrule.layers.input_spec import InputSpec
from chainrule.layers.layer import Layer
from chainrule.layers.merging.add import Add, add
from chainrule.layers.merging.average import Average, average
from chainrule.layers.merging.concatenate import Concatenate, concatenate
from chainrule.layers.merging.dot import Dot, dot
from chainrule.layers.merging.maximum import Maximum, maximum
from chainrule.layers.merging.minimum import Minimum, minimum
from chainrule.layers.merging.multiply import Multiply, multiply
from chainrule.layers.merging.subtract import Subtract, subtract
from chainrule.layers.normalization.batch_normalization import BatchNormalization
from chainrule.layers.normalization.group_normalization import GroupNormalization
from chainrule.layers.normalization.layer_normalization import LayerNormalization
from chainrule.layers.normalization.rms_normalization import RMSNormalization
from chainrule.layers.normalization.spectral_normalization import SpectralNormalization
from chainrule.layers.normalization.unit_normalization import UnitNormalization
from chainrule.layers.pooling.adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from chainrule.layers.pooling.average_pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
)
from chainrule.layers.pooling.global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from chainrule.layers.pooling.max_pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from chainrule.layers.preprocessing.image.aug_mix import AugMix
from chainrule.layers.preprocessing.image.auto_contrast import AutoContrast
from chainrule.layers.preprocessing.image.center_crop import CenterCrop
from chainrule.layers.preprocessing.image.cut_mix import CutMix
from chainrule.layers.preprocessing.image.equalization import Equalization
from chainrule.layers.preprocessing.image.mix_up import MixUp
from chainrule.layers.preprocessing.image.rand_augment import RandAugment
from chainrule.layers.preprocessing.image.random_brightness import RandomBrightness
from chainrule.layers.preprocessing.image.random_color_degeneration import RandomColorDegeneration
from chainrule.layers.preprocessing.image.random_color_jitter import RandomColorJitter
from chainrule.layers.preprocessing.image.random_contrast import RandomContrast
from chainrule.layers.preprocessing.image.random_crop import RandomCrop
from chainrule.layers.preprocessing.image.random_elastic_transform import RandomElasticTransform
from chainrule.layers.preprocessing.image.random_erasing import RandomErasing
from chainrule.layers.preprocessing.image.random_flip import RandomFlip
from chainrule.layers.preprocessing.image.random_gaussian_blur import RandomGaussianBlur
from chainrule.layers.preprocessing.image.random_grayscale import RandomGrayscale
from chainrule.layers.preprocessing.image.random_hue import RandomHue
from chainrule.layers.preprocessing.image.random_invert import RandomInvert
from chainrule.layers.preprocessing.image.random_perspective import RandomPerspective
from chainrule.layers.preprocessing.image.random_posterization import RandomPosterization
from chainrule.layers.preprocessing.image.random_rotation import RandomRotation
from chainrule.layers.preprocessing.image.random_saturation import RandomSaturation
from chainrule.layers.preprocessing.image.random_sharpness import RandomSharpness
from chainrule.layers.preprocessing.image.random_shear import RandomShear
from chainrule.layers.preprocessing.image.random_translation import RandomTranslation
from chainrule.layers.preprocessing.image.random_zoom import RandomZoom
from chainrule.layers.preprocessing.image.resizing import Resizing
from chainrule.layers.preprocessing.image.solarization import Solarization
from chainrule.layers.preprocessing.normalization import Normalization
from chainrule.layers.preprocessing.pipeline import Pipeline
from chainrule.layers.preprocessing.rescaling import Rescaling
from chainrule.layers.regularization.activity_regularization import ActivityRegularization
from chainrule.layers.regularization.alpha_dropout import AlphaDropout
from chainrule.layers.regularization.dropout import Dropout
from chainrule.layers.regularization.gaussian_dropout import GaussianDropout
from chainrule.layers.regularization.gaussian_noise import GaussianNoise
from chainrule.layers.regularization.spatial_dropout import (
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from chainrule.layers.reshaping.cropping import Cropping1D, Cropping2D, Cropping3D
from chainrule.layers.reshaping.flatten import Flatten
from chainrule.layers.reshaping.permute import Permute
from chainrule.layers.reshaping.repeat_vector import RepeatVector
from chainrule.layers.reshaping.reshape import Reshape
from chainrule.layers.reshaping.up_sampling import UpSampling1D, UpSampling2D, UpSampling3D
from chainrule.layers.reshaping.zero_padding import ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from chainrule.layers.rnn.time_distributed import TimeDistributed

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

__all__ = [
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AlphaDropout",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "CenterCrop",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "ELU",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Minimum",
    "MixUp",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "Subtract",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

publish(globals())
