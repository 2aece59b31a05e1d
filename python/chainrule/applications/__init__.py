"""Known networks for images, with the names that Keras gives them and their layers.

`weights=` takes the path of a file of weights; `weights="imagenet"` finds the published file in the
cache of downloads (`~/.keras/models`, where Keras keeps it too), else downloads and checks it.
"""

from chainrule.applications import efficientnet as efficientnet
from chainrule.applications import imagenet_utils as imagenet_utils
from chainrule.applications import mobilenet_v2 as mobilenet_v2
from chainrule.applications import mobilenet_v3 as mobilenet_v3
from chainrule.applications import resnet as resnet
from chainrule.applications import resnet50 as resnet50
from chainrule.applications import vgg16 as vgg16
from chainrule.applications import vgg19 as vgg19
from chainrule.applications.efficientnet import EfficientNetB0 as EfficientNetB0
from chainrule.applications.efficientnet import EfficientNetB1 as EfficientNetB1
from chainrule.applications.efficientnet import EfficientNetB2 as EfficientNetB2
from chainrule.applications.efficientnet import EfficientNetB3 as EfficientNetB3
from chainrule.applications.efficientnet import EfficientNetB4 as EfficientNetB4
from chainrule.applications.efficientnet import EfficientNetB5 as EfficientNetB5
from chainrule.applications.efficientnet import EfficientNetB6 as EfficientNetB6
from chainrule.applications.efficientnet import EfficientNetB7 as EfficientNetB7
from chainrule.applications.mobilenet_v2 import MobileNetV2 as MobileNetV2
from chainrule.applications.mobilenet_v3 import MobileNetV3Large as MobileNetV3Large
from chainrule.applications.mobilenet_v3 import MobileNetV3Small as MobileNetV3Small
from chainrule.applications.resnet import ResNet50 as ResNet50
from chainrule.applications.resnet import ResNet101 as ResNet101
from chainrule.applications.resnet import ResNet152 as ResNet152
from chainrule.applications.vgg16 import VGG16 as VGG16
from chainrule.applications.vgg19 import VGG19 as VGG19
from chainrule.base.namespace import publish

publish(globals())
