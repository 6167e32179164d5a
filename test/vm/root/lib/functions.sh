# The part of OpenWrt's functions.sh that the init script and the package scripts use.
# shellcheck shell=dash disable=SC1090,SC2034,SC2154

PROCD=$IPKG_INSTROOT/var/run/procd

config_load() { LOADED=$1; }
config_get() {
	found=$(uci -q get "$LOADED.$2.$3")
	eval "$1=\${found:-\$4}"
}
config_get_bool() {
	config_get "$@"
	case $(eval echo "\$$1") in
	1 | on | true | yes | enabled) eval "$1=1" ;;
	0 | off | false | no | disabled) eval "$1=0" ;;
	*) eval "$1=$4" ;;
	esac
}

package_script() {
	package=${1##*/}
	package=${package%.*}
	own=$IPKG_INSTROOT/usr/lib/opkg/info/$package.$2-pkg
	[ ! -e "$own" ] || (. "$own")
}
services() { grep '^/etc/init.d/' "$IPKG_INSTROOT/usr/lib/opkg/info/$1.list"; }

# The package's own script, then its services: enabled and started
default_postinst() {
	package_script "$1" postinst
	services "$package" | while read -r script; do
		[ "$PKG_UPGRADE" = 1 ] || "$script" enable
		"$script" start
	done
}

default_prerm() {
	package_script "$1" prerm
	services "$package" | while read -r script; do
		[ "$PKG_UPGRADE" = 1 ] || "$script" disable
		"$script" stop
	done
}
