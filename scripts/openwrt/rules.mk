# The part of OpenWrt's rules.mk that package/Makefile uses; scripts/package.ts sets OUT and CONFIG_aarch64.

INSTALL_DIR := install -d -m 0755
INSTALL_BIN := install -m 0755
INSTALL_CONF := install -m 0600
INSTALL_DATA := install -m 0644
