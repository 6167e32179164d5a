# Supervises instances and runs triggers, as procd: a service's instance is a process that is started again when it ends.
# shellcheck shell=dash disable=SC2154,SC2086

procd_open_instance() { INSTANCE=$1 COMMAND='' ENVIRONMENT='' NICE=0; }
procd_set_param() {
	case $1 in
	command)
		shift
		COMMAND=$*
		;;
	env)
		shift
		ENVIRONMENT=$*
		;;
	nice) NICE=$2 ;;
	esac
}
procd_close_instance() {
	! procd_running "$name" "$INSTANCE" || return 0
	touch "$PROCD/$name.$INSTANCE.wanted"
	supervise "$PROCD/$name.$INSTANCE" </dev/null >>/var/log/messages 2>&1 &
}
supervise() {
	while [ -e "$1.wanted" ]; do
		env $ENVIRONMENT $COMMAND &
		echo $! >"$1.pid"
		# Debian's BusyBox has no nice
		renice -n "$NICE" -p $!
		wait $!
		[ ! -e "$1.wanted" ] || sleep 5
	done
}
procd_running() { [ -e "$PROCD/$1.$2.pid" ] && kill -0 "$(cat "$PROCD/$1.$2.pid")" 2>/dev/null; }
procd_send_signal() { kill "-$3" "$(cat "$PROCD/$1.$2.pid")"; }
procd_kill() {
	for wanted in "$PROCD/$1".*.wanted; do
		[ -e "$wanted" ] || continue
		rm "$wanted"
		pid=$(cat "${wanted%.wanted}.pid")
		kill "$pid" 2>/dev/null
		tries=0
		while kill -0 "$pid" 2>/dev/null && [ $tries -lt 10 ]; do
			sleep 1
			tries=$((tries + 1))
		done
		kill -9 "$pid" 2>/dev/null
		rm -f "${wanted%.wanted}.pid"
	done
	return 0
}

# Events are sent by /sbin/event
procd_open_trigger() { :; }
procd_close_trigger() { :; }
procd_add_reload_trigger() {
	for package in "$@"; do echo "config.change.$package /etc/init.d/$name reload" >>"$PROCD/$name.triggers"; done
}
procd_add_raw_trigger() {
	event=$1
	shift 2
	echo "$event $*" >>"$PROCD/$name.triggers"
}
procd_add_reload_mount_trigger() { echo "mount.add /etc/init.d/$name reload" >>"$PROCD/$name.triggers"; }
