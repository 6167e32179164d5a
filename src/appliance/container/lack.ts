// A requirement that this host does not meet.

export interface Lack {
  readonly code: 'HOST_UNFIT' | 'PORT_TAKEN';
  readonly message: string;
  readonly hint: string;
}
