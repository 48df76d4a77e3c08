# As on ESP32, without MAC16 and loops.
.include "../xtensa/depthwise.s"
