// Something that this host must have and has not.

export interface Lack {
  readonly code: 'HOST_UNFIT' | 'PORT_TAKEN';
  readonly message: string;
  readonly hint: string;
}
