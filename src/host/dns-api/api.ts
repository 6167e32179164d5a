// The interface to a provider's API, the same for all providers: a call changes one record set, and keeps every record
// that it does not name byte for byte.

export type ApiProvider = 'ovh' | 'gandi' | 'cloudflare';

/** Seconds: the minimum and maximum that each API accepts. */
export const TTL_BOUNDS: Readonly<Record<ApiProvider, readonly [least: number, most: number]>> = {
  // https://api.gandi.net/docs/livedns/
  gandi: [300, 2_592_000],
  // https://developers.cloudflare.com/dns/manage-dns-records/reference/ttl/
  cloudflare: [60, 86_400],
  // a TTL is a signed 32-bit number (RFC 2181 8)
  ovh: [60, 2_147_483_647],
};

/** The credentials of /etc/config/dns-provider. */
export type Account =
  | {
      readonly provider: 'ovh';
      /** ovh-eu, ovh-ca or ovh-us. */
      readonly endpoint: string;
      readonly appKey: string;
      readonly appSecret: string;
      readonly consumerKey: string;
    }
  | { readonly provider: 'gandi'; readonly apiKey: string; readonly sharingId: string | null }
  | {
      readonly provider: 'cloudflare';
      readonly apiToken: string;
      /** A zone with a configured id: a token for one zone may lack permission to list zones. */
      readonly known: { readonly zone: string; readonly id: string } | null;
    };

export interface ApiChange {
  /** Fully qualified, lower case, without the final dot. */
  readonly name: string;
  readonly type: string;
  /** In the form of src/host/dns/message.ts. */
  readonly add: readonly string[];
  readonly remove: readonly string[];
  /** Seconds, for values added to an empty set. */
  readonly ttl: number;
}

export interface ApiZone {
  /** Cloudflare's id of the zone; null at providers that use the name. */
  readonly id: string | null;
  /**
   * Adds and removes values. Reads the set first and makes only the missing changes, so it can be repeated.
   * Throws DNS_REFUSED with the provider's words, DNS_DENIED, DNS_UNREACHABLE.
   */
  change(set: ApiChange): Promise<void>;
  /** Sends all changes to the name servers; called after the last change. Throws as `change` does. */
  finish(): Promise<void>;
}

export interface DnsApi {
  readonly provider: ApiProvider;
  /**
   * null when the zone is not in the account. Asks the provider once for each zone.
   * Throws DNS_DENIED for rejected credentials, DNS_UNREACHABLE.
   */
  openZone(zone: string): Promise<ApiZone | null>;
}

/** A record at the provider. */
export interface KeptRecord<Id> {
  readonly id: Id;
  /** In the form of src/host/dns/message.ts. */
  readonly value: string;
}

export interface RecordSteps<R> {
  readonly replace: readonly { readonly record: R; readonly value: string }[];
  readonly create: readonly string[];
  readonly remove: readonly R[];
}

/** The changes of single records towards the wanted state; a record with a new value keeps its id. Pure. */
export function planSteps<R extends KeptRecord<unknown>>(
  present: readonly R[],
  { add, remove }: Pick<ApiChange, 'add' | 'remove'>,
): RecordSteps<R> {
  const missing = add.filter((value) => !present.some((record) => record.value === value));
  const unwanted = present.filter(({ value }) => remove.includes(value) && !add.includes(value));
  const count = Math.min(missing.length, unwanted.length);
  return {
    replace: unwanted
      .slice(0, count)
      .map((record, index) => ({ record, value: missing[index] ?? '' })),
    create: missing.slice(count),
    remove: unwanted.slice(count),
  };
}
