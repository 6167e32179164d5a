// How many SMTP sessions fit into the container's memory. Pure.

/** A session costs a process of 2.1 MB and 0.3 MB of the kernel's memory, also a silent one. */
export interface SmtpSessions {
  /** Sessions of one address (IPv6: one /64) on port 25, and on each of 587 and 465. */
  readonly perAddress: number;
  readonly perSubmittingAddress: number;
  /** Processes of port 25, and of each of 587 and 465: five addresses at their limit leave some free for others. */
  readonly processes: number;
  readonly submissionProcesses: number;
}

const MiB = 2 ** 20;

/**
 * With every port full, the sessions take 280 MB, 210 MB or 160 MB. All other daemons take up to 400 MB while they check
 * two messages of 24 MB and answer 20 logins at once; without 80 MB more for the programs' own pages, the kernel reads
 * them from the disk again and again.
 */
const LIMITS = [
  { from: 896 * MiB, perAddress: 8, perSubmittingAddress: 6 },
  { from: 704 * MiB, perAddress: 6, perSubmittingAddress: 4 },
  { from: 0, perAddress: 4, perSubmittingAddress: 3 },
] as const;

/** @param memory `main.memory`, bytes */
export function smtpSessions(memory: number): SmtpSessions {
  const { perAddress, perSubmittingAddress } =
    LIMITS.find(({ from }) => memory >= from) ?? LIMITS[2];
  return {
    perAddress,
    perSubmittingAddress,
    processes: 5 * perAddress + 4,
    submissionProcesses: 5 * perSubmittingAddress + 6,
  };
}
