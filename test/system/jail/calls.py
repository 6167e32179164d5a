# Tries system calls as root in the container. Prints a JSON object: name -> errno, 0 if the call was allowed.
import ctypes, json, os, platform, struct, sys

NUMBERS = {
    'x86_64': {'clone': 56, 'clone3': 435, 'unshare': 272, 'setns': 308, 'socket': 41, 'bpf': 321, 'keyctl': 250,
               'mount': 165, 'io_uring_setup': 425, 'perf_event_open': 298, 'userfaultfd': 323, 'pidfd_getfd': 438},
    'aarch64': {'clone': 220, 'clone3': 435, 'unshare': 97, 'setns': 268, 'socket': 198, 'bpf': 280, 'keyctl': 219,
                'mount': 40, 'io_uring_setup': 425, 'perf_event_open': 241, 'userfaultfd': 282, 'pidfd_getfd': 438},
}[platform.machine()]
NAMESPACES = {'NEWNS': 0x20000, 'NEWCGROUP': 0x2000000, 'NEWUTS': 0x4000000, 'NEWIPC': 0x8000000,
              'NEWUSER': 0x10000000, 'NEWPID': 0x20000000, 'NEWNET': 0x40000000}
SIGCHLD = 17
libc = ctypes.CDLL(None, use_errno=True)
result = {}


def call(name, *args):
    """The errno, or 0; a child process of the call exits at once."""
    ctypes.set_errno(0)
    words = [ctypes.c_ulong(arg) if isinstance(arg, int) else arg for arg in args]
    value = libc.syscall(ctypes.c_long(NUMBERS[name]), *words)
    if value == 0 and name in ('clone', 'clone3'):
        os._exit(0)
    if value > 0 and name in ('clone', 'clone3'):
        os.waitpid(value, 0)
    return ctypes.get_errno() if value < 0 else 0


result['clone'] = call('clone', SIGCHLD, 0, 0, 0, 0)
for name, flag in NAMESPACES.items():
    result['clone ' + name] = call('clone', flag | SIGCHLD, 0, 0, 0, 0)
    # Bits that the kernel ignores must not hide a flag from the filter
    result['clone high bits ' + name] = call('clone', 1 << 40 | flag | SIGCHLD, 0, 0, 0, 0)
    result['unshare ' + name] = call('unshare', flag)
    arguments = ctypes.create_string_buffer(struct.pack('8Q', flag, 0, 0, 0, SIGCHLD, 0, 0, 0))
    result['clone3 ' + name] = call('clone3', arguments, 64)
own = os.open('/proc/self/ns/user', os.O_RDONLY)
result['setns'] = call('setns', own, 0)
for name, family in {'PACKET': 17, 'ALG': 38, 'VSOCK': 40, 'XDP': 44, 'KEY': 15, 'X25': 9}.items():
    result['socket ' + name] = call('socket', family, 2, 0)
    result['socket high bits ' + name] = call('socket', 1 << 32 | family, 2, 0)
for name, protocol in {'XFRM': 6, 'AUDIT': 9, 'GENERIC': 16}.items():
    result['netlink ' + name] = call('socket', 16, 2, protocol)
    result['netlink high bits ' + name] = call('socket', 16, 2, 1 << 32 | protocol)
result['netlink ROUTE'] = call('socket', 16, 2, 0)
result['netlink NETFILTER'] = call('socket', 16, 2, 12)
for name in ('bpf', 'keyctl', 'mount', 'io_uring_setup', 'perf_event_open', 'userfaultfd', 'pidfd_getfd'):
    result[name] = call(name, 0, 0, 0, 0, 0)
json.dump(result, sys.stdout)
