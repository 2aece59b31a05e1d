"""Data before training, under the names that Keras keeps for it."""

from __future__ import annotations

from chainrule.base.namespace import publish
from chainrule.preprocessing import image as image
from chainrule.preprocessing import sequence as sequence
from chainrule.utils.image_dataset import (
    image_dataset_from_directory as image_dataset_from_directory,
)
from chainrule.utils.text_dataset import (
    text_dataset_from_directory as text_dataset_from_directory,
)
from chainrule.utils.timeseries_dataset import (
    timeseries_dataset_from_array as timeseries_dataset_from_array,
)

publish(globals())
