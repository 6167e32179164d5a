# The part of OpenWrt's package.mk that package/Makefile uses. Writes below OUT: meta/ with one file for each field or
# script of the recipe, and data/ with the tree to be packed.

FIELDS := PKG_NAME PKG_VERSION PKG_RELEASE PKG_MAINTAINER PKG_LICENSE SECTION TITLE DEPENDS CONFLICTS PROVIDES USERID
PARTS := description conffiles preinst postinst prerm postrm

define BuildPackage
  $(eval $(Package/$(1)))
  $(foreach field,$(FIELDS),$(file >$(OUT)/meta/$(field),$(strip $($(field)))))
  $(foreach part,$(PARTS),$(if $(value Package/$(1)/$(part)),$(file >$(OUT)/meta/$(part),$(Package/$(1)/$(part)))))
endef

.PHONY: install
install:
	$(call Package/$(PKG_NAME)/install,$(OUT)/data)
