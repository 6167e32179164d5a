// Puts members into the archives of one backup. A full archive is followed by another one, so that one message can be
// restored without reading the whole store. Memory: two buffers.

import type { Host } from '../../host/host.ts';
import type { SealedWriter } from '../../host/sealed-file.ts';
import { TAR_END, type TarMember, tarHeader, tarPadding } from '../../host/tar.ts';
import type { OpenFile } from '../../host/tree-reader.ts';
import type { Index, Place } from './index-file.ts';
import { archiveName } from './manifest.ts';

const BUFFER = 512 * 1024;

export interface PackerOptions {
  /** Where the archives are written. */
  readonly folder: string;
  readonly sequence: number;
  readonly recipients: readonly string[];
  readonly index: Index;
  /** Content of an archive before compression, from which on another one follows. */
  readonly partBytes: number;
}

export interface Packer {
  /** Adds a member with the content in memory. */
  add(member: TarMember, content: Uint8Array): Promise<Place>;
  /** Adds a member with the content of the file, as far as it goes; false when it is shorter than announced. */
  addFile(member: TarMember, file: OpenFile): Promise<{ place: Place; whole: boolean }>;
  /** An archive of its own, for the list of entries; the next members go into it. */
  beginList(since: number): Promise<void>;
  finish(): Promise<void>;
  /** Removes the archives of this backup. */
  discard(): Promise<void>;
}

interface Part {
  readonly id: number;
  readonly writer: SealedWriter;
  /** A list is one archive, however long. */
  readonly isList: boolean;
  members: number;
  bytes: number;
}

/** Two buffers: one is filled while the other one is compressed. */
function createBuffers() {
  let filling = new Uint8Array(BUFFER);
  let other = new Uint8Array(BUFFER);
  let filled = 0;
  let underWay: Promise<void> = Promise.resolve();
  const flush = async (writer: SealedWriter) => {
    await underWay;
    if (filled === 0) return;
    underWay = writer.write(filling.subarray(0, filled));
    // its failure is that of the next flush
    underWay.catch(() => undefined);
    [filling, other] = [other, filling];
    filled = 0;
  };
  const append = async (writer: SealedWriter, bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; ) {
      const count = Math.min(BUFFER - filled, bytes.length - at);
      filling.set(bytes.subarray(at, at + count), filled);
      filled += count;
      at += count;
      if (filled === BUFFER) await flush(writer);
    }
  };
  return { append, flush, settle: () => underWay };
}

const ZEROS = new Uint8Array(64 * 1024);

export function createPacker(host: Host, options: PackerOptions): Packer {
  const { folder, sequence, recipients, index, partBytes } = options;
  const buffers = createBuffers();
  const names: string[] = [];
  let part: Part | null = null;
  // 0 is the list, which is written last
  let number = 0;

  const open = async (name: string, since: number | null): Promise<Part> => {
    names.push(name);
    const writer = await host.sealed.create(`${folder}/${name}`, recipients);
    const id = index.addArchive(name, sequence, since);
    part = { id, writer, isList: since !== null, members: 0, bytes: 0 };
    return part;
  };
  const close = async () => {
    if (part === null) return;
    const { id, writer } = part;
    await buffers.append(writer, TAR_END);
    await buffers.flush(writer);
    await buffers.settle();
    index.setArchive(id, await writer.finish());
    part = null;
  };
  const begin = async (member: TarMember): Promise<Part> => {
    const full = part !== null && part.bytes > 0 && part.bytes + member.size > partBytes;
    if (full && !part?.isList) await close();
    if (part === null) {
      number += 1;
      await open(archiveName(sequence, number), null);
    }
    const current = part as unknown as Part;
    await buffers.append(current.writer, tarHeader(member));
    current.bytes += member.size;
    return current;
  };
  const end = async (current: Part, member: TarMember): Promise<Place> => {
    await buffers.append(current.writer, ZEROS.subarray(0, tarPadding(member.size)));
    current.members += 1;
    return { archive: current.id, member: current.members - 1 };
  };
  const scratch = new Uint8Array(BUFFER);
  return {
    add: async (member, content) => {
      const current = await begin(member);
      await buffers.append(current.writer, content);
      return end(current, member);
    },
    addFile: async (member, file) => {
      const current = await begin(member);
      let left = member.size;
      let whole = true;
      while (left > 0) {
        const wanted = Math.min(left, scratch.length);
        const count = file.read(scratch.subarray(0, wanted));
        // the member has its announced size, whatever happens to the file
        if (count < wanted) scratch.fill(0, count, wanted);
        whole &&= count === wanted;
        await buffers.append(current.writer, scratch.subarray(0, wanted));
        left -= wanted;
      }
      return { place: await end(current, member), whole };
    },
    beginList: async (since) => {
      await close();
      await open(archiveName(sequence, 0), since);
    },
    finish: close,
    discard: async () => {
      await buffers.settle().catch(() => undefined);
      await part?.writer.discard();
      part = null;
      for (const name of names) await host.files.remove(`${folder}/${name}`);
    },
  };
}
