# Freezes the runtime into a firmware: make ... FROZEN_MANIFEST=/path/to/whit/device/manifest.py
# The kernels in whit/viper become machine code of the firmware's architecture.
package("whit")  # noqa: F821
