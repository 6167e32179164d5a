// The system calls that seccomp denies in the container: the mail daemons do not need them, and container
// escapes have used them. The format is LXC's seccomp policy, version 2. Pure.

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
  // only 32-bit programs have it, and a filter cannot read its arguments
  'socketcall',
];

// linux/sched.h. Without CLONE_NEWTIME, whose bit is part of clone's exit signal: only unshare and clone3 take it.
const CLONE_NAMESPACES = {
  CLONE_NEWNS: 0x0002_0000,
  CLONE_NEWCGROUP: 0x0200_0000,
  CLONE_NEWUTS: 0x0400_0000,
  CLONE_NEWIPC: 0x0800_0000,
  CLONE_NEWUSER: 0x1000_0000,
  CLONE_NEWPID: 0x2000_0000,
  CLONE_NEWNET: 0x4000_0000,
};

/** The flags are the first argument of clone on every architecture except s390. */
function refusedClones(): string[] {
  return Object.values(CLONE_NAMESPACES).map((flag) => {
    const bit = `0x${flag.toString(16)}`;
    return `clone errno ${EPERM} [0,${bit},SCMP_CMP_MASKED_EQ,${bit}]`;
  });
}

// linux/socket.h: unix 1, inet 2, inet6 10 and netlink 16 are allowed
const AF_NETLINK = 16;
const OTHER_FAMILIES = [3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15];
// the kernel reads the low 32 bits of the argument, so the filter ignores the high bits
const INT = '0xffffffff';

// linux/netlink.h: route 0 (getaddrinfo) and netfilter 12 (fail2ban's nftables) are allowed
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
    // AF_PACKET, AF_ALG, AF_VSOCK, AF_XDP and all newer families
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
    // a filter cannot read its flags, which are in memory; the C library falls back to clone
    `clone3 errno ${ENOSYS}`,
    ...refusedSockets(),
  ];
  return `2\ndenylist\n[all]\n${lines.join('\n')}\n`;
}
