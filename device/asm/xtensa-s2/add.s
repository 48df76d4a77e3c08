# As on ESP32, without loops.
.include "../xtensa/add.s"
