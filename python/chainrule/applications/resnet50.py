"""`ResNet50` and its preprocessing, under the name of Keras's module for it."""

from chainrule.applications.resnet import ResNet50 as ResNet50
from chainrule.applications.resnet import decode_predictions as decode_predictions
from chainrule.applications.resnet import preprocess_input as preprocess_input
from chainrule.base.namespace import publish

publish(globals())
