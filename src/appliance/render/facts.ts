// Input of the rendering that is not in UCI: read from this host, once per command.

export interface Facts {
  /** IPv4 of the container, without prefix length. */
  readonly containerAddress: string;
  /** The container's network, CIDR. */
  readonly containerNetwork: string;
  /** IPv4 of the host on the container's bridge. */
  readonly gateway: string;
  readonly containerAddress6: string | null;
  readonly gateway6: string | null;
  /** Networks (CIDR) on the bridge; their hosts are never banned. */
  readonly lanNetworks: readonly string[];
  readonly hasIpv6: boolean;
  /** Password of the internal account with which `apply` proves that a login works. */
  readonly probePassword: string;
  /** IPv4 of the web container, where it is in use: webmail is proved with a login too. */
  readonly webAddress: string | null;
  readonly srs: SrsSecrets;
}

/** They sign the addresses to which the senders of forwarded mail are rewritten. */
export interface SrsSecrets {
  readonly signing: string;
  /** Its signatures are still accepted; null before the first rotation. */
  readonly former: string | null;
}
