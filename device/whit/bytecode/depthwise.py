# DEPTHWISE_CONV_2D is a convolution with a group per channel. See conv.py, and viper/depthwise.py for the fast form.
from .conv import run  # noqa: F401
