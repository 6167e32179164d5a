// The system calls that the container is refused: no mail daemon needs them, and they have been ways out of
// containers. The format is LXC's seccomp policy, version 2. Pure.

const EPERM = 1;
const ENOSYS = 38;

const DENIED = [
  'kexec_load',
  'kexec_file_load',
  'init_module',
  'finit_module',
  'delete_module',
  'open_by_handle_at',
  'bpf',
  'perf_event_open',
  'userfaultfd',
  'fanotify_init',
  'add_key',
  'request_key',
  'keyctl',
  'io_uring_setup',
  'io_uring_enter',
  'io_uring_register',
  'mount',
  'umount',
  'umount2',
  'move_mount',
  'open_tree',
  'fsopen',
  'fspick',
  'fsconfig',
  'fsmount',
  'mount_setattr',
  'pivot_root',
  'unshare',
  'setns',
  'swapon',
  'swapoff',
  'reboot',
  'ptrace',
  'process_vm_readv',
  'process_vm_writev',
  'process_madvise',
  'pidfd_getfd',
  'kcmp',
  'move_pages',
  'migrate_pages',
  'acct',
  'quotactl',
  'quotactl_fd',
  'settimeofday',
  'clock_settime',
  'clock_settime64',
  'clock_adjtime',
  'clock_adjtime64',
  'adjtimex',
  'syslog',
  'personality',
  'lookup_dcookie',
  'nfsservctl',
  'uselib',
  'modify_ldt',
  'vm86',
  'vm86old',
  'iopl',
  'ioperm',
  // 32-bit programs alone have it, and its arguments are out of a filter's sight
  'socketcall',
];

// linux/sched.h. CLONE_NEWTIME has a bit that is part of the exit signal here: only unshare and clone3 take it.
const CLONE_NAMESPACES = {
  CLONE_NEWNS: 0x0002_0000,
  CLONE_NEWCGROUP: 0x0200_0000,
  CLONE_NEWUTS: 0x0400_0000,
  CLONE_NEWIPC: 0x0800_0000,
  CLONE_NEWUSER: 0x1000_0000,
  CLONE_NEWPID: 0x2000_0000,
  CLONE_NEWNET: 0x4000_0000,
};

/** The first argument of clone holds its flags on every machine but s390. */
function refusedClones(): string[] {
  return Object.values(CLONE_NAMESPACES).map((flag) => {
    const bit = `0x${flag.toString(16)}`;
    return `clone errno ${EPERM} [0,${bit},SCMP_CMP_MASKED_EQ,${bit}]`;
  });
}

// linux/socket.h: unix 1, inet 2, inet6 10 and netlink 16 stay
const AF_NETLINK = 16;
const OTHER_FAMILIES = [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15];
// the kernel reads 32 bits of the argument: one with others set must not pass as another family
const INT = '0xffffffff';

// linux/netlink.h: route 0 (getaddrinfo) and netfilter 12 (fail2ban's nftables) stay
const NETLINK_NETFILTER = 12;
const OTHER_NETLINKS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

function refusedNetlinks(): string[] {
  const netlink = `socket errno ${EPERM} [0,${AF_NETLINK},SCMP_CMP_EQ]`;
  return [
    `${netlink}[2,${NETLINK_NETFILTER},SCMP_CMP_GT]`,
    ...OTHER_NETLINKS.map((protocol) => `${netlink}[2,${protocol},SCMP_CMP_MASKED_EQ,${INT}]`),
  ];
}

function refusedSockets(): string[] {
  return [
    // AF_PACKET, AF_ALG, AF_VSOCK, AF_XDP and all that came later
    `socket errno ${EPERM} [0,${AF_NETLINK},SCMP_CMP_GT]`,
    ...OTHER_FAMILIES.map(
      (family) => `socket errno ${EPERM} [0,${family},SCMP_CMP_MASKED_EQ,${INT}]`,
    ),
    ...refusedNetlinks(),
  ];
}

/** The text of the container's seccomp profile. */
export function renderSeccomp(): string {
  const lines = [
    ...DENIED.map((call) => `${call} errno ${EPERM}`),
    ...refusedClones(),
    // its flags are in memory, out of a filter's sight; the C library takes clone instead
    `clone3 errno ${ENOSYS}`,
    ...refusedSockets(),
  ];
  return `2\ndenylist\n[all]\n${lines.join('\n')}\n`;
}
